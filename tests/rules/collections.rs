//! Sets and maps from producer to consumer: semantics 2, 4, 25 and 30.

use std::sync::Arc;

use hollowcast::collections::{MapView, SetView};
use hollowcast::consumer::{Consumer, Memory, RefreshRoute};
use hollowcast::producer::{CycleOptions, Dataset, Outcome, Producer};
use hollowcast::schema::{Schema, SchemaDeclaration};
use hollowcast::wire::{DynamicStruct, DynamicValue};
use hollowcast::{ErrorKind, Result};
use object_store::ObjectStore;

use super::setting::published;
use crate::generated::collections_capnp::{maps, name, sets};

async fn producer(store: &Arc<dyn ObjectStore>) -> Producer {
    let dataset =
        Dataset::builder("shelves").record::<sets::Owned>().record::<maps::Owned>().build().unwrap();
    Producer::builder(dataset, Arc::clone(store)).memory(Memory::Heap).start().await.unwrap()
}

async fn consumer(store: &Arc<dyn ObjectStore>) -> Consumer {
    Consumer::builder("shelves", Arc::clone(store)).memory(Memory::Heap).start().await.unwrap()
}

fn fill_set(mut record: sets::Builder<'_>, id: u32, texts: &[&str]) {
    record.set_id(id);
    record.set_texts(texts).unwrap();
}

fn fill_map(mut record: maps::Builder<'_>, id: u32, names: &[(&str, &str)]) {
    record.set_id(id);
    let mut list = record.init_names(names.len() as u32);
    for ((language, text), index) in names.iter().zip(0..) {
        let mut name = list.reborrow().get(index);
        name.set_language(language);
        name.set_text(text);
    }
}

/// A full cycle of one set and one map.
async fn state(producer: &mut Producer, texts: &[&str], names: &[(&str, &str)]) -> Result<Outcome> {
    let populate = |writer: &hollowcast::producer::Writer| {
        writer.add::<sets::Owned>(|record| fill_set(record, 1, texts))?;
        writer.add::<maps::Owned>(|record| fill_map(record, 1, names))
    };
    producer.cycle(populate).await
}

/// Set and map as a consumer reads them, through generated code and without it.
fn shown(consumer: &Consumer) -> (Vec<String>, Vec<(String, String)>) {
    let (state, sets) = (consumer.read(), consumer.table::<sets::Owned, u32>().unwrap());
    let maps = consumer.table::<maps::Owned, u32>().unwrap();
    let (set, map) = (sets.get(&state, 1).unwrap(), maps.get(&state, 1).unwrap());
    let texts = SetView::read(set.has_texts(), set.get_texts()).unwrap().unwrap();
    let names = MapView::read(map.has_names(), map.get_names(), name::Reader::get_language).unwrap().unwrap();
    let texts: Vec<_> = texts.iter().map(|text| text.unwrap().to_string().unwrap()).collect();
    let entries = names.iter().map(|name| {
        let name = name.unwrap();
        (name.get_language().unwrap().to_string().unwrap(), name.get_text().unwrap().to_string().unwrap())
    });

    let record = |name: &str| {
        let record_type = state.schema().record_type(state.schema().find_type(name).unwrap());
        let row = state.table(name).unwrap().get_bytes(&1_u32.to_le_bytes()).unwrap();
        DynamicStruct::new(state.schema(), record_type.structure, row.reader())
    };
    let dynamic = SetView::of(record("Sets"), "texts").unwrap().unwrap();
    assert_eq!(dynamic.len() as usize, texts.len());
    assert!(texts.iter().all(|text| dynamic.contains(&DynamicValue::Text(text)).unwrap()));
    let dynamic = MapView::of(record("Maps"), "names").unwrap().unwrap();
    assert!(
        names.keys().all(|key| {
            dynamic.contains_key(&DynamicValue::Text(key.unwrap().to_str().unwrap())).unwrap()
        })
    );
    (texts, entries.collect())
}

fn owned(texts: &[&str], names: &[(&str, &str)]) -> (Vec<String>, Vec<(String, String)>) {
    let names = names.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned()));
    (texts.iter().map(|text| (*text).to_owned()).collect(), names.collect())
}

#[tokio::test]
async fn sets_and_maps_come_in_order_by_snapshot_and_by_delta_semantics_30() {
    let store = hollowcast::store::memory();
    let mut producer = producer(&store).await;
    published(
        state(&mut producer, &["war", "art", "war"], &[("en", "Stalker"), ("de", "Der Stalker")]).await,
    );
    let first = consumer(&store).await;
    let expected = owned(&["art", "war"], &[("de", "Der Stalker"), ("en", "Stalker")]);
    assert_eq!(shown(&first), expected, "by snapshot");

    published(state(&mut producer, &["zen", "war", "art"], &[("fr", "Stalker"), ("de", "Stalker")]).await);
    assert_eq!(first.refresh().await.unwrap().route, Some(RefreshRoute::Delta));
    let expected = owned(&["art", "war", "zen"], &[("de", "Stalker"), ("fr", "Stalker")]);
    assert_eq!(shown(&first), expected, "by delta");
    assert_eq!(shown(&consumer(&store).await), expected);
}

#[tokio::test]
async fn the_same_sets_and_maps_in_another_order_are_no_change_semantics_2() {
    let store = hollowcast::store::memory();
    let mut producer = producer(&store).await;
    published(state(&mut producer, &["b", "a", "c"], &[("en", "x"), ("de", "y"), ("fr", "z")]).await);
    let again =
        state(&mut producer, &["c", "a", "b", "a"], &[("fr", "z"), ("de", "y"), ("en", "x"), ("de", "y")]);
    assert!(matches!(again.await.unwrap(), Outcome::Unchanged(version) if version.0 == 1));
    let incremental = producer
        .incremental(|writer| writer.upsert::<sets::Owned>(|record| fill_set(record, 1, &["b", "c", "a"])));
    assert!(matches!(incremental.await.unwrap(), Outcome::Unchanged(version) if version.0 == 1));
    let changed = state(&mut producer, &["c", "a"], &[("fr", "z"), ("de", "y"), ("en", "x")]);
    assert_eq!(published(changed.await).version.0, 2, "one element less is a change");
}

#[tokio::test]
async fn two_entries_under_one_key_fail_the_cycle_by_name_semantics_4() {
    let store = hollowcast::store::memory();
    let mut producer = producer(&store).await;
    let refused = state(&mut producer, &[], &[("de", "x"), ("en", "y"), ("de", "z")]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let words = refused.to_string();
    assert!(words.contains("Maps.names") && words.contains("\"de\""), "{words}");
    assert_eq!(producer.version().0, 0);
}

/// Elements that were stored in no order would be searched as if they had one.
#[tokio::test]
async fn a_list_that_becomes_a_set_is_a_break_semantics_25() {
    let store = hollowcast::store::memory();
    let with_sets = Schema::of::<sets::Owned>().unwrap();
    let without = without_collections(with_sets.to_declaration());
    let dataset = |schema: &Schema| Dataset::dynamic("shelves", schema.clone());
    let start = |dataset| Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap).start();
    let mut before = start(dataset(&without)).await.unwrap();
    let words = unordered();
    published(before.cycle(|writer| writer.add_words(writer.type_index("Sets")?, &words)).await);
    before.stop().await;
    let follower = consumer(&store).await;
    assert!(
        follower.table::<sets::Owned, u32>().is_err(),
        "what is no set in the dataset is not searched as one"
    );

    let mut after = start(dataset(&with_sets)).await.unwrap();
    let refused =
        after.cycle(|writer| writer.add_words(writer.type_index("Sets")?, &words)).await.unwrap_err();
    assert!(refused.to_string().contains("Sets.texts"), "{refused}");
    let options = CycleOptions { accept_break: true, ..CycleOptions::default() };
    let accepted = after.cycle_with(options, |writer| writer.add_words(writer.type_index("Sets")?, &words));
    assert_eq!(published(accepted.await).version.0, 2);
    follower.refresh().await.unwrap();
    let (state, table) = (follower.read(), follower.table::<sets::Owned, u32>().unwrap());
    let texts = SetView::new(table.get(&state, 1).unwrap().get_texts().unwrap());
    assert!(["a", "b", "c"].iter().all(|text| texts.contains(*text).unwrap()));
}

fn without_collections(mut declaration: SchemaDeclaration) -> Schema {
    use hollowcast::schema::MemberDeclaration::Field;
    for member in declaration.structs.iter_mut().flat_map(|is| &mut is.members) {
        if let Field { collection, .. } = member {
            *collection = None;
        }
    }
    Schema::from_declaration(&declaration).unwrap()
}

/// A record of `Sets` whose texts are in no order.
fn unordered() -> Vec<u64> {
    let mut message = capnp::message::Builder::new_default();
    fill_set(message.init_root(), 1, &["c", "a", "b"]);
    let bytes = message.get_segments_for_output()[0];
    bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
}
