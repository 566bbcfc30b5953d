//! The base of a table: the mapped shards of one snapshot.

use std::sync::Arc;

use super::row::Row;
use super::section::Section;
use crate::format::sections::message::SectionError;
use crate::format::sections::shard::{ShardKeys, ShardRows, Sharding};
use crate::identifiers::KeyHash;

/// The shards of a type in one snapshot, or none at all for a type that came later.
#[derive(Debug, Default)]
pub(crate) struct Base {
    sharding: Option<Sharding>,
    shards: Vec<Shard>,
    slots: u64,
}

/// One shard: its rows and the function that finds them.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) rows_section: Arc<Section>,
    pub(crate) keys_section: Arc<Section>,
    pub(crate) rows: ShardRows,
    pub(crate) keys: ShardKeys,
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
            let rows = ShardRows::open(rows_section.words())?;
            let keys = ShardKeys::open(keys_section.words())?;
            if keys.slots() != rows.rows.len() {
                return Err(BaseError::Slots { rows: rows.rows.len(), keys: keys.slots() });
            }
            let first_slot = slots;
            slots += u64::from(keys.slots());
            shards.push(Shard { rows_section, keys_section, rows, keys, first_slot });
        }
        Ok(Self { sharding: Some(sharding), shards, slots })
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> u64 {
        self.slots
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub(crate) fn sharding(&self) -> Option<Sharding> {
        self.sharding
    }

    /// The slot that `hash` belongs to, whoever sits there; `None` where there is no slot at all.
    #[inline]
    pub(crate) fn find(&self, hash: KeyHash) -> Option<(Slot, Row<'_>)> {
        let shard = &self.shards[self.sharding?.shard(hash) as usize];
        if shard.keys.slots() == 0 {
            return None;
        }
        let slot = shard.keys.function(shard.keys_section.words()).slot(hash.0);
        let row = Row::new(&shard.rows_section, &shard.rows.rows, slot);
        Some((Slot(shard.first_slot + u64::from(slot)), row))
    }

    /// The slot alone.
    pub(crate) fn slot(&self, hash: KeyHash) -> Option<Slot> {
        self.find(hash).map(|(slot, _)| slot)
    }

    /// The row at `slot`.
    pub(crate) fn row(&self, slot: Slot) -> Row<'_> {
        let shard = &self.shards[self.shards.partition_point(|shard| shard.first_slot <= slot.0) - 1];
        Row::new(&shard.rows_section, &shard.rows.rows, (slot.0 - shard.first_slot) as u32)
    }
}

impl Shard {
    /// Populated slots, in order.
    pub(crate) fn populated(&self) -> impl Iterator<Item = (Slot, Row<'_>)> {
        let words = self.rows_section.words();
        (0..self.rows.rows.len()).filter(|slot| self.rows.populated(words, *slot)).map(|slot| {
            let row = Row::new(&self.rows_section, &self.rows.rows, slot);
            (Slot(self.first_slot + u64::from(slot)), row)
        })
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
