//! Consumers: semantics 15 to 26, and rule R9.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use hollowcast::ErrorKind;
use hollowcast::announce::{Announcement, AnnouncementWatcher, InProcessBus, PollOptions, StoreWatcher};
use hollowcast::consumer::{Consumer, Memory, RefreshRoute, Wait};
use hollowcast::identifiers::{Sequence, Version};
use hollowcast::log::HoldReason;
use hollowcast::replica::transfer::TransferOptions;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::setting::{DATASET, Told, World, add, cities, delete, named, published, schema, seldom, upsert};
use super::store::Answer;

const FIRST: [(u32, &str); 3] = [(1, "Rome"), (2, "Oslo"), (3, "Lima")];

#[tokio::test]
async fn a_state_stays_what_it_was_semantics_15() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    for memory in [Memory::Heap, world.mapped()] {
        let consumer = world.consumer_builder().memory(memory).start().await.unwrap();
        let kept = consumer.state();
        let expected = cities(&kept);
        for turn in 0..40 {
            let changed = producer.incremental(|writer| {
                upsert(writer, &[(1, &format!("Rome {turn} {}", expected.len()))])?;
                delete(writer, 2 + turn % 2)?;
                upsert(writer, &[(3 - turn % 2, "Back")])
            });
            published(changed.await);
            consumer.refresh().await.unwrap();
        }
        drop(consumer);
        assert_eq!(cities(&kept), expected);
        assert!(kept.version() < producer.version());
    }
}

/// What lies in `folder`: the last version in its name, and its bytes.
async fn sizes(world: &World, folder: &str) -> Vec<(u64, u64)> {
    let mut sizes = Vec::new();
    for object in world.objects(folder).await {
        let numbers = object.rsplit('/').next().unwrap().split('-').collect::<Vec<_>>();
        let version = numbers[numbers.len() - 2].parse().unwrap();
        sizes.push((version, world.store.inner().head(&Path::from(object)).await.unwrap().size));
    }
    sizes
}

#[tokio::test]
async fn the_way_with_the_fewest_bytes_is_taken_semantics_16() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(8).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let mut consumers = Vec::new();
    for turn in 0..30 {
        consumers.push(world.quiet().start().await.unwrap());
        let name = format!("Rome {}", "x".repeat(turn * 7 % 40));
        published(producer.incremental(|writer| upsert(writer, &[(1, &name)])).await);
    }
    let (deltas, snapshots) = (sizes(&world, "deltas").await, sizes(&world, "snapshots").await);
    let after =
        |from: u64| deltas.iter().filter(move |(to, _)| *to > from).map(|(_, bytes)| bytes).sum::<u64>();
    let by_snapshot = snapshots.iter().map(|(version, bytes)| bytes + after(*version)).min().unwrap();
    let mut taken = HashSet::new();
    for consumer in &consumers {
        let refresh = consumer.refresh().await.unwrap();
        let expected =
            if after(refresh.from.0) <= by_snapshot { RefreshRoute::Delta } else { RefreshRoute::Snapshot };
        assert_eq!((refresh.route, refresh.to.0), (Some(expected), 31), "{refresh:?}");
        assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
        taken.insert(expected);
    }
    assert_eq!(taken.len(), 2, "both ways are taken by some");
}

/// Code of others must not end following: who panics is told of, and the log is looked at all the same.
#[tokio::test(start_paused = true)]
async fn a_watcher_that_panics_does_not_end_following_semantics_18() {
    struct Panicking;
    #[async_trait::async_trait]
    impl AnnouncementWatcher for Panicking {
        async fn next(&mut self) {
            panic!("a bus that is broken");
        }
    }
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let told = Arc::new(Told::default());
    let builder = world.quiet().watcher(Panicking).listener(Arc::clone(&told) as _);
    let consumer = builder.start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(consumer.read().version().0, 2);
    let failures = told.failures();
    assert!(failures[0].contains("a bus that is broken"), "{failures:?}");
    assert!(failures.len() < 100, "{} looks in a minute", failures.len());
}

/// A panic of the store in the middle of a poll is not the end of polling.
#[tokio::test(start_paused = true)]
async fn polls_go_on_after_a_panic_semantics_18() {
    let world = World::new();
    let mut watcher = StoreWatcher::new(world.dataset(), PollOptions::default());
    watcher.next().await;
    world.store.answer("hints/announced", Answer::Panic);
    AssertUnwindSafe(watcher.next()).catch_unwind().await.unwrap_err();
    world.store.heal();
    drop(world.producer_with(&FIRST).await);
    tokio::time::timeout(Duration::from_secs(13), watcher.next()).await.unwrap();
}

/// Limits of time that mean "for ever".
#[tokio::test(start_paused = true)]
async fn the_longest_times_there_are_mean_never_semantics_18_24() {
    let world = World::new();
    let never = PollOptions { interval: Duration::MAX, unprompted: Duration::MAX };
    let builder = world.consumer_builder().poll(never).wait(Wait::AtMost(Duration::MAX));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let waiting = tokio::spawn(builder.start());
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(world.producer_with(&FIRST).await);
    assert_eq!(waiting.await.unwrap().unwrap().read().version().0, 1);
}

/// A store far away takes its time for each answer, so the blobs of a way are not waited for one after the other; nor are they all asked for at
/// once.
#[tokio::test(start_paused = true)]
async fn the_blobs_of_a_way_are_fetched_side_by_side_semantics_16() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(200).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let mut behind = Vec::new();
    for requests in [3, 20] {
        let transfer = TransferOptions { requests, ..TransferOptions::default() };
        let builder = world.quiet().transfer(transfer);
        behind.push((requests, builder.start().await.unwrap()));
    }
    for number in 2..=9 {
        let name = format!("Rome {number}");
        published(producer.incremental(|writer| upsert(writer, &[(1, &name)])).await);
    }
    for (requests, consumer) in behind {
        world.store.answer("GET places/deltas", Answer::Asleep);
        world.store.requests();
        let refreshing = tokio::spawn(async move {
            consumer.refresh().await.unwrap();
            cities(&consumer.read())
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let asked = world.store.requests();
        let deltas = asked.iter().filter(|request| request.starts_with("GET places/deltas")).count();
        assert_eq!(deltas, requests.min(8), "{asked:?}");
        world.store.wake();
        assert_eq!(refreshing.await.unwrap()[&1], "Rome 9");
    }
}

/// When no route arrives: an error that says why, and everything as it was.
#[tokio::test(start_paused = true)]
async fn a_refresh_that_cannot_move_is_a_failure_semantics_17() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let told = Arc::new(Told::default());
    let consumer = world.quiet().listener(Arc::clone(&told) as _).start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    world.store.follow(|request| match request {
        request if request.contains("GET places/deltas") => Answer::Lost,
        request if request.contains("GET places/snapshots") => Answer::Lost,
        _ => Answer::True,
    });
    let failed = consumer.refresh().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert!(failed.to_string().contains("places/"), "{failed}");
    assert_eq!((consumer.read().version().0, cities(&consumer.read())), (1, named(&FIRST)));
    assert_eq!(told.failures(), [failed.to_string()]);
    world.store.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2);
    assert_eq!(told.refreshes().last().unwrap().to.0, 2);
}

/// A hint that names any version, and a bus that says anything, only make consumers look.
#[tokio::test]
async fn announcements_are_hints_semantics_18_r10() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    let hint = Path::from("places/hints/announced");
    let genuine = world.store.inner().get(&hint).await.unwrap().bytes().await.unwrap();
    let forged = Announcement {
        dataset: DATASET.to_owned(),
        sequence: Sequence(99),
        target: Version(99),
        at: SystemTime::UNIX_EPOCH,
    };
    for content in [forged.encode().unwrap(), b"nonsense".to_vec(), Vec::new()] {
        world.store.inner().put(&hint, content.into()).await.unwrap();
        assert_eq!(consumer.refresh().await.unwrap().to.0, 1);
        assert_eq!(world.consumer().await.read().version().0, 1);
    }
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    world.store.inner().put(&hint, genuine.into()).await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2, "a stale hint hides nothing");
}

/// With a bus the consumer moves when it hears of a version, without one when it polls; nobody asks it to.
#[tokio::test(start_paused = true)]
async fn a_consumer_moves_by_itself_with_a_bus_and_without_semantics_18() {
    let world = World::new();
    let bus = InProcessBus::new();
    world.producer_with(&FIRST).await.stop().await;
    let builder = world.producer_of(schema()).announcer(bus.clone());
    let mut producer = builder.start().await.unwrap();
    let heard = world.quiet().watcher(bus.watcher("places")).start().await.unwrap();
    let polling = world.consumer_builder().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(heard.read().version().0, 2, "the bus said so");
    tokio::time::sleep(Duration::from_secs(13)).await;
    assert_eq!(polling.read().version().0, 2, "ten seconds and a fifth are over");
}

#[tokio::test]
async fn a_bad_blob_is_refused_by_name_and_left_alone_semantics_19() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(1).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let consumer = world.quiet().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let [delta] = &world.objects("deltas").await[..] else { panic!("one delta") };
    world.damage(delta).await;

    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some(RefreshRoute::Snapshot), 2));
    let [refused] = &refresh.refused[..] else { panic!("{refresh:?}") };
    assert_eq!((refused.route, refused.kind), ("delta", ErrorKind::Corrupt));
    assert!(refused.reason.contains("deltas/0"), "{}", refused.reason);
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
}

/// The same bad blob is not fetched again at once, but after a while it is.
#[tokio::test(start_paused = true)]
async fn a_refused_blob_is_tried_again_only_later_semantics_19() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    for blob in [world.objects("deltas").await, world.objects("snapshots").await].concat() {
        world.damage(&blob).await;
    }
    assert_eq!(consumer.refresh().await.unwrap_err().kind(), ErrorKind::Corrupt);
    world.store.requests();
    assert_eq!(consumer.refresh().await.unwrap_err().kind(), ErrorKind::Corrupt);
    let fetched = |requests: Vec<String>| {
        requests.iter().filter(|request| request.contains("deltas") || request.contains("snapshots")).count()
    };
    assert_eq!(fetched(world.store.requests()), 0);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.store.requests();
    assert_eq!(consumer.refresh().await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(fetched(world.store.requests()) > 0);
    assert_eq!(cities(&consumer.read()), named(&FIRST));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_within_the_refresh_semantics_20() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let mut tries = BTreeMap::new();
    world.store.follow(move |request| {
        let tries: &mut u32 = tries.entry(request.to_owned()).or_default();
        *tries += 1;
        if *tries == 4 || request.starts_with("SHOW") { Answer::True } else { Answer::Lost }
    });
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some(RefreshRoute::Delta), 2));
}

#[tokio::test]
async fn whoever_waits_can_stop_waiting_semantics_20() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    for place in ["LIST places/log", "GET places/log", "GET places/manifests", "GET places/deltas"] {
        world.store.answer(place, Answer::Never);
        let waited = tokio::time::timeout(Duration::from_millis(30), consumer.refresh()).await;
        assert!(waited.is_err(), "{place}");
        assert_eq!(cities(&consumer.read()), named(&FIRST), "{place}");
    }
    world.store.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_version_a_consumer_waits_or_says_so_semantics_23() {
    let world = World::new();
    let none = world.consumer_builder().start().await.err().unwrap();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    assert!(none.to_string().contains("nothing is announced"), "{none}");
    let begun = tokio::time::Instant::now();
    let waited = world.consumer_builder().wait(Wait::AtMost(Duration::from_secs(20))).start().await;
    assert_eq!(waited.err().unwrap().kind(), ErrorKind::NotFound);
    assert_eq!(begun.elapsed().as_secs(), 20);

    // A claim is a log entry without a version: there is nothing to read yet.
    let mut producer = world.producer().await;
    assert_eq!(world.consumer_builder().start().await.err().unwrap().kind(), ErrorKind::NotFound);
    let patient = tokio::spawn(world.consumer_builder().wait(Wait::Forever).start());
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!patient.is_finished());
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    assert_eq!(cities(&patient.await.unwrap().unwrap().read()), named(&FIRST));
}

/// Bug: a process that lagged behind recorded, when it arrived, what the log had led to before, and so a host that was sent back came up again,
/// without the network, with the version it was sent back from. Mechanism: the last record written counted. Fix: the latest of the log does.
#[tokio::test(start_paused = true)]
async fn a_process_that_lags_behind_does_not_take_its_host_back_semantics_24() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().memory(world.mapped()).start().await.unwrap();
    let door = Arc::new(world.store.twin());
    let lagging = Consumer::builder(DATASET, Arc::clone(&door) as _).environment(world.environment.clone());
    let lagging = lagging.memory(world.mapped()).poll(seldom()).start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    door.answer("GET places/deltas", Answer::Asleep);
    let arriving = tokio::spawn(async move { lagging.refresh().await.unwrap().to });
    tokio::time::sleep(Duration::from_secs(1)).await;

    consumer.refresh().await.unwrap();
    world.operator().pin("", Version(1), "bad prices").await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 1);
    drop(consumer);
    door.wake();
    assert_eq!(arriving.await.unwrap().0, 2);
    world.store.answer("", Answer::Lost);
    let restarted = world.consumer_builder().memory(world.mapped()).start().await.unwrap();
    assert_eq!(cities(&restarted.read()), named(&FIRST));
}

#[tokio::test(start_paused = true)]
async fn a_restart_needs_no_network_and_says_how_old_it_is_semantics_24() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer_builder().memory(world.mapped()).start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    consumer.refresh().await.unwrap();
    let (confirmed, expected) = (consumer.confirmed_at(), cities(&consumer.read()));
    drop(consumer);
    tokio::time::sleep(Duration::from_secs(7200)).await;
    published(producer.incremental(|writer| upsert(writer, &[(5, "Bonn")])).await);

    world.store.answer("", Answer::Lost);
    world.store.requests();
    let restarted = world.consumer_builder().memory(world.mapped()).start().await.unwrap();
    assert_eq!((restarted.read().version().0, cities(&restarted.read())), (2, expected));
    assert_eq!(restarted.confirmed_at(), confirmed, "as old as it was when it was last confirmed");
    world.store.heal();
    assert_eq!(restarted.refresh().await.unwrap().route, Some(RefreshRoute::Delta));
    assert!(restarted.confirmed_at() > confirmed);
}

#[tokio::test]
async fn reading_never_waits_for_a_refresh_semantics_26() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = Arc::new(world.quiet().start().await.unwrap());
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    world.store.answer("GET places/deltas", Answer::Never);
    let refreshing = tokio::spawn({
        let consumer = Arc::clone(&consumer);
        async move { consumer.refresh().await.map(drop) }
    });
    while !world.store.requests().iter().any(|request| request.contains("GET places/deltas")) {
        tokio::task::yield_now().await;
    }
    assert_eq!(cities(&consumer.read()), named(&FIRST));
    assert_eq!(cities(&consumer.state()), named(&FIRST));
    refreshing.abort();
}

/// A LIST that shows an older log than the one a consumer landed on moves nobody back.
#[tokio::test]
async fn nobody_goes_back_in_the_log_r9() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let consumer = world.consumer().await;
    let log = world.objects("log").await;
    let newest = log.last().unwrap().clone();
    world.store.follow(
        move |request| {
            if request.ends_with(newest.as_str()) { Answer::Absent } else { Answer::True }
        },
    );
    let behind = world.consumer().await;
    assert_eq!(behind.read().version().0, 1, "the script hides the newest entry");
    let refresh = consumer.refresh().await;
    assert!(refresh.is_err() || refresh.unwrap().to.0 == 2);
    assert_eq!(consumer.read().version().0, 2);
    world.store.heal();
    assert_eq!(behind.refresh().await.unwrap().to.0, 2);
}

/// A blob that a replica of the bucket does not have yet: the consumer stays, and moves once it is there.
#[tokio::test(start_paused = true)]
async fn what_is_not_here_yet_is_waited_for_r9() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    world.store.follow(|request| {
        let late = ["GET places/deltas", "GET places/snapshots", "HEAD places/deltas"];
        if late.iter().any(|late| request.starts_with(late)) { Answer::Absent } else { Answer::True }
    });
    let failed = consumer.refresh().await.unwrap_err();
    assert!([ErrorKind::NotFound, ErrorKind::Unavailable].contains(&failed.kind()), "{failed}");
    assert_eq!(cities(&consumer.read()), named(&FIRST));
    world.store.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2, "what was absent is not held against the blob");
}

/// The log keeps the consumers of one ring where they are: those hear of it, and whoever pins itself says so besides.
#[tokio::test]
async fn a_consumer_tells_what_holds_it_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let told = Arc::new(Told::default());
    let canary = world.quiet().ring("canary").listener(Arc::clone(&told) as _);
    let (canary, other) = (canary.start().await.unwrap(), world.consumer().await);
    assert!(canary.hold().is_none() && told.refreshes()[0].hold.is_none());
    let mut operator = world.operator();
    operator.pin("canary", Version(1), "a look").await.unwrap();
    canary.refresh().await.unwrap();
    other.refresh().await.unwrap();
    let hold = canary.hold().unwrap();
    assert_eq!((hold.by.as_str(), hold.why.as_str(), hold.reason), ("ops", "a look", HoldReason::Pinned));
    assert_eq!(told.refreshes().pop().unwrap().hold.as_ref(), Some(&*hold));
    assert_eq!((canary.read().version().0, other.read().version().0, other.hold()), (1, 2, None));

    canary.pin(Version(2)).await.unwrap();
    assert_eq!((canary.pinned(), canary.hold()), (Some(Version(2)), Some(hold)), "both at once");
    canary.unpin().await.unwrap();
    operator.unpin("canary").await.unwrap();
    canary.refresh().await.unwrap();
    assert_eq!((canary.pinned(), canary.hold()), (None, None));
}

/// Those that a bus wakes at the same moment look at moments of their own, and once for several words.
#[tokio::test(start_paused = true)]
async fn consumers_that_a_bus_wakes_spread_their_looks_semantics_18() {
    let world = World::new();
    let bus = InProcessBus::new();
    let mut producer = world.producer_of(schema()).announcer(bus.clone()).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let mut consumers = Vec::new();
    for _ in 0..40 {
        let builder = world.quiet().watcher(bus.watcher("places"));
        consumers.push(builder.spread(Duration::from_secs(10)).start().await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let at_two = |consumers: &[Consumer]| consumers.iter().filter(|one| one.read().version().0 == 2).count();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!((8..=32).contains(&at_two(&consumers)), "{} of 40 after half of the time", at_two(&consumers));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(at_two(&consumers), 40);
}

/// A bus says when there is something to see, so the store is asked as seldom as is good for words that got lost.
#[tokio::test(start_paused = true)]
async fn the_store_is_polled_seldom_beside_a_bus_semantics_18() {
    let world = World::new();
    drop(world.producer_with(&FIRST).await);
    let bus = InProcessBus::new();
    let mut hints = Vec::new();
    for is_beside_a_bus in [false, true] {
        let builder = world.consumer_builder();
        let builder = if is_beside_a_bus { builder.watcher(bus.watcher("places")) } else { builder };
        let _consumer = builder.start().await.unwrap();
        world.store.requests();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let requests = world.store.requests();
        hints.push(requests.iter().filter(|request| request.contains("hints/announced")).count());
    }
    assert!((280..=460).contains(&hints[0]), "every 10 s, a fifth more or less: {hints:?}");
    assert!((45..=80).contains(&hints[1]), "every 60 s: {hints:?}");
}

/// Where one ring is, another may not have to be yet: neither with the store nor without it.
#[tokio::test(start_paused = true)]
async fn the_rings_of_a_host_start_each_where_it_was_semantics_21_24() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    world.operator().pin("canary", Version(1), "a look").await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let start = async |ring: &str| {
        let builder = world.quiet().memory(world.mapped());
        builder.ring(ring).start().await.map(|consumer| consumer.read().version().0)
    };
    assert_eq!((start("").await.unwrap(), start("canary").await.unwrap()), (2, 1));
    assert_eq!((start("").await.unwrap(), start("canary").await.unwrap()), (2, 1), "again");
    world.store.answer("", Answer::Lost);
    assert_eq!((start("").await.unwrap(), start("canary").await.unwrap()), (2, 1), "without the store");
    assert_eq!(start("another").await.unwrap_err().kind(), ErrorKind::Unavailable);
}
