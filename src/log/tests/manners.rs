//! Producers that meet.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::*;
use crate::error::{Classify, ErrorKind};
use crate::identifiers::{Epoch, Version};
use crate::log::politeness::{Beat, FRESH, Heartbeat, Manners, ProcessIdentity, WATCH};
use crate::store::{ObjectName, Writers};

const SECOND: Duration = Duration::from_secs(1);

fn log(dataset: &DatasetStore, writer: &str) -> Log {
    Log::new(dataset.clone(), writer)
}

async fn claim(dataset: &DatasetStore, writer: &str, manners: Manners) -> Result<Tenure, LogError> {
    log(dataset, writer).claim(manners, Writers::Several).await
}

/// A dataset on a store that needs no probe, held by a producer on another host.
async fn held() -> (DatasetStore, LogEntry) {
    let dataset = DatasetStore::new(crate::store::memory(), Path::from("movies"), environment(31));
    let claimed = appended(log(&dataset, "elsewhere").append(&claim_of_anyone()).await);
    tokio::time::sleep(Duration::from_secs(60)).await;
    (dataset, claimed)
}

/// A beat of the holder, on a host that nobody here can look into.
fn beat(claimed: &LogEntry, at: SystemTime, counter: u64) -> Beat {
    let process = ProcessIdentity {
        host: "elsewhere".to_owned(),
        boot_id: "a-boot".to_owned(),
        namespace: "a-namespace".to_owned(),
        process: 77,
        started: 5,
    };
    Beat { holder: claimed.holder, epoch: claimed.epoch, process, at, counter, stopped: false }
}

async fn put(dataset: &DatasetStore, beat: &Beat) {
    let bytes = Bytes::from(beat.encode());
    dataset.put(&ObjectName::HeartbeatHint, bytes).await.expect("puts");
}

fn now(dataset: &DatasetStore) -> SystemTime {
    dataset.environment().clock.now()
}

fn elapsed(since: tokio::time::Instant) -> Duration {
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_first_producer_makes_the_dataset() {
    let (_, dataset) = dataset(1, Faults::none());
    let mut log = log(&dataset, "one");
    let tenure = log.claim(Manners::Refuse, Writers::Several).await.expect("claims");
    assert_eq!((tenure.epoch, tenure.claim.sequence.0), (Epoch(1), 1));
    let committed = appended(log.append(&commit_on(&tenure.claim, None, 1)).await);
    assert_eq!(committed.latest_version(), Version(1));
}

#[tokio::test(start_paused = true)]
async fn no_dataset_is_made_on_a_store_that_is_unfit() {
    let (_, dataset) = dataset(1, Faults { creates_overwrite: true, ..Faults::none() });
    let error = claim(&dataset, "one", Manners::Refuse).await.expect_err("unfit");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(dataset.list(crate::store::Family::Log, None).await.expect("lists").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_live_producer_is_not_fenced_unless_it_is_meant() {
    let (_, dataset) = dataset(1, Faults::none());
    let first = claim(&dataset, "one", Manners::Refuse).await.expect("claims");
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let error = claim(&dataset, "two", Manners::Refuse).await.expect_err("the first is alive");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let process = format!("process {}", std::process::id());
        assert!(error.to_string().contains(&process) && error.to_string().contains("--take-over"), "{error}");
    }
    let second = claim(&dataset, "two", Manners::TakeOver).await.expect("takes over");
    assert_eq!((first.epoch, second.epoch), (Epoch(1), Epoch(2)));
}

#[tokio::test(start_paused = true)]
async fn after_a_clean_stop_the_next_goes_on_at_once() {
    let (_, dataset) = dataset(1, Faults::none());
    for epoch in 1..=5 {
        let begun = tokio::time::Instant::now();
        let tenure = claim(&dataset, "cron", Manners::Refuse).await.expect("claims");
        assert_eq!(tenure.epoch, Epoch(epoch));
        tenure.stop().await;
        assert!(elapsed(begun) < SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_has_not_beaten_yet_counts_as_alive() {
    let (_, dataset) = dataset(1, Faults::none());
    appended(log(&dataset, "one").append(&claim_of_anyone()).await);
    let error = claim(&dataset, "two", Manners::Refuse).await.expect_err("it is about to beat");
    assert!(matches!(&error, LogError::Live { who, .. } if who == "one"), "{error}");
    tokio::time::sleep(FRESH + SECOND).await;
    claim(&dataset, "two", Manners::Refuse).await.expect("it never beat");
}

#[tokio::test(start_paused = true)]
async fn a_producer_elsewhere_is_alive_while_its_beat_is_fresh() {
    let (dataset, claimed) = held().await;
    put(&dataset, &beat(&claimed, now(&dataset), 1)).await;
    let error = claim(&dataset, "two", Manners::Refuse).await.expect_err("alive");
    assert!(error.to_string().contains("process 77 on elsewhere"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_producer_elsewhere_that_died_is_watched_for_a_moment_and_taken_over_from() {
    let (dataset, claimed) = held().await;
    put(&dataset, &beat(&claimed, now(&dataset) - 16 * SECOND, 1)).await;
    let begun = tokio::time::Instant::now();
    claim(&dataset, "two", Manners::Refuse).await.expect("dead");
    assert!((WATCH..WATCH + 2 * SECOND).contains(&elapsed(begun)), "{:?}", elapsed(begun));
}

#[tokio::test(start_paused = true)]
async fn a_producer_whose_clock_is_wrong_is_alive_because_its_beat_changes() {
    let (dataset, claimed) = held().await;
    let wrong = now(&dataset) - Duration::from_secs(86_400);
    let beats = async {
        for counter in 1.. {
            put(&dataset, &beat(&claimed, wrong, counter)).await;
            tokio::time::sleep(3 * SECOND).await;
        }
    };
    let claims = async {
        tokio::time::sleep(SECOND).await;
        claim(&dataset, "two", Manners::Refuse).await
    };
    let error =
        tokio::select! { () = beats => unreachable!(), claimed = claims => claimed.expect_err("alive") };
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_killed_producer_of_this_host_blocks_nobody() {
    let (dataset, claimed) = held().await;
    let killed = ProcessIdentity { process: u32::MAX, ..ProcessIdentity::own() };
    put(&dataset, &Beat { process: killed, ..beat(&claimed, now(&dataset), 1) }).await;
    let begun = tokio::time::Instant::now();
    claim(&dataset, "two", Manners::Refuse).await.expect("it is gone");
    assert!(elapsed(begun) < SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_on_as_soon_as_the_other_stops() {
    let (_, dataset) = dataset(1, Faults::none());
    let first = claim(&dataset, "one", Manners::Refuse).await.expect("claims");
    let begun = tokio::time::Instant::now();
    let stop = async {
        tokio::time::sleep(100 * SECOND).await;
        first.stop().await;
    };
    let ((), second) = tokio::join!(stop, claim(&dataset, "two", Manners::Wait(None)));
    assert_eq!(second.expect("waits").epoch, Epoch(2));
    assert!((100 * SECOND..103 * SECOND).contains(&elapsed(begun)), "{:?}", elapsed(begun));
}

#[tokio::test(start_paused = true)]
async fn who_waits_takes_over_when_nothing_moves_on_its_own_clock() {
    let (dataset, claimed) = held().await;
    // By its time this beat is always fresh, so only that it stays the same tells.
    put(&dataset, &beat(&claimed, now(&dataset) + 15 * SECOND, 1)).await;
    let begun = tokio::time::Instant::now();
    claim(&dataset, "two", Manners::Wait(None)).await.expect("takes over");
    assert!((FRESH..FRESH + 2 * SECOND).contains(&elapsed(begun)), "{:?}", elapsed(begun));
}

#[tokio::test(start_paused = true)]
async fn who_waits_may_give_up() {
    let (_, dataset) = dataset(1, Faults::none());
    let first = claim(&dataset, "one", Manners::Refuse).await.expect("claims");
    let begun = tokio::time::Instant::now();
    let error =
        claim(&dataset, "two", Manners::Wait(Some(30 * SECOND))).await.expect_err("the first goes on");
    assert!(matches!(error, LogError::Live { .. }), "{error}");
    assert!((30 * SECOND..32 * SECOND).contains(&elapsed(begun)), "{:?}", elapsed(begun));
    first.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_many_that_claim_at_once_one_gets_in_and_the_others_give_way() {
    let (_, dataset) = dataset(1, Faults { detours: 10, ..Faults::none() });
    claim(&dataset, "before", Manners::Refuse).await.expect("claims").stop().await;
    let claims = (0..8).map(|number| {
        let dataset = dataset.clone();
        async move { claim(&dataset, &format!("cron {number}"), Manners::Refuse).await }
    });
    let outcomes = futures::future::join_all(claims.collect::<Vec<_>>()).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for error in lost.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_that_wait_each_gets_its_turn() {
    let (_, dataset) = dataset(1, Faults { detours: 10, ..Faults::none() });
    let claims = (0..5).map(|number| {
        let dataset = dataset.clone();
        async move {
            let tenure =
                claim(&dataset, &format!("cron {number}"), Manners::Wait(None)).await.expect("waits");
            tokio::time::sleep(20 * SECOND).await;
            let epoch = tenure.epoch;
            let tail =
                log(&dataset, "look").tail().find().await.expect("finds").expect("is there").entry.epoch;
            assert_eq!(tail, epoch, "nobody fenced it meanwhile");
            tenure.stop().await;
            epoch.0
        }
    });
    let mut epochs = futures::future::join_all(claims.collect::<Vec<_>>()).await;
    epochs.sort_unstable();
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_forged_heartbeat_delays_at_most_r10() {
    for garbage in [&b""[..], b"garbage", &[0; 200], &[0xff; 9999]] {
        let (dataset, _) = held().await;
        dataset.put(&ObjectName::HeartbeatHint, Bytes::from_static(garbage)).await.expect("puts");
        claim(&dataset, "two", Manners::Refuse).await.expect("nobody beats");
    }
    let (dataset, claimed) = held().await;
    let stranger = Heartbeat::start(dataset.clone(), Epoch(0), Nonce([1; 16]));
    tokio::time::sleep(10 * SECOND).await;
    assert_ne!(claimed.holder, Nonce([1; 16]));
    claim(&dataset, "two", Manners::Refuse).await.expect("the holder itself does not beat");
    stranger.stop().await;
}
