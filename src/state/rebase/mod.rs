//! The same records on another base.
//!
//! Deltas pile up over a base: rows that are dead, sections that hold a few records each, steps that a start has to apply. A [`Rebase`] writes
//! what a table holds anew, by the code that writes snapshots, and checks that the same records come out: all of them as a base where many
//! changed, or the changes alone, gathered in one step over the base as it is. It takes what it needs from the state, nothing from the store.
//!
//! Where only levels are left to merge that would hold a refresh up, it merges those and writes nothing but what comes meanwhile.
//!
//! Meanwhile the state may move on. [`Rebase::caught_up`] brings what came since, as one change for each table; a table that is on another base
//! by then, or that went back behind where the rebase began, is left as it is.

mod error;
mod since;
mod thresholds;

use std::sync::Arc;

pub use error::RebaseError;
pub(crate) use since::ChangesSince;
pub use thresholds::RebaseThresholds;

use super::table::AppliedStep;
use super::{State, Table, TableEncoder};
use crate::cache::SegmentStore;
use crate::identifiers::{Fingerprint, Version};
use crate::index::bits::SharedBits;
use thresholds::Due;

/// Tables of a state that were written anew.
#[derive(Debug)]
pub(crate) struct Rebase {
    /// The version they are at.
    version: Version,
    tables: Vec<RebasedTable>,
}

/// A table as it is in a state, and the same records written anew.
#[derive(Debug)]
struct RebasedTable {
    old: Arc<Table>,
    new: Table,
    /// Whether sections were written for it, and not only levels merged.
    is_anew: bool,
}

impl Rebase {
    /// Writes every table of `state` anew that is due by `thresholds`, into `segments`. Costs a pass over all records of a table that gets a new
    /// base, and one to check them; `stopped` is asked between shards whether to give up.
    pub(crate) fn of(
        state: &State,
        thresholds: &RebaseThresholds,
        segments: &SegmentStore,
        stopped: impl Fn() -> bool + Sync,
    ) -> Result<Self, RebaseError> {
        let mut tables = Vec::new();
        for (table, due) in state.due(thresholds) {
            let new = match due {
                Due::Levels => table.with_levels_merged(),
                Due::Base => table.on_new_base(segments, &stopped)?,
                Due::Changes => table.with_changes_gathered(segments, state.version())?,
            };
            tables.push(RebasedTable { old: Arc::clone(table), new, is_anew: due != Due::Levels });
        }
        Ok(Self { version: state.version(), tables })
    }

    /// The tables of `state` as `anew` has them, which holds the same version on another base.
    pub(crate) fn onto(state: &State, anew: State) -> Self {
        assert_eq!(state.version(), anew.version(), "the same version on another base");
        let tables = state.tables.iter().zip(anew.tables).map(|(old, new)| {
            assert_eq!(old.fingerprint(), new.fingerprint(), "the same records on another base");
            RebasedTable { old: Arc::clone(old), new: Arc::unwrap_or_clone(new), is_anew: true }
        });
        Self { version: state.version(), tables: tables.collect() }
    }

    /// The types whose tables were written anew.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter(|table| table.is_anew).map(|table| table.old.name())
    }

    /// Brings the tables to where they are in `state`. Costs as much as what came since; nothing if nothing did.
    pub(crate) fn caught_up(mut self, state: &State, segments: &SegmentStore) -> Result<Self, RebaseError> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for mut table in self.tables {
            let there = state.tables().iter().find(|there| there.name() == table.old.name());
            if let Some(there) = there.filter(|there| there.extends(&table.old)) {
                table.catch_up(there, segments, (self.version, state.version()))?;
                tables.push(table);
            }
        }
        self.tables = tables;
        self.version = state.version();
        Ok(self)
    }

    /// The state `state`, which the tables have caught up with, over what was written; `None` if no table could.
    pub(crate) fn finish(self, state: &State) -> Option<State> {
        if self.tables.is_empty() {
            return None;
        }
        let mut state = state.clone();
        for RebasedTable { old, new, .. } in self.tables {
            let place = state.tables.iter_mut().find(|table| Arc::ptr_eq(table, &old));
            *place.expect("a table that has caught up is one of the state's") = Arc::new(new);
        }
        Some(state)
    }
}

impl RebasedTable {
    fn catch_up(
        &mut self,
        there: &Arc<Table>,
        segments: &SegmentStore,
        way: (Version, Version),
    ) -> Result<(), RebaseError> {
        self.new = self.new.with_layout(there);
        // Equal fingerprints are equal records: a way there and back is none.
        if self.new.fingerprint != there.fingerprint {
            let change = there.changes_since(&self.old);
            let change = change.map_err(|error| RebaseError::record(there, error))?;
            let step = self.new.take(there, &change, segments, way)?;
            self.new.applied.push(Arc::new(step));
        }
        self.new.expect(there.count, there.fingerprint)?;
        self.old = Arc::clone(there);
        Ok(())
    }
}

impl Table {
    /// This table with no levels left to merge.
    fn with_levels_merged(&self) -> Self {
        let mut table = self.clone();
        table.overlay.merge_all();
        table
    }

    /// The records of this table as a base.
    fn on_new_base(
        &self,
        segments: &SegmentStore,
        stopped: impl Fn() -> bool + Sync,
    ) -> Result<Self, RebaseError> {
        let shards = TableEncoder { table: self, segments, blob: None }.base(stopped)?;
        let mut table = self.emptied();
        table.open_base(shards, Some((self.count, self.fingerprint)), true)?;
        Ok(table)
    }

    /// This table's base under one step that brings all that changed since.
    fn with_changes_gathered(&self, segments: &SegmentStore, to: Version) -> Result<Self, RebaseError> {
        let mut table = Self {
            base: Arc::clone(&self.base),
            slots: SharedBits::new(self.slots.len()),
            count: self.base.records(),
            fingerprint: self.fingerprint_of_base()?,
            ..self.emptied()
        };
        if table.fingerprint != self.fingerprint {
            let change = self.changes_since(&table).map_err(|error| RebaseError::record(self, error))?;
            let from = self.applied.first().map_or(Version::NONE, |step| step.from);
            let step = table.take(self, &change, segments, (from, to))?;
            let slots = TableEncoder { table: &table, segments, blob: None }.slots();
            let slots = slots.unwrap_or_else(|error| {
                tracing::info!(%error, "the bits of slots are not kept; a start will find them anew");
                None
            });
            table.applied.push(Arc::new(step.with_slots(slots)));
        }
        table.expect(self.count, self.fingerprint)?;
        Ok(table)
    }

    /// What the records of the base come to, those that are dead included.
    fn fingerprint_of_base(&self) -> Result<Fingerprint, RebaseError> {
        let mut scratch = Vec::new();
        let mut fingerprint = self.fingerprint;
        for (_, row) in self.overlay.rows() {
            let share = self.share_of(row, &mut scratch).map_err(|error| RebaseError::record(self, error))?;
            fingerprint = fingerprint.minus(share);
        }
        let dead = self.share_of_dead_rows(&mut scratch).map_err(|error| RebaseError::record(self, error))?;
        Ok(fingerprint.plus(dead))
    }

    /// Takes `change`, whose records are rows of `source`, as one step, which is to be noted.
    fn take(
        &mut self,
        source: &Self,
        change: &ChangesSince,
        segments: &SegmentStore,
        way: (Version, Version),
    ) -> Result<AppliedStep, RebaseError> {
        let sections = TableEncoder { table: source, segments, blob: None }.changes_since(source, change)?;
        self.apply(sections.clone())?;
        Ok(AppliedStep::new(way, self.fingerprint, sections))
    }
}

#[cfg(test)]
mod tests;
