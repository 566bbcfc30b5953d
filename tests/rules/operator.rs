//! Pins and rollbacks: semantics 21, and rule R8.

use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::announce::InProcessBus;
use hollowcast::consumer::RefreshRoute;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::producer::{CycleOptions, Outcome, Producer};

use super::setting::{
    World, add, cities, delete, later_schema, named, populous, published, schema, text, upsert,
};
use super::store::Answer;

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
    let consumer = world.consumer_builder().kept_states(0).start().await.unwrap();
    let first = consumer.state().fingerprint();
    grow(&mut producer, 3).await;
    assert_eq!(consumer.refresh().await.unwrap().to.0, 4);

    let decided = world.operator().pin("", Version(1), "bad prices").await.unwrap();
    assert!(decided.is_new);
    let target = decided.entry.target("");
    let hold = target.hold.as_ref().unwrap();
    assert_eq!((hold.by.as_str(), hold.why.as_str()), ("ops", "bad prices"));
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some(RefreshRoute::ReverseDelta), 1));
    assert_eq!((consumer.read().fingerprint(), cities(&consumer.read())), (first, named(&FIRST)));

    grow(&mut producer, 2).await;
    assert_eq!((producer.version().0, consumer.refresh().await.unwrap().to.0), (6, 1));
    assert_eq!(world.consumer().await.read().version().0, 1, "who comes later goes there too");
    assert!(!world.operator().pin("", Version(1), "bad prices").await.unwrap().is_new);
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

/// Published is not released: nobody goes there until an operator says so, whoever comes later included.
#[tokio::test]
async fn a_version_that_is_held_back_waits_for_its_release_semantics_21_r8() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    let held = CycleOptions { hold_back: Some("look first".to_owned()), ..CycleOptions::default() };
    let cycle = producer.incremental_with(held, |writer| upsert(writer, &[(3, "Lima")]));
    assert_eq!(published(cycle.await).version.0, 2);
    grow(&mut producer, 1).await;
    assert_eq!((producer.version().0, consumer.refresh().await.unwrap().to.0), (3, 1));
    assert_eq!(world.consumer().await.read().version().0, 1, "who comes later goes there too");

    let released = world.operator().unpin("").await.unwrap();
    assert!(released.is_new);
    assert_eq!(consumer.refresh().await.unwrap().to.0, 3);
    grow(&mut producer, 1).await;
    assert_eq!(consumer.refresh().await.unwrap().to.0, 4, "nothing holds it any more");
}

/// A hold is another's business: a commit that is held back leaves a pinned ring its pin and its reason.
#[tokio::test]
async fn holding_back_leaves_pins_alone_semantics_21_r8() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    world.operator().pin("", Version(1), "bad prices").await.unwrap();
    let held = CycleOptions { hold_back: Some("look first".to_owned()), ..CycleOptions::default() };
    published(producer.incremental_with(held, |writer| upsert(writer, &[(3, "Lima")])).await);
    let again = world.operator().pin("", Version(1), "").await.unwrap();
    assert!(!again.is_new);
    assert_eq!(again.entry.target("").hold.as_ref().unwrap().why, "bad prices");
}

#[tokio::test]
async fn a_first_version_may_be_held_back_semantics_21() {
    let world = World::new();
    let mut producer = world.producer().await;
    let held = CycleOptions { hold_back: Some(String::new()), ..CycleOptions::default() };
    published(producer.cycle_with(held, |writer| add(writer, &FIRST)).await);
    let Err(waiting) = world.consumer_builder().start().await else { panic!("it is held back") };
    assert_eq!(waiting.kind(), ErrorKind::NotFound, "{waiting}");
    world.operator().unpin("").await.unwrap();
    assert_eq!(cities(&world.consumer().await.read()), named(&FIRST));
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

/// Three versions, the first with a tag and a river, in which everything differs.
async fn three_versions(world: &World) -> Producer {
    let mut producer = world.producer().await;
    let tagged =
        CycleOptions { tags: [("month".to_owned(), "May".to_owned())].into(), ..CycleOptions::default() };
    let first = producer.cycle_with(tagged, |writer| {
        writer.add_words(writer.type_index("River")?, &text(Some("Rhine")))?;
        add(writer, &FIRST)
    });
    published(first.await);
    published(producer.incremental(|writer| upsert(writer, &[(1, "Paris"), (3, "Lima")])).await);
    published(producer.incremental(|writer| delete(writer, 2)).await);
    producer
}

#[tokio::test]
async fn a_rollback_is_a_version_with_the_content_of_an_older_one_semantics_21() {
    let world = World::new();
    let mut producer = three_versions(&world).await;
    let consumer = world.consumer().await;
    let back = published(producer.rollback(Version(1)).await);
    assert_eq!((back.version.0, back.bytes.snapshot.is_some(), back.bytes.delta.is_some()), (4, true, true));
    assert_eq!(consumer.refresh().await.unwrap().to.0, 4);
    assert_eq!(cities(&consumer.read()), named(&FIRST));
    assert_eq!(consumer.read().tags().get("month").map(String::as_str), Some("May"));

    world.operator().pin("", Version(1), "compare").await.unwrap();
    let restored = consumer.state().fingerprint();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 1);
    assert_eq!(consumer.read().fingerprint(), restored, "equal fingerprints prove it");
    let unchanged = producer.rollback(Version(1)).await.unwrap();
    assert!(matches!(unchanged, Outcome::Unchanged(Version(4))));
    published(producer.rollback(Version(3)).await);
    published(producer.rollback(Version(2)).await);
    assert_eq!(cities(producer.state()), named(&[(1, "Paris"), (2, "Oslo"), (3, "Lima")]));
    assert_eq!(world.verify().await.unwrap().versions, 6);
}

/// Fields and types that came since keep their defaults, and stay.
#[tokio::test]
async fn a_rollback_keeps_what_the_schema_gained_semantics_21() {
    let world = World::new();
    let first = world.producer_with(&FIRST).await.state().fingerprint();
    let mut producer = world.producer_of(later_schema()).start().await.unwrap();
    let populated = producer.incremental(|writer| {
        writer.upsert_words(writer.type_index("City")?, &populous(1, "Rome", 3_000_000))
    });
    published(populated.await);
    published(producer.rollback(Version(1)).await);
    assert_eq!((producer.state().fingerprint(), cities(producer.state())), (first, named(&FIRST)));
    published(producer.rollback(Version(2)).await);
    let city = producer.state().table("City").unwrap().get_bytes(&1u32.to_le_bytes()).unwrap();
    assert_eq!(city.reader().u32(1), 3_000_000);
}

#[tokio::test]
async fn a_rollback_to_what_is_not_there_changes_nothing_semantics_21() {
    let world = World::new();
    let mut producer = three_versions(&world).await;
    world.store.writes();
    for version in [0, 4] {
        let error = producer.rollback(Version(version)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert_eq!(world.store.writes(), Vec::<String>::new());
    assert_eq!(producer.version().0, 3);
}

/// Interrupted anywhere, it is run again, by this producer or by another.
#[tokio::test(start_paused = true)]
async fn an_interrupted_rollback_is_run_again_semantics_21() {
    for place in ["PUT places/reverse", "PUT places/snapshots", "PUT places/manifests", "CREATE places/log"] {
        for by_another in [false, true] {
            let world = World::new();
            let mut producer = three_versions(&world).await;
            world.store.answer(place, Answer::Lost);
            let failed = producer.rollback(Version(1)).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable, "{place}: {failed}");
            world.store.heal();
            if by_another {
                producer = world.producer().await;
            }
            assert_eq!(published(producer.rollback(Version(1)).await).version.0, 4, "{place}");
            assert_eq!(cities(&world.consumer().await.read()), named(&FIRST));
            assert_eq!(world.verify().await.unwrap().versions, 4);
        }
    }
}
