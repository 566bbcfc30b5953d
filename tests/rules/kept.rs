//! The states that a consumer keeps and those that it leaves behind: semantics 15, 21.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use hollowcast::consumer::{Consumer, RefreshRoute, RetiredStates};
use hollowcast::environment::SeededRandom;
use hollowcast::identifiers::Version;
use hollowcast::producer::Producer;
use object_store::{ObjectStore, ObjectStoreExt};

use super::setting::{World, add, cities, named, published, schema, upsert};

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];

/// Publishes the versions up to `last`, each of which gives Rome another name, and lets the consumers follow each.
async fn grow(producer: &mut Producer, last: u64, consumers: &[&Consumer]) {
    while producer.version().0 < last {
        let name = format!("Rome {}", producer.version().next());
        published(producer.incremental(|writer| upsert(writer, &[(1, &name)])).await);
        for consumer in consumers {
            consumer.refresh().await.unwrap();
        }
    }
}

/// Sends the fleet to `version`, and looks how the consumer gets there and what Rome is called then.
async fn goes(world: &World, consumer: &Consumer, version: u64) -> RefreshRoute {
    world.operator().pin("", Version(version), "").await.unwrap();
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!(refresh.to.0, version);
    let name = if version == 1 { "Rome".to_owned() } else { format!("Rome {version}") };
    assert_eq!(cities(&consumer.read()), named(&[(1, &name), (2, "Oslo")]));
    refresh.route.expect("it moved")
}

/// Back and forth among the last states costs the look at the log alone.
#[tokio::test]
async fn to_one_of_the_last_states_nothing_is_fetched_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    let fingerprint = consumer.read().fingerprint();
    grow(&mut producer, 4, &[&consumer]).await;
    let first = consumer.state();
    for version in [3, 1, 2, 4, 1] {
        world.operator().pin("", Version(version), "").await.unwrap();
        world.store.requests();
        let refresh = consumer.refresh().await.unwrap();
        assert_eq!((refresh.to.0, refresh.route), (version, Some(RefreshRoute::Kept)));
        assert_eq!((refresh.fetched_bytes, refresh.blobs), (0, 0));
        let requests = world.store.requests();
        let is_look =
            |request: &String| request == "LIST places/log" || request.starts_with("GET places/log/");
        assert!(requests.iter().all(is_look), "{requests:?}");
    }
    assert_eq!(consumer.read().fingerprint(), fingerprint);
    assert_eq!(goes(&world, &consumer, 4).await, RefreshRoute::Kept);
    assert!(Arc::ptr_eq(&first, &consumer.state()), "it is the very state");
    world.operator().unpin("").await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().route, None);
    grow(&mut producer, 5, &[]).await;
    assert_eq!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Delta), "and goes on from there");
    assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
}

/// What was used the longest ago goes first, and what is in use is not among those that are counted.
#[tokio::test]
async fn the_state_used_the_longest_ago_goes_first_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer_builder().kept_states(2).start().await.unwrap();
    grow(&mut producer, 3, &[&consumer]).await;
    assert_eq!(goes(&world, &consumer, 1).await, RefreshRoute::Kept);
    assert_eq!(goes(&world, &consumer, 2).await, RefreshRoute::Kept);
    world.operator().unpin("").await.unwrap();
    consumer.refresh().await.unwrap();
    // The states of 2 and 1 are kept, 2 was used last; with version 4 that of 3 comes and that of 1 goes.
    grow(&mut producer, 4, &[&consumer]).await;
    assert_eq!(goes(&world, &consumer, 2).await, RefreshRoute::Kept);
    assert_eq!(goes(&world, &consumer, 3).await, RefreshRoute::Kept);
    assert_eq!(goes(&world, &consumer, 1).await, RefreshRoute::ReverseDelta);
}

#[tokio::test]
async fn as_many_states_are_kept_as_one_says_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let none = world.consumer_builder().kept_states(0).start().await.unwrap();
    let usual = world.consumer().await;
    let many = world.consumer_builder().kept_states(5).start().await.unwrap();
    grow(&mut producer, 6, &[&none, &usual, &many]).await;
    assert_eq!(goes(&world, &many, 1).await, RefreshRoute::Kept);
    assert_eq!(goes(&world, &usual, 3).await, RefreshRoute::Kept);
    assert_eq!(goes(&world, &usual, 2).await, RefreshRoute::ReverseDelta);
    assert_eq!(goes(&world, &none, 5).await, RefreshRoute::ReverseDelta);
    assert_eq!(goes(&world, &none, 6).await, RefreshRoute::Delta);
}

/// Another dataset at the same place has versions of the same numbers, and nothing else in common.
#[tokio::test(start_paused = true)]
async fn another_dataset_has_none_of_the_kept_states_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let (consumer, pinned) = (world.consumer().await, world.consumer().await);
    let watched = Arc::downgrade(&consumer.state());
    grow(&mut producer, 3, &[&consumer, &pinned]).await;
    pinned.pin(Version(1)).await.unwrap();
    drop(producer);
    let mut other = World::new();
    other.environment.random = Arc::new(SeededRandom::new(8));
    let mut producer = other.producer_with(&[(7, "Lima")]).await;
    for number in 2..9 {
        published(producer.incremental(|writer| upsert(writer, &[(number, "New")])).await);
    }
    for object in world.store.inner().list(None).try_collect::<Vec<_>>().await.unwrap() {
        world.store.inner().delete(&object.location).await.unwrap();
    }
    for object in other.store.inner().list(None).try_collect::<Vec<_>>().await.unwrap() {
        let bytes = other.store.inner().get(&object.location).await.unwrap().bytes().await.unwrap();
        world.store.inner().put(&object.location, bytes.into()).await.unwrap();
    }
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.from, refresh.route), (Version::NONE, Some(RefreshRoute::Snapshot)));
    world.operator().pin("", Version(2), "").await.unwrap();
    assert_ne!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Kept));
    assert_eq!(cities(&consumer.read()), named(&[(2, "New"), (7, "Lima")]));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(watched.upgrade().is_none() && consumer.retired().count == 0, "those of the first are free");

    // Who pinned itself stays with what it has, and the next pin is one of the other dataset.
    let stayed = pinned.refresh().await.unwrap();
    assert_eq!((stayed.to.0, stayed.route, cities(&pinned.read())), (1, None, named(&FIRST)));
    assert_eq!(pinned.pin(Version(2)).await.unwrap().route, Some(RefreshRoute::Snapshot));
    assert_eq!(cities(&pinned.read()), named(&[(2, "New"), (7, "Lima")]));
}

/// A state that a reader has is freed after the reader let go of it, and not by the reader.
#[tokio::test(start_paused = true)]
async fn what_readers_hold_is_freed_after_them_and_not_by_them_semantics_15() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let consumer = world.consumer_builder().kept_states(1).start().await.unwrap();
    let (kept, read) = (consumer.state(), consumer.read());
    let watched = Arc::downgrade(&kept);
    grow(&mut producer, 2, &[&consumer]).await;
    assert_eq!(consumer.retired(), RetiredStates { count: 0, oldest: None }, "it can be gone back to");
    grow(&mut producer, 3, &[&consumer]).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    let held = consumer.retired();
    assert_eq!((held.count, held.oldest.map(|age| age.as_secs())), (1, Some(50)));
    drop(kept);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cities(&read), named(&FIRST), "the guard has it still");
    assert_eq!(consumer.retired().count, 1);
    drop(read);
    assert!(watched.upgrade().is_some(), "whoever let go last did not free it");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(watched.upgrade().is_none());
    assert_eq!(consumer.retired(), RetiredStates { count: 0, oldest: None });
    let last = consumer.state();
    drop(consumer);
    assert_eq!(last.version().0, 3, "without a consumer the reader has it alone");
}
