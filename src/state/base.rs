//! The base of a table: the mapped shards of one snapshot.

use std::ops::Range;
use std::sync::Arc;

use super::records::Records;
use super::row::Row;
use super::section::Section;
use crate::format::sections::message::SectionError;
use crate::format::sections::shard::{Populated, ShardKeys, ShardRows};
use crate::format::sections::sharding::Sharding;
use crate::identifiers::KeyHash;
use crate::segment::SegmentBytes;

/// The shards of a type in one snapshot, or none at all for a type that came later.
#[derive(Debug, Default)]
pub(crate) struct Base {
    sharding: Sharding,
    shards: Vec<Shard>,
    slots: u64,
    records: u64,
}

/// One shard: its rows and the function that finds them.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) records: Records,
    pub(crate) keys_section: Arc<Section>,
    keys: ShardKeys,
    pilots: SegmentBytes,
    populated: Populated,
    /// Slots of the shards before this one.
    pub(crate) first_slot: u64,
}

/// A slot of the base, counted over all its shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub(crate) u64);

impl Base {
    /// Opens the (rows, keys) sections of all shards in shard order.
    pub(crate) fn open(sections: Vec<(Arc<Section>, Arc<Section>)>) -> Result<Self, BaseError> {
        let sharding = Sharding::of_parts(sections.len() as u32).ok_or(BaseError::Parts(sections.len()))?;
        let mut shards = Vec::with_capacity(sections.len());
        let mut slots = 0;
        for (rows_section, keys_section) in sections {
            let ShardRows { rows, populated } = ShardRows::open(rows_section.words())?;
            let records = Records::open(rows_section, rows)?;
            let keys = ShardKeys::open(keys_section.words())?;
            if keys.slots() != records.len() {
                return Err(BaseError::Slots { rows: records.len(), keys: keys.slots() });
            }
            let pilots = SegmentBytes::new(Arc::clone(keys_section.segment()), keys.pilots())
                .expect("a section's parts are found within it when it is opened");
            let first_slot = slots;
            slots += u64::from(keys.slots());
            shards.push(Shard { records, keys_section, keys, pilots, populated, first_slot });
        }
        let records = shards.iter().map(Shard::count).sum();
        Ok(Self { sharding, shards, slots, records })
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> u64 {
        self.slots
    }

    /// How many slots hold a record of their own.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The shards that share hashes with `shard` of `other`.
    pub(crate) fn overlapping(&self, other: Sharding, shard: u32) -> Range<usize> {
        let shards = self.sharding.overlapping(other, shard);
        let end = (shards.end as usize).min(self.shards.len());
        (shards.start as usize).min(end)..end
    }

    pub(crate) fn sharding(&self) -> Sharding {
        self.sharding
    }

    /// The slot that `hash` belongs to and its row, whoever sits there; `None` where there is no slot at all.
    #[inline(always)]
    pub(crate) fn find(&self, hash: KeyHash) -> Option<(Slot, Row<'_>)> {
        let shard = self.shards.get(self.sharding.shard(hash) as usize)?;
        let slot = shard.home(hash);
        let row = shard.records.get(slot)?;
        Some((Slot(shard.first_slot + u64::from(slot)), row))
    }

    /// The slot alone.
    pub(crate) fn slot(&self, hash: KeyHash) -> Option<Slot> {
        self.find(hash).map(|(slot, _)| slot)
    }

    /// The row at `slot`.
    pub(crate) fn row(&self, slot: Slot) -> Row<'_> {
        let shard = &self.shards[self.shards.partition_point(|shard| shard.first_slot <= slot.0) - 1];
        shard.records.row((slot.0 - shard.first_slot) as u32)
    }
}

impl Shard {
    /// The slot of `hash`; 0 in a shard without slots.
    #[inline]
    pub(crate) fn home(&self, hash: KeyHash) -> u32 {
        self.keys.function(self.pilots.bytes()).slot(hash.0)
    }

    /// Populated slots, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Slot, Row<'_>)> {
        let slots = (0..self.records.len()).filter(|slot| self.populated(*slot));
        slots.map(|slot| (Slot(self.first_slot + u64::from(slot)), self.records.row(slot)))
    }

    /// Whether `slot` holds a record of its own, and not a copy of another's.
    pub(crate) fn populated(&self, slot: u32) -> bool {
        self.populated.get(self.records.words(), slot)
    }

    /// How many slots hold a record of their own.
    fn count(&self) -> u64 {
        self.populated.count(self.records.words())
    }
}

/// Sections that do not form a base.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// The number of shards is no power of two.
    #[error("a snapshot has a power of two of shards of each type, found {0}")]
    Parts(usize),
    /// Rows and keys are of different shards.
    #[error("the keys section has {keys} slots, the rows section beside it has {rows}")]
    Slots {
        /// Rows found.
        rows: u32,
        /// Slots found.
        keys: u32,
    },
    /// A section is malformed.
    #[error(transparent)]
    Section(#[from] SectionError),
}
