//! Consumers that are on their way when retention deletes what their way needs: semantics 14 and 17.

use std::sync::Arc;
use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, RefreshRoute, Wait};
use hollowcast::producer::Producer;

use super::retention::{chain, grow};
use super::setting::{DATASET, Told, World, cities, seldom};
use super::store::{Answer, ScriptedStore};

/// Follows through a door of its own, and looks only when it is told to.
fn beside(world: &World, door: &Arc<ScriptedStore>) -> ConsumerBuilder {
    let builder = Consumer::builder(DATASET, Arc::clone(door) as _).memory(Memory::Heap).wait(Wait::Never);
    builder.environment(world.environment.clone()).poll(seldom())
}

/// Whatever goes on in the background comes to rest.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Ten versions more; of what led to the fourth, nothing is left.
async fn give_up_the_fourth(world: &World, producer: &mut Producer) {
    assert_eq!(producer.version().0, 4);
    grow(producer, 10).await;
    let retained = world.retention(1).run(&()).await.unwrap();
    assert_eq!(retained.floor.0, 13, "the last version with a snapshot");
}

/// How many of `requests` begin with `part`.
fn count(requests: &[String], part: &str) -> usize {
    requests.iter().filter(|request| request.starts_with(part)).count()
}

/// Between LIST and log entry, between log entry and manifest, and between manifest and blobs.
#[tokio::test(start_paused = true)]
async fn a_refresh_that_retention_overtakes_arrives_semantics_14_17() {
    for (place, manifests) in [("GET places/log", 1), ("GET places/manifests", 2), ("GET places/deltas", 2)] {
        let world = World::new();
        let mut producer = chain(&world, 2).await;
        let (door, told) = (Arc::new(world.store.twin()), Arc::new(Told::default()));
        let consumer = beside(&world, &door).listener(Arc::clone(&told) as _).start().await.unwrap();
        settle().await;
        grow(&mut producer, 2).await;
        door.requests();
        door.answer(place, Answer::Asleep);
        let refreshing = tokio::spawn(async move { (consumer.refresh().await.unwrap(), consumer) });
        settle().await;
        let mut requests = door.requests();
        assert!(requests.last().unwrap().starts_with(place), "{requests:?}");

        give_up_the_fourth(&world, &mut producer).await;
        door.wake();
        let (refresh, consumer) = refreshing.await.unwrap();
        let expected = (2, 14, Some(RefreshRoute::Snapshot));
        assert_eq!((refresh.from.0, refresh.to.0, refresh.route), expected, "{place}");
        assert_eq!(cities(&consumer.read()), cities(producer.state()), "{place}");
        assert_eq!(told.failures(), [""; 0], "{place}");
        requests.extend(door.requests());
        assert_eq!(count(&requests, "GET places/manifests"), manifests, "{place}: {requests:?}");
    }
}

/// The same of one that has nothing yet.
#[tokio::test(start_paused = true)]
async fn a_start_that_retention_overtakes_arrives_semantics_14_17() {
    for (place, manifests) in [
        ("GET places/log", 1),
        ("GET places/manifests", 2),
        ("GET places/snapshots", 2),
        ("GET places/deltas", 2),
    ] {
        let world = World::new();
        let mut producer = chain(&world, 4).await;
        let door = Arc::new(world.store.twin());
        door.answer(place, Answer::Asleep);
        let starting = tokio::spawn(beside(&world, &door).start());
        settle().await;
        let mut requests = door.requests();
        assert!(count(&requests, place) > 0, "{place}: {requests:?}");

        give_up_the_fourth(&world, &mut producer).await;
        door.wake();
        let consumer = starting.await.unwrap().unwrap();
        assert_eq!(cities(&consumer.read()), cities(producer.state()), "{place}");
        requests.extend(door.requests());
        assert_eq!(count(&requests, "GET places/manifests"), manifests, "{place}: {requests:?}");
    }
}

/// The log grows by an entry with each manifest that is gone. Four times a refresh plans anew.
#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_overtaken_again_and_again_gives_up_semantics_17() {
    for (overtaken, expected) in [(0, Ok(3)), (1, Ok(4)), (4, Ok(7)), (5, Err(ErrorKind::NotFound))] {
        let world = World::new();
        let mut producer = chain(&world, 2).await;
        let door = Arc::new(world.store.twin());
        let consumer = beside(&world, &door).start().await.unwrap();
        settle().await;
        grow(&mut producer, 8).await;
        let log = world.objects("log").await;
        // The claim and two versions come before the third.
        let (mut shown, mut gone) = (log[..=3].to_vec(), 0);
        door.requests();
        door.follow(move |request| {
            if let Some(object) = request.strip_prefix("SHOW ") {
                return if shown.iter().any(|name| name == object) { Answer::True } else { Answer::Absent };
            }
            if !request.starts_with("GET places/manifests") || gone == overtaken {
                return Answer::True;
            }
            gone += 1;
            shown.push(log[3 + gone].clone());
            Answer::Absent
        });
        let refreshed = consumer.refresh().await;
        let arrived = refreshed.map(|refresh| refresh.to.0).map_err(|error| error.kind());
        assert_eq!(arrived, expected, "overtaken {overtaken} times");
        assert_eq!(consumer.read().version().0, expected.unwrap_or(2));
        let plans = count(&door.requests(), "GET places/manifests");
        assert_eq!(plans, (overtaken + 1).min(5), "overtaken {overtaken} times");
    }
}

/// When the log says nothing newer, no other plan would be made.
#[tokio::test(start_paused = true)]
async fn a_refresh_that_nothing_overtook_says_at_once_what_is_missing_semantics_17() {
    let world = World::new();
    let mut producer = chain(&world, 2).await;
    let (door, told) = (Arc::new(world.store.twin()), Arc::new(Told::default()));
    let consumer = beside(&world, &door).listener(Arc::clone(&told) as _).start().await.unwrap();
    settle().await;
    grow(&mut producer, 1).await;
    door.requests();
    door.answer("GET places/manifests", Answer::Absent);
    let failed = consumer.refresh().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::NotFound);
    assert!(failed.to_string().contains("manifests/"), "{failed}");
    assert_eq!(count(&door.requests(), "GET places/manifests"), 1);
    assert_eq!((told.failures(), consumer.read().version().0), (vec![failed.to_string()], 2));
    door.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 3);
}
