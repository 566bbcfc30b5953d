//! References that lead to no record.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::Validator;
use super::candidate::{Candidate, key_of};
use super::changed::Examples;
use super::verdict::Finding;
use crate::identifiers::{Fingerprint, KeyHash};
use crate::schema::{Schema, TypeIndex};
use crate::state::{Row, State, Table};
use crate::wire::{HeldKey, KeyPlan, ReferencePlan, WireError, key_text};

/// Refuses a version in which a reference leads to no record, in either direction: a record that references what is not there, and a record
/// that goes while others still reference it.
///
/// What it costs: the first cycle of a producer looks at every reference of the state, in parallel. From then on, if the version before is one
/// that this validator passed, it looks at the records that were written, O(changes), and only where records of a referenced type are removed
/// at every record of the types that reference it. Null references, and references to types that the dataset does not have, are fine.
#[derive(Debug, Default)]
pub struct DanglingReferences {
    passed: Mutex<Option<Passed>>,
}

/// A state that has no dangling reference.
#[derive(Debug)]
struct Passed {
    fingerprint: Fingerprint,
    schema: Arc<Schema>,
}

impl Validator for DanglingReferences {
    fn name(&self) -> &'static str {
        "dangling references"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let (before, after) = (candidate.before(), candidate.after());
        let is_clean = before.is_empty() || self.has_passed(before, after);
        let search = Search::new(candidate);
        let places = 0..after.tables().len();
        let findings: Vec<Finding> = places.flat_map(|place| search.findings(place, is_clean)).collect();
        if findings.is_empty() {
            let passed = Passed { fingerprint: after.fingerprint(), schema: Arc::clone(after.schema()) };
            *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(passed);
        }
        findings
    }
}

impl DanglingReferences {
    /// Whether the content of `before` is the last that passed, and the references in it are those of `after`.
    fn has_passed(&self, before: &State, after: &State) -> bool {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.as_ref().is_some_and(|passed| {
            passed.fingerprint == before.fingerprint() && passed.schema == *after.schema()
        })
    }
}

/// Looks for dangling references in a candidate.
struct Search<'c> {
    candidate: &'c Candidate<'c>,
    plans: Vec<ReferencePlan>,
    /// By type: hashes of the keys whose records go, of referenced types only.
    removed: Vec<HashSet<KeyHash>>,
}

/// Which references are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    All,
    /// Those to keys whose records go with this version.
    ToRemoved,
    /// All but those.
    ToOthers,
}

impl<'c> Search<'c> {
    fn new(candidate: &'c Candidate<'c>) -> Self {
        let schema = candidate.after().schema();
        let types = (0..schema.types().len()).map(|place| TypeIndex(place as u32));
        let plans: Vec<_> = types.clone().map(|index| ReferencePlan::all(schema, index)).collect();
        let is_target = |index| plans.iter().flat_map(ReferencePlan::held).any(|held| held.target == index);
        let removed = types.map(|index| match is_target(index) {
            true => removed_keys(candidate, index.0 as usize),
            false => HashSet::new(),
        });
        let removed = removed.collect();
        Self { candidate, plans, removed }
    }

    /// What dangles in the records of the type at `place`; `is_clean` if nothing dangled in the version before.
    fn findings(&self, place: usize, is_clean: bool) -> Vec<Finding> {
        let held = self.plans[place].held();
        let table = &self.candidate.after().tables()[place];
        if held.is_empty() {
            return Vec::new();
        }
        if !is_clean {
            return self.search(table, place, table.par_rows(), Wanted::All).findings(self, table);
        }
        let is_left = |held: &HeldKey| !self.removed[held.target.0 as usize].is_empty();
        let written = self.candidate.par_changes(place).filter_map(|record| record.after());
        let mut found = self.search(table, place, written, Wanted::ToOthers);
        if held.iter().any(is_left) {
            found = found.and(self.search(table, place, table.par_rows(), Wanted::ToRemoved));
        }
        found.findings(self, table)
    }

    fn search<'r>(
        &'r self,
        table: &Table,
        place: usize,
        rows: impl ParallelIterator<Item = Row<'r>>,
        wanted: Wanted,
    ) -> Found<'r> {
        let look = |mut found: Found<'r>, row: Row<'r>| {
            if let Err(error) = self.look(table, place, row, wanted, &mut found) {
                found.unreadable(key_of(table, row), &error);
            }
            found
        };
        rows.fold(Found::default, look).reduce(Found::default, Found::and)
    }

    fn look<'r>(
        &'r self,
        table: &Table,
        place: usize,
        row: Row<'r>,
        wanted: Wanted,
        found: &mut Found<'r>,
    ) -> Result<(), WireError> {
        let after = self.candidate.after();
        self.plans[place].visit(after.schema(), row.reader(), &mut |held, key| {
            let target = &after.tables()[held.target.0 as usize];
            let hash = KeyPlan::hash(after.seed(), key);
            let is_removed = self.removed[held.target.0 as usize].contains(&hash);
            let is_wanted = match wanted {
                Wanted::All => true,
                Wanted::ToRemoved => is_removed,
                Wanted::ToOthers => !is_removed,
            };
            if is_wanted && target.locate(hash, key).is_none() {
                let key = key_text(target.keys().kinds(), key);
                found.add(held, is_removed, format!("{} to {key}", key_of(table, row)));
            }
        })
    }
}

/// Hashes of the keys that only the state before has.
fn removed_keys(candidate: &Candidate<'_>, place: usize) -> HashSet<KeyHash> {
    let keys = candidate.after().tables()[place].keys();
    let seed = candidate.after().seed();
    let gone = candidate.par_removed(place).filter_map(|record| record.before());
    gone.filter_map(|row| keys.hash_of(seed, row.reader()).ok()).collect()
}

/// What dangles, by the field that holds the key and by whether this version removes the record that it leads to.
#[derive(Default)]
struct Found<'p> {
    dangling: BTreeMap<(&'p str, TypeIndex, bool), Examples>,
    unreadable: BTreeMap<String, Examples>,
}

impl<'p> Found<'p> {
    fn add(&mut self, held: &'p HeldKey, is_removed: bool, example: String) {
        let place = self.dangling.entry((&held.name, held.target, is_removed)).or_default();
        *place = std::mem::take(place).with(example);
    }

    fn unreadable(&mut self, key: String, error: &WireError) {
        let place = self.unreadable.entry(error.to_string()).or_default();
        *place = std::mem::take(place).with(key);
    }

    fn and(mut self, other: Self) -> Self {
        for (field, examples) in other.dangling {
            let place = self.dangling.entry(field).or_default();
            *place = std::mem::take(place).and(examples);
        }
        for (error, examples) in other.unreadable {
            let place = self.unreadable.entry(error).or_default();
            *place = std::mem::take(place).and(examples);
        }
        self
    }

    fn findings(self, search: &Search<'_>, table: &Table) -> Vec<Finding> {
        let tables = search.candidate.after().tables();
        let dangling = self.dangling.into_iter().map(|((field, target, is_removed), examples)| {
            let target = tables[target.0 as usize].name();
            let reason = match is_removed {
                true => format!("{field} leads to records of {target} that this version removes"),
                false => format!("{field} leads to no record of {target}"),
            };
            examples.of(Finding::new(reason).of_type(table.name()))
        });
        let unreadable = self.unreadable.into_iter().map(|(error, examples)| {
            examples.of(Finding::new(format!("references cannot be read: {error}")).of_type(table.name()))
        });
        dangling.chain(unreadable).collect()
    }
}
