//! Breaks: versions without a delta, asked for and explained (semantics 25), and a newest version that cannot be read.

use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::consumer::RefreshRoute;
use hollowcast::identifiers::Version;
use hollowcast::log::politeness::Manners;
use hollowcast::producer::{CycleOptions, Outcome, Producer};
use hollowcast::retention::RetentionPolicy;

use super::setting::{World, add, breaking_schema, cities, delete, named, published, schema, text, upsert};

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];
const SECOND: [(u32, &str); 2] = [(1, "Rome"), (3, "Lima")];

fn accepted() -> CycleOptions {
    CycleOptions { accept_break: true, ..CycleOptions::default() }
}

/// A producer whose schema broke with that of the two versions that are there.
async fn broken_off(world: &World) -> Producer {
    let mut before = world.producer_with(&FIRST).await;
    published(before.incremental(|writer| upsert(writer, &[(2, "Bergen")])).await);
    world.producer_of(breaking_schema()).start().await.unwrap()
}

#[tokio::test]
async fn a_break_is_refused_with_every_reason_until_it_is_accepted_semantics_25() {
    let world = World::new();
    let mut producer = broken_off(&world).await;
    world.store.writes();
    let refused = producer.cycle(|writer| add(writer, &SECOND)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let message = refused.to_string();
    assert!(message.contains("City.id") && message.contains("--accept-break"), "{message}");
    let refused = producer.incremental_with(accepted(), |writer| delete(writer, 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("full cycle"), "{refused}");
    assert_eq!((world.store.writes(), producer.version().0), (Vec::new(), 2));
}

#[tokio::test]
async fn consumers_cross_a_break_by_snapshot_forward_and_back_semantics_16_25() {
    let world = World::new();
    let mut producer = broken_off(&world).await;
    let consumer = world.consumer_builder().kept_states(0).start().await.unwrap();
    let broken = published(producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await);
    assert_eq!((broken.version.0, broken.bytes.delta, broken.bytes.reverse), (3, None, None));
    assert!(broken.bytes.snapshot.is_some());
    published(producer.cycle(|writer| add(writer, &[(1, "Rome"), (3, "Lima"), (4, "Bonn")])).await);

    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some(RefreshRoute::Snapshot), 4));
    assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (3, "Lima"), (4, "Bonn")]));
    assert_eq!(**consumer.read().schema(), breaking_schema());
    world.operator().pin("", Version(2), "").await.unwrap();
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.route, refresh.to.0), (Some(RefreshRoute::Snapshot), 2));
    assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (2, "Bergen")]));
    assert_eq!(world.verify().await.unwrap().versions, 4);
    let restored = world.producer_of(breaking_schema()).start().await.unwrap();
    assert_eq!(restored.state().fingerprint(), producer.state().fingerprint());
}

#[tokio::test]
async fn an_accepted_break_that_is_none_is_an_ordinary_cycle_semantics_25() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let second = published(producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await);
    assert!(second.bytes.delta.is_some());
    let same = producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await.unwrap();
    assert!(matches!(same, Outcome::Unchanged(Version(2))));
}

/// Nothing is carried over a break, so a type that is not stated is emptied, or gone.
#[tokio::test]
async fn a_break_that_empties_a_type_is_refused_unless_it_is_meant_semantics_2_25() {
    let world = World::new();
    let mut before = world.producer().await;
    let first = before.cycle(|writer| {
        writer.add_words(writer.type_index("River")?, &text(Some("Rhine")))?;
        add(writer, &FIRST)
    });
    published(first.await);
    let mut producer = world.producer_of(breaking_schema()).start().await.unwrap();
    let refused = producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await.unwrap_err();
    assert!(refused.to_string().contains("River had 1 records"), "{refused}");
    let meant = CycleOptions { allow_empty: true, ..accepted() };
    published(producer.cycle_with(meant.clone(), |writer| add(writer, &SECOND)).await);
    assert!(producer.state().table("River").unwrap().is_empty());
    published(producer.cycle_with(meant, |_| Ok(())).await);
    assert!(producer.state().is_empty());
}

#[tokio::test]
async fn a_rollback_over_a_break_is_a_break_and_has_to_be_accepted_semantics_21_25() {
    let world = World::new();
    let mut producer = broken_off(&world).await;
    published(producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await);
    let refused = producer.rollback(Version(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    let back = published(producer.rollback_with(Version(2), accepted()).await);
    assert_eq!((back.version.0, back.bytes.delta), (4, None));
    let consumer = world.consumer().await;
    assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (2, "Bergen")]));
    assert_eq!(**consumer.read().schema(), schema());
    world.operator().pin("", Version(2), "compare").await.unwrap();
    let restored = consumer.state().fingerprint();
    consumer.refresh().await.unwrap();
    assert_eq!(consumer.read().fingerprint(), restored);
    assert_eq!(world.verify().await.unwrap().versions, 4);
}

/// Two versions, of which the second cannot be read because of damage to the objects in `folders`.
async fn unreadable(folders: &[&str]) -> World {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    published(producer.incremental(|writer| upsert(writer, &[(2, "Bergen")])).await);
    producer.stop().await;
    for folder in folders {
        let newest = world.objects(folder).await.pop().unwrap();
        world.damage(&newest).await;
    }
    world
}

#[tokio::test]
async fn a_newest_version_that_cannot_be_read_is_named_with_what_to_do_semantics_9_25() {
    let world = unreadable(&["deltas"]).await;
    let Err(failed) = world.producer_of(schema()).start().await else { panic!("it is damaged") };
    assert_eq!(failed.kind(), ErrorKind::Corrupt);
    let message = failed.to_string();
    for part in ["newest version, 2", "deltas/", "--accept-break"] {
        assert!(message.contains(part), "{message} lacks {part}");
    }
}

/// Nor does it look as if somebody were at work.
#[tokio::test(start_paused = true)]
async fn a_producer_that_cannot_read_the_newest_version_gives_the_dataset_up_semantics_9_10() {
    let world = unreadable(&["deltas"]).await;
    let polite = || world.producer_of(schema()).manners(Manners::Refuse);
    assert!(polite().start().await.is_err());
    assert!(polite().break_if_unreadable(true).start().await.is_ok());
}

/// Damage to its delta alone, or to its manifest as well.
#[tokio::test]
async fn a_break_goes_on_without_a_version_that_cannot_be_read_semantics_9_25() {
    for folders in [&["deltas"][..], &["deltas", "manifests"]] {
        let world = unreadable(folders).await;
        let builder = || world.producer_of(schema()).break_if_unreadable(true);
        let mut producer = builder().start().await.unwrap();
        assert_eq!((producer.version().0, producer.state().len()), (2, 0));
        let refused = producer.cycle(|writer| add(writer, &SECOND)).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be read"), "{refused}");
        let refused = producer.incremental_with(accepted(), |writer| delete(writer, 1)).await.unwrap_err();
        assert!(refused.to_string().contains("full cycle"), "{refused}");
        let refused = producer.cycle_with(accepted(), |_| Ok(())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "nothing stated: {refused}");

        let broken = published(producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await);
        assert_eq!((broken.version.0, broken.bytes.delta), (3, None));
        published(producer.incremental(|writer| upsert(writer, &[(4, "Bonn")])).await);
        let consumer = world.consumer().await;
        assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (3, "Lima"), (4, "Bonn")]));
        let mut next = builder().start().await.unwrap();
        published(next.incremental(|writer| delete(writer, 4)).await);
        assert_eq!(consumer.refresh().await.unwrap().to.0, 5);
        assert_eq!(cities(&consumer.read()), named(&SECOND));
    }
}

/// What lies behind a manifest that is lost is out of reach, and given up like all that grows old.
#[tokio::test]
async fn a_lost_manifest_does_not_stop_retention_semantics_14_25() {
    let world = unreadable(&["deltas", "manifests"]).await;
    let mut producer = world.producer_of(schema()).break_if_unreadable(true).start().await.unwrap();
    published(producer.cycle_with(accepted(), |writer| add(writer, &SECOND)).await);
    for id in 4..8 {
        published(producer.incremental(|writer| upsert(writer, &[(id, "Bonn")])).await);
    }
    let week = RetentionPolicy { versions: 2, max_age: Duration::from_secs(7 * 24 * 60 * 60) };
    let young = world.retention_by(week).run(&()).await.unwrap();
    assert!(young.oldest <= Version(3), "a version of this week is given up: {young:?}");
    let retained = world.retention(2).run(&()).await.unwrap();
    assert_eq!(
        (retained.oldest, retained.latest),
        (Version(3), Version(7)),
        "the break has the only snapshot"
    );
    assert_eq!(world.verify().await.unwrap().versions, 5);
}

/// The content of an older version is there: going back to it is the shortest way out.
#[tokio::test]
async fn a_rollback_replaces_a_version_that_cannot_be_read_semantics_21_25() {
    let world = unreadable(&["deltas"]).await;
    let mut producer = world.producer_of(schema()).break_if_unreadable(true).start().await.unwrap();
    published(producer.rollback_with(Version(1), accepted()).await);
    assert_eq!(cities(&world.consumer().await.read()), named(&FIRST));
}
