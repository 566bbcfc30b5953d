//! References followed both ways: semantics 29.

use std::collections::BTreeSet;
use std::sync::Arc;

use hollowcast::ErrorKind;
use hollowcast::consumer::Consumer;
use hollowcast::environment::SeededRandom;
use hollowcast::producer::{CycleOptions, Producer};
use hollowcast::state::{Reference, Row, State};

use super::generated::keys_capnp::{by_text, by_three, item, parcel};
use super::parcels::{Model, Parcel, Part, dataset};
use super::setting::World;

async fn producer(world: &World) -> Producer {
    let builder = Producer::builder(dataset(), world.store());
    let builder = builder.memory(hollowcast::consumer::Memory::Heap).environment(world.environment.clone());
    builder.snapshot_every(5).start().await.unwrap()
}

/// What each path from a parcel leads to, as a plain model says: for each key whether it is there, under a name of its own.
fn expected(model: &Model, parcel: &Parcel, path: &str) -> Vec<Option<String>> {
    let item = |id: &u32| model.items.contains(id).then(|| format!("item {id}"));
    let inner = |part: &Part| part.inner.iter().map(|part| item(&part.item)).collect::<Vec<_>>();
    match path {
        "items" => parcel.items.iter().map(item).collect(),
        "spare" | "spare.value" => parcel.spare.iter().map(item).collect(),
        "parts.item" => parcel.parts.iter().map(|part| item(&part.item)).collect(),
        "parts.inner.item" => parcel.parts.iter().flat_map(inner).collect(),
        "label" => {
            let found = |label: &String| model.texts.contains(label).then(|| format!("text {label}"));
            parcel.label.iter().map(found).collect()
        }
        "three" => {
            let found = |three: &_| model.threes.contains(three).then(|| format!("three {three:?}"));
            parcel.three().iter().map(found).collect()
        }
        other => panic!("no path {other}"),
    }
}

const PATHS: [(&str, &str); 7] = [
    ("items", "Item"),
    ("spare", "Item"),
    ("spare.value", "Item"),
    ("parts.item", "Item"),
    ("parts.inner.item", "Item"),
    ("label", "ByText"),
    ("three", "ByThree"),
];

/// The name of a target as `expected` gives it.
fn name(target: &str, row: Row<'_>) -> String {
    match target {
        "Item" => format!("item {}", row.typed::<item::Owned>().get_id()),
        "ByText" => format!("text {}", row.typed::<by_text::Owned>().get_key().unwrap().to_str().unwrap()),
        _ => {
            let row = row.typed::<by_three::Owned>();
            let country = row.get_country().unwrap().to_string().unwrap();
            let three = (country, row.get_number(), row.get_code().unwrap().to_vec());
            format!("three {three:?}")
        }
    }
}

fn follow_every_path(model: &Model, state: &State, references: &[Reference]) {
    let parcels = state.table("Parcel").unwrap();
    for (reference, (path, target)) in references.iter().zip(PATHS) {
        assert_eq!(reference.target(state), Some(target));
        for (id, parcel) in &model.parcels {
            let row = parcels.get_bytes(&id.to_le_bytes()).unwrap();
            let followed = reference.follow(state, row).unwrap();
            assert_eq!(followed.len(), expected(model, parcel, path).len());
            let found: Vec<_> = followed.map(|row| row.map(|row| name(target, row))).collect();
            assert_eq!(found, expected(model, parcel, path), "{path} of {parcel:?}");
        }
    }
}

/// Also for keys that no record has: what references them is found all the same.
fn go_back(model: &Model, state: &State, references: &[Reference]) {
    let everything = Model::of_targets();
    for (reference, (path, target)) in references.iter().zip(PATHS) {
        let keys: Vec<(String, Vec<u8>)> = match target {
            "Item" => {
                everything.items.iter().map(|id| (format!("item {id}"), id.to_le_bytes().to_vec())).collect()
            }
            "ByText" => everything
                .texts
                .iter()
                .map(|text| (format!("text {text}"), counted(text.as_bytes())))
                .collect(),
            _ => {
                let bytes = |(country, number, code): &(String, i32, Vec<u8>)| {
                    [counted(country.as_bytes()), number.to_le_bytes().to_vec(), counted(code)].concat()
                };
                everything.threes.iter().map(|three| (format!("three {three:?}"), bytes(three))).collect()
            }
        };
        for (name, key) in keys {
            let rows: Vec<_> = reference.referring(state, &key).unwrap().collect();
            let found: BTreeSet<u32> = rows.iter().map(|row| row.typed::<parcel::Owned>().get_id()).collect();
            assert_eq!(found.len(), rows.len(), "each record once");
            let holds = |parcel: &Parcel| expected(&everything, parcel, path).contains(&Some(name.clone()));
            let holding = model.parcels.iter().filter(|(_, parcel)| holds(parcel)).map(|(id, _)| *id);
            assert_eq!(found, holding.collect(), "{path} to {name}");
        }
    }
}

/// Key bytes of a text or of data.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

fn follow_typed(model: &Model, consumer: &Consumer) {
    let state = consumer.read();
    let parcels = consumer.table::<parcel::Owned, u32>().unwrap();
    let items = consumer.reference::<parcel::Owned, item::Owned, u32>("items").unwrap();
    let label = consumer.reference::<parcel::Owned, by_text::Owned, String>("label").unwrap();
    let three =
        consumer.reference::<parcel::Owned, by_three::Owned, (String, i32, Vec<u8>)>("three").unwrap();
    for (id, parcel) in &model.parcels {
        let record = parcels.get(&state, *id).unwrap();
        let found = items.follow_all(&state, record.get_items().unwrap());
        let found: Vec<_> = found.map(|item| item.map(|item| format!("item {}", item.get_id()))).collect();
        assert_eq!(found, expected(model, parcel, "items"));
        if let Some(text) = &parcel.label {
            let found = label.follow(&state, record.get_label().unwrap().to_str().unwrap());
            assert_eq!(found.is_some(), model.texts.contains(text));
        }
        if let Some(key) = parcel.three() {
            let held = record.get_three().unwrap();
            let country = held.get_country().unwrap().to_str().unwrap();
            let key_of = (country, held.get_number(), held.get_code().unwrap());
            assert_eq!(three.follow(&state, key_of).is_some(), model.threes.contains(&key));
            let back = three.referring(&state, key_of).unwrap();
            let back: BTreeSet<u32> = back.map(parcel::Reader::get_id).collect();
            let holding = model.parcels.iter().filter(|(_, other)| other.three().as_ref() == Some(&key));
            assert_eq!(back, holding.map(|(id, _)| *id).collect());
        }
    }
    for id in &model.items {
        let back: BTreeSet<u32> = items.referring(&state, *id).unwrap().map(parcel::Reader::get_id).collect();
        let holding = model.parcels.iter().filter(|(_, parcel)| parcel.items.contains(id));
        assert_eq!(back, holding.map(|(id, _)| *id).collect());
    }
}

/// Random data over random deltas, snapshots among them: every answer is that of a walk over plain maps.
#[tokio::test]
async fn references_are_followed_both_ways_semantics_29() {
    for seed in 0..4 {
        let world = World::new();
        let random = SeededRandom::new(seed);
        let mut producer = producer(&world).await;
        let mut model = Model::of_targets();
        producer.incremental(|writer| model.state(&Model::default(), writer)).await.unwrap();
        let consumer = world.consumer().await;
        let references = PATHS.map(|(path, _)| consumer.read().reference("Parcel", path).unwrap());
        for _ in 0..8 {
            let before = model.clone();
            model.change(&random, 12);
            producer.incremental(|writer| model.state(&before, writer)).await.unwrap();
            consumer.refresh().await.unwrap();
            let state = consumer.state();
            follow_every_path(&model, &state, &references);
            go_back(&model, &state, &references);
            follow_typed(&model, &consumer);
        }
        assert!(model.dangling() > 0, "nothing dangled at the end of seed {seed}");
    }
}

/// A reference leads into the version that it is followed in, whatever comes later.
#[tokio::test]
async fn a_reference_is_followed_within_one_version_semantics_29() {
    let world = World::new();
    let mut producer = producer(&world).await;
    let mut model = Model::of_targets();
    model.parcels.insert(1, Parcel { items: vec![7], ..Parcel::default() });
    producer.incremental(|writer| model.state(&Model::default(), writer)).await.unwrap();
    let consumer = world.consumer().await;
    let held = consumer.state();
    let before = model.clone();
    model.items.remove(&7);
    let options = CycleOptions { snapshot: true, ..CycleOptions::default() };
    producer.incremental_with(options, |writer| model.state(&before, writer)).await.unwrap();
    consumer.refresh().await.unwrap();
    let items = consumer.read().reference("Parcel", "items").unwrap();
    let lead = |state: &Arc<State>| {
        let row = state.table("Parcel").unwrap().get_bytes(&1u32.to_le_bytes()).unwrap();
        items.follow(state, row).unwrap().next().unwrap().is_some()
    };
    assert!(lead(&held) && !lead(&consumer.state()));
}

#[tokio::test]
async fn what_is_no_reference_is_refused_by_name_semantics_29() {
    let world = World::new();
    let mut producer = producer(&world).await;
    producer.incremental(|writer| Model::of_targets().state(&Model::default(), writer)).await.unwrap();
    let consumer = world.consumer().await;
    let refused = |type_name: &str, path: &str| {
        consumer.read().reference(type_name, path).err().expect("it is no reference").to_string()
    };
    for path in ["id", "parts", "spare.none", "items.id", "nothing", "", "three.country", "maker"] {
        let refused = refused("Parcel", path);
        assert!(refused.contains(&format!("Parcel.{path} is no reference")), "{refused}");
        assert!(refused.contains("Parcel.label") && refused.contains("Part.item"), "{refused}");
    }
    assert!(refused("Item", "id").contains("none"), "{}", refused("Item", "id"));
    assert!(refused("Maker", "id").contains("no type Maker"));
    let other = consumer.reference::<parcel::Owned, by_text::Owned, String>("items").err().unwrap();
    assert_eq!(other.kind(), ErrorKind::Invalid);
    assert!(other.to_string().contains("Parcel.items references Item"), "{other}");
    let shape = consumer.reference::<parcel::Owned, item::Owned, u64>("items").err().unwrap();
    assert!(shape.to_string().contains("keyed by"), "{shape}");
}
