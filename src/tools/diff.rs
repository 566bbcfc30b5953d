//! What differs between two states.

use rayon::prelude::*;

use super::json::FieldComparison;
use crate::error::Result;
use crate::format::sections::changes::ChangeCounts;
use crate::schema::{Compatibility, StructIndex};
use crate::state::{Row, State, Table};
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
    /// Types that one state lacks count as empty there. Records are found by key, so the states need not be neighbours, nor share a key seed. Between
    /// schemas of which neither extends the other records are compared by their fields, for equal words may mean different things.
    ///
    /// # Errors
    /// A malformed record.
    pub fn between(older: &'s State, newer: &'s State) -> Result<Vec<Self>> {
        let is_break = matches!(older.schema().compatibility(newer.schema()), Compatibility::Break(_));
        let by_fields = is_break.then(|| FieldComparison::new(older.schema(), newer.schema()));
        let names = newer.tables().iter().map(|table| table.name());
        let gone = older.tables().iter().map(|table| table.name()).filter(|name| newer.table(name).is_none());
        let sides = |name| (Side::of(older, name), Side::of(newer, name));
        names.chain(gone).map(|name| Self::of_type(name, sides(name), by_fields.as_ref())).collect()
    }

    fn of_type(
        name: &'s str,
        (older, newer): (Option<Side<'s>>, Option<Side<'s>>),
        by_fields: Option<&FieldComparison>,
    ) -> Result<Self> {
        let mut difference = Self { name, added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
        if let (Some(older), Some(newer), None) = (older, newer, by_fields)
            && older.table.fingerprint() == newer.table.fingerprint()
        {
            return Ok(difference);
        }
        let differ = |row: Row<'_>, twin: Row<'_>, message: &mut Vec<u64>| match (by_fields, older, newer) {
            (Some(fields), Some(older), Some(newer)) => {
                let older = (older.structure, twin.reader());
                Ok(!fields.differences(older, (newer.structure, row.reader()))?.is_empty())
            }
            _ => {
                message.clear();
                gather(row.reader(), message)?;
                Ok(!row_equals(twin.reader(), message))
            }
        };
        for (row, twin) in twins(newer, older, differ)? {
            match twin {
                None => difference.added.push(row),
                Some(twin) => difference.changed.push((twin, row)),
            }
        }
        let lost = twins(older, newer, |_, _, _| Ok(false))?;
        difference.removed = lost.into_iter().map(|(row, _)| row).collect();
        Ok(difference)
    }
}

/// One type of a state.
#[derive(Clone, Copy)]
struct Side<'s> {
    table: &'s Table,
    structure: StructIndex,
}

impl<'s> Side<'s> {
    fn of(state: &'s State, name: &str) -> Option<Self> {
        let schema = state.schema();
        let structure = schema.record_type(schema.find_type(name)?).structure;
        Some(Self { table: state.table(name)?, structure })
    }
}

/// A row, and the row of its key in the other table, if there is one.
type Twins<'s> = Vec<(Row<'s>, Option<Row<'s>>)>;

/// Each row of one table whose key the other does not have, or has with a row from which it differs.
fn twins<'s>(
    from: Option<Side<'s>>,
    other: Option<Side<'s>>,
    differ: impl Fn(Row<'s>, Row<'s>, &mut Vec<u64>) -> Result<bool> + Sync,
) -> Result<Twins<'s>> {
    let Some(Side { table, .. }) = from else { return Ok(Vec::new()) };
    let unlike = table.par_rows().map_init(Default::default, |(message, key): &mut (Vec<_>, Vec<_>), row| {
        key.clear();
        table.keys().write_bytes(row.reader(), key)?;
        let twin = other.and_then(|other| other.table.get_bytes(key));
        let is_unlike = twin.map_or(Ok(true), |twin| differ(row, twin, message))?;
        Ok(is_unlike.then_some((row, twin)))
    });
    unlike.filter_map(Result::transpose).collect()
}
