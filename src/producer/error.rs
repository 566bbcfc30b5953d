//! What makes a cycle fail.

use std::fmt::Write;

use super::validate::Verdict;
use super::write_state::PutError;
use crate::cache::CacheError;
use crate::error::{Classify, ErrorKind};
use crate::format::FormatError;
use crate::format::sections::message::SectionError;
use crate::identifiers::{Fingerprint, KeyHash, Version};
use crate::schema::{Schema, TypeIndex};
use crate::state::{EncodeError, OpenError, StepError};

/// A cycle that failed. Nothing was published, and the producer is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProducerError {
    /// A record of a type that the dataset does not have.
    #[error("the dataset has no type {type_name}; add it to the dataset's record types")]
    UnknownType {
        /// The type.
        type_name: String,
    },
    /// A change by key of a type without one.
    #[error(
        "type {type_name} has no key, so its records cannot be replaced or deleted one by one; publish a full cycle"
    )]
    Keyless {
        /// The type.
        type_name: String,
    },
    /// Two records with one key.
    #[error("type {type_name} has two records with the key {key}; a key names one record")]
    Duplicate {
        /// The type.
        type_name: String,
        /// The key, its fields joined by commas.
        key: String,
    },
    /// A record that the schema or the limits refuse.
    #[error("a record of type {type_name} cannot be published: {reason}")]
    Record {
        /// The type.
        type_name: String,
        /// What is wrong, and in which field.
        reason: String,
    },
    /// A record was refused and the closure went on.
    #[error("a record was refused, so the cycle cannot be published; return the error that `add` gave")]
    RefusedRecord,
    /// A full cycle without a record of a type that had some.
    #[error(
        "type {type_name} had {records} records and the cycle states none; allow an empty type if that is meant"
    )]
    Emptied {
        /// The type.
        type_name: String,
        /// Records it had.
        records: u64,
    },
    /// A break without any record.
    #[error("the cycle states no record at all; allow an empty dataset if that is meant")]
    NothingStated,
    /// The log that the producer claimed is gone.
    #[error("the log of dataset {dataset} is gone; was the folder removed?")]
    LogGone {
        /// Path of the dataset.
        dataset: String,
    },
    /// Validators refused the new state: what those found that found something.
    #[error("the new state was refused:{}", joined(.0))]
    Refused(Vec<Verdict>),
    /// The dataset's schema and the producer's do not go together, or there is nothing to go on from.
    #[error(
        "only a break can follow, a version without a delta, with which the producer's schema takes the dataset's place: \
         {reason}; accept it (`--accept-break`) if that is meant"
    )]
    Break {
        /// Every reason.
        reason: String,
    },
    /// Blobs of the newest version are damaged or gone.
    #[error(
        "the newest version, {version}, cannot be read: {source}; a full cycle that accepts a break (`--accept-break`) goes on \
         without it"
    )]
    Unreadable {
        /// The version.
        version: Version,
        /// What is wrong with it.
        source: crate::Error,
    },
    /// Changes to records that a break leaves nothing of.
    #[error("a break carries nothing over, so it takes a full cycle: {reason}")]
    BreakByChanges {
        /// Why it would be a break.
        reason: String,
    },
    /// What was stated cannot be written as sections: two keys have one hash under every seed that was tried, among others.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The state directory failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A blob cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A section cannot be written.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// What was encoded does not lead to the state that was stated.
    #[error("the encoded delta does not lead to the new state: {0}; please report this")]
    SelfCheck(StepError),
    /// What was encoded does not lead back.
    #[error("the reverse delta leads to fingerprint {found}, expected {expected}; please report this")]
    NotReversible {
        /// Of the version before.
        expected: Fingerprint,
        /// Of what the reverse delta led to.
        found: Fingerprint,
    },
    /// The encoded snapshot is not the new state.
    #[error("the encoded snapshot is not the new state: {0}; please report this")]
    Snapshot(#[from] OpenError),
    /// A record cannot be found by its key.
    #[error("the record of type {type_name} under key hash {:016x} cannot be looked up in the encoded snapshot; please report this", hash.0)]
    LostKey {
        /// The type.
        type_name: String,
        /// Its key hash.
        hash: KeyHash,
    },
}

impl ProducerError {
    /// What those validators found that did not pass.
    pub(super) fn refused(verdicts: Vec<Verdict>) -> Self {
        Self::Refused(verdicts.into_iter().filter(|verdict| !verdict.passed()).collect())
    }

    /// A record that was refused; `key` is how its key reads.
    pub(super) fn put(schema: &Schema, index: TypeIndex, key: &str, error: PutError) -> Self {
        let type_name = schema.record_type(index).name.clone();
        match error {
            PutError::Duplicate => Self::Duplicate { type_name, key: key.to_owned() },
            PutError::Spool(error) => Self::Cache(error),
            PutError::Copy(error) => Self::Record { type_name, reason: error.to_string() },
            PutError::Wire(error) => Self::Record { type_name, reason: error.to_string() },
            PutError::Key(error) => Self::Record { type_name, reason: error.to_string() },
        }
    }

    /// Words that are no record.
    pub(super) fn wire(type_name: String, error: impl ToString) -> Self {
        Self::Record { type_name, reason: error.to_string() }
    }

    /// Whether another seed may help.
    pub(super) fn is_collision(&self) -> bool {
        matches!(self, Self::Encode(error) if error.is_collision())
    }
}

/// A line for each finding.
fn joined(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        for finding in &verdict.findings {
            let _ = write!(text, "\n  {}: {finding}", verdict.validator);
        }
    }
    text
}

impl Classify for ProducerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(error) => error.kind(),
            Self::Cache(error) => error.kind(),
            Self::Unreadable { source, .. } => source.kind(),
            Self::Format(error) => error.kind(),
            Self::Section(error) => error.kind(),
            Self::SelfCheck(_) | Self::NotReversible { .. } | Self::Snapshot(_) | Self::LostKey { .. } => {
                ErrorKind::Internal
            }
            _ => ErrorKind::Invalid,
        }
    }
}
