//! What lies between two states of one table.

use std::sync::Arc;

use crate::format::sections::changes::{Change, Written};
use crate::format::sections::sharding::Sharding;
use crate::identifiers::KeyHash;
use crate::index::bits::SharedBits;
use crate::state::base::Slot;
use crate::state::table::DEAD;
use crate::state::{Position, Row, Table};
use crate::wire::KeyError;

impl Table {
    /// Whether this table came from `earlier` by changes alone: on the same base, after the same steps.
    pub(super) fn extends(&self, earlier: &Self) -> bool {
        let mut steps = self.applied.iter();
        let has_all =
            earlier.applied.iter().all(|step| steps.next().is_some_and(|own| Arc::ptr_eq(own, step)));
        Arc::ptr_eq(&self.base, &earlier.base) && has_all
    }

    /// One change that leads from `earlier`, which this table extends, to this table, whatever the steps between: each record that came is
    /// written once, however often it changed. Costs a pass over the overlay's hashes and over the bits that were set.
    pub(super) fn changes_since(&self, earlier: &Self) -> Result<Change<Position>, KeyError> {
        debug_assert!(self.extends(earlier));
        let mut died: Vec<KeyHash> = self.overlay.died_since(&earlier.overlay).collect();
        for slot in dead_slots(&self.slots, &earlier.slots) {
            died.push(self.key_hash(self.base.row(slot))?);
        }
        died.sort_unstable();
        let came = self.overlay.rows_of_part(Sharding::default(), 0);
        let came = came.filter(|(_, at)| at.section >= earlier.overlay.next_number());
        let mut written: Vec<Written<Position>> = came
            .map(|(hash, at)| {
                let added = died.binary_search(&hash).is_err();
                Written { hash, added, record: Position::Overlay(at) }
            })
            .collect();
        written.sort_unstable_by_key(|written| written.hash);
        died.retain(|hash| written.binary_search_by_key(hash, |written| written.hash).is_err());
        Ok(Change { written, removed: died })
    }

    /// The rows of the base that are dead.
    pub(super) fn dead_rows(&self) -> impl Iterator<Item = Row<'_>> {
        let none = SharedBits::new(self.slots.len());
        let dead: Vec<Slot> = dead_slots(&self.slots, &none).collect();
        dead.into_iter().map(|slot| self.base.row(slot))
    }
}

/// The slots whose rows died since `earlier`.
fn dead_slots<'b>(bits: &'b SharedBits, earlier: &'b SharedBits) -> impl Iterator<Item = Slot> + 'b {
    bits.set_since(earlier).filter(|bit| 1 << (bit % 2) == DEAD).map(|bit| Slot(bit / 2))
}
