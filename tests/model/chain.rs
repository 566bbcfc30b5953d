//! One random chain of versions: a producer that publishes and is reopened, a consumer that follows and is reopened, observers that follow by
//! choices of their own, and travellers that go to arbitrary versions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hollowcast::consumer::{Consumer, Memory, RebaseThresholds, Rebased, Refresh, RefreshListener, Wait};
use hollowcast::environment::{Environment, SeededRandom, SystemClock};
use hollowcast::identifiers::Version;
use hollowcast::log::politeness::Manners;
use hollowcast::log::{LogEntry, Tail};
use hollowcast::operator::Operator;
use hollowcast::producer::{Dataset, Producer};
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::state::State;
use hollowcast::store::DatasetStore;
use object_store::ObjectStore;
use object_store::path::Path;

use super::choices::Choices;
use super::content::{Content, KnownVersion, World};
use super::kind::Growth;
use super::observer::{Observer, Sight};
use super::shape::DatasetShape;
use super::tally::Tally;
use super::traveller::{Map, Traveller, Way};

/// Path of the dataset in its store.
pub(crate) const DATASET: &str = "model";
/// Steps of a chain, and how many more there may be.
const STEPS: (usize, usize) = (40, 8);

/// A dataset, everyone who works with it, and what they should see.
pub(crate) struct Chain {
    pub(crate) choices: Choices,
    pub(crate) world: World,
    pub(crate) versions: Vec<KnownVersion>,
    /// Place of the version at which consumers are pinned.
    pinned: Option<usize>,
    /// Versions below were given up.
    floor: u64,
    /// Growth of the producer's own schema.
    pub(crate) growth: Growth,
    pub(crate) tally: Tally,
    producer: Option<Producer>,
    consumer: Option<Consumer>,
    observers: [Observer; 2],
    travellers: [Traveller; 2],
    memory: Memory,
    snapshot_every: u64,
    rebases: Arc<Rebases>,
    dataset: DatasetStore,
    store: Arc<dyn ObjectStore>,
    folder: tempfile::TempDir,
}

impl Chain {
    /// The chain of `seed`, on a local folder or in memory, before its first step.
    pub(crate) async fn new(seed: u64, on_disk: bool) -> Self {
        let mut choices = Choices::new(seed);
        let world = World::new(DatasetShape::random(&mut choices));
        let folder = temporary_folder();
        let store = match on_disk {
            true => hollowcast::store::local(folder.path().join("store"), &environment(&mut choices)),
            false => Ok(hollowcast::store::memory()),
        };
        let store = store.expect("a new folder can hold a store");
        let dataset = DatasetStore::new(Arc::clone(&store), Path::from(DATASET), environment(&mut choices));
        let host = Memory::Mapped(Some(folder.path().join("host")));
        let travels = Memory::Mapped(Some(folder.path().join("travels")));
        let mut chain = Self {
            world,
            versions: Vec::new(),
            pinned: None,
            floor: 0,
            growth: Growth::NONE,
            tally: Tally::default(),
            producer: None,
            consumer: None,
            observers: [Observer::new("on the heap", Memory::Heap), Observer::new("mapped", host)],
            travellers: [
                Traveller::new("on the heap", &dataset, &Memory::Heap),
                Traveller::new("mapped", &dataset, &travels),
            ],
            memory: Memory::Heap,
            snapshot_every: *choices.pick(&[2, 5, 9, 100]),
            rebases: Arc::default(),
            dataset,
            store,
            folder,
            choices,
        };
        chain.memory = chain.any_memory();
        chain.open_producer().await;
        chain
    }

    /// All steps, and then every version by every kind of route.
    pub(crate) async fn run(mut self) -> Tally {
        let steps = STEPS.0 + self.choices.below(STEPS.1);
        for _ in 0..steps {
            self.step().await;
        }
        self.visit_every_version().await;
        for _ in 0..self.rebases.0.load(Ordering::Relaxed) {
            self.tally.count("rebased");
        }
        self.tally
    }

    async fn step(&mut self) {
        match self.choices.below(100) {
            0..27 => self.full_cycle().await,
            27..62 => self.incremental_cycle().await,
            62..66 => self.roll_back().await,
            66..71 => self.refused_cycle().await,
            71..78 => self.reopen_producer().await,
            78..84 => self.reopen_consumer().await,
            84..90 => self.operate().await,
            90..94 => self.retain().await,
            _ => self.travel().await,
        }
        if self.choices.chance(70) {
            self.follow().await;
        }
        if self.choices.chance(50) {
            self.observe().await;
        }
    }

    /// The producer.
    pub(crate) fn producer(&mut self) -> &mut Producer {
        self.producer.as_mut().expect("a producer is open between steps")
    }

    /// The newest content.
    pub(crate) fn content(&self) -> Content {
        let empty = || Content(vec![BTreeMap::new(); self.world.shape.types.len()]);
        self.versions.last().map_or_else(empty, |version| version.content.clone())
    }

    /// Number of the newest version.
    pub(crate) fn newest(&self) -> u64 {
        self.versions.len() as u64
    }

    /// Compares the producer's own state with the newest version.
    pub(crate) fn check_producer(&self, when: &str) {
        let producer = self.producer.as_ref().expect("a producer is open between steps");
        match self.versions.last() {
            Some(newest) => self.world.check(producer.state(), newest, when),
            None => assert!(producer.version().is_none() && producer.state().is_empty(), "{when}"),
        }
    }

    /// Ends the producer, in one way or another, and starts one whose schema may have gained fields, or may lack some.
    async fn reopen_producer(&mut self) {
        let producer = self.producer.take().expect("a producer is open between steps");
        match self.choices.chance(50) {
            true => producer.stop().await,
            false => drop(producer),
        }
        self.growth = match self.choices.below(10) {
            0..4 => Growth((self.growth.0 + 1).min(Growth::FULL.0)),
            4 => Growth(self.choices.below(usize::from(self.growth.0) + 1) as u8),
            _ => self.growth,
        };
        if self.choices.chance(30) {
            self.memory = self.any_memory();
        }
        self.open_producer().await;
        self.check_producer("restoring");
        self.tally.count("restored");
    }

    async fn open_producer(&mut self) {
        let schema = self.world.drafter(self.growth).schema().clone();
        let producer = Producer::builder(Dataset::dynamic(DATASET, schema), Arc::clone(&self.store))
            .environment(environment(&mut self.choices))
            .memory(self.memory.clone())
            .spool_folder(self.folder.path())
            .manners(Manners::TakeOver)
            .snapshot_every(self.snapshot_every);
        self.producer = Some(producer.start().await.expect("a producer starts"));
    }

    /// Pins the consumers somewhere, or releases them.
    async fn operate(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        let mut operator = Operator::new(self.dataset.clone(), "operator", Vec::new());
        if self.pinned.is_some() && self.choices.chance(60) {
            assert!(operator.unpin("").await.expect("a ring is released").is_new);
            self.pinned = None;
            return self.tally.count("released");
        }
        let place = self.any_kept();
        let version = Version(self.versions[place].number);
        let decided = operator.pin("", version, "because").await.expect("a version is pinned");
        assert_eq!(decided.is_new, self.pinned != Some(place));
        self.pinned = Some(place);
        self.tally.count("pinned");
    }

    /// Gives versions up: at most those before the target and the snapshot before it.
    async fn retain(&mut self) {
        let versions = 1 + self.choices.below(6) as u64;
        let policy = RetentionPolicy { versions, max_age: Duration::ZERO };
        let mut retention = Retention::new(self.dataset.clone(), "retention", policy);
        let retained = retention.run(&()).await.expect("retention runs");
        if self.versions.is_empty() {
            return assert_eq!(retained.objects, []);
        }
        let allowed = self.target().number.saturating_sub(versions - 1).max(self.floor);
        assert!((self.floor..=allowed).contains(&retained.floor.0), "{retained:?}, allowed to {allowed}");
        self.tally.count(if retained.floor.0 > self.floor { "floor raised" } else { "floor kept" });
        self.floor = retained.floor.0;
    }

    /// Place of some version that is kept.
    pub(crate) fn any_kept(&mut self) -> usize {
        let oldest = self.floor.saturating_sub(1) as usize;
        oldest + self.choices.below(self.versions.len() - oldest)
    }

    /// Where consumers shall be.
    fn target(&self) -> &KnownVersion {
        let place = self.pinned.unwrap_or(self.versions.len() - 1);
        self.versions.get(place).expect("a version was published")
    }

    /// Lets the consumer go to its target.
    async fn follow(&mut self) {
        if self.versions.is_empty() {
            return;
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
        self.tally.count(if refresh.to < refresh.from { "refreshed back" } else { "refreshed" });
    }

    /// Ends the consumer and starts one on the host's state directory, at times once more without a store to start from.
    async fn reopen_consumer(&mut self) {
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
        let consumer = Consumer::builder(DATASET, store)
            .environment(environment(&mut self.choices))
            .memory(memory)
            .rebase(any_thresholds(&mut self.choices))
            .listener(Arc::clone(&self.rebases) as _)
            .wait(Wait::Never);
        consumer.start().await.expect("a consumer starts")
    }

    /// Lets the observers look.
    async fn observe(&mut self) {
        let Some(newest) = self.versions.len().checked_sub(1) else { return };
        let sight = Sight {
            store: &self.store,
            world: &self.world,
            versions: &self.versions,
            target: self.pinned.unwrap_or(newest),
            oldest: self.floor.saturating_sub(1) as usize,
        };
        for observer in &mut self.observers {
            observer.turn(&sight, &mut self.choices, &mut self.tally).await;
        }
    }

    /// Lets a traveller go somewhere.
    async fn travel(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        let entry = self.entry().await;
        let map = Map { entry: &entry, versions: &self.versions, world: &self.world };
        for traveller in &mut self.travellers {
            traveller.wander(&map, &mut self.choices, &mut self.tally).await;
        }
    }

    /// One traveller goes to every version by snapshot, another up to the newest by deltas and down to the first by reverse deltas.
    async fn visit_every_version(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        self.choices.shuffle(&mut self.travellers);
        let entry = self.entry().await;
        let map = Map { entry: &entry, versions: &self.versions, world: &self.world };
        let newest = self.versions.len() - 1;
        let [jumping, stepping] = &mut self.travellers;
        let oldest = map.oldest();
        for place in oldest..=newest {
            jumping.go(&map, place, Way::Snapshot, &mut self.tally).await;
        }
        stepping.go(&map, oldest, Way::Any, &mut self.tally).await;
        for place in (oldest + 1..=newest).chain((oldest..newest).rev()) {
            stepping.go(&map, place, Way::Steps, &mut self.tally).await;
        }
    }

    /// The tail of the log.
    async fn entry(&self) -> LogEntry {
        let mut tail = Tail::new(self.dataset.clone());
        tail.find().await.expect("the log can be read").expect("there is a log").entry.clone()
    }

    fn any_memory(&mut self) -> Memory {
        if self.choices.chance(50) { Memory::Heap } else { self.host() }
    }

    /// The state directory that producers and consumers of the host share.
    fn host(&self) -> Memory {
        Memory::Mapped(Some(self.folder.path().join("host")))
    }
}

/// Lets a consumer rebase at the least change, or now and then, or hardly ever.
pub(crate) fn any_thresholds(choices: &mut Choices) -> RebaseThresholds {
    let small = RebaseThresholds { base_share: 2, base_records: 1, sections: 2, steps: 3 };
    let bases = RebaseThresholds { base_share: u64::MAX, base_records: 0, sections: 2, steps: 2 };
    *choices.pick(&[small, bases, RebaseThresholds::default()])
}

/// Counts rebases, none of which fails.
#[derive(Default)]
struct Rebases(AtomicU64);

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

/// A folder in memory where the system has one: chains make and delete many small files, and it is not the disk that is tested.
fn temporary_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a folder for temporary files")
}

/// The machine's clock, which nothing depends on, and randomness that follows from the chain's seed.
pub(crate) fn environment(choices: &mut Choices) -> Environment {
    let random = Arc::new(SeededRandom::new(choices.number()));
    Environment { clock: Arc::new(SystemClock::default()), random }
}
