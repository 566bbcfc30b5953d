//! One type of a state: base, overlay, and what is dead in them.

use std::sync::Arc;

use rayon::prelude::*;

use super::base::{Base, Slot};
use super::overlay::Overlay;
use super::row::Row;
use super::section::Section;
use crate::cache::SectionName;
use crate::format::sections::rows::RowWidth;
use crate::identifiers::{Fingerprint, KeyHash, KeySeed, RecordHash, TypeId, Version};
use crate::index::bits::SharedBits;
use crate::index::directory::OverlayPosition;
use crate::schema::{Schema, StructIndex, TypeIndex};
use crate::wire::{KeyError, KeyPlan, WireError, gather, record_hash};

/// The records of one type in one version.
///
/// Rows come from the base, a snapshot's shards, and from the sections of the deltas since. Every row has a dead bit: a key hash has at most
/// one live row over all of them. Every base slot has a touched bit: some key in the overlay maps to it. Both are copied in chunks when a
/// version changes them, so versions share everything else. (The rules were checked against a plain map by a randomised model.)
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) name: Arc<str>,
    pub(crate) keys: Arc<KeyPlan>,
    pub(crate) seed: KeySeed,
    pub(crate) width: RowWidth,
    pub(crate) base: Arc<Base>,
    /// For each slot of the base its dead and its touched bit.
    pub(crate) slots: SharedBits,
    pub(crate) overlay: Overlay,
    /// The changes since the base in the order in which they were applied, for the state directory's record.
    pub(crate) applied: Vec<Arc<AppliedStep>>,
    pub(crate) count: u64,
    pub(crate) fingerprint: Fingerprint,
}

/// What one step changed of a table.
#[derive(Debug)]
pub(crate) struct AppliedStep {
    pub(crate) from: Version,
    pub(crate) to: Version,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) sections: Vec<SectionName>,
    /// What [`Table::slots`] were after it, if it gathered what changed since the base.
    pub(crate) slots: Option<Arc<Section>>,
    /// Those of its sections that lie in a state directory, which may give up what nobody holds: a restart needs them even when their last row
    /// is dead.
    held: Vec<Arc<Section>>,
}

impl AppliedStep {
    /// The step between two versions that `sections` brought.
    pub(crate) fn new(
        (from, to): (Version, Version),
        fingerprint: Fingerprint,
        sections: Vec<Arc<Section>>,
    ) -> Self {
        let names = sections.iter().map(|section| section.name()).collect();
        let held = sections.into_iter().filter(|section| section.segment().is_mapped_file()).collect();
        Self { from, to, fingerprint, sections: names, slots: None, held }
    }

    /// How many files it holds open, but for its slots.
    pub(crate) fn files(&self) -> usize {
        self.held.len()
    }

    /// The same with the bits of the base's slots after it.
    pub(crate) fn with_slots(self, slots: Option<Arc<Section>>) -> Self {
        Self { slots, ..self }
    }
}

pub(crate) const DEAD: u64 = 0b01;
pub(crate) const TOUCHED: u64 = 0b10;

/// Where a live row lies; means nothing in another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Position {
    Base(Slot),
    Overlay(OverlayPosition),
}

impl Position {
    /// Set in the words of positions in the overlay; numbers of sections do not come that far.
    const OF_OVERLAY: u64 = 1 << 63;

    /// The position in one word.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::Base(slot) => slot.0,
            Self::Overlay(at) => Self::OF_OVERLAY | at.to_word(),
        }
    }

    /// What [`Position::to_word`] made `word` of.
    pub(crate) fn of_word(word: u64) -> Self {
        match word & Self::OF_OVERLAY {
            0 => Self::Base(Slot(word)),
            _ => Self::Overlay(OverlayPosition::of_word(word & !Self::OF_OVERLAY)),
        }
    }
}

impl Table {
    /// No records of the type at `index` of `schema`.
    pub(crate) fn empty(schema: &Schema, index: TypeIndex, seed: KeySeed) -> Self {
        let record_type = schema.record_type(index);
        let (keys, width) = (Arc::new(KeyPlan::new(schema, index)), row_width(schema, record_type.structure));
        Self::without_records(record_type.name.as_str().into(), keys, seed, width)
    }

    /// The same without its records.
    pub(crate) fn emptied(&self) -> Self {
        Self::without_records(Arc::clone(&self.name), Arc::clone(&self.keys), self.seed, self.width)
    }

    fn without_records(name: Arc<str>, keys: Arc<KeyPlan>, seed: KeySeed, width: RowWidth) -> Self {
        Self {
            name,
            keys,
            seed,
            width,
            base: Arc::default(),
            slots: SharedBits::new(0),
            overlay: Overlay::default(),
            applied: Vec::new(),
            count: 0,
            fingerprint: Fingerprint::default(),
        }
    }

    /// The records of this table under the schema that `empty` was made for.
    pub(crate) fn with_layout(&self, empty: &Self) -> Self {
        Self { keys: Arc::clone(&empty.keys), width: empty.width, ..self.clone() }
    }

    /// Name of the type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Sum over the records, independent of where they lie.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// How keys of this type are read, hashed and compared.
    #[must_use]
    pub fn keys(&self) -> &KeyPlan {
        &self.keys
    }

    /// The record whose key has these bytes (see [`KeyPlan`]). One cache miss; more only while the overlay holds a key of the same slot.
    #[inline(always)]
    #[must_use]
    pub fn get_bytes(&self, key: &[u8]) -> Option<Row<'_>> {
        self.locate(KeyPlan::hash(self.seed, key), key).map(|(_, row)| row)
    }

    /// The live row of the key with these bytes, which hash to `hash`, and its position.
    #[inline(always)]
    pub(crate) fn locate(&self, hash: KeyHash, key: &[u8]) -> Option<(Position, Row<'_>)> {
        self.find(hash, ByKey(key))
    }

    /// The live row under `hash`, whatever its key.
    pub(crate) fn locate_hash(&self, hash: KeyHash) -> Option<(Position, Row<'_>)> {
        self.find(hash, ByHash(hash))
    }

    #[inline(always)]
    fn find<W: Wanted>(&self, hash: KeyHash, wanted: W) -> Option<(Position, Row<'_>)> {
        match self.base.find(hash) {
            Some((slot, row)) if self.slots.pair(2 * slot.0) == 0 => {
                wanted.is(self, row).then_some((Position::Base(slot), row))
            }
            _ => self.find_where_changed(hash, wanted),
        }
    }

    /// The same where a delta left something, or where there is no base.
    #[inline(never)]
    fn find_where_changed<W: Wanted>(&self, hash: KeyHash, wanted: W) -> Option<(Position, Row<'_>)> {
        if let Some((slot, row)) = self.base.find(hash) {
            let bits = self.slots.pair(2 * slot.0);
            if bits & DEAD == 0 && wanted.is(self, row) {
                return Some((Position::Base(slot), row));
            }
            if bits & TOUCHED == 0 {
                return None;
            }
        }
        let found = self.overlay.find(hash, |row| wanted.is(self, row));
        found.map(|(at, row)| (Position::Overlay(at), row))
    }

    /// Every record once, in no promised order. No lookup and no allocation on the way.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.positions().map(|(_, row)| row)
    }

    /// Every record with its position.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (Position, Row<'_>)> {
        let shards = 0..self.base.shards().len();
        let base = shards.flat_map(|shard| self.shard_rows(shard));
        base.chain(self.overlay_rows())
    }

    /// Every record, in parallel.
    pub(crate) fn par_rows(&self) -> impl ParallelIterator<Item = Row<'_>> {
        let shards = (0..self.base.shards().len()).into_par_iter();
        let base = shards.flat_map_iter(|shard| self.shard_rows(shard).map(|(_, row)| row));
        base.chain(self.overlay.par_rows())
    }

    /// The live rows of one shard of the base.
    pub(crate) fn shard_rows(&self, shard: usize) -> impl Iterator<Item = (Position, Row<'_>)> {
        let populated = self.base.shards()[shard].rows();
        let live = populated.filter(|(slot, _)| self.slots.pair(2 * slot.0) & DEAD == 0);
        live.map(|(slot, row)| (Position::Base(slot), row))
    }

    /// The live rows of the overlay.
    pub(crate) fn overlay_rows(&self) -> impl Iterator<Item = (Position, Row<'_>)> {
        self.overlay.rows().map(|(at, row)| (Position::Overlay(at), row))
    }

    /// The row at `position`, which must be of this table.
    pub(crate) fn row(&self, position: Position) -> Row<'_> {
        match position {
            Position::Base(slot) => self.base.row(slot),
            Position::Overlay(at) => self.overlay.row(at),
        }
    }

    /// The key hash of a row of this type.
    pub(crate) fn key_hash(&self, row: Row<'_>) -> Result<KeyHash, KeyError> {
        self.keys.hash_of(self.seed, row.reader())
    }

    /// What a row adds to the fingerprint; its canonical message is left in `scratch`.
    pub(crate) fn share_of(&self, row: Row<'_>, scratch: &mut Vec<u64>) -> Result<Fingerprint, WireError> {
        scratch.clear();
        gather(row.reader(), scratch)?;
        Ok(self.share_of_message(record_hash(scratch)))
    }

    /// What a record adds to the fingerprint.
    pub(crate) fn share_of_message(&self, record: RecordHash) -> Fingerprint {
        Fingerprint::of_record(TypeId::of(&self.name), record)
    }

    /// Marks the row at `position` dead; says whether it was alive.
    pub(crate) fn kill(&mut self, position: Position) -> bool {
        match position {
            Position::Base(slot) => !self.slots.set(2 * slot.0),
            Position::Overlay(at) => self.overlay.kill(at),
        }
    }

    /// Notes that the overlay holds a key of this hash.
    pub(crate) fn touch(&mut self, hash: KeyHash) {
        self.base.slot(hash).into_iter().for_each(|slot| self.touch_slot(slot));
    }

    /// The same of a hash whose slot is known.
    pub(super) fn touch_slot(&mut self, slot: Slot) {
        self.slots.set(2 * slot.0 + 1);
    }
}

/// What a lookup asks of a row in the slot of its hash. A trait, so that the question becomes part of the lookup's own code; of two words at
/// most, so that it stays in registers.
trait Wanted: Copy {
    /// Whether this is the row of `table`.
    fn is(self, table: &Table, row: Row<'_>) -> bool;
}

/// Has a key of these bytes.
#[derive(Clone, Copy)]
struct ByKey<'k>(&'k [u8]);

impl Wanted for ByKey<'_> {
    #[inline(always)]
    fn is(self, table: &Table, row: Row<'_>) -> bool {
        table.keys.number_matches(row.reader(), self.0).unwrap_or_else(|| self.is_by_fields(table, row))
    }
}

impl ByKey<'_> {
    #[inline(never)]
    fn is_by_fields(self, table: &Table, row: Row<'_>) -> bool {
        table.keys.matches(row.reader(), self.0)
    }
}

/// Has a key of this hash.
#[derive(Clone, Copy)]
struct ByHash(KeyHash);

impl Wanted for ByHash {
    fn is(self, table: &Table, row: Row<'_>) -> bool {
        table.key_hash(row).is_ok_and(|hash| hash == self.0)
    }
}

/// Width of the rows of `structure`.
pub(crate) fn row_width(schema: &Schema, structure: StructIndex) -> RowWidth {
    let structure = schema.structure(structure);
    RowWidth { data_words: structure.data_words, pointer_words: structure.pointer_words }
}
