//! What must hold before a version becomes visible.

use std::sync::Arc;

use crate::state::State;

/// Judges a new state before anything of it is uploaded (keeps semantics 7).
///
/// All validators of a cycle run, and any failure fails the cycle with all results. Duplicate and null keys need no validator: such a record
/// is refused when it is added.
pub trait Validator: Send + Sync {
    /// What results and messages call it.
    fn name(&self) -> &str;

    /// `None` if the new state may be published, otherwise what is wrong with it. `before` is the state of the version before, without records
    /// for the first version.
    fn judge(&self, before: &State, after: &State) -> Option<String>;
}

/// Refuses a version in which a type has fewer records than it should.
#[derive(Clone, Debug)]
pub struct MinimumCount {
    /// Name of the type.
    pub type_name: String,
    /// Fewest records it may have.
    pub records: u64,
}

impl Validator for MinimumCount {
    fn name(&self) -> &'static str {
        "minimum count"
    }

    fn judge(&self, _: &State, after: &State) -> Option<String> {
        let Some(table) = after.table(&self.type_name) else {
            return Some(format!("the dataset has no type {}", self.type_name));
        };
        (table.len() < self.records).then(|| {
            format!(
                "type {} would have {} records, at least {} are asked for",
                self.type_name,
                table.len(),
                self.records
            )
        })
    }
}

/// What one validator found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationFailure {
    /// Name of the validator.
    pub validator: String,
    /// What it said.
    pub reason: String,
}

/// Runs every validator; the failures of all of them.
pub(super) fn judge<'v>(
    validators: impl Iterator<Item = &'v Arc<dyn Validator>>,
    before: &State,
    after: &State,
) -> Vec<ValidationFailure> {
    let failure = |validator: &Arc<dyn Validator>| {
        let reason = validator.judge(before, after)?;
        Some(ValidationFailure { validator: validator.name().to_owned(), reason })
    };
    validators.filter_map(failure).collect()
}
