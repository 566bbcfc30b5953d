//! Pins: semantics 21, and rule R8.

use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::announce::InProcessBus;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::producer::Producer;

use super::setting::{World, cities, named, published, schema, upsert};

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];

/// Publishes as many versions more, each with a city of its own number.
async fn grow(producer: &mut Producer, versions: u32) {
    for _ in 0..versions {
        let next = producer.version().next().0 as u32;
        published(producer.incremental(|writer| upsert(writer, &[(100 + next, "New")])).await);
    }
}

#[tokio::test]
async fn a_pin_holds_everyone_where_it_says_and_commits_go_on_semantics_21_r8() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    let first = consumer.state().fingerprint();
    grow(&mut producer, 3).await;
    assert_eq!(consumer.refresh().await.unwrap().to.0, 4);

    let decided = world.operator().pin("", Version(1), "bad prices").await.unwrap();
    assert!(decided.is_new);
    let target = decided.entry.target("");
    let hold = target.hold.as_ref().unwrap();
    assert_eq!((hold.by.as_str(), hold.why.as_str()), ("ops", "bad prices"));
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some("reverse delta"), 1));
    assert_eq!((consumer.read().fingerprint(), cities(&consumer.read())), (first, named(&FIRST)));

    grow(&mut producer, 2).await;
    assert_eq!((producer.version().0, consumer.refresh().await.unwrap().to.0), (6, 1));
    assert_eq!(world.consumer().await.read().version().0, 1, "who comes later goes there too");
    assert!(!world.operator().pin("", Version(1), "again").await.unwrap().is_new);
    assert!(world.operator().pin("", Version(3), "better").await.unwrap().is_new);
    assert_eq!(consumer.refresh().await.unwrap().to.0, 3);

    assert!(world.operator().unpin("").await.unwrap().is_new);
    assert_eq!(consumer.refresh().await.unwrap().to.0, 6);
    assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
    assert!(!world.operator().unpin("").await.unwrap().is_new);
    grow(&mut producer, 1).await;
    assert_eq!(consumer.refresh().await.unwrap().to.0, 7);
}

/// A producer restores and commits by the newest version, never by a target.
#[tokio::test]
async fn a_producer_goes_on_from_the_newest_version_whatever_is_pinned_semantics_21_r8() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    grow(&mut producer, 2).await;
    world.operator().pin("", Version(1), "").await.unwrap();
    let mut next = world.producer().await;
    assert_eq!((next.version().0, next.state().fingerprint()), (3, producer.state().fingerprint()));
    grow(&mut next, 1).await;
    assert_eq!(next.version().0, 4);
}

#[tokio::test]
async fn a_ring_is_held_alone_semantics_21_r8() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let canary = world.consumer_builder().ring("canary").start().await.unwrap();
    let everyone = world.consumer().await;
    grow(&mut producer, 2).await;
    world.operator().pin("canary", Version(2), "try it").await.unwrap();
    assert_eq!(canary.refresh().await.unwrap().to.0, 2);
    assert_eq!(everyone.refresh().await.unwrap().to.0, 3);
    world.operator().pin("", Version(1), "hold").await.unwrap();
    assert_eq!((canary.refresh().await.unwrap().to.0, everyone.refresh().await.unwrap().to.0), (2, 1));
    world.operator().unpin("canary").await.unwrap();
    assert_eq!((canary.refresh().await.unwrap().to.0, everyone.refresh().await.unwrap().to.0), (3, 1));
}

#[tokio::test]
async fn what_cannot_be_pinned_is_refused_and_nothing_is_written_semantics_21() {
    let world = World::new();
    let none = world.operator().pin("", Version(1), "").await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound, "{none}");
    assert!(none.to_string().contains("no dataset at places"), "{none}");
    let empty = world.producer().await;
    let nothing = world.operator().pin("", Version(1), "").await.unwrap_err();
    assert!(nothing.to_string().contains("no version yet"), "{nothing}");
    drop(empty);
    let mut producer = world.producer_with(&FIRST).await;
    grow(&mut producer, 1).await;
    world.store.writes();
    for version in [0, 3, u64::MAX] {
        let error = world.operator().pin("", Version(version), "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("those from 1 to 2 are kept"), "{error}");
    }
    let unknown = world.operator().unpin("canary").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert!(unknown.to_string().contains("\"canary\""), "{unknown}");
    assert_eq!(world.store.writes(), Vec::<String>::new());
}

/// Consumers hear of a pin as of a version: nobody waits for the next poll.
#[tokio::test(start_paused = true)]
async fn consumers_hear_of_a_pin_semantics_21() {
    let world = World::new();
    let bus = InProcessBus::new();
    let mut producer = world.producer_of(schema()).announcer(bus.clone()).start().await.unwrap();
    grow(&mut producer, 2).await;
    let consumer = world.consumer_builder().watcher(bus.watcher("places")).start().await.unwrap();
    let mut operator = Operator::new(world.dataset(), "ops", vec![std::sync::Arc::new(bus)]);
    operator.pin("", Version(1), "").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(consumer.read().version().0, 1);
}
