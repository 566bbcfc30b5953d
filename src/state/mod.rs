//! One version of a dataset in memory.
//!
//! A [`State`] is immutable: a refresh makes a new one that shares all that did not change, and whoever holds an old one keeps it. Reading
//! never waits, never allocates and never counts: a lookup is arithmetic on mapped words.
//!
//! A type's [`Table`] is a *base*, the shards of a snapshot, under an *overlay* of the changes since. [`Transition`] makes the next state
//! from the sections of a delta or reverse delta; [`State::open`] makes one from the sections of a snapshot. Both compare fingerprints with
//! what the version's manifest says before anyone sees the state.

mod apply;
mod base;
mod encode;
mod key;
mod open;
mod overlay;
mod per_schema;
mod rebase;
mod record;
mod records;
mod reference;
mod replay;
mod row;
mod section;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod transition;
mod typed;
mod typed_reference;

use std::sync::Arc;

pub use apply::ApplyError;
pub use base::BaseError;
pub use encode::EncodeError;
pub(crate) use encode::{BaseRecord, PutRow, TableEncoder, put_row};
pub use key::Key;
pub(crate) use key::fits;
pub use open::{OpenError, ShardedSections, TypeSections};
pub(crate) use rebase::{ChangesSince, Rebase};
pub use rebase::{RebaseError, RebaseThresholds};
pub use record::ReopenError;
pub use reference::{Followed, Reference};
pub use row::{Row, RowError};
pub use section::Section;
pub(crate) use table::Position;
pub use table::Table;
pub(crate) use transition::{Step, TypeStep};
pub use transition::{StepError, Transition};
pub use typed::{TableMismatch, TypedTable};
pub use typed_reference::TypedReference;

use crate::format::Tags;
use crate::identifiers::{DatasetId, Fingerprint, KeySeed, Version};
use crate::schema::{Schema, TypeFilter, TypeIndex};
pub use crate::wire::KeyBytes;

/// One version of all types of a dataset (keeps semantics 15).
#[derive(Clone, Debug)]
pub struct State {
    dataset: DatasetId,
    version: Version,
    seed: KeySeed,
    schema: Arc<Schema>,
    tags: Arc<Tags>,
    filter: TypeFilter,
    tables: Vec<Arc<Table>>,
}

impl State {
    /// A version without a record of any type.
    pub(crate) fn without_records(
        dataset: DatasetId,
        version: Version,
        seed: KeySeed,
        schema: Arc<Schema>,
    ) -> Self {
        let types = 0..schema.types().len() as u32;
        let tables = types.map(|at| Arc::new(Table::empty(&schema, TypeIndex(at), seed))).collect();
        let (tags, filter) = (Arc::default(), TypeFilter::all());
        Self { dataset, version, seed, schema, tags, filter, tables }
    }

    /// The same without the types that `filter` leaves out, which no step brings back (keeps semantics 22).
    #[must_use]
    pub(crate) fn narrowed(mut self, filter: &TypeFilter) -> Self {
        self.tables.retain(|table| filter.has(table.name()));
        self.filter = filter.clone();
        self
    }

    /// The same records under a schema that extends this one.
    #[must_use]
    pub(crate) fn with_schema(mut self, schema: Arc<Schema>) -> Self {
        let types = (0..schema.types().len() as u32).map(TypeIndex);
        let types = types.filter(|index| self.filter.has(&schema.record_type(*index).name));
        let tables = types.map(|index| {
            let empty = Table::empty(&schema, index, self.seed);
            let known = self.tables.iter().find(|table| table.name() == empty.name());
            Arc::new(known.map_or_else(|| empty.clone(), |known| known.with_layout(&empty)))
        });
        self.tables = tables.collect();
        self.schema = schema;
        self
    }

    /// Identity of the dataset.
    #[must_use]
    pub fn dataset(&self) -> DatasetId {
        self.dataset
    }

    /// The version this is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Seed of the key hashes.
    #[must_use]
    pub fn seed(&self) -> KeySeed {
        self.seed
    }

    /// The schema of this version.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The version's header tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Which types it has a table for, of those that its schema has.
    #[must_use]
    pub fn filter(&self) -> &TypeFilter {
        &self.filter
    }

    /// The tables, in the order of the schema's types; a type that was filtered out has none.
    #[must_use]
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// The table of the type called `name`; `None` if there is no such type, or it was filtered out.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name() == name).map(|table| &**table)
    }

    /// Sum of the tables' fingerprints; that of the version if no type was filtered out.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.tables.iter().map(|table| table.fingerprint()).sum()
    }

    /// Records of all tables.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tables.iter().map(|table| table.len()).sum()
    }

    /// Whether there is no record in any table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
