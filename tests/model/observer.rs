//! A consumer with choices of its own: where its bytes lie, which types it loads, how many states it keeps, and where it pins itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use hollowcast::ErrorKind;
use hollowcast::consumer::{Consumer, Memory, Refresh, RefreshRoute, Wait};
use hollowcast::environment::Clock;
use hollowcast::identifiers::Version;
use object_store::ObjectStore;

use super::chain::{DATASET, environment};
use super::choices::Choices;
use super::consumers::any_thresholds;
use super::content::{KnownVersion, any_readable};
use super::holds::{CANARY, Targets};
use super::tally::Tally;
use super::world::World;

/// Follows the log, or itself, and restarts now and then with other choices.
pub(crate) struct Observer {
    name: &'static str,
    memory: Memory,
    consumer: Option<Consumer>,
    /// Names of the types it loads; `None` for all.
    types: Option<BTreeSet<String>>,
    ring: &'static str,
    /// Place of the version that it pinned itself to.
    pinned: Option<usize>,
}

/// What there is to see.
pub(crate) struct Sight<'s> {
    pub(crate) store: &'s Arc<dyn ObjectStore>,
    pub(crate) clock: &'s Arc<dyn Clock>,
    pub(crate) world: &'s World,
    pub(crate) versions: &'s [KnownVersion],
    /// The log's targets, all of which there are.
    pub(crate) targets: &'s Targets,
    /// Place of the oldest version that is kept.
    pub(crate) oldest: usize,
}

impl Observer {
    /// An observer in this memory mode, which messages call `name`.
    pub(crate) fn new(name: &'static str, memory: Memory) -> Self {
        Self { name, memory, consumer: None, types: None, ring: "", pinned: None }
    }

    /// Looks, or pins itself, or restarts, and compares all that it has.
    pub(crate) async fn turn(&mut self, sight: &Sight<'_>, choices: &mut Choices, tally: &mut Tally) {
        let consumer = match self.consumer.take() {
            Some(consumer) if !choices.chance(8) => consumer,
            _ => self.start(sight, choices, tally).await,
        };
        let refresh = match choices.below(10) {
            0..3 => self.pin(&consumer, sight, choices, tally).await,
            3..5 => {
                self.pinned = None;
                consumer.unpin().await.expect("a consumer is released")
            }
            5 => self.pin_nowhere(&consumer, sight, tally).await,
            _ => consumer.refresh().await.expect("a consumer refreshes"),
        };
        assert!(refresh.refused.is_empty(), "{}: {:?}", self.name, refresh.refused);
        assert_eq!(refresh.pinned, self.pinned.map(|place| Version(sight.versions[place].number)));
        assert_eq!(consumer.pinned(), refresh.pinned);
        if refresh.route == Some(RefreshRoute::Kept) {
            assert_eq!((refresh.fetched_bytes, refresh.blobs), (0, 0));
            tally.count("went to a kept state");
        }
        self.check(&consumer, sight, "observing");
        self.consumer = Some(consumer);
    }

    /// Starts with other choices; a pin of its own ends.
    async fn start(&mut self, sight: &Sight<'_>, choices: &mut Choices, tally: &mut Tally) -> Consumer {
        let form = sight.versions[sight.versions.len() - 1].form;
        let types = sight.world.edition(form).shape.types.iter();
        let known = types.filter(|record_type| record_type.since <= form.growth);
        self.ring = if choices.chance(30) { CANARY } else { "" };
        self.types = choices.chance(60).then(|| {
            known.filter(|_| choices.chance(60)).map(|record_type| record_type.name.clone()).collect()
        });
        let builder = Consumer::builder(DATASET, Arc::clone(sight.store))
            .environment(environment(sight.clock, choices))
            .memory(self.memory.clone())
            .ring(self.ring)
            .kept_states(choices.below(5))
            .rebase(any_thresholds(choices))
            .wait(Wait::Never);
        let builder = match &self.types {
            Some(types) => builder.types(types),
            None => builder,
        };
        self.pinned = choices.chance(15).then(|| any_kept(sight, choices));
        let builder = match self.pinned {
            Some(place) => builder.pinned(Version(sight.versions[place].number)),
            None => builder,
        };
        let consumer = builder.start().await.unwrap_or_else(|error| panic!("{} starts: {error}", self.name));
        self.check(&consumer, sight, "starting");
        tally.count(if self.types.is_some() { "filtered" } else { "unfiltered" });
        consumer
    }

    async fn pin(
        &mut self,
        consumer: &Consumer,
        sight: &Sight<'_>,
        choices: &mut Choices,
        tally: &mut Tally,
    ) -> Refresh {
        let place = any_kept(sight, choices);
        self.pinned = Some(place);
        tally.count("pinned itself");
        let pinned = consumer.pin(Version(sight.versions[place].number)).await;
        pinned.unwrap_or_else(|error| panic!("{} to {place}: {error}", self.name))
    }

    /// Asks for versions that there are not, or no more.
    async fn pin_nowhere(&self, consumer: &Consumer, sight: &Sight<'_>, tally: &mut Tally) -> Refresh {
        let newest = sight.versions[sight.versions.len() - 1].number;
        let own = self.pinned.map(|place| sight.versions[place].number);
        for version in [newest + 1, sight.oldest as u64] {
            // Where it is pinned already it stays, though it could not go there any more.
            if own == Some(version) {
                continue;
            }
            let error = consumer.pin(Version(version)).await.expect_err("there is no such version");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        tally.count("pinned nowhere");
        consumer.refresh().await.expect("a consumer refreshes")
    }

    fn check(&self, consumer: &Consumer, sight: &Sight<'_>, when: &str) {
        let target = sight.targets.of(self.ring).place.expect("consumers have somewhere to go");
        let expected = &sight.versions[self.pinned.unwrap_or(target)];
        let place = format!("{when}, {}, ring {:?}, of {:?}", self.name, self.ring, self.types);
        sight.world.check_types(&consumer.state(), expected, &place, self.types.as_ref());
    }
}

fn any_kept(sight: &Sight<'_>, choices: &mut Choices) -> usize {
    any_readable(sight.versions, sight.oldest, choices).expect("the newest can be read")
}
