//! What differs between two states.

use rayon::prelude::*;

use crate::format::sections::changes::ChangeCounts;
use crate::state::{Row, RowError, State, Table};
use crate::wire::{gather, row_equals};

/// The records of one type that differ between two states.
pub struct Difference<'s> {
    /// Name of the type.
    pub name: &'s str,
    /// Records that only the newer state has.
    pub added: Vec<Row<'s>>,
    /// Records that only the older state has.
    pub removed: Vec<Row<'s>>,
    /// Records of one key that differ: older, newer.
    pub changed: Vec<(Row<'s>, Row<'s>)>,
}

impl<'s> Difference<'s> {
    /// How many there are.
    #[must_use]
    pub fn counts(&self) -> ChangeCounts {
        ChangeCounts {
            added: self.added.len() as u64,
            removed: self.removed.len() as u64,
            changed: self.changed.len() as u64,
        }
    }

    /// Compares every type of two states: one lookup for each record of both, in parallel.
    ///
    /// Types that one state lacks count as empty there. Records are found by key, so the states need not be neighbours, nor share a key seed.
    ///
    /// # Errors
    /// A malformed record.
    pub fn between(older: &'s State, newer: &'s State) -> Result<Vec<Self>, RowError> {
        let names = newer.tables().iter().map(|table| table.name());
        let gone = older.tables().iter().map(|table| table.name()).filter(|name| newer.table(name).is_none());
        names.chain(gone).map(|name| Self::of_type(name, older.table(name), newer.table(name))).collect()
    }

    fn of_type(name: &'s str, older: Option<&'s Table>, newer: Option<&'s Table>) -> Result<Self, RowError> {
        let mut difference = Self { name, added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
        if let (Some(older), Some(newer)) = (older, newer)
            && older.fingerprint() == newer.fingerprint()
        {
            return Ok(difference);
        }
        for (row, twin) in twins(newer, older)? {
            match twin {
                None => difference.added.push(row),
                Some(twin) => difference.changed.push((twin, row)),
            }
        }
        let lost = twins(older, newer)?.into_iter().filter(|(_, twin)| twin.is_none());
        difference.removed = lost.map(|(row, _)| row).collect();
        Ok(difference)
    }
}

/// A row, and the row of its key in the other table, if there is one.
type Twins<'s> = Vec<(Row<'s>, Option<Row<'s>>)>;

/// Each row of `table` that `other` does not have alike.
fn twins<'s>(table: Option<&'s Table>, other: Option<&'s Table>) -> Result<Twins<'s>, RowError> {
    let Some(table) = table else { return Ok(Vec::new()) };
    let unlike = table.par_rows().map_init(Default::default, |(message, key): &mut (Vec<_>, Vec<_>), row| {
        message.clear();
        key.clear();
        gather(row.reader(), message)?;
        table.keys().write_bytes(row.reader(), key)?;
        let twin = other.and_then(|other| other.get_bytes(key));
        Ok(twin.is_none_or(|twin| !row_equals(twin.reader(), message)).then_some((row, twin)))
    });
    unlike.filter_map(Result::transpose).collect()
}
