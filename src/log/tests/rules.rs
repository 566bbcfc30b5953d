//! One test for each rule that an append keeps.

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use object_store::{ObjectStoreExt, PutPayload};

use super::*;
use crate::error::{Classify, ErrorKind};
use crate::identifiers::{Epoch, Sequence, Version};
use crate::log::entry::tests::{entry, entry_numbered, manifest, nonce};
use crate::store::{Family, ObjectName};

async fn put(dataset: &DatasetStore, entry: LogEntry) -> StoredEntry {
    let stored = entry.encode().expect("encodes");
    dataset.put(&stored.entry.name(), stored.bytes.clone()).await.expect("puts");
    stored
}

fn creates(store: &FaultyStore) -> Vec<String> {
    store.requests().into_iter().filter(|request| request.starts_with("CREATE")).collect()
}

/// While its writer "pauses" between decision and create, others append up to `until` and retention deletes the number
/// that the writer is about to create.
struct Paused<D> {
    decide: D,
    store: Arc<FaultyStore>,
    others: fn(u64) -> LogEntry,
    until: u64,
    decided: Mutex<u32>,
}

impl<D> Paused<D> {
    fn new(decide: D, store: &Arc<FaultyStore>, until: u64, others: fn(u64) -> LogEntry) -> Self {
        Self { decide, store: Arc::clone(store), others, until, decided: Mutex::new(0) }
    }

    fn others_append_after(&self, tail: Sequence) {
        for sequence in tail.0 + 2..=self.until {
            let bytes = (self.others)(sequence).encode().expect("encodes").bytes;
            let path = Path::from(format!("movies/{}", ObjectName::LogEntry(Sequence(sequence))));
            let put = self.store.inner().put(&path, PutPayload::from_bytes(bytes)).now_or_never();
            put.expect("memory does not wait").expect("puts");
        }
    }
}

impl<D: Decide> Decide for Paused<D> {
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision {
        let decision = self.decide.decide(tail, nonce);
        let mut decided = self.decided.lock().expect("not poisoned");
        *decided += 1;
        if *decided == 1 {
            self.others_append_after(tail.expect("there is a dataset").sequence);
        }
        decision
    }

    fn judge(&self, own: &LogEntry, tail: &LogEntry) -> Judgement {
        self.decide.judge(own, tail)
    }
}

struct Chain(bool);

#[async_trait]
impl Ancestry for Chain {
    async fn is_ancestor(&self, ancestor: &ManifestReference, of: &ManifestReference) -> crate::Result<bool> {
        assert!(ancestor.version < of.version, "others are judged by the entry alone");
        Ok(self.0)
    }
}

/// Another writer is first whenever it has decided.
struct AlwaysLate(Arc<FaultyStore>);

impl Decide for AlwaysLate {
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision {
        let next = entry_numbered(tail.expect("there is a dataset").sequence.0 + 1);
        let path = Path::from(format!("movies/{}", next.name()));
        let bytes = PutPayload::from_bytes(next.encode().expect("encodes").bytes);
        self.0.inner().put(&path, bytes).now_or_never().expect("memory does not wait").expect("puts");
        Touch.decide(tail, nonce)
    }

    fn judge(&self, _own: &LogEntry, _tail: &LogEntry) -> Judgement {
        unreachable!("nobody is paused")
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_decided_on_the_highest_and_created_after_it_r1() {
    let (store, dataset) = dataset(1, Faults::none());
    for sequence in [2, 3] {
        put(&dataset, entry_numbered(sequence)).await;
    }
    let before = put(&dataset, entry()).await;
    let mut log = Log::new(dataset, "me");
    let own = appended(log.append(&Touch).await);
    assert_eq!(creates(&store), ["CREATE movies/log/00000000000000000005"]);
    let stored = log.tail().known().expect("found").clone();
    assert_eq!(stored.entry, own);
    assert!(stored.follows(&before));
    assert!(!stored.follows(&stored));
    let carried = LogEntry {
        sequence: own.sequence,
        nonce: own.nonce,
        at: own.at,
        writer: "me".to_owned(),
        recent: own.recent.clone(),
        previous: Some(before.hash()),
        signatures: vec![],
        ..entry()
    };
    assert_eq!(own, carried);
    assert_ne!(own.nonce, before.entry.nonce);
    assert_eq!(own.recent[0], before.entry.nonce);
}

#[tokio::test(start_paused = true)]
async fn nonces_of_the_last_256_entries_are_carried_r1() {
    let (_, dataset) = dataset(1, Faults::none());
    let mut log = Log::new(dataset, "me");
    let mut nonces = vec![appended(log.append(&claim_of_anyone()).await).nonce];
    for _ in 0..300 {
        let own = appended(log.append(&Touch).await);
        let recent: Vec<_> = nonces.iter().rev().take(256).copied().collect();
        assert_eq!(own.recent, recent);
        nonces.push(own.nonce);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_or_a_lie_is_not_a_second_entry_r2() {
    for faults in
        [Faults { create_fails_after: 100, ..Faults::none() }, Faults { create_lies: 100, ..Faults::none() }]
    {
        let (store, dataset) = dataset(1, faults);
        let mut log = Log::new(dataset, "me");
        let own = appended(log.append(&claim_of_anyone()).await);
        assert_eq!(own.sequence, Sequence(1));
        assert_eq!(creates(&store).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_of_which_nothing_is_there_is_sent_again_as_it_was_r2() {
    for faults in [
        Faults { create_fails_before: 40, ..Faults::none() },
        Faults { create_denies: 40, ..Faults::none() },
        Faults { create_is_late: 40, ..Faults::none() },
    ] {
        let mut repeated = 0;
        for seed in 0..20 {
            let (store, dataset) = dataset(seed, faults.clone());
            let mut log = Log::new(dataset, "me");
            let recorded = Recorded::new(claim_of_anyone());
            let own = appended(log.append(&recorded).await);
            assert_eq!(recorded.nonces(), [own.nonce], "the same entry, not a new decision");
            repeated += creates(&store).len() - 1;
        }
        assert!(repeated > 5, "creates come to nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_gets_through_has_an_unknown_outcome_r2() {
    let (store, dataset) = dataset(1, Faults { create_is_late: 100, ..Faults::none() });
    let mut log = Log::new(dataset.clone(), "me");
    let error = log.append(&claim_of_anyone()).await.expect_err("nothing gets through");
    assert!(matches!(error, LogError::OutcomeUnknown { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(creates(&store).len(), 6);
    while store.land().await {}
    let tail = log.tail().find().await.expect("finds").expect("it came in the end");
    assert_eq!(tail.entry.writer, "me");
    assert_eq!(dataset.list(Family::Log, None).await.expect("lists").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_writers_entry_is_decided_on_anew_r2() {
    let mut decisions = 0;
    for seed in 0..20 {
        let (_, dataset) = dataset(seed, Faults { detours: 5, ..Faults::none() });
        let before = put(&dataset, entry()).await;
        let (mut one, mut two) = (Log::new(dataset.clone(), "one"), Log::new(dataset, "two"));
        let recorded = [Recorded::new(Touch), Recorded::new(Touch)];
        let (first, second) = tokio::join!(one.append(&recorded[0]), two.append(&recorded[1]));
        let mut entries = [appended(first), appended(second)];
        entries.sort_by_key(|entry| entry.sequence);
        assert_eq!(entries.each_ref().map(|entry| entry.sequence.0), [5, 6]);
        assert_eq!(entries[1].recent[..2], [entries[0].nonce, before.entry.nonce]);
        decisions += recorded.iter().map(|recorded| recorded.nonces().len()).sum::<usize>();
    }
    assert!(decisions > 2 * 20 + 5, "losers decide anew: {decisions}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_is_not_asked_again() {
    let (store, dataset) = dataset(1, Faults { create_is_forbidden: true, ..Faults::none() });
    let error = Log::new(dataset, "me").append(&claim_of_anyone()).await.expect_err("forbidden");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(creates(&store).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_create_that_may_be_under_way_leaves_the_outcome_open_r2() {
    let (store, dataset) = dataset(1, Faults { create_is_late: 100, ..Faults::none() });
    let mut log = Log::new(dataset, "me");
    let claim = claim_of_anyone();
    let forbid = async {
        while creates(&store).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        store.set(Faults { create_is_forbidden: true, ..Faults::none() });
    };
    let (outcome, ()) = tokio::join!(log.append(&claim), forbid);
    let error = outcome.expect_err("the second create is forbidden");
    assert!(matches!(error, LogError::OutcomeUnknown { .. }), "{error}");
    assert_eq!(creates(&store).len(), 2);
    assert!(store.land().await, "the first one comes all the same");
    assert!(log.tail().find().await.expect("finds").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_was_overtaken_is_fenced_and_writes_nothing_r3() {
    let (store, dataset) = dataset(1, Faults::none());
    let (mut one, mut two) = (Log::new(dataset.clone(), "one"), Log::new(dataset, "two"));
    let first = appended(one.append(&claim_of_anyone()).await);
    let second = appended(two.append(&claim_of_anyone()).await);
    assert_eq!((first.epoch, second.epoch), (Epoch(1), Epoch(2)));
    let error = one.append(&commit_on(&first, None, 1)).await.expect_err("fenced");
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(error.to_string().contains("two") && error.to_string().contains("epoch 2"), "{error}");
    let committed = appended(two.append(&commit_on(&second, None, 2)).await);
    assert_eq!(committed.latest_version(), Version(1));
    let error = two.append(&commit_on(&second, None, 3)).await.expect_err("version 1 is there");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(creates(&store).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_create_below_the_tail_is_void_though_it_was_created_r4() {
    let (store, dataset) = dataset(1, Faults::none());
    put(&dataset, entry()).await;
    let mut log = Log::new(dataset, "me");
    let own = appended(log.append(&Paused::new(Touch, &store, 10, entry_numbered)).await);
    assert_eq!(
        creates(&store),
        ["CREATE movies/log/00000000000000000005", "CREATE movies/log/00000000000000000011"]
    );
    assert_eq!(own.sequence, Sequence(11));
}

/// Another writer builds on the entry before its own writer looks.
struct BuiltUpon(Arc<FaultyStore>);

impl Decide for BuiltUpon {
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision {
        let mut later = entry_numbered(tail.expect("there is a dataset").sequence.0 + 2);
        later.recent[0] = nonce;
        let path = Path::from(format!("movies/{}", later.name()));
        let bytes = PutPayload::from_bytes(later.encode().expect("encodes").bytes);
        self.0.inner().put(&path, bytes).now_or_never().expect("memory does not wait").expect("puts");
        Touch.decide(tail, nonce)
    }

    fn judge(&self, _own: &LogEntry, _tail: &LogEntry) -> Judgement {
        unreachable!("the tail names it")
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_later_ones_build_on_happened_r4() {
    for faults in [Faults::none(), Faults { create_fails_after: 100, ..Faults::none() }] {
        let (store, dataset) = dataset(1, faults);
        put(&dataset, entry()).await;
        let outcome = Log::new(dataset, "me").append(&BuiltUpon(Arc::clone(&store))).await;
        let Outcome::Appended(appended) = outcome.expect("it happened") else { panic!("it was appended") };
        assert_eq!((appended.entry.sequence, appended.tail.sequence), (Sequence(5), Sequence(6)));
        assert_eq!(creates(&store).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn two_writers_whose_answers_are_lost_make_one_entry_for_each_append_r2_r4() {
    let (store, dataset) = dataset(1, Faults { create_fails_after: 100, detours: 40, ..Faults::none() });
    put(&dataset, entry()).await;
    let append = async |writer: &str, times: usize| {
        let mut log = Log::new(dataset.clone(), writer);
        let mut sequences = Vec::new();
        for _ in 0..times {
            sequences.push(appended(log.append(&Touch).await).sequence.0);
        }
        sequences
    };
    let (one, two) = tokio::join!(append("one", 3), append("two", 3));
    let mut all = [one, two].concat();
    all.sort_unstable();
    assert_eq!(all, [5, 6, 7, 8, 9, 10]);
    assert_eq!(store.landed().len(), 6, "no append made two entries");
}

fn with_latest_40(sequence: u64) -> LogEntry {
    let latest = Some(manifest(40));
    let targets = vec![Target { ring: String::new(), manifest: latest, hold: None }];
    LogEntry { latest, targets, ..entry_numbered(sequence) }
}

fn commit_of_version_10() -> Commit {
    let tail = entry();
    Commit {
        epoch: tail.epoch,
        holder: tail.holder,
        parent: tail.latest,
        manifest: manifest(10),
        snapshot: None,
        hold_back: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_paused_for_more_than_256_entries_is_judged_by_its_descendants_r4() {
    for (ancestry, expected) in
        [(Some(true), None), (Some(false), Some(ErrorKind::Conflict)), (None, Some(ErrorKind::Conflict))]
    {
        let (store, dataset) = dataset(1, Faults::none());
        put(&dataset, entry()).await;
        let mut log = Log::new(dataset, "me");
        if let Some(answer) = ancestry {
            log = log.with_ancestry(Arc::new(Chain(answer)));
        }
        let outcome = log.append(&Paused::new(commit_of_version_10(), &store, 300, with_latest_40)).await;
        match (outcome, expected) {
            (Ok(Outcome::Appended(appended)), None) => {
                assert_eq!((appended.entry.sequence, appended.tail.sequence), (Sequence(5), Sequence(300)));
            }
            (Err(error), Some(expected)) => {
                assert_eq!(error.kind(), expected, "{error}");
                assert_eq!(matches!(error, LogError::Forgotten { .. }), ancestry.is_none(), "{error}");
            }
            (outcome, _) => panic!("{ancestry:?}: {outcome:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn within_256_entries_the_chain_alone_decides_r4() {
    let (store, dataset) = dataset(1, Faults::none());
    put(&dataset, entry()).await;
    let mut log = Log::new(dataset, "me").with_ancestry(Arc::new(Chain(true)));
    let outcome = log.append(&Paused::new(commit_of_version_10(), &store, 5 + 256, with_latest_40)).await;
    let error = outcome.expect_err("the chain names its last 256 entries, and not this one");
    assert!(matches!(error, LogError::Conflict { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_paused_for_more_than_256_entries_is_fenced_by_a_later_epoch_r4() {
    let later = |sequence| LogEntry { epoch: Epoch(9), holder: nonce(9), ..entry_numbered(sequence) };
    let (store, dataset) = dataset(1, Faults::none());
    put(&dataset, entry()).await;
    let outcome = Log::new(dataset, "me").append(&Paused::new(claim_of_anyone(), &store, 300, later)).await;
    assert_eq!(outcome.expect_err("epoch 4 is over").kind(), ErrorKind::Fenced);
}

#[tokio::test(start_paused = true)]
async fn a_store_whose_list_misses_the_entry_is_named_r4_r5() {
    let (_, dataset) = dataset(1, Faults { lists_are_empty: true, ..Faults::none() });
    let error = Log::new(dataset, "me").append(&claim_of_anyone()).await.expect_err("unfit");
    assert!(matches!(error, LogError::NotListed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn hints_do_not_move_an_append_r10() {
    let (store, dataset) = dataset(1, Faults::none());
    put(&dataset, entry()).await;
    for sequence in [1, 4, 5, 900] {
        let hint = crate::announce::conformance::announcement("movies", sequence);
        let bytes = Bytes::from(hint.encode().expect("encodes"));
        dataset.put(&ObjectName::AnnouncedHint, bytes).await.expect("puts");
        store.forget_requests();
        let own = appended(Log::new(dataset.clone(), "me").append(&Touch).await);
        assert_eq!(creates(&store), [format!("CREATE movies/log/{:020}", own.sequence.0)]);
    }
    assert_eq!(dataset.list(Family::Log, None).await.expect("lists").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn writers_that_are_always_first_end_the_append() {
    let (store, dataset) = dataset(1, Faults::none());
    put(&dataset, entry()).await;
    let error = Log::new(dataset, "me").append(&AlwaysLate(store)).await.expect_err("crowded");
    assert!(matches!(error, LogError::Crowded { rounds: 64 }), "{error}");
}
