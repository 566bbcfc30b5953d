//! Standby and takeover: one chain, whoever sleeps or dies (semantics 10, R3).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use hollowcast::ErrorKind;
use hollowcast::consumer::{Memory, RebaseThresholds};
use hollowcast::identifiers::Version;
use hollowcast::producer::{Dataset, Producer, Standby};
use hollowcast::tools::TypeStats;

use super::setting::{DATASET, World, add, add_many, cities, named, published, schema, upsert};
use super::store::{Answer, ScriptedStore};

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];
/// What a takeover may take, from the last sign of life to the first version.
const BOUND: Duration = Duration::from_secs(20);

/// A producer in a process of its own: it sees the world's store through `door`.
async fn holder(world: &World, door: &Arc<ScriptedStore>) -> Producer {
    let builder = Producer::builder(Dataset::dynamic(DATASET, schema()), Arc::clone(door) as _);
    let builder = builder.memory(Memory::Heap).environment(world.environment.clone());
    builder.start().await.unwrap()
}

/// One that has published the first version and is followed by a standby; with its door.
async fn followed(world: &World) -> (Producer, Arc<ScriptedStore>, tokio::task::JoinHandle<Producer>) {
    let door = Arc::new(world.store.twin());
    let mut producer = holder(world, &door).await;
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let standby = take_over(standby(world));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!standby.is_finished(), "the holder lives");
    (producer, door, standby)
}

fn standby(world: &World) -> Standby {
    world.producer_of(schema()).stand_by().unwrap()
}

fn take_over(standby: Standby) -> tokio::task::JoinHandle<Producer> {
    tokio::spawn(async { standby.take_over().await.unwrap() })
}

/// Killed between cycles or anywhere in one: what it left is void, and the standby goes on from what was committed.
#[tokio::test(start_paused = true)]
async fn a_standby_goes_on_where_a_killed_producer_was_semantics_10_r3() {
    let places = [
        ("PUT places/deltas", false),
        ("PUT places/manifests", false),
        ("CREATE places/log", false),
        // Its entry is there, and it was killed before it could read that.
        ("GET places/log", true),
        ("nothing", true),
    ];
    for (place, is_out) in places {
        let world = World::new();
        let (mut producer, door, standby) = followed(&world).await;
        door.answer(place, Answer::Never);
        let killed = Instant::now();
        let cycle = producer.incremental(|writer| upsert(writer, &[(3, "Lima")]));
        let told = tokio::time::timeout(Duration::from_millis(10), cycle).await;
        assert_eq!(told.is_ok(), place == "nothing", "{place}");
        drop(producer);
        let mut next = standby.await.unwrap();
        published(next.incremental(|writer| upsert(writer, &[(4, "Bonn")])).await);
        assert!(killed.elapsed() <= BOUND, "{place}: {:?}", killed.elapsed());
        let mut expected = named(&[(1, "Rome"), (2, "Oslo"), (4, "Bonn")]);
        if is_out {
            expected.insert(3, "Lima".to_owned());
        }
        assert_eq!(cities(&world.consumer().await.read()), expected, "{place}");
        assert_eq!(world.verify().await.unwrap().versions, 2 + u64::from(is_out), "{place}");
    }
}

/// What it followed is in memory: only the claim, and the versions since its last look, cost requests.
#[tokio::test(start_paused = true)]
async fn a_standby_is_warm_semantics_10() {
    let world = World::new();
    let (mut producer, _door, standby) = followed(&world).await;
    published(producer.incremental(|writer| upsert(writer, &[(3, "Lima")])).await);
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.store.requests();
    drop(producer);
    let next = standby.await.unwrap();
    assert_eq!(cities(next.state()), named(&[(1, "Rome"), (2, "Oslo"), (3, "Lima")]));
    let fetched = world.store.requests().into_iter().filter(|request| request.starts_with("GET"));
    let blobs: Vec<String> =
        fetched.filter(|request| !request.contains("log/") && !request.contains("hints/")).collect();
    assert_eq!(blobs, Vec::<String>::new());
}

/// It may stand by for months: what it has open and mapped does not grow with the versions it followed.
#[tokio::test(start_paused = true)]
async fn what_a_standby_holds_does_not_pile_up_semantics_10_24() {
    let world = World::new();
    let door = Arc::new(world.store.twin());
    let mut producer = holder(&world, &door).await;
    published(producer.cycle(|writer| add_many(writer, 1000)).await);
    let standby = take_over(world.producer_of(schema()).memory(world.mapped()).stand_by().unwrap());
    let most = u64::try_from(RebaseThresholds::default().sections).unwrap();
    for id in 0..most as u32 + 20 {
        published(producer.incremental(|writer| upsert(writer, &[(id, "New")])).await);
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    let expected = cities(producer.state());
    producer.stop().await;
    let next = standby.await.unwrap();
    assert_eq!(cities(next.state()), expected);
    let types = TypeStats::of_state(next.state()).unwrap();
    let sections = types.iter().map(|of_type| of_type.overlay_sections).max().unwrap();
    assert!(sections < most, "{sections} sections");
}

/// It has claimed, and the store does not give it the newest version: it asks again, as nobody else would.
#[tokio::test(start_paused = true)]
async fn a_standby_outlasts_a_store_that_fails_after_its_claim_semantics_10_20() {
    let world = World::new();
    let (mut producer, _door, standby) = followed(&world).await;
    world.store.answer("GET places/deltas", Answer::Lost);
    published(producer.incremental(|writer| upsert(writer, &[(3, "Lima")])).await);
    producer.stop().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(!standby.is_finished());
    world.store.heal();
    let next = standby.await.unwrap();
    assert_eq!(cities(next.state()), named(&[(1, "Rome"), (2, "Oslo"), (3, "Lima")]));
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_says_goodbye_is_followed_at_once_semantics_10() {
    let world = World::new();
    let (producer, _door, standby) = followed(&world).await;
    let stopped = Instant::now();
    producer.stop().await;
    assert_eq!(standby.await.unwrap().version(), Version(1));
    assert!(stopped.elapsed() <= Duration::from_secs(2), "{:?}", stopped.elapsed());
}

/// Stopped in the middle of a cycle, at each of its requests, and woken after the takeover: it is told, and its version is void.
#[tokio::test(start_paused = true)]
async fn a_producer_that_wakes_up_is_fenced_and_may_stand_by_semantics_10_r3() {
    for place in ["PUT places/deltas", "PUT places/manifests", "CREATE places/log"] {
        let world = World::new();
        let (mut producer, door, standby) = followed(&world).await;
        door.answer(place, Answer::Asleep);
        let cycle = tokio::spawn(async move {
            let failed = producer.incremental(|writer| upsert(writer, &[(3, "Lima")])).await.unwrap_err();
            (producer, failed)
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        door.sleep();
        let mut next = standby.await.unwrap();
        published(next.incremental(|writer| upsert(writer, &[(4, "Bonn")])).await);
        door.wake();
        let (producer, failed) = cycle.await.unwrap();
        assert_eq!(failed.kind(), ErrorKind::Fenced, "{place}: {failed}");

        let again = take_over(producer.stand_by().await);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!again.is_finished(), "{place}: its successor lives");
        published(next.incremental(|writer| upsert(writer, &[(5, "Kiel")])).await);
        next.stop().await;
        let mut again = again.await.unwrap();
        published(again.incremental(|writer| upsert(writer, &[(6, "Metz")])).await);
        let expected = [(1, "Rome"), (2, "Oslo"), (4, "Bonn"), (5, "Kiel"), (6, "Metz")];
        assert_eq!(cities(&world.consumer().await.read()), named(&expected), "{place}");
        assert_eq!(world.verify().await.unwrap().versions, 4, "{place}");
    }
}

/// Another claimed, though nothing was published since: whoever asks for the newest version is told, as the next cycle would be.
#[tokio::test]
async fn a_producer_that_was_fenced_restores_nothing_semantics_10_r3() {
    let world = World::new();
    let mut fenced = world.producer_with(&FIRST).await;
    let mut next = world.producer().await;
    let told = fenced.restore().await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Fenced, "{told}");
    published(next.incremental(|writer| upsert(writer, &[(3, "Lima")])).await);
    let told = fenced.restore().await.unwrap_err();
    assert_eq!((told.kind(), fenced.version()), (ErrorKind::Fenced, Version(1)), "{told}");
    next.restore().await.unwrap();
    assert_eq!(next.version(), Version(2));
}

#[tokio::test(start_paused = true)]
async fn one_of_several_standbys_takes_over_and_then_the_next_semantics_10() {
    let world = World::new();
    let (producer, _door, first) = followed(&world).await;
    let mut waiting = vec![first, take_over(standby(&world)), take_over(standby(&world))];
    drop(producer);
    for left in (0..3).rev() {
        let (producer, _, others) = futures::future::select_all(waiting).await;
        waiting = others;
        let mut producer = producer.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(waiting.iter().filter(|standby| !standby.is_finished()).count(), left);
        published(producer.incremental(|writer| upsert(writer, &[(10 + left as u32, "Next")])).await);
    }
    assert_eq!(world.verify().await.unwrap().versions, 4);
}

/// Five minutes without an answer are no reason to give up, nor, when the store is back, to fence who is still there.
#[tokio::test(start_paused = true)]
async fn a_standby_outlives_a_store_that_is_down_semantics_10_20() {
    let world = World::new();
    let (mut producer, door, standby) = followed(&world).await;
    for store in [&world.store, &door] {
        store.follow(|_| Answer::Lost);
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    world.store.heal();
    door.heal();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!standby.is_finished());
    published(producer.incremental(|writer| upsert(writer, &[(3, "Lima")])).await);
    drop(producer);
    assert_eq!(standby.await.unwrap().version(), Version(2));
}

#[tokio::test(start_paused = true)]
async fn a_standby_makes_a_dataset_that_nobody_has_semantics_10() {
    let world = World::new();
    let standby = standby(&world);
    assert_eq!(standby.version(), Version::NONE);
    let mut producer = standby.take_over().await.unwrap();
    assert_eq!(published(producer.cycle(|writer| add(writer, &FIRST)).await).version, Version(1));
}
