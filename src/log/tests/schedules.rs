//! Producers, an operator and retention on random schedules, over a store where every create may work, fail, lie or come
//! late: one chain comes out, and everybody was told the truth about it.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::ObjectStoreExt;

use super::*;
use crate::environment::{Random, SeededRandom};
use crate::error::{Classify, ErrorKind};
use crate::identifiers::{Epoch, Sequence};
use crate::store::ObjectName;

const SEEDS: u64 = 60;
const PRODUCERS: u64 = 3;
const APPENDS: u32 = 8;

/// What a writer was told about one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Happened(Nonce),
    Never,
    Unknown,
}

#[derive(Debug)]
struct Report {
    told: Told,
    nonces: Vec<Nonce>,
}

/// A store, what was told, and the entries that ever were the highest.
struct World {
    seed: u64,
    store: Arc<FaultyStore>,
    dataset: DatasetStore,
    reports: Mutex<Vec<Report>>,
    chain: Mutex<Vec<StoredEntry>>,
    looked_at: Mutex<usize>,
    late: Mutex<usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let faults = Faults {
            create_fails_before: 8,
            create_fails_after: 8,
            create_lies: 8,
            create_denies: 8,
            create_is_late: 12,
            request_fails: 5,
            detours: 6,
            ..Faults::none()
        };
        let (store, dataset) = dataset(seed, faults);
        let (reports, chain) = (Mutex::default(), Mutex::default());
        Self { seed, store, dataset, reports, chain, looked_at: Mutex::default(), late: Mutex::default() }
    }

    /// Follows what landed since: an entry extends the chain iff it is the next when it lands.
    async fn observe(&self) {
        let landed = self.store.landed();
        let new = landed[*self.looked_at.lock().expect("not poisoned")..].to_vec();
        *self.looked_at.lock().expect("not poisoned") = landed.len();
        for path in new {
            let name = path.as_ref().strip_prefix("movies/").and_then(ObjectName::parse);
            let Some(ObjectName::LogEntry(sequence)) = name else { continue };
            let length = self.chain.lock().expect("not poisoned").len() as u64;
            if sequence.0 == length + 1 {
                let bytes = self.store.inner().get(&path).await.expect("there").bytes().await.expect("reads");
                let entry = LogEntry::decode(bytes, sequence).expect("decodes");
                self.chain.lock().expect("not poisoned").push(entry);
            } else {
                assert!(sequence.0 <= length, "seed {}: {path} leaves a gap", self.seed);
            }
        }
    }

    /// Lets a late create arrive. Whether there was one.
    async fn land(&self) -> bool {
        let landed = self.store.land().await;
        self.observe().await;
        *self.late.lock().expect("not poisoned") += usize::from(landed);
        landed
    }

    /// Appends, and notes what it was told. `None` without an answer, be it that it was dropped.
    async fn append<D: Decide>(
        &self,
        log: &mut Log,
        decide: D,
        patience: Duration,
    ) -> Option<Result<LogEntry, ErrorKind>> {
        let recorded = Recorded::new(decide);
        let outcome = tokio::time::timeout(patience, log.append(&recorded)).await;
        self.observe().await;
        let (told, answer) = match outcome {
            Ok(Ok(Outcome::Appended(appended))) => {
                (Told::Happened(appended.entry.nonce), Some(Ok(appended.entry)))
            }
            Ok(Ok(Outcome::Done(tail))) => (Told::Never, Some(Ok(*tail))),
            Ok(Err(error)) => match error.kind() {
                kind @ (ErrorKind::Fenced | ErrorKind::Conflict) => (Told::Never, Some(Err(kind))),
                ErrorKind::Unavailable | ErrorKind::NotFound => (Told::Unknown, None),
                _ => panic!("seed {}: {error}", self.seed),
            },
            Err(_) => (Told::Unknown, None),
        };
        self.reports.lock().expect("not poisoned").push(Report { told, nonces: recorded.nonces() });
        answer
    }

    async fn newest(&self, log: &mut Log) -> Option<ManifestReference> {
        loop {
            if let Ok(tail) = log.tail().find().await {
                return tail.and_then(|tail| tail.entry.latest);
            }
        }
    }
}

/// Claims, commits, restores after a conflict, claims again after it was fenced, gives up waiting now and then.
async fn produce(world: &World, number: u64) {
    let random = SeededRandom::new(world.seed * 100 + number);
    let mut log = Log::new(world.dataset.clone(), format!("producer {number}"));
    let mut claim: Option<LogEntry> = None;
    let mut parent = None;
    for round in 0..APPENDS {
        let patience = Duration::from_millis([50, 400, 60_000][(random.next_u64() % 3) as usize]);
        let Some(held) = &claim else {
            if let Some(Ok(claimed)) = world.append(&mut log, claim_of_anyone(), patience).await {
                parent = claimed.latest;
                claim = Some(claimed);
            }
            continue;
        };
        let commit = commit_on(held, parent, number * 1000 + u64::from(round));
        match world.append(&mut log, commit, patience).await {
            Some(Ok(committed)) => parent = committed.latest,
            Some(Err(ErrorKind::Fenced)) => claim = None,
            Some(Err(_)) | None => parent = world.newest(&mut log).await,
        }
        if random.next_u64().is_multiple_of(4) {
            // Starts again, as after a crash, and knows nothing.
            log = Log::new(world.dataset.clone(), format!("producer {number}"));
        }
    }
}

async fn operate(world: &World) {
    let mut log = Log::new(world.dataset.clone(), "operator");
    for _ in 0..APPENDS {
        world.append(&mut log, Touch, Duration::from_secs(60)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Deletes entries below the highest, and lets late creates arrive.
async fn disturb(world: &World) {
    let random = SeededRandom::new(world.seed);
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(random.next_u64() % 40)).await;
        for _ in 0..random.next_u64() % 8 {
            tokio::task::yield_now().await;
        }
        world.observe().await;
        if random.next_u64().is_multiple_of(2) {
            world.land().await;
        }
        let highest = world.chain.lock().expect("not poisoned").len() as u64;
        if highest > 1 {
            let below = Sequence(1 + random.next_u64() % (highest - 1));
            let path = world.dataset.path(&ObjectName::LogEntry(below));
            let _ = world.store.inner().delete(&path).await;
        }
    }
}

async fn run(seed: u64) -> Reached {
    let world = World::new(seed);
    let producers = futures::future::join_all((0..PRODUCERS).map(|number| produce(&world, number)));
    tokio::join!(producers, operate(&world), disturb(&world));
    while world.land().await {}
    let reached = check(&world);
    let mut tail = Tail::new(world.dataset.clone());
    world.store.set(Faults::none());
    let found = tail.find().await.expect("finds").cloned();
    assert_eq!(found.as_ref(), world.chain.lock().expect("not poisoned").last(), "seed {seed}: R5");
    reached
}

/// What the schedules have to come by, or they prove nothing.
#[derive(Debug, Default)]
struct Reached {
    happened: usize,
    never_after_a_create: usize,
    unknown_that_happened: usize,
    unknown_that_did_not: usize,
    void: usize,
    late: usize,
    versions: u64,
    epochs: u64,
}

fn check(world: &World) -> Reached {
    let seed = world.seed;
    let chain = world.chain.lock().expect("not poisoned");
    check_chain(seed, &chain);
    let mut times = BTreeMap::new();
    for entry in chain.iter() {
        *times.entry(entry.entry.nonce).or_insert(0) += 1;
    }
    let mut reached = Reached { late: *world.late.lock().expect("not poisoned"), ..Reached::default() };
    for report in world.reports.lock().expect("not poisoned").iter() {
        let in_chain: Vec<_> = report.nonces.iter().filter(|nonce| times.contains_key(*nonce)).collect();
        match report.told {
            Told::Happened(nonce) => {
                assert_eq!(in_chain, [&nonce], "seed {seed}: {report:?}");
                assert_eq!(times[&nonce], 1, "seed {seed}: {report:?}");
                reached.happened += 1;
            }
            Told::Never => {
                assert!(in_chain.is_empty(), "seed {seed}: told that it never happened: {report:?}");
                reached.never_after_a_create += usize::from(report.nonces.len() > 1);
            }
            Told::Unknown => {
                assert!(in_chain.len() <= 1, "seed {seed}: one append, two entries: {report:?}");
                reached.unknown_that_happened += in_chain.len();
                reached.unknown_that_did_not += usize::from(in_chain.is_empty());
            }
        }
    }
    let entries = world.store.landed().iter().filter(|path| path.as_ref().contains("/log/")).count();
    reached.void = entries - chain.len();
    if let Some(last) = chain.last() {
        reached.versions = last.entry.latest_version().0;
        reached.epochs = last.entry.epoch.0;
    }
    reached
}

fn check_chain(seed: u64, chain: &[StoredEntry]) {
    for (before, next) in chain.iter().zip(&chain[1.min(chain.len())..]) {
        assert!(next.follows(before), "seed {seed}: R1: {before:?} {next:?}");
        let (before, next) = (&before.entry, &next.entry);
        match next.kind {
            EntryKind::Claim => {
                assert_eq!(next.epoch, Epoch(before.epoch.0 + 1), "seed {seed}: R3");
                assert_eq!((next.holder, next.latest), (next.nonce, before.latest), "seed {seed}: R3");
            }
            EntryKind::Commit => {
                assert_eq!((next.epoch, next.holder), (before.epoch, before.holder), "seed {seed}: R3");
                assert_eq!(next.latest_version(), before.latest_version().next(), "seed {seed}: R3");
                let claim = chain.iter().find(|claim| claim.entry.nonce == next.holder).expect("its claim");
                assert_eq!(
                    claim.entry.writer, next.writer,
                    "seed {seed}: R3: committed under another's epoch"
                );
            }
            _ => assert_eq!((next.epoch, next.latest), (before.epoch, before.latest), "seed {seed}: R1"),
        }
    }
}

#[test]
fn one_chain_comes_out_and_everybody_is_told_the_truth_r1_r2_r3_r4_r5() {
    let mut all = Reached::default();
    for seed in 0..SEEDS {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let reached = runtime.expect("a runtime").block_on(run(seed));
        all.happened += reached.happened;
        all.never_after_a_create += reached.never_after_a_create;
        all.unknown_that_happened += reached.unknown_that_happened;
        all.unknown_that_did_not += reached.unknown_that_did_not;
        all.void += reached.void;
        all.late += reached.late;
        all.versions += reached.versions;
        all.epochs += reached.epochs;
    }
    let seeds = SEEDS as usize;
    assert!(all.happened > seeds * 10, "{all:?}");
    assert!(all.versions > SEEDS * 4 && all.epochs > SEEDS * 3, "{all:?}");
    let rare =
        [all.never_after_a_create, all.unknown_that_happened, all.unknown_that_did_not, all.void, all.late];
    assert!(rare.iter().all(|reached| *reached > seeds / 10), "{all:?}");
}
