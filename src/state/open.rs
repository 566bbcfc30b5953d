//! From the sections of a snapshot to a state.

use std::sync::Arc;

use rayon::prelude::*;

use super::base::{Base, BaseError, Shard};
use super::row::RowError;
use super::{Section, State, Table};
use crate::error::{Classify, ErrorKind};
use crate::format::Tags;
use crate::identifiers::{DatasetId, Fingerprint, KeySeed, Version};
use crate::index::bits::SharedBits;
use crate::schema::{Schema, TypeFilter, TypeIndex};

/// Slots that one task verifies.
const BATCH: u32 = 4096;

/// Rows and keys sections of one shard.
pub type ShardedSections = (Arc<Section>, Arc<Section>);

/// The sections of one type in a snapshot, and what they should come to.
#[derive(Debug)]
pub struct TypeSections {
    /// Name of the type.
    pub name: String,
    /// How many records it has and their fingerprint; `None` where whoever opens the sections checks later.
    pub expected: Option<(u64, Fingerprint)>,
    /// Rows and keys of each shard, in shard order.
    pub shards: Vec<ShardedSections>,
}

impl State {
    /// Opens the sections of the snapshot of `version`.
    ///
    /// With `verify` every row is hashed: its key must lie in this shard and this slot, unused slots must copy a row of their shard, and
    /// count and fingerprint must be those expected. That is one pass over all bytes, in parallel; sections that were verified when they
    /// were written and sealed since need none.
    pub fn open(
        dataset: DatasetId,
        version: Version,
        seed: KeySeed,
        schema: Arc<Schema>,
        tags: Tags,
        mut types: Vec<TypeSections>,
        verify: bool,
    ) -> Result<Self, OpenError> {
        let mut tables = Vec::with_capacity(schema.types().len());
        for (index, record_type) in schema.types().iter().enumerate() {
            let mut table = Table::empty(&schema, TypeIndex(index as u32), seed);
            if let Some(at) = types.iter().position(|part| part.name == record_type.name) {
                let part = types.swap_remove(at);
                table.open_base(part.shards, part.expected, verify)?;
            }
            tables.push(Arc::new(table));
        }
        if let Some(stranger) = types.pop() {
            return Err(OpenError::UnknownType { name: stranger.name });
        }
        let (tags, filter) = (Arc::new(tags), TypeFilter::all());
        Ok(Self { dataset, version, seed, schema, tags, filter, tables })
    }
}

impl Table {
    /// Puts an empty table on the base that `shards` are, which hold so many records of this fingerprint if `expected` says so. With `verify`
    /// every row is looked at.
    pub(super) fn open_base(
        &mut self,
        shards: Vec<ShardedSections>,
        expected: Option<(u64, Fingerprint)>,
        verify: bool,
    ) -> Result<(), OpenError> {
        let name = || self.name().to_owned();
        let base = Base::open(shards).map_err(|error| OpenError::Base { name: name(), error })?;
        self.slots = SharedBits::new(2 * base.slots());
        self.count = base.records();
        self.base = Arc::new(base);
        let (expected_records, expected) = expected.unwrap_or((self.count, Fingerprint::default()));
        self.fingerprint = if verify { fingerprint(self)? } else { expected };
        self.expect(expected_records, expected)
    }

    /// Compares number and fingerprint of the records with those expected.
    pub(super) fn expect(&self, records: u64, fingerprint: Fingerprint) -> Result<(), OpenError> {
        let name = || self.name().to_owned();
        if self.count != records {
            return Err(OpenError::Count { name: name(), expected: records, found: self.count });
        }
        if self.fingerprint != fingerprint {
            let (expected, found) = (fingerprint, self.fingerprint);
            return Err(OpenError::Fingerprint { name: name(), expected, found });
        }
        Ok(())
    }
}

/// Verifies every slot of the base and sums up its rows.
fn fingerprint(table: &Table) -> Result<Fingerprint, OpenError> {
    let shards = table.base.shards().par_iter().enumerate();
    let batches = shards.flat_map(|(number, shard)| {
        let slots = shard.records.len();
        (0..slots.div_ceil(BATCH))
            .into_par_iter()
            .map(move |batch| (number, shard, batch * BATCH..slots.min((batch + 1) * BATCH)))
    });
    let verified = batches.map(|(number, shard, slots)| {
        let mut scratch = Vec::new();
        slots.map(|slot| verify_slot(table, number as u32, shard, slot, &mut scratch)).sum()
    });
    verified.try_reduce(Fingerprint::default, |left, right| Ok(left.plus(right)))
}

fn verify_slot(
    table: &Table,
    number: u32,
    shard: &Shard,
    slot: u32,
    scratch: &mut Vec<u64>,
) -> Result<Fingerprint, OpenError> {
    let place = |what: &'static str| OpenError::Slot {
        name: table.name().to_owned(),
        section: shard.records.section().name().to_string(),
        slot,
        what,
    };
    let row = shard.records.row(slot);
    let malformed = |error: RowError| OpenError::Record {
        name: table.name().to_owned(),
        section: shard.records.section().name().to_string(),
        slot,
        error,
    };
    let hash = table.key_hash(row).map_err(|error| malformed(error.into()))?;
    if table.base.sharding().shard(hash) != number {
        return Err(place("holds a record of another shard"));
    }
    let home = shard.home(hash);
    match (shard.populated(slot), home == slot) {
        (true, true) => table.share_of(row, scratch).map_err(|error| malformed(error.into())),
        (true, false) => Err(place("holds a record that belongs to another slot")),
        (false, true) => Err(place("is marked unused and holds a record of its own")),
        (false, false) if shard.populated(home) => Ok(Fingerprint::default()),
        (false, false) => Err(place("is unused and copies a record that its shard does not have")),
    }
}

/// Sections that do not form the snapshot they should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A type that the schema does not have.
    #[error("the snapshot holds type {name}, which its schema does not have")]
    UnknownType {
        /// The type.
        name: String,
    },
    /// Sections that do not belong together.
    #[error("the shards of type {name} do not form a snapshot: {error}")]
    Base {
        /// The type.
        name: String,
        /// What does not fit.
        error: BaseError,
    },
    /// A slot that contradicts the perfect hash.
    #[error("slot {slot} of type {name} in section {section} {what}")]
    Slot {
        /// The type.
        name: String,
        /// Name of the rows section.
        section: String,
        /// The slot.
        slot: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A malformed record.
    #[error("the record in slot {slot} of type {name} in section {section} is malformed: {error}")]
    Record {
        /// The type.
        name: String,
        /// Name of the rows section.
        section: String,
        /// The slot.
        slot: u32,
        /// What is wrong with it.
        error: RowError,
    },
    /// Another number of records.
    #[error("type {name} has {found} records, expected {expected}")]
    Count {
        /// The type.
        name: String,
        /// What the manifest says.
        expected: u64,
        /// What the sections hold.
        found: u64,
    },
    /// Another content.
    #[error("type {name} has fingerprint {found}, expected {expected}")]
    Fingerprint {
        /// The type.
        name: String,
        /// What the manifest says.
        expected: Fingerprint,
        /// What the sections hold.
        found: Fingerprint,
    },
}

impl Classify for OpenError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
