//! Some types of a dataset: semantics 22.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use hollowcast::consumer::{Consumer, Memory, RefreshRoute, Wait};
use hollowcast::identifiers::Version;
use hollowcast::producer::{ChangeWriter, Producer, Writer};
use hollowcast::state::State;
use hollowcast::{ErrorKind, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::setting::{World, city, later_schema, populous, published, schema, text};
use super::store::Answer;

/// A text that no compressor makes much shorter.
fn noise(seed: u64, letters: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..letters).map(|_| letter()).collect()
}

/// Cities and rivers.
fn state(writer: &Writer, cities: u32, rivers: u64) -> Result<()> {
    let (city_type, river_type) = (writer.type_index("City")?, writer.type_index("River")?);
    (0..cities).try_for_each(|id| writer.add_words(city_type, &city(id, &noise(id.into(), 100))))?;
    (0..rivers).try_for_each(|id| writer.add_words(river_type, &text(Some(&noise(id, 60)))))
}

fn change(writer: &ChangeWriter, cities: u32, rivers: u64) -> Result<()> {
    let (city_type, river_type) = (writer.type_index("City")?, writer.type_index("River")?);
    let changed = (0..cities).map(|id| city(id, &noise(u64::from(id) + 1_000_000, 100)));
    changed.into_iter().try_for_each(|words| writer.upsert_words(city_type, &words))?;
    (0..rivers).try_for_each(|id| {
        writer.delete_bytes(river_type, &[&60_u32.to_le_bytes(), noise(id, 60).as_bytes()].concat())?;
        writer.upsert_words(river_type, &text(Some(&noise(id + 1_000_000, 60))))
    })
}

/// Bytes of all blobs in the folder of a world.
async fn stored(world: &World, folder: &str) -> u64 {
    let prefix = Path::from(format!("places/{folder}"));
    let listed: Vec<_> = world.store.inner().list(Some(&prefix)).try_collect().await.unwrap();
    listed.iter().map(|object| object.size).sum()
}

/// What a dataset would take that has the small type alone is the measure of what a filter fetches.
#[tokio::test]
async fn a_filter_fetches_little_more_than_its_types_semantics_22() {
    let (world, alone) = (World::new(), World::new());
    for (world, cities) in [(&world, 30_000), (&alone, 0)] {
        let mut producer = world.producer().await;
        published(producer.cycle(|writer| state(writer, cities, 8_000)).await);
    }
    world.store.fetched_bytes();
    let consumer = world.quiet().types(["River"]).kept_states(0).start().await.unwrap();
    let mut fetched = vec![("snapshots", world.store.fetched_bytes())];
    for (world, cities) in [(&world, 3_000), (&alone, 0)] {
        let mut producer = world.producer().await;
        published(producer.incremental(|writer| change(writer, cities, 2_000)).await);
    }
    world.store.fetched_bytes();
    assert_eq!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Delta));
    fetched.push(("deltas", world.store.fetched_bytes()));
    assert_eq!(consumer.pin(Version(1)).await.unwrap().route, Some(RefreshRoute::ReverseDelta));
    fetched.push(("reverse", world.store.fetched_bytes()));
    for (folder, fetched) in fetched {
        let (all, small) = (stored(&world, folder).await, stored(&alone, folder).await);
        assert!(all > 3 * small && small > 100_000, "{folder}: {small} of {all} bytes are a fair case");
        assert!(fetched < small * 12 / 10, "{folder}: {fetched} bytes for {small}, {all} in all");
    }
}

/// Per table, what is read is what the producer has; of other types there is nothing.
#[track_caller]
fn agrees(consumer: &Consumer, state: &State, types: &[&str]) {
    let own = consumer.read();
    assert_eq!(own.version(), state.version());
    let names: Vec<&str> = own.tables().iter().map(|table| table.name()).collect();
    let expected: Vec<&str> =
        state.tables().iter().map(|table| table.name()).filter(|name| types.contains(name)).collect();
    assert_eq!(names, expected);
    for name in names {
        let (found, expected) = (own.table(name).unwrap(), state.table(name).unwrap());
        assert_eq!((found.fingerprint(), found.len()), (expected.fingerprint(), expected.len()), "{name}");
        assert_eq!(contents(found), contents(expected), "{name}");
    }
}

/// The records of a table, as what is in their first words and text.
fn contents(table: &hollowcast::state::Table) -> BTreeSet<(u32, u32, Option<String>)> {
    let rows = table.rows().map(|row| {
        let record = row.reader();
        (record.u32(0), record.u32(1), record.text(0).unwrap().map(str::to_owned))
    });
    rows.collect()
}

/// Across snapshots, deltas there and back, and a schema that grows.
#[tokio::test]
async fn a_filtered_state_is_its_part_of_every_version_semantics_22() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(3).start().await.unwrap();
    published(producer.cycle(|writer| state(writer, 20, 20)).await);
    let choices: [&[&str]; 4] = [&["River"], &["City", "Motto"], &["Motto"], &["City", "Motto", "River"]];
    let mut consumers = Vec::new();
    for (number, types) in choices.into_iter().enumerate() {
        let memory = if number % 2 == 0 { Memory::Heap } else { world.mapped() };
        let builder = world.quiet().types(types).memory(memory).kept_states(number % 3);
        consumers.push((builder.start().await.unwrap(), types));
    }
    let mut states = vec![std::sync::Arc::new(producer.state().clone())];
    for turn in 0..9_u32 {
        if turn == 4 {
            drop(producer);
            producer = world.producer_of(later_schema()).snapshot_every(3).start().await.unwrap();
        }
        let changed = producer.incremental(|writer| match turn % 3 {
            0 if turn > 4 => writer.upsert_words(writer.type_index("City")?, &populous(turn, "Bonn", turn)),
            0 => writer.upsert_words(writer.type_index("City")?, &city(turn, "Rome")),
            1 => writer.upsert_words(writer.type_index("River")?, &text(Some(&noise(turn.into(), 9)))),
            _ => change(writer, turn, turn.into()),
        });
        published(changed.await);
        states.push(std::sync::Arc::new(producer.state().clone()));
        for (consumer, types) in &consumers {
            consumer.refresh().await.unwrap();
            agrees(consumer, producer.state(), types);
        }
    }
    for version in [9, 7, 2, 6, 1, 10] {
        for (consumer, types) in &consumers {
            assert_eq!(consumer.pin(Version(version)).await.unwrap().refused.len(), 0);
            agrees(consumer, &states[version as usize - 1], types);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_name_is_refused_when_a_consumer_starts_semantics_22() {
    let world = World::new();
    let mut producer = world.producer().await;
    published(producer.cycle(|writer| state(writer, 2, 2)).await);
    let wrong = world.quiet().types(["River", "Rivers"]).wait(Wait::Forever).start().await.err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    let message = wrong.to_string();
    assert!(
        message.contains("no type Rivers to load") && message.contains("City, Motto, River"),
        "{message}"
    );
    let empty: [&str; 0] = [];
    assert_eq!(world.quiet().types(empty).start().await.unwrap().read().tables().len(), 0);
}

/// Bytes of other types may be as wrong as they like; one's own are verified as ever.
#[tokio::test]
async fn only_types_that_are_loaded_are_verified_semantics_22() {
    let world = World::new();
    let mut producer = world.producer().await;
    published(producer.cycle(|writer| state(writer, 5_000, 200)).await);
    let [snapshot] = &world.objects("snapshots").await[..] else { panic!("one snapshot") };
    // Cities are nearly all there is, so the middle of the blob is theirs.
    world.damage(snapshot).await;
    let rivers = world.quiet().types(["River"]).start().await.unwrap();
    agrees(&rivers, producer.state(), &["River"]);
    let cities = world.quiet().types(["City"]).start().await.err().unwrap();
    assert_eq!(cities.kind(), ErrorKind::Corrupt, "{cities}");
}

async fn publish(world: &World) -> Producer {
    let mut producer = world.producer().await;
    published(producer.cycle(|writer| state(writer, 5_000, 100)).await);
    producer
}

/// A narrower consumer starts from the record of a wider one; a wider one fetches what is missing before it shows anything.
#[tokio::test(start_paused = true)]
async fn a_warm_start_needs_a_record_of_all_its_types_semantics_22_24() {
    let world = World::new();
    let mut producer = publish(&world).await;
    let start = |types: &'static [&str]| {
        let builder = world.quiet().memory(world.mapped());
        if types.is_empty() { builder.start() } else { builder.types(types).start() }
    };
    drop(start(&["City", "River"]).await.unwrap());
    world.store.answer("", Answer::Lost);
    agrees(&start(&["River"]).await.unwrap(), producer.state(), &["River"]);
    for wider in [&[][..], &["River", "Motto"], &["Motto"]] {
        assert!(start(wider).await.is_err(), "{wider:?}");
    }
    world.store.heal();
    world.store.fetched_bytes();
    let all = start(&[]).await.unwrap();
    agrees(&all, producer.state(), &["City", "River", "Motto"]);
    let [snapshot] = &world.objects("snapshots").await[..] else { panic!("one snapshot") };
    let size = world.store.inner().head(&Path::from(snapshot.as_str())).await.unwrap().size;
    assert!(size > 2 * (64 << 10), "{size}");
    assert!(world.store.fetched_bytes() < size, "cities and rivers are on this host");

    // The latest record counts, whoever wrote it.
    published(producer.incremental(|writer| change(writer, 3, 3)).await);
    all.refresh().await.unwrap();
    drop(all);
    world.store.answer("", Answer::Lost);
    agrees(&start(&["River"]).await.unwrap(), producer.state(), &["River"]);
}

/// Processes with other filters on one host: each finds what it served, whoever was the last to write.
#[tokio::test(start_paused = true)]
async fn filters_do_not_spoil_each_others_start_semantics_22_24() {
    let world = World::new();
    let mut producer = publish(&world).await;
    let choices: [&[&str]; 3] = [&["City"], &["River"], &["Motto", "River"]];
    let start = |types: &'static [&str]| world.quiet().memory(world.mapped()).types(types).start();
    for types in choices {
        drop(start(types).await.unwrap());
    }
    drop(world.quiet().memory(world.mapped()).start().await.unwrap());
    published(producer.incremental(|writer| change(writer, 3, 3)).await);
    drop(start(choices[1]).await.unwrap());
    world.store.answer("", Answer::Lost);
    let versions = |consumer: Consumer| consumer.read().version().0;
    assert_eq!(versions(start(choices[0]).await.unwrap()), 1);
    assert_eq!(versions(start(choices[1]).await.unwrap()), 2);
    assert_eq!(versions(start(choices[2]).await.unwrap()), 1);
    assert_eq!(versions(world.quiet().memory(world.mapped()).start().await.unwrap()), 1);
}
