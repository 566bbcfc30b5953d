//! A dataset whose keys may collide, and who works with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hollowcast::Result;
use hollowcast::consumer::{Consumer, Memory, RefreshRoute, Wait};
use hollowcast::environment::{Environment, Random, SeededRandom, SystemClock};
use hollowcast::producer::{Dataset, Outcome, Producer, Publication};
use hollowcast::state::State;
use object_store::ObjectStore;

use super::keys::{add_all, colliding, delete, key_bytes, schema, upsert};

/// Seed of the randomness of every test here.
const RANDOM: u64 = 20_261;

/// Randomness that says what it will draw next.
pub(crate) struct Foreseen {
    random: SeededRandom,
    drawn: AtomicU64,
}

impl Random for Foreseen {
    fn next_u64(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst);
        self.random.next_u64()
    }
}

impl Foreseen {
    /// The `count` numbers that come next.
    pub(crate) fn next(&self, count: usize) -> Vec<u64> {
        let replay = SeededRandom::new(RANDOM);
        let numbers = std::iter::repeat_with(|| replay.next_u64());
        numbers.skip(self.drawn.load(Ordering::SeqCst) as usize).take(count).collect()
    }
}

/// A dataset, its producer, consumers of both memory modes, and what they should see.
pub(crate) struct Setting {
    pub(crate) producer: Producer,
    pub(crate) random: Arc<Foreseen>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) expected: BTreeMap<Vec<u8>, u64>,
    /// Keys that were told apart from others of the same hash at some time.
    pub(crate) asked: Vec<Vec<u8>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let store = hollowcast::store::memory();
        let random = Arc::new(Foreseen { random: SeededRandom::new(RANDOM), drawn: AtomicU64::new(0) });
        let environment =
            Environment { clock: Arc::new(SystemClock::default()), random: Arc::clone(&random) as _ };
        let producer = Producer::builder(Dataset::dynamic("items", schema()), Arc::clone(&store));
        let producer = producer.memory(Memory::Heap).environment(environment).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (expected, consumers, asked) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { producer, random, store, consumers, expected, asked, folder }
    }

    /// A key of the group 7 whose hash is that of every other one of the group under the dataset's first seed.
    pub(crate) fn twin(&self, member: u64) -> Vec<u8> {
        colliding(self.producer.state().seed(), 7, member)
    }

    /// Publishes a first version of `keys` and a thousand others, and lets consumers begin with it.
    pub(crate) async fn begin(&mut self, keys: &[&[u8]]) -> Publication {
        self.expected = (0..1000u64).map(|id| (id.to_le_bytes().to_vec(), id)).collect();
        self.expected.extend(keys.iter().map(|key| (key.to_vec(), 1)));
        let outcome = self.producer.cycle(|writer| add_all(writer, &self.expected));
        let publication = published(outcome.await);
        for memory in [Memory::Heap, Memory::Mapped(Some(self.folder.path().to_owned()))] {
            let consumer = Consumer::builder("items", Arc::clone(&self.store)).memory(memory);
            self.consumers.push(consumer.wait(Wait::Never).start().await.unwrap());
        }
        self.check();
        publication
    }

    /// Publishes what is expected, after `before`, as a whole or by its changes.
    pub(crate) async fn publish_after(
        &mut self,
        before: &BTreeMap<Vec<u8>, u64>,
        as_a_whole: bool,
    ) -> Publication {
        let after = &self.expected;
        if as_a_whole {
            return published(self.producer.cycle(|writer| add_all(writer, after)).await);
        }
        let outcome = self.producer.incremental(|writer| {
            let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
            changed.into_iter().try_for_each(|(key, value)| upsert(writer, key, *value))?;
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            gone.into_iter().try_for_each(|key| delete(writer, key))
        });
        published(outcome.await)
    }

    /// Lets the consumers follow, by this route, and compares all they see.
    pub(crate) async fn follow(&mut self, route: &'static str) {
        for consumer in &self.consumers {
            let refresh = consumer.refresh().await.unwrap();
            assert_eq!(refresh.route.map(RefreshRoute::name), Some(route));
            assert!(refresh.refused.is_empty(), "{:?}", refresh.refused);
        }
        self.check();
    }

    pub(crate) fn check(&self) {
        check(self.producer.state(), &self.expected, &self.asked);
        for consumer in &self.consumers {
            check(&consumer.state(), &self.expected, &self.asked);
        }
    }
}

/// Compares a state with the map by scan and by lookup, of these keys as well.
pub(crate) fn check(state: &State, expected: &BTreeMap<Vec<u8>, u64>, asked: &[Vec<u8>]) {
    let table = state.table("Item").unwrap();
    let scanned: Vec<_> = table.rows().map(|row| row.reader()).collect();
    assert_eq!(scanned.len(), expected.len());
    let scanned: BTreeMap<_, _> =
        scanned.iter().map(|row| (row.data(0).unwrap().unwrap().to_vec(), row.u64(0))).collect();
    assert_eq!(scanned, *expected);
    for key in expected.keys().chain(asked) {
        let found = table.get_bytes(&key_bytes(key)).map(|row| row.reader().u64(0));
        assert_eq!(found, expected.get(key).copied(), "{key:02x?}");
    }
}

pub(crate) fn published(outcome: Result<Outcome>) -> Publication {
    match outcome.unwrap() {
        Outcome::Published(publication) => *publication,
        Outcome::Unchanged(version) => panic!("version {version} is not left"),
    }
}

/// Whether the version is a break of layout: a snapshot and neither delta nor reverse delta.
pub(crate) fn is_break(publication: &Publication) -> bool {
    let bytes = &publication.bytes;
    (bytes.snapshot.is_some(), bytes.delta.is_some(), bytes.reverse.is_some()) == (true, false, false)
}
