//! From a state to a neighbouring version.

use std::sync::Arc;

use super::apply::ApplyError;
use super::table::AppliedStep;
use super::{Section, State};
use crate::error::{Classify, ErrorKind};
use crate::format::Tags;
use crate::identifiers::{Fingerprint, KeySeed, Version};
use crate::schema::Schema;

/// Makes a state from another by the sections of one or more deltas or reverse deltas.
///
/// Steps of one refresh make one new state: nobody sees the versions between. A transition that failed is dropped; the state it began from
/// is untouched (keeps semantics 17).
#[derive(Debug)]
pub struct Transition {
    state: State,
}

/// One step to a neighbouring version.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) to: Version,
    /// Seed of the hashes in the sections.
    pub(crate) seed: KeySeed,
    /// The schema of the version it leads to, if it differs.
    pub(crate) schema: Option<Arc<Schema>>,
    pub(crate) tags: Tags,
    pub(crate) types: Vec<TypeStep>,
}

/// What a step does to one type.
#[derive(Debug)]
pub(crate) struct TypeStep {
    pub(crate) name: String,
    pub(crate) from: Fingerprint,
    pub(crate) to: Fingerprint,
    pub(crate) records: u64,
    pub(crate) sections: Vec<Arc<Section>>,
}

impl Transition {
    /// Begins at `state`.
    #[must_use]
    pub fn from(state: State) -> Self {
        Self { state }
    }

    /// Goes one step. Types that the step does not name are unchanged; those that the state filters out are passed over (keeps semantics 22).
    pub(crate) fn step(&mut self, step: Step) -> Result<(), StepError> {
        if step.seed != self.state.seed {
            return Err(StepError::Seed { version: step.to });
        }
        if let Some(schema) = step.schema {
            self.state = self.state.clone().with_schema(schema);
        }
        let filter = self.state.filter.clone();
        for part in step.types.into_iter().filter(|part| filter.has(&part.name)) {
            self.change_type(step.to, part)?;
        }
        self.state.version = step.to;
        self.state.tags = Arc::new(step.tags);
        Ok(())
    }

    /// The state that the steps led to.
    #[must_use]
    pub fn finish(self) -> State {
        self.state
    }

    fn change_type(&mut self, version: Version, step: TypeStep) -> Result<(), StepError> {
        let unknown = || StepError::UnknownType { version, name: step.name.clone() };
        let tables = &mut self.state.tables;
        let table = tables.iter_mut().find(|table| table.name() == step.name).ok_or_else(unknown)?;
        let table = Arc::make_mut(table);
        expect(version, "before", &step.name, step.from, table.fingerprint)?;
        table.apply(step.sections.clone()).map_err(|error| StepError::Apply {
            version,
            name: step.name.clone(),
            error,
        })?;
        expect(version, "after", &step.name, step.to, table.fingerprint)?;
        if table.count != step.records {
            let (expected, found) = (step.records, table.count);
            return Err(StepError::Count { version, name: step.name, expected, found });
        }
        let way = (self.state.version, version);
        table.applied.push(Arc::new(AppliedStep::new(way, step.to, step.sections)));
        Ok(())
    }
}

fn expect(
    version: Version,
    when: &'static str,
    name: &str,
    expected: Fingerprint,
    found: Fingerprint,
) -> Result<(), StepError> {
    if expected == found {
        return Ok(());
    }
    Err(StepError::Fingerprint { version, when, name: name.to_owned(), expected, found })
}

/// A step that does not lead where it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// Hashes of another seed.
    #[error("the changes to version {version} were made with another key seed; load a snapshot")]
    Seed {
        /// Version the step leads to.
        version: Version,
    },
    /// A type that the schema does not have.
    #[error("the changes to version {version} name type {name}, which the schema does not have")]
    UnknownType {
        /// Version the step leads to.
        version: Version,
        /// The type.
        name: String,
    },
    /// The changes do not fit.
    #[error("type {name} cannot go to version {version}: {error}")]
    Apply {
        /// Version the step leads to.
        version: Version,
        /// The type.
        name: String,
        /// What does not fit.
        error: ApplyError,
    },
    /// Another content than the one meant.
    #[error(
        "type {name} has fingerprint {found} {when} the changes to version {version}, expected {expected}"
    )]
    Fingerprint {
        /// Version the step leads to.
        version: Version,
        /// Before or after.
        when: &'static str,
        /// The type.
        name: String,
        /// What the blob says.
        expected: Fingerprint,
        /// What the state has.
        found: Fingerprint,
    },
    /// Another number of records than the one meant.
    #[error("type {name} has {found} records at version {version}, expected {expected}")]
    Count {
        /// Version the step leads to.
        version: Version,
        /// The type.
        name: String,
        /// What the blob says.
        expected: u64,
        /// What the state has.
        found: u64,
    },
}

impl Classify for StepError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
