//! The consumer of a chain: it follows the log's target, is ended, and starts warm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::consumer::{
    Consumer, ConsumerBuilder, Memory, RebaseThresholds, Rebased, Refresh, RefreshListener, RefreshRoute,
    Wait,
};
use hollowcast::state::State;
use object_store::ObjectStore;

use super::breaks::is_cut;
use super::chain::{Chain, DATASET, environment};
use super::choices::Choices;
use super::content::KnownVersion;

impl Chain {
    /// Lets the consumer go to its target.
    pub(crate) async fn follow(&mut self) {
        if self.targets.everyone.place.is_none() {
            return self.find_nothing().await;
        }
        if self.consumer.is_none() {
            let memory = self.any_memory();
            self.consumer = Some(self.open_consumer(memory, Arc::clone(&self.store)).await);
        }
        let consumer = self.consumer.as_ref().expect("it was opened");
        let refresh = consumer.refresh().await.expect("a consumer refreshes");
        // Lets a rebase begin, or be shown, before, between or after what follows.
        for _ in 0..self.choices.below(3) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        assert_eq!((refresh.to.0, refresh.refused.len()), (self.target().number, 0));
        self.check_target(&consumer.state(), "following");
        let [from, to] = [refresh.from, refresh.to].map(|version| version.0 as usize);
        if from > 0 && is_cut(&self.versions, from - 1, to - 1) {
            let is_possible = matches!(refresh.route, Some(RefreshRoute::Snapshot | RefreshRoute::Kept));
            assert!(is_possible, "{refresh:?}");
            self.tally.count("refreshed over a break");
        }
        self.tally.count(if refresh.to < refresh.from { "refreshed back" } else { "refreshed" });
    }

    /// Lets those go along that miss no version: one mapped, one on the heap, and one that restarts at random on a state directory of its own.
    pub(crate) async fn keep_up(&mut self) {
        if !self.has_steady || self.targets.everyone.place.is_none() {
            return;
        }
        let mapped = |folder: &str| Memory::Mapped(Some(self.folder.path().join(folder)));
        let kinds = [
            ("mapped", mapped("steady"), 0),
            ("on the heap", Memory::Heap, 0),
            ("restarting", mapped("restarting"), 25),
        ];
        for (number, (name, memory, restarts)) in kinds.into_iter().enumerate() {
            let ends = self.choices.chance(restarts);
            let consumer = match self.steady[number].take().filter(|_| !ends) {
                Some(consumer) => {
                    consumer.refresh().await.expect("a consumer refreshes");
                    consumer
                }
                None => self.open_consumer(memory, Arc::clone(&self.store)).await,
            };
            self.check_target(&consumer.state(), &format!("keeping up, {name}"));
            self.steady[number] = Some(consumer);
        }
        self.tally.count("agreed");
    }

    /// Nothing is published, or held back from the first version on.
    async fn find_nothing(&mut self) {
        let store = Arc::clone(&self.store);
        let started = self.consumer_builder(Memory::Heap, store).start().await;
        assert!(started.is_err_and(|error| error.kind() == ErrorKind::NotFound));
        self.tally.count("found nothing");
    }

    /// Ends the consumer and starts one on the host's state directory, at times once more without a store to start from.
    pub(crate) async fn reopen_consumer(&mut self) {
        if self.consumer.take().is_none() {
            return;
        }
        let consumer = self.open_consumer(self.host(), Arc::clone(&self.store)).await;
        self.check_target(&consumer.state(), "starting warm");
        self.tally.count("started warm");
        // An empty memory store looks like the chain's, so the host knows the dataset there, and finds nothing of it.
        let is_in_memory = self.store.to_string() == hollowcast::store::memory().to_string();
        if is_in_memory && self.choices.chance(50) {
            let offline = self.open_consumer(self.host(), hollowcast::store::memory()).await;
            self.check_target(&offline.state(), "starting without a store");
            self.tally.count("started without a store");
        }
        self.consumer = Some(consumer);
    }

    fn check_target(&self, state: &State, route: &str) {
        self.world.check(state, self.target(), route);
    }

    async fn open_consumer(&mut self, memory: Memory, store: Arc<dyn ObjectStore>) -> Consumer {
        self.consumer_builder(memory, store).start().await.expect("a consumer starts")
    }

    fn consumer_builder(&mut self, memory: Memory, store: Arc<dyn ObjectStore>) -> ConsumerBuilder {
        Consumer::builder(DATASET, store)
            .environment(environment(&self.clock, &mut self.choices))
            .memory(memory)
            .rebase(any_thresholds(&mut self.choices))
            .listener(Arc::clone(&self.rebases) as _)
            .wait(Wait::Never)
    }

    /// The version where consumers shall be.
    fn target(&self) -> &KnownVersion {
        &self.versions[self.targets.everyone.place.expect("consumers have somewhere to go")]
    }
}

/// Lets a consumer rebase at the least change, or now and then, or hardly ever.
pub(crate) fn any_thresholds(choices: &mut Choices) -> RebaseThresholds {
    let small = RebaseThresholds { base_share: 2, base_records: 1, sections: 2, steps: 3, files: 1 };
    let bases = RebaseThresholds { base_share: u64::MAX, base_records: 0, sections: 2, steps: 2, files: 1 };
    *choices.pick(&[small, bases, RebaseThresholds::default()])
}

/// Counts rebases, none of which fails.
#[derive(Default)]
pub(crate) struct Rebases(pub(crate) AtomicU64);

impl RefreshListener for Rebases {
    fn refreshed(&self, _: &Refresh) {}

    fn failed(&self, _: &hollowcast::Error) {}

    fn rebased(&self, _: &Rebased) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn rebase_failed(&self, error: &hollowcast::Error) {
        panic!("a rebase failed: {error}");
    }
}
