//! Snapshots that come after their versions (semantics 11).

use hollowcast::ErrorKind;
use hollowcast::consumer::Consumer;
use hollowcast::identifiers::Version;
use hollowcast::log::{EntryKind, Tail};
use hollowcast::producer::{LateSnapshot, Producer, Writer};
use hollowcast::tools::TypeStats;
use hollowcast::wire::Draft;

use super::setting::{World, cities, published, schema, upsert, wide_schema};
use super::store::Answer;

/// Publishes as many versions more, each with a city of its own number; says which of them came with a snapshot.
async fn grow(producer: &mut Producer, versions: u64) -> Vec<u64> {
    let mut with = Vec::new();
    for _ in 0..versions {
        let next = producer.version().next();
        let publication =
            producer.incremental(|writer| upsert(writer, &[(100 + next.0 as u32, "New")])).await;
        if published(publication).bytes.snapshot.is_some() {
            with.push(next.0);
        }
    }
    with
}

/// The versions whose snapshots the log names.
async fn named_snapshots(world: &World) -> Vec<u64> {
    let mut tail = Tail::new(world.dataset());
    let entry = &tail.find().await.unwrap().unwrap().entry;
    entry.snapshots.iter().map(|snapshot| snapshot.version.0).collect()
}

/// A producer whose deltas hardly weigh, so that snapshots are due by number alone.
async fn producer(world: &World, every: u64, is_behind: bool) -> Producer {
    let builder = world.producer_of(schema()).snapshot_every(every).snapshots_behind(is_behind);
    let mut producer = builder.start().await.unwrap();
    let names: Vec<(u32, String)> = (0..5_000).map(|id| (1_000 + id, format!("city {id} of many"))).collect();
    let pairs: Vec<(u32, &str)> = names.iter().map(|(id, name)| (*id, name.as_str())).collect();
    published(producer.cycle(|writer| super::setting::add(writer, &pairs)).await);
    producer
}

/// A row takes its whole width in a section, however few of its words are set: 2,100 rows of 16 KiB are more than the 32 MiB of one.
#[tokio::test]
async fn sections_are_split_by_what_they_store_format_shards() {
    let record = |id: u32, value: u64| {
        let mut draft = Draft::new();
        let root = draft.root(2, 0).unwrap();
        draft.set_bits_at(root, 0, 32, id.into());
        draft.set_bits_at(root, 1, 64, value);
        draft.words().to_vec()
    };
    let state = |writer: &Writer, value: u64| {
        let index = writer.type_index("City")?;
        (0..2_100).try_for_each(|id| writer.add_words(index, &record(id, value)))
    };
    let sections = |consumer: &Consumer| {
        let figures = &TypeStats::of_state(&consumer.read()).unwrap()[0];
        (figures.shards, figures.overlay_sections)
    };
    let world = World::new();
    let mut producer = world.producer_of(wide_schema(2048)).start().await.unwrap();
    published(producer.cycle(|writer| state(writer, 1)).await);
    let consumer = world.quiet().start().await.unwrap();
    assert_eq!(sections(&consumer), (2, 0));

    published(producer.cycle(|writer| state(writer, 2)).await);
    consumer.refresh().await.unwrap();
    assert_eq!(sections(&consumer), (2, 2), "by delta");
    consumer.pin(Version(1)).await.unwrap();
    assert_eq!(sections(&consumer), (2, 0), "a state that it kept");
    let back = world.quiet().kept_states(0).start().await.unwrap();
    back.pin(Version(1)).await.unwrap();
    assert_eq!(sections(&back), (2, 2), "by reverse delta");

    world.snapshot_builder().build(Some(Version(2))).await.unwrap();
    assert_eq!(sections(&world.quiet().start().await.unwrap()), (2, 0), "by the late snapshot");
}

#[tokio::test]
async fn a_version_that_is_out_gets_a_snapshot_from_whoever_builds_one_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 256, false).await;
    assert_eq!(grow(&mut producer, 5).await, Vec::<u64>::new());
    let built = world.snapshot_builder().build(Some(Version(4))).await.unwrap();
    assert!(matches!(built, LateSnapshot::Added(snapshot) if snapshot.version.0 == 4), "{built:?}");
    let built = world.snapshot_builder().build(None).await.unwrap();
    assert!(matches!(built, LateSnapshot::Added(snapshot) if snapshot.version.0 == 6), "{built:?}");
    let again = world.snapshot_builder().build(Some(Version(4))).await.unwrap();
    assert!(matches!(again, LateSnapshot::Known(snapshot) if snapshot.version.0 == 4), "{again:?}");
    assert_eq!(named_snapshots(&world).await, [1, 4, 6]);

    world.store.requests();
    let consumer = world.consumer().await;
    assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
    let fetched = world.store.requests();
    assert!(fetched.iter().any(|request| request.contains("snapshots/00000000000000000006")), "{fetched:?}");
    assert!(!fetched.iter().any(|request| request.contains("deltas/")), "{fetched:?}");
    assert_eq!(world.verify().await.unwrap().versions, 6);
    assert_eq!(grow(&mut producer, 1).await, Vec::<u64>::new(), "the producer goes on");
    assert_eq!(named_snapshots(&world).await, [1, 4, 6]);
}

#[tokio::test]
async fn what_is_not_there_gets_no_snapshot_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 2, false).await;
    grow(&mut producer, 4).await;
    world.retention(1).run(&()).await.unwrap();
    world.store.writes();
    for version in [0, 2, 6] {
        let error = world.snapshot_builder().build(Some(Version(version))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert_eq!(world.store.writes(), Vec::<String>::new());
}

/// Given up while it is built: it is told, and what it left goes with the next retention.
#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_version_given_up_meanwhile_is_refused_semantics_11_r6() {
    let world = World::new();
    let mut producer = producer(&world, 2, false).await;
    grow(&mut producer, 1).await;
    world.store.answer("PUT places/snapshots/00000000000000000002", Answer::Asleep);
    let mut builder = world.snapshot_builder();
    let building = tokio::spawn(async move { builder.build(Some(Version(2))).await });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    world.retention(1).run(&()).await.unwrap();
    grow(&mut producer, 4).await;
    world.retention(1).run(&()).await.unwrap();
    world.store.wake();
    let error = building.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("is gone"), "{error}");
    let left = |names: Vec<String>| names.iter().any(|name| name.contains("snapshots/00000000000000000002"));
    assert!(left(world.objects("snapshots").await));
    world.retention(1).run(&()).await.unwrap();
    assert!(!left(world.objects("snapshots").await));
}

/// No cycle waits for one that is slow, and there is one at a time.
#[tokio::test]
async fn snapshots_behind_the_cycles_delay_none_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 2, true).await;
    world.store.answer("PUT places/snapshots", Answer::Asleep);
    assert_eq!(grow(&mut producer, 9).await, Vec::<u64>::new());
    assert_eq!(named_snapshots(&world).await, [1]);
    world.store.wake();
    producer.stop().await;
    assert_eq!(named_snapshots(&world).await, [1, 3], "the third was the first that was due");
    let mut tail = Tail::new(world.dataset());
    assert_eq!(tail.find().await.unwrap().unwrap().entry.kind, EntryKind::Snapshot);
    assert_eq!(world.verify().await.unwrap().versions, 10);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_failed_behind_a_cycle_is_due_again_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 2, true).await;
    world.store.answer("PUT places/snapshots", Answer::Lost);
    grow(&mut producer, 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    world.store.heal();
    grow(&mut producer, 1).await;
    producer.stop().await;
    assert_eq!(named_snapshots(&world).await, [1, 4]);
}

/// A snapshot that is never ready does not stretch the chain beyond what a manifest links.
#[tokio::test]
async fn the_256th_version_without_a_snapshot_waits_for_one_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 2, true).await;
    let mut first = true;
    world.store.follow(move |request| match request.contains("PUT places/snapshots") {
        true if std::mem::take(&mut first) => Answer::Never,
        _ => Answer::True,
    });
    assert_eq!(grow(&mut producer, 257).await, [257]);
    assert_eq!(cities(&world.consumer().await.read()).len(), 5_000 + 257);
}

/// The producer goes on from the base of the snapshot it built, so that its own state does not grow with every cycle.
#[tokio::test(start_paused = true)]
async fn a_producer_goes_on_from_the_snapshot_it_built_semantics_11() {
    let world = World::new();
    let mut producer = producer(&world, 4, true).await;
    for _ in 0..40 {
        grow(&mut producer, 1).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let stats = TypeStats::of_state(producer.state()).unwrap();
        assert!(stats[0].overlay_sections <= 5, "{} sections over the base", stats[0].overlay_sections);
    }
    let mut expected: Vec<u32> = (1_000..6_000).chain(102..=141).collect();
    expected.sort_unstable();
    assert_eq!(cities(producer.state()).into_keys().collect::<Vec<_>>(), expected);
    assert_eq!(named_snapshots(&world).await, [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41]);
    assert_eq!(world.verify().await.unwrap().versions, 41);
}
