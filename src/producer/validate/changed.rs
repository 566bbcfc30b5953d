//! Validators that callers write.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::Validator;
use super::candidate::{Candidate, ChangedRecord};
use super::verdict::{Finding, MAX_EXAMPLES};

/// Judges a candidate by a closure.
///
/// The way to stop a cycle for a reason of one's own: `Check::new("freeze", |_| vec![Finding::new("no releases before Monday")])`.
pub struct Check<F> {
    name: String,
    judge: F,
}

impl<F: Fn(&Candidate<'_>) -> Vec<Finding> + Send + Sync> Check<F> {
    /// A validator called `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, judge: F) -> Self {
        Self { name: name.into(), judge }
    }
}

impl<F: Fn(&Candidate<'_>) -> Vec<Finding> + Send + Sync> Validator for Check<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        (self.judge)(candidate)
    }
}

/// Refuses a version if a closure objects to one of a type's changed records.
///
/// It is shown every record of the type that is new, gone or different, once, from many threads, and no other: O(changes). For the first
/// version every record is new.
pub struct ChangedRecords<F> {
    name: String,
    type_name: String,
    is_fine: F,
}

impl<F: Fn(&ChangedRecord<'_>) -> bool + Send + Sync> ChangedRecords<F> {
    /// A validator called `name`, which is what messages say of records that are not fine: "no price doubles".
    #[must_use]
    pub fn new(name: impl Into<String>, type_name: impl Into<String>, is_fine: F) -> Self {
        Self { name: name.into(), type_name: type_name.into(), is_fine }
    }
}

impl<F: Fn(&ChangedRecord<'_>) -> bool + Send + Sync> Validator for ChangedRecords<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let Some(place) = candidate.place(&self.type_name) else {
            return vec![Finding::no_such_type(&self.type_name)];
        };
        let wrong = candidate.par_changes(place).filter(|record| !(self.is_fine)(record));
        let wrong = wrong.fold(Examples::default, |examples, record| examples.with(record.key()));
        let wrong = wrong.reduce(Examples::default, Examples::and);
        match wrong.count {
            0 => Vec::new(),
            _ => vec![wrong.of(Finding::new("changed records are refused").of_type(&self.type_name))],
        }
    }
}

/// How many there are, and the first few of them in order, so that the same candidate always gives the same words.
#[derive(Default)]
pub(super) struct Examples {
    count: u64,
    first: BTreeSet<String>,
}

impl Examples {
    pub(super) fn with(mut self, example: String) -> Self {
        self.count += 1;
        self.keep(example);
        self
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.count += other.count;
        other.first.into_iter().for_each(|example| self.keep(example));
        self
    }

    /// The finding about them.
    pub(super) fn of(self, finding: Finding) -> Finding {
        finding.records(self.count, self.first)
    }

    fn keep(&mut self, example: String) {
        self.first.insert(example);
        if self.first.len() > MAX_EXAMPLES {
            self.first.pop_last();
        }
    }
}
