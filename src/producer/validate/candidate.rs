//! What validators are given.

use std::sync::Arc;

use rayon::prelude::*;

use super::super::resolve::TypeChange;
use crate::schema::{Schema, StructIndex};
use crate::state::{Row, State, Table};
use crate::wire::{DynamicStruct, StructReader, key_text};

/// What a cycle changes, type by type, against the state that it was compared with.
pub(in crate::producer) struct Changes {
    /// The state before under the schema of the new one; without records across a break.
    pub(in crate::producer) parent: Arc<State>,
    /// How many records each type of the version before has, as far as that is known.
    pub(in crate::producer) had: Vec<(String, u64)>,
    /// By the types of that schema.
    pub(in crate::producer) types: Vec<TypeChange>,
}

/// A version that may be published: the state before, the new one, and what changed between them.
#[derive(Clone, Copy)]
pub struct Candidate<'c> {
    before: &'c State,
    after: &'c State,
    changes: &'c Changes,
}

impl<'c> Candidate<'c> {
    pub(super) fn new(before: &'c State, after: &'c State, changes: &'c Changes) -> Self {
        assert_eq!(after.tables().len(), changes.types.len(), "every type of the new state was compared");
        Self { before, after, changes }
    }

    /// The state of the version before; without records for the first version, and where it cannot be read.
    #[must_use]
    pub fn before(&self) -> &'c State {
        self.before
    }

    /// How many records each type of the version before has, also where it cannot be read.
    pub fn counts_before(&self) -> impl Iterator<Item = (&'c str, u64)> {
        self.changes.had.iter().map(|(name, records)| (name.as_str(), *records))
    }

    /// The new state, read back from what would be uploaded.
    #[must_use]
    pub fn after(&self) -> &'c State {
        self.after
    }

    /// The records of a type that are new, gone or different, in no promised order; none for a type that the new state lacks. For the first
    /// version, and across a break, that is every record. Costs a few lookups a change, whatever the size of the state.
    pub fn changes(&self, type_name: &str) -> impl Iterator<Item = ChangedRecord<'c>> + use<'c> {
        let records = self.place(type_name).map(|place| TypeRecords::new(*self, place));
        records.into_iter().flat_map(|records| {
            let (mut written_key, mut removed_key) = (Vec::new(), Vec::new());
            let written = (0..records.written_count()).map(move |at| records.written(at, &mut written_key));
            let killed = 0..records.killed_count();
            written.chain(killed.filter_map(move |at| records.removed(at, &mut removed_key)))
        })
    }

    /// Where the table of a type is in the new state.
    pub(super) fn place(&self, type_name: &str) -> Option<usize> {
        self.after.tables().iter().position(|table| table.name() == type_name)
    }

    /// [`Candidate::changes`] of the type at `place`, in parallel.
    pub(super) fn par_changes(
        &self,
        place: usize,
    ) -> impl ParallelIterator<Item = ChangedRecord<'c>> + use<'c> {
        let records = TypeRecords::new(*self, place);
        let written = (0..records.written_count()).into_par_iter();
        let written = written.map_init(Vec::new, move |key, at| records.written(at, key));
        written.chain(self.par_removed(place))
    }

    /// Those that only the state before has, in parallel.
    pub(super) fn par_removed(
        &self,
        place: usize,
    ) -> impl ParallelIterator<Item = ChangedRecord<'c>> + use<'c> {
        let records = TypeRecords::new(*self, place);
        let killed = (0..records.killed_count()).into_par_iter();
        killed.map_init(Vec::new, move |key, at| records.removed(at, key)).flatten_iter()
    }
}

/// The changes of one type.
#[derive(Clone, Copy)]
struct TypeRecords<'c> {
    schema: &'c Schema,
    structure: StructIndex,
    parent: &'c Table,
    after: &'c Table,
    change: &'c TypeChange,
}

impl<'c> TypeRecords<'c> {
    fn new(candidate: Candidate<'c>, place: usize) -> Self {
        let schema = candidate.after.schema();
        Self {
            schema,
            structure: schema.types()[place].structure,
            parent: &candidate.changes.parent.tables()[place],
            after: &candidate.after.tables()[place],
            change: &candidate.changes.types[place],
        }
    }

    fn written_count(&self) -> usize {
        self.change.forward.written.len()
    }

    fn killed_count(&self) -> usize {
        self.change.killed.len()
    }

    /// A record that was written, and the one with its key before. By key, for hashes may be those of another seed, or taken over by another
    /// key.
    fn written(&self, at: usize, key: &mut Vec<u8>) -> ChangedRecord<'c> {
        let message = self.change.message(self.change.forward.written[at].record);
        let record = StructReader::root(message).expect("a message that was taken has a root");
        self.key_of(record, key);
        let after = self.after.get_bytes(key);
        assert!(after.is_some(), "what was written is in the new state");
        self.record(self.parent.get_bytes(key), after)
    }

    /// A record that died, if no other has its key.
    fn removed(&self, at: usize, key: &mut Vec<u8>) -> Option<ChangedRecord<'c>> {
        let row = self.parent.row(self.change.killed[at].position);
        self.key_of(row.reader(), key);
        self.after.get_bytes(key).is_none().then(|| self.record(Some(row), None))
    }

    fn key_of(&self, record: StructReader<'_>, key: &mut Vec<u8>) {
        key.clear();
        let read = self.after.keys().write_bytes(record, key);
        read.expect("the key was read when the change was found");
    }

    fn record(&self, before: Option<Row<'c>>, after: Option<Row<'c>>) -> ChangedRecord<'c> {
        ChangedRecord { schema: self.schema, structure: self.structure, table: self.after, before, after }
    }
}

/// A record that is new, gone or different; at least one of its sides is there.
#[derive(Clone, Copy)]
pub struct ChangedRecord<'c> {
    schema: &'c Schema,
    structure: StructIndex,
    table: &'c Table,
    before: Option<Row<'c>>,
    after: Option<Row<'c>>,
}

impl<'c> ChangedRecord<'c> {
    /// The record as it was; `None` for a new one.
    #[must_use]
    pub fn before(&self) -> Option<Row<'c>> {
        self.before
    }

    /// The record as it will be; `None` for one that goes.
    #[must_use]
    pub fn after(&self) -> Option<Row<'c>> {
        self.after
    }

    /// A side of it, to be read without generated code.
    #[must_use]
    pub fn dynamic(&self, row: Row<'c>) -> DynamicStruct<'c> {
        DynamicStruct::new(self.schema, self.structure, row.reader())
    }

    /// Its key as people read it, fields joined by commas.
    #[must_use]
    pub fn key(&self) -> String {
        let row = self.after.or(self.before).expect("a changed record has a side");
        key_of(self.table, row)
    }
}

/// The key of a row as people read it.
pub(super) fn key_of(table: &Table, row: Row<'_>) -> String {
    let mut key = Vec::new();
    match table.keys().write_bytes(row.reader(), &mut key) {
        Ok(()) => key_text(table.keys().kinds(), &key),
        Err(error) => format!("({error})"),
    }
}
