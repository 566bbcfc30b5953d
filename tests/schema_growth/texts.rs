//! Fifty versions, each with a field or a type more, read by code generated from the first text, one in the middle, and the last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;
use capnp::{dynamic_struct, dynamic_value};
use hollowcast::consumer::{Consumer, Memory, Refresh, RefreshListener, RefreshRoute};
use hollowcast::log::politeness::Manners;
use hollowcast::producer::{Dataset, Producer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::state::TypedTable;
use hollowcast::wire::Draft;
use object_store::ObjectStore;

use super::generated::{
    growth_first_capnp as first, growth_last_capnp as last, growth_middle_capnp as middle,
};
use super::publication;

const VERSIONS: u32 = 50;
const MIDDLE: u32 = 25;

/// Every tenth version brings a type, the others a field of `Item`: a number with a default, or a text.
fn brings_type(version: u32) -> bool {
    version.is_multiple_of(10)
}

fn brings_number(version: u32) -> bool {
    version % 2 == 1
}

fn later_fields(version: u32) -> impl Iterator<Item = u32> {
    (2..=version).filter(|version| !brings_type(*version))
}

fn field(name: &str, ordinal: u16, value_type: DeclaredType, default: Default) -> MemberDeclaration {
    let (name, original_name, references, collection) = (name.to_owned(), None, None, None);
    MemberDeclaration::Field { name, original_name, references, collection, ordinal, value_type, default }
}

/// The schema that a version's producer has.
fn schema(version: u32) -> Schema {
    let id = || field("id", 0, DeclaredType::UInt32, Default::Zero);
    let mut members = vec![id()];
    for (ordinal, brought) in (1..).zip(later_fields(version)) {
        let (value_type, default) = match brings_number(brought) {
            true => (DeclaredType::UInt32, Default::Bits(brought.into())),
            false => (DeclaredType::Text, Default::Zero),
        };
        members.push(field(&format!("v{brought}"), ordinal, value_type, default));
    }
    let types = (2..=version).filter(|version| brings_type(*version));
    let types = types.map(|version| (format!("Type{version}"), vec![id()]));
    let all: Vec<_> = std::iter::once(("Item".to_owned(), members)).chain(types).collect();
    let key = vec!["id".to_owned()];
    let types =
        all.iter().map(|(name, _)| TypeDeclaration { name: name.clone(), key: key.clone() }).collect();
    let structs = all.into_iter().map(|(name, members)| StructDeclaration { id: None, name, members });
    let declaration = SchemaDeclaration { types, structs: structs.collect(), enums: Vec::new() };
    Schema::from_declaration(&declaration).unwrap()
}

/// What a record holds in a field, as text.
fn value(id: u32, brought: u32) -> String {
    if brings_number(brought) { (id * 100 + brought).to_string() } else { format!("{id}:{brought}") }
}

/// What a field reads as in a record that was stated before it came.
fn default(brought: u32) -> String {
    if brings_number(brought) { brought.to_string() } else { String::new() }
}

/// The item of this id, stated by the producer of a version.
fn item(schema: &Schema, id: u32, version: u32) -> Vec<u64> {
    let mut draft = Draft::new();
    let record_type = schema.record_type(schema.find_type("Item").unwrap());
    let structure = schema.structure(record_type.structure);
    let root = draft.root(structure.data_words, structure.pointer_words).unwrap();
    draft.set_bits(root, &structure.fields[0], id.into());
    let mut texts = 0;
    for (at, brought) in (1..).zip(later_fields(version)) {
        if brings_number(brought) {
            draft.set_bits(root, &structure.fields[at], value(id, brought).parse().unwrap());
        } else {
            draft.set_text(draft.pointer(root, texts), &value(id, brought)).unwrap();
            texts += 1;
        }
    }
    draft.words().to_vec()
}

/// A record of a type that has nothing but a key.
fn key_only(id: u32) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(1, 0).unwrap();
    draft.set_bits_at(root, 0, 32, id.into());
    draft.words().to_vec()
}

/// Publishes what a version brings; `stated` is by which version each item was stated last.
async fn publish(store: &Arc<dyn ObjectStore>, version: u32, stated: &mut BTreeMap<u32, u32>) {
    let schema = schema(version);
    let dataset = Dataset::dynamic("growing", schema.clone());
    let producer = Producer::builder(dataset, Arc::clone(store)).memory(Memory::Heap);
    let mut producer = producer.manners(Manners::TakeOver).start().await.unwrap();
    // A new item, and one that was there for long.
    let items = [version, version.div_ceil(2)];
    stated.extend(items.map(|id| (id, version)));
    let outcome = producer.incremental(|writer| {
        let to = writer.type_index("Item")?;
        items.iter().try_for_each(|id| writer.upsert_words(to, &item(&schema, *id, version)))?;
        match brings_type(version) {
            true => writer.upsert_words(writer.type_index(&format!("Type{version}"))?, &key_only(version)),
            false => Ok(()),
        }
    });
    let publication = publication(outcome.await.unwrap());
    assert_eq!(publication.version.0, u64::from(version));
    assert_eq!(publication.bytes.delta.is_some(), version > 1, "fields and types come by delta");
    producer.stop().await;
}

/// All fields that the generated code knows, as it reads them.
fn read<'a>(record: impl Into<dynamic_value::Reader<'a>>) -> BTreeMap<String, String> {
    let record: dynamic_struct::Reader<'_> = record.into().downcast();
    let fields = record.get_schema().get_fields().unwrap();
    let text = |field| match record.get(field).unwrap() {
        dynamic_value::Reader::UInt32(number) => number.to_string(),
        dynamic_value::Reader::Text(text) => text.to_string().unwrap(),
        other => panic!("{other:?} is of no type that fields have here"),
    };
    fields
        .iter()
        .map(|field| (field.get_proto().get_name().unwrap().to_string().unwrap(), text(field)))
        .collect()
}

/// How a consumer moved, whoever had it look: from which version to which, and by which route.
#[derive(Default)]
struct Moves(Mutex<Vec<(u64, u64, RefreshRoute)>>);

impl RefreshListener for Moves {
    fn refreshed(&self, refresh: &Refresh) {
        let moved = refresh.route.map(|route| (refresh.from.0, refresh.to.0, route));
        self.0.lock().unwrap().extend(moved);
    }

    fn failed(&self, _: &hollowcast::Error) {}
}

/// A program built from one text, as it follows the dataset from the first version on.
struct Program<T: OwnedStruct + Introspect> {
    /// The version whose text that is.
    text: u32,
    consumer: Consumer,
    moves: Arc<Moves>,
    items: TypedTable<T, u32>,
}

impl<T: OwnedStruct + Introspect> Program<T>
where
    for<'a> dynamic_value::Reader<'a>: From<<T as OwnedStruct>::Reader<'a>>,
{
    async fn start(store: &Arc<dyn ObjectStore>, text: u32) -> Self {
        let moves = Arc::new(Moves::default());
        let consumer = Consumer::builder("growing", Arc::clone(store)).memory(Memory::Heap);
        let consumer = consumer.listener(Arc::clone(&moves) as _).start().await.unwrap();
        let items = consumer.table().unwrap();
        Self { text, consumer, moves, items }
    }

    /// The last version came by `route`.
    async fn arrives(&self, version: u32, route: RefreshRoute) {
        self.consumer.refresh().await.unwrap();
        let before = if route == RefreshRoute::Delta { version - 1 } else { 0 };
        let moves = std::mem::take(&mut *self.moves.0.lock().unwrap());
        assert_eq!(moves, [(before.into(), version.into(), route)], "text {}", self.text);
    }

    fn reads(&self, version: u32, stated: &BTreeMap<u32, u32>) {
        let state = self.consumer.read();
        assert_eq!(state.version().0, u64::from(version));
        assert_eq!(self.items.len(&state), stated.len() as u64);
        for (id, stated_by) in stated {
            let expected = later_fields(self.text).map(|brought| {
                let is_there = brought <= *stated_by;
                (format!("v{brought}"), if is_there { value(*id, brought) } else { default(brought) })
            });
            let expected: BTreeMap<_, _> = expected.chain([("id".to_owned(), id.to_string())]).collect();
            let found = read(self.items.get(&state, *id).expect("the item is there"));
            assert_eq!(found, expected, "item {id} of version {version} by text {}", self.text);
        }
    }

    /// A type that came with a version is there from then on.
    fn has<U: OwnedStruct + Introspect>(&self, version: u32, came: u32) {
        let there = match self.consumer.table::<U, u32>() {
            Ok(table) => table.get(&self.consumer.read(), came).is_some(),
            Err(_) => false,
        };
        assert_eq!(there, version >= came, "Type{came} in version {version} by text {}", self.text);
    }
}

#[tokio::test]
async fn fifty_versions_are_read_by_code_from_three_texts_semantics_25() {
    let texts = [
        (1, Dataset::builder("growing").record::<first::item::Owned>()),
        (
            MIDDLE,
            Dataset::builder("growing")
                .record::<middle::item::Owned>()
                .record::<middle::type10::Owned>()
                .record::<middle::type20::Owned>(),
        ),
    ];
    for (version, dataset) in texts {
        assert_eq!(*dataset.build().unwrap().schema(), schema(version), "the text of version {version}");
    }
    let store = hollowcast::store::memory();
    let mut stated = BTreeMap::new();
    publish(&store, 1, &mut stated).await;
    let oldest = Program::<first::item::Owned>::start(&store, 1).await;
    let older = Program::<middle::item::Owned>::start(&store, MIDDLE).await;
    let newest = Program::<last::item::Owned>::start(&store, VERSIONS).await;
    for version in 1..=VERSIONS {
        if version > 1 {
            publish(&store, version, &mut stated).await;
        }
        // The first version is a snapshot, and nothing that comes later is so different that there must be another.
        let route = if version == 1 { RefreshRoute::Snapshot } else { RefreshRoute::Delta };
        oldest.arrives(version, route).await;
        older.arrives(version, route).await;
        newest.arrives(version, route).await;
        oldest.reads(version, &stated);
        older.reads(version, &stated);
        newest.reads(version, &stated);
        older.has::<middle::type10::Owned>(version, 10);
        older.has::<middle::type20::Owned>(version, 20);
        newest.has::<last::type10::Owned>(version, 10);
        newest.has::<last::type30::Owned>(version, 30);
        newest.has::<last::type50::Owned>(version, 50);
    }
    // Who comes late finds the same.
    Program::<first::item::Owned>::start(&store, 1).await.reads(VERSIONS, &stated);
    Program::<last::item::Owned>::start(&store, VERSIONS).await.reads(VERSIONS, &stated);
}
