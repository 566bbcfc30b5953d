//! States of plain maps, for tests: a type `Item` of numbers by number, its snapshots and its deltas.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BaseRecord, PutRow, Row, State, Step, Table, TableEncoder, Transition, TypeSections, TypeStep};
use crate::cache::SegmentStore;
use crate::format::Tags;
use crate::format::sections::changes::{Change, Written};
use crate::identifiers::{DatasetId, Fingerprint, KeyHash, KeySeed, TypeId, Version};
use crate::schema::{
    DeclaredType, Default as FieldDefault, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration,
    TypeDeclaration,
};
use crate::wire::{KeyPlan, record_hash};

/// Values by id.
pub(crate) type Items = BTreeMap<u64, u64>;

pub(crate) const SEED: KeySeed = KeySeed(11);

/// `Item { id @0 :UInt64; value @1 :UInt64; }` by `id`.
pub(crate) fn schema() -> Schema {
    let field = |name: &str, ordinal| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type: DeclaredType::UInt64,
        default: FieldDefault::Zero,
    };
    let members = vec![field("id", 0), field("value", 1)];
    let declaration = SchemaDeclaration {
        types: vec![TypeDeclaration { name: "Item".to_owned(), key: vec!["id".to_owned()] }],
        structs: vec![StructDeclaration { id: None, name: "Item".to_owned(), members }],
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

/// The canonical message of an item: a root pointer, then the words up to the last that is not zero.
pub(crate) fn message(id: u64, value: u64) -> Vec<u64> {
    match (id, value) {
        (0, 0) => vec![0xFFFF_FFFC],
        (id, 0) => vec![1 << 32, id],
        (id, value) => vec![2 << 32, id, value],
    }
}

/// What `items` come to, summed up from their messages.
pub(crate) fn fingerprint_of(items: &Items) -> Fingerprint {
    let share = |(id, value): (&u64, &u64)| record_hash(&message(*id, *value));
    items.iter().map(|item| Fingerprint::of_record(TypeId::of("Item"), share(item))).sum()
}

/// Version 1 on a base of `items`, on the heap.
pub(crate) fn base_of(items: &Items) -> State {
    let schema = Arc::new(schema());
    let table = Table::empty(&schema, crate::schema::TypeIndex(0), SEED);
    let segments = SegmentStore::heap();
    let encoder = TableEncoder { table: &table, segments: &segments, blob: None };
    let record = |(id, value): (&u64, &u64)| BaseRecord { hash: hash(*id), words: 3, record: (*id, *value) };
    let put = |(id, value): (u64, u64), row: PutRow<'_>| row(&message(id, value));
    let shards = encoder.base_of(items.iter().map(record).collect(), put).unwrap();
    let expected = Some((items.len() as u64, fingerprint_of(items)));
    let types = vec![TypeSections { name: "Item".to_owned(), expected, shards }];
    State::open(DatasetId([1; 16]), Version(1), SEED, schema, Tags::new(), types, true).unwrap()
}

/// The version after `state`, which holds `before`: it holds `after`.
pub(crate) fn step(state: &State, before: &Items, after: &Items) -> State {
    step_to(state, state.version().next(), before, after, &SegmentStore::heap())
}

/// The version `to`, as by a delta or reverse delta whose sections lie in `segments`.
pub(crate) fn step_to(
    state: &State,
    to: Version,
    before: &Items,
    after: &Items,
    segments: &SegmentStore,
) -> State {
    let table = &state.tables()[0];
    let written = after.iter().filter(|(id, value)| before.get(id) != Some(value));
    let written = written.map(|(id, value)| {
        let added = !before.contains_key(id);
        Written { hash: hash(*id), added, record: (*id, *value) }
    });
    let removed = before.keys().filter(|id| !after.contains_key(id)).map(|id| hash(*id));
    let mut change = Change { written: written.collect(), removed: removed.collect() };
    change.written.sort_by_key(|written| written.hash);
    change.removed.sort();
    let encoder = TableEncoder { table, segments, blob: None };
    let put = |(id, value): &(u64, u64), row: PutRow<'_>| row(&message(*id, *value));
    let sections = encoder.changes(&change, |_| Ok(2), put).unwrap();
    let (name, from) = (table.name().to_owned(), table.fingerprint());
    let records = after.len() as u64;
    let mut transition = Transition::from(state.clone());
    let types = vec![TypeStep { name, from, to: fingerprint_of(after), records, sections }];
    transition.step(Step { to, seed: SEED, schema: None, tags: Tags::new(), types }).unwrap();
    transition.finish()
}

/// Compares a state with a map: by scan, by lookup of every id below `ids`, by number and fingerprint.
#[track_caller]
pub(crate) fn check(state: &State, items: &Items, ids: u64) {
    let table = &state.tables()[0];
    let item = |row: Row<'_>| (row.reader().u64(0), row.reader().u64(1));
    let scanned: Vec<(u64, u64)> = table.rows().map(item).collect();
    assert_eq!(scanned.len(), items.len(), "each record once");
    assert_eq!(&scanned.into_iter().collect::<Items>(), items);
    for id in 0..ids {
        let found = table.get_bytes(&id.to_le_bytes()).map(item);
        assert_eq!(found, items.get(&id).map(|value| (id, *value)));
    }
    assert_eq!((table.len(), table.fingerprint()), (items.len() as u64, fingerprint_of(items)));
}

fn hash(id: u64) -> KeyHash {
    KeyPlan::hash(SEED, &id.to_le_bytes())
}
