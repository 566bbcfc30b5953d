//! One random chain of versions: a producer that publishes and is reopened, a consumer that follows and is reopened, observers that follow by
//! choices of their own, and travellers that go to arbitrary versions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use hollowcast::consumer::{Consumer, Memory};
use hollowcast::environment::{Clock, Environment, SeededRandom};
use hollowcast::log::{LogEntry, Tail};
use hollowcast::producer::Producer;
use hollowcast::store::DatasetStore;
use object_store::ObjectStore;
use object_store::path::Path;

use super::choices::Choices;
use super::clock::StoppableClock;
use super::consumers::Rebases;
use super::content::{Content, KnownVersion, any_readable};
use super::holds::Targets;
use super::kind::Growth;
use super::observer::{Observer, Sight};
use super::tally::Tally;
use super::traveller::{Map, Traveller, Way};
use super::world::{SchemaForm, World};

/// Path of the dataset in its store.
pub(crate) const DATASET: &str = "model";
/// Steps of a chain, and how many more there may be.
const STEPS: (usize, usize) = (40, 8);

/// A dataset, everyone who works with it, and what they should see.
pub(crate) struct Chain {
    pub(crate) choices: Choices,
    pub(crate) world: World,
    pub(crate) versions: Vec<KnownVersion>,
    pub(crate) targets: Targets,
    /// Versions below were given up.
    pub(crate) floor: u64,
    /// Form of the producer's own schema.
    pub(crate) form: SchemaForm,
    /// Whether the newest version may get lost.
    pub(crate) may_lose: bool,
    pub(crate) tally: Tally,
    pub(crate) producer: Option<Producer>,
    pub(crate) consumer: Option<Consumer>,
    /// Whether there are consumers that look after every step.
    pub(crate) has_steady: bool,
    pub(crate) steady: [Option<Consumer>; 3],
    observers: [Observer; 2],
    travellers: [Traveller; 2],
    /// Where the producer has its bytes.
    pub(crate) memory: Memory,
    pub(crate) snapshot_every: u64,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rebases: Arc<Rebases>,
    pub(crate) dataset: DatasetStore,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) folder: tempfile::TempDir,
}

impl Chain {
    /// The chain of `seed`, on a local folder or in memory, before its first step.
    pub(crate) async fn new(seed: u64, on_disk: bool) -> Self {
        let mut choices = Choices::new(seed);
        let world = World::random(&mut choices);
        let clock: Arc<dyn Clock> = Arc::new(StoppableClock::begin(SystemTime::now()));
        let folder = temporary_folder();
        let store = match on_disk {
            true => hollowcast::store::local(folder.path().join("store"), &environment(&clock, &mut choices)),
            false => Ok(hollowcast::store::memory()),
        };
        let store = store.expect("a new folder can hold a store");
        let dataset =
            DatasetStore::new(Arc::clone(&store), Path::from(DATASET), environment(&clock, &mut choices));
        let host = Memory::Mapped(Some(folder.path().join("host")));
        let travels = Memory::Mapped(Some(folder.path().join("travels")));
        let mut chain = Self {
            world,
            versions: Vec::new(),
            targets: Targets::default(),
            floor: 0,
            form: SchemaForm { edition: 0, growth: Growth::NONE },
            may_lose: choices.chance(44),
            tally: Tally::default(),
            producer: None,
            consumer: None,
            has_steady: choices.chance(25),
            steady: [None, None, None],
            observers: [Observer::new("on the heap", Memory::Heap), Observer::new("mapped", host)],
            travellers: [
                Traveller::new("on the heap", &dataset, &Memory::Heap),
                Traveller::new("mapped", &dataset, &travels),
            ],
            memory: Memory::Heap,
            snapshot_every: *choices.pick(&[2, 5, 9, 100]),
            clock,
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
        self.producer.take().expect("a producer is open between steps").stop().await;
        self.visit_every_version().await;
        self.check_snapshots().await;
        self.check_store().await;
        for _ in 0..self.rebases.0.load(Ordering::Relaxed) {
            self.tally.count("rebased");
        }
        self.tally
    }

    async fn step(&mut self) {
        match self.choices.below(128) {
            0..24 => self.full_cycle().await,
            24..56 => self.incremental_cycle().await,
            56..66 => self.roll_back().await,
            66..70 => self.refused_cycle().await,
            70..77 => self.reopen_producer().await,
            77..82 => self.reopen_consumer().await,
            82..95 => self.operate().await,
            95..104 => self.retain().await,
            104..109 => self.travel().await,
            109..115 => self.build_snapshot().await,
            115..123 => self.lose_newest().await,
            _ => self.hand_over().await,
        }
        self.keep_up().await;
        if self.choices.chance(70) {
            self.follow().await;
        }
        if self.choices.chance(50) {
            self.observe().await;
        }
    }

    /// The newest content, as far as the producer's own schema goes on from it.
    pub(crate) fn content(&self) -> Content {
        self.ground(self.form)
    }

    /// Number of the newest version.
    pub(crate) fn newest(&self) -> u64 {
        self.versions.len() as u64
    }

    /// Place of some version that is kept and can be read.
    pub(crate) fn any_kept(&mut self) -> Option<usize> {
        any_readable(&self.versions, self.oldest(), &mut self.choices)
    }

    /// Place of the oldest version that is kept.
    pub(crate) fn oldest(&self) -> usize {
        self.floor.saturating_sub(1) as usize
    }

    /// Lets the observers look.
    async fn observe(&mut self) {
        if self.targets.lowest().is_none() {
            return;
        }
        let sight = Sight {
            store: &self.store,
            clock: &self.clock,
            world: &self.world,
            versions: &self.versions,
            targets: &self.targets,
            oldest: self.oldest(),
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
        let readable = |place: &usize| self.versions[*place].is_readable;
        for place in (oldest..=newest).filter(readable) {
            jumping.go(&map, place, Way::Snapshot, &mut self.tally).await;
        }
        for place in (oldest..=newest).chain((oldest..newest).rev()).filter(readable) {
            stepping.go(&map, place, Way::Steps, &mut self.tally).await;
        }
    }

    /// The tail of the log.
    pub(crate) async fn entry(&self) -> LogEntry {
        let mut tail = Tail::new(self.dataset.clone());
        tail.find().await.expect("the log can be read").expect("there is a log").entry.clone()
    }

    pub(crate) fn any_memory(&mut self) -> Memory {
        if self.choices.chance(50) { Memory::Heap } else { self.host() }
    }

    /// The state directory that producers and consumers of the host share.
    pub(crate) fn host(&self) -> Memory {
        Memory::Mapped(Some(self.folder.path().join("host")))
    }
}

/// A folder in memory where the system has one: chains make and delete many small files, and it is not the disk that is tested.
fn temporary_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a folder for temporary files")
}

/// The chain's clock, and randomness that follows from its seed.
pub(crate) fn environment(clock: &Arc<dyn Clock>, choices: &mut Choices) -> Environment {
    let random = Arc::new(SeededRandom::new(choices.number()));
    Environment { clock: Arc::clone(clock), random }
}
