//! What keeps a move from arriving.

use crate::error::{Classify, Error, ErrorKind};
use crate::identifiers::{DatasetId, Fingerprint, Version};

/// A move that does not arrive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// No delta chain and no snapshot leads there.
    #[error(
        "no route leads to version {version}: neither deltas nor a snapshot at or before it are in the log"
    )]
    NoRoute {
        /// The version asked for.
        version: Version,
    },
    /// An object that log or manifest name.
    #[error(
        "{object} is not in the store, though the log leads to it: it was deleted, or is not here yet; list again, or \
         restore it"
    )]
    Missing {
        /// The object.
        object: String,
    },
    /// The blob was bad a short while ago.
    #[error(
        "{object} was damaged a moment ago and is not fetched again yet; repair it, or publish a version with a snapshot"
    )]
    Refused {
        /// The blob.
        object: String,
    },
    /// A blob does not lead where it says.
    #[error("{object}: {source}")]
    Blob {
        /// The blob.
        object: String,
        /// What kind of failure.
        kind: ErrorKind,
        /// What is wrong with it.
        source: Error,
    },
    /// A section of the kept state is gone.
    #[error("section {name} is no longer in the state directory")]
    SectionGone {
        /// Name of the section.
        name: String,
    },
    /// Another dataset's manifest.
    #[error("{object} belongs to dataset {found}, expected {expected}")]
    OtherDataset {
        /// The manifest.
        object: String,
        /// The dataset of the log.
        expected: DatasetId,
        /// The dataset found.
        found: DatasetId,
    },
    /// The blobs lead elsewhere.
    #[error("the blobs lead to version {found}, {object} describes {expected}")]
    Version {
        /// The manifest.
        object: String,
        /// Its version.
        expected: Version,
        /// The version arrived at.
        found: Version,
    },
    /// The blobs lead to other content.
    #[error("type {name} has fingerprint {found}, {object} says {expected}")]
    Fingerprint {
        /// The manifest.
        object: String,
        /// The type.
        name: String,
        /// What the manifest says.
        expected: Fingerprint,
        /// What the state has.
        found: Fingerprint,
    },
}

impl ReplicaError {
    /// What it means that `object`, which something names, could not be had.
    pub(crate) fn of_named(object: &str, error: impl Into<Error>) -> Error {
        let error = error.into();
        if error.kind() == ErrorKind::NotFound {
            Self::Missing { object: object.to_owned() }.into()
        } else {
            error
        }
    }
}

impl Classify for ReplicaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRoute { .. } | Self::SectionGone { .. } | Self::Missing { .. } => ErrorKind::NotFound,
            Self::Blob { kind, .. } => *kind,
            _ => ErrorKind::Corrupt,
        }
    }
}
