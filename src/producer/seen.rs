//! Which rows of the parent a full cycle has stated again.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::state::{Position, Table};

/// A bit for each row of a table, set once, from many threads.
#[derive(Default)]
pub(super) struct Seen {
    base: Vec<AtomicU64>,
    overlay: Vec<Vec<AtomicU64>>,
}

impl Seen {
    /// No row of `table` seen yet.
    pub(super) fn of(table: &Table) -> Self {
        let clear = |bits: u64| (0..bits.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let sections = table.overlay.section_rows();
        Self {
            base: clear(table.base.slots()),
            overlay: sections.into_iter().map(|rows| clear(u64::from(rows))).collect(),
        }
    }

    /// Marks the row at `position`; says whether it was marked before.
    pub(super) fn mark(&self, position: Position) -> bool {
        let (word, bit) = self.place(position);
        word.fetch_or(bit, Ordering::Relaxed) & bit != 0
    }

    /// Whether the row at `position` was marked.
    pub(super) fn is_marked(&self, position: Position) -> bool {
        let (word, bit) = self.place(position);
        word.load(Ordering::Relaxed) & bit != 0
    }

    fn place(&self, position: Position) -> (&AtomicU64, u64) {
        let (words, at) = match position {
            Position::Base(slot) => (&self.base, slot.0),
            Position::Overlay(at) => (&self.overlay[at.section as usize], u64::from(at.row)),
        };
        (&words[(at / 64) as usize], 1 << (at % 64))
    }
}
