//! One random chain of versions: a producer that publishes and is reopened, a consumer that follows and is reopened, observers that follow by
//! choices of their own, and travellers that go to arbitrary versions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hollowcast::ErrorKind;
use hollowcast::cache::SegmentStore;
use hollowcast::consumer::{
    Consumer, ConsumerBuilder, Memory, RebaseThresholds, Rebased, Refresh, RefreshListener, RefreshRoute,
    Wait,
};
use hollowcast::environment::{Clock, Environment, SeededRandom};
use hollowcast::log::{LogEntry, Tail};
use hollowcast::producer::Producer;
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::state::State;
use hollowcast::store::DatasetStore;
use hollowcast::tools::verify;
use object_store::ObjectStore;
use object_store::path::Path;

use super::breaks::is_cut;
use super::choices::Choices;
use super::clock::StoppableClock;
use super::content::{Content, KnownVersion, any_readable};
use super::holds::Target;
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
    pub(crate) target: Target,
    /// Versions below were given up.
    floor: u64,
    /// Form of the producer's own schema.
    pub(crate) form: SchemaForm,
    /// Whether the newest version may get lost.
    pub(crate) may_lose: bool,
    pub(crate) tally: Tally,
    pub(crate) producer: Option<Producer>,
    consumer: Option<Consumer>,
    observers: [Observer; 2],
    travellers: [Traveller; 2],
    /// Where the producer has its bytes.
    pub(crate) memory: Memory,
    pub(crate) snapshot_every: u64,
    pub(crate) clock: Arc<dyn Clock>,
    rebases: Arc<Rebases>,
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
            target: Target::default(),
            floor: 0,
            form: SchemaForm { edition: 0, growth: Growth::NONE },
            may_lose: choices.chance(30),
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
        match self.choices.below(118) {
            0..24 => self.full_cycle().await,
            24..56 => self.incremental_cycle().await,
            56..64 => self.roll_back().await,
            64..68 => self.refused_cycle().await,
            68..76 => self.reopen_producer().await,
            76..82 => self.reopen_consumer().await,
            82..92 => self.operate().await,
            92..97 => self.retain().await,
            97..102 => self.travel().await,
            102..107 => self.build_snapshot().await,
            107..113 => self.lose_newest().await,
            _ => self.hand_over().await,
        }
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
    fn oldest(&self) -> usize {
        self.floor.saturating_sub(1) as usize
    }

    /// The version where consumers shall be.
    fn target(&self) -> &KnownVersion {
        &self.versions[self.target.place.expect("consumers have somewhere to go")]
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
        let target = self.target.place.map_or(0, |place| self.versions[place].number);
        let allowed = target.saturating_sub(versions - 1).max(self.floor);
        assert!((self.floor..=allowed).contains(&retained.floor.0), "{retained:?}, allowed to {allowed}");
        self.tally.count(if retained.floor.0 > self.floor { "floor raised" } else { "floor kept" });
        self.floor = retained.floor.0;
    }

    /// Lets the consumer go to its target.
    async fn follow(&mut self) {
        if self.target.place.is_none() {
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
        if refresh.from.0 > 0
            && is_cut(&self.versions, refresh.from.0 as usize - 1, refresh.to.0 as usize - 1)
        {
            assert!(
                matches!(refresh.route, Some(RefreshRoute::Snapshot | RefreshRoute::Kept)),
                "{refresh:?}"
            );
            self.tally.count("refreshed over a break");
        }
        self.tally.count(if refresh.to < refresh.from { "refreshed back" } else { "refreshed" });
    }

    /// Nothing is published, or held back from the first version on.
    async fn find_nothing(&mut self) {
        let store = Arc::clone(&self.store);
        let started = self.consumer_builder(Memory::Heap, store).start().await;
        assert!(started.is_err_and(|error| error.kind() == ErrorKind::NotFound));
        self.tally.count("found nothing");
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

    /// Lets the observers look.
    async fn observe(&mut self) {
        let Some(target) = self.target.place else { return };
        let sight = Sight {
            store: &self.store,
            clock: &self.clock,
            world: &self.world,
            versions: &self.versions,
            target,
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

    /// Fetches and checks all that the log reaches: it holds together, unless a version that was lost is still kept.
    async fn check_store(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        let replica = Replica::new(self.dataset.clone(), SegmentStore::heap(), TransferOptions::default());
        let silent: Arc<dyn Progress> = Arc::new(());
        let verified = verify(&replica, None, &silent).await;
        let kept = &self.versions[self.oldest()..];
        if kept.iter().all(|version| version.is_readable) {
            let verified = verified.expect("nothing was damaged");
            let snapshots = self.entry().await.snapshots.len();
            assert_eq!((verified.versions, verified.snapshots), (kept.len() as u64, snapshots as u64));
            return self.tally.count("verified");
        }
        let damaged = verified.expect_err("something was damaged");
        assert!(matches!(damaged.kind(), ErrorKind::Corrupt | ErrorKind::NotFound), "{damaged}");
        self.tally.count("found damaged");
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

/// The chain's clock, and randomness that follows from its seed.
pub(crate) fn environment(clock: &Arc<dyn Clock>, choices: &mut Choices) -> Environment {
    let random = Arc::new(SeededRandom::new(choices.number()));
    Environment { clock: Arc::clone(clock), random }
}
