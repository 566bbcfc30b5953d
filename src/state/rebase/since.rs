//! What lies between two states of one table.

use std::sync::Arc;

use crate::format::sections::sharding::Sharding;
use crate::identifiers::{Fingerprint, KeyHash};
use crate::index::bits::SharedBits;
use crate::segment::Words;
use crate::state::base::Slot;
use crate::state::table::DEAD;
use crate::state::{Position, Table};
use crate::wire::{KeyError, WireError};

impl Table {
    /// Whether this table came from `earlier` by changes alone: on the same base, after the same steps.
    pub(super) fn extends(&self, earlier: &Self) -> bool {
        let mut steps = self.applied.iter();
        let has_all =
            earlier.applied.iter().all(|step| steps.next().is_some_and(|own| Arc::ptr_eq(own, step)));
        Arc::ptr_eq(&self.base, &earlier.base) && has_all
    }

    /// What leads from `earlier`, which this table extends, to this table, whatever the steps between: each record that came is written once,
    /// however often it changed. Costs a pass over the overlay's hashes and over the bits that were set.
    pub(super) fn changes_since(&self, earlier: &Self) -> Result<ChangesSince, KeyError> {
        debug_assert!(self.extends(earlier));
        let mut died: Words = self.overlay.died_since(&earlier.overlay).map(|hash| hash.0).collect();
        for slot in dead_slots(&self.slots, &earlier.slots) {
            died.push(self.key_hash(self.base.row(slot))?.0);
        }
        died.sort_unstable();
        let came = self.overlay.rows_of_part(Sharding::default(), 0);
        let came = came.filter(|(_, at)| at.section >= earlier.overlay.next_number());
        let mut written: Words =
            came.flat_map(|(hash, at)| [hash.0, Position::Overlay(at).to_word()]).collect();
        pairs_mut(&mut written).sort_unstable();
        let is_written = |hash: &u64| pairs(&written).binary_search_by_key(hash, |[hash, _]| *hash).is_ok();
        let removed = died.iter().copied().filter(|hash| !is_written(hash)).collect();
        Ok(ChangesSince { written, died, removed })
    }

    /// What the rows of the base that are dead add to the fingerprint.
    pub(super) fn share_of_dead_rows(&self, scratch: &mut Vec<u64>) -> Result<Fingerprint, WireError> {
        let none = SharedBits::new(self.slots.len());
        let dead = dead_slots(&self.slots, &none);
        dead.map(|slot| self.share_of(self.base.row(slot), scratch)).sum()
    }
}

/// What lies between two states of one table, by ascending hash.
pub(crate) struct ChangesSince {
    /// Hash and position of each record that came.
    written: Words,
    /// Hashes of the records that were there and are no longer, or are others now.
    died: Words,
    /// Those under which none came.
    removed: Words,
}

impl ChangesSince {
    /// Hash and [position](Position::to_word) of each record that came.
    pub(crate) fn written(&self) -> &[[u64; 2]] {
        pairs(&self.written)
    }

    /// Whether there was no record under `hash`, under which one came.
    pub(crate) fn is_added(&self, hash: KeyHash) -> bool {
        self.died.binary_search(&hash.0).is_err()
    }

    /// Hashes of the records that went.
    pub(crate) fn removed(&self) -> &[u64] {
        &self.removed
    }
}

fn pairs(words: &[u64]) -> &[[u64; 2]] {
    bytemuck::cast_slice(words)
}

fn pairs_mut(words: &mut [u64]) -> &mut [[u64; 2]] {
    bytemuck::cast_slice_mut(words)
}

/// The slots whose rows died since `earlier`.
fn dead_slots<'b>(bits: &'b SharedBits, earlier: &'b SharedBits) -> impl Iterator<Item = Slot> + 'b {
    bits.set_since(earlier).filter(|bit| 1 << (bit % 2) == DEAD).map(|bit| Slot(bit / 2))
}
