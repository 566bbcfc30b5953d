//! Why bytes did not arrive.

use crate::error::{Classify, ErrorKind};
use crate::format::FormatError;
use crate::store::{Failure, StoreError};

/// A blob or manifest could not be moved; names the object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The store did not give or take an object: not there, cut off, refused or out of reach.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store gave is wrong, or what it shall take breaks a rule of the format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A name that is none of the dataset's objects.
    #[error("{found} is no name of {expected}; take another route or restore the object that holds the name")]
    Name {
        /// What it should name.
        expected: &'static str,
        /// The name.
        found: String,
    },
    /// The parts of a large blob could not be stored.
    #[error("{object}: the store did not take its parts in {tries} tries: {source}; try again later")]
    Upload {
        /// Path of the object.
        object: String,
        /// How often all of it was tried.
        tries: u32,
        /// What the store said last.
        source: object_store::Error,
    },
    /// A finished blob could not be read back from its temporary file.
    #[error("{object}: cannot read the temporary file at offset {offset}: {source}; run the cycle again")]
    Temporary {
        /// Path of the object it shall become.
        object: String,
        /// Offset in the blob.
        offset: u64,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Whoever keeps the sections failed.
    #[error("{object}: cannot keep {section}: {source}")]
    Sink {
        /// Name of the blob.
        object: String,
        /// Which of its sections.
        section: String,
        /// Why.
        source: crate::Error,
    },
    /// The caller gave up while a section was decoded.
    #[error("{object}: the transfer was cancelled; start it again")]
    Cancelled {
        /// Name of the blob.
        object: String,
    },
}

impl Classify for TransferError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Format(error) => error.kind(),
            Self::Name { .. } => ErrorKind::Corrupt,
            Self::Upload { source, .. } => match Failure::of(source) {
                Failure::Refused(_) => ErrorKind::Invalid,
                Failure::Lost => ErrorKind::Internal,
                Failure::Absent | Failure::Exists | Failure::Full | Failure::Transient => {
                    ErrorKind::Unavailable
                }
            },
            Self::Temporary { .. } => ErrorKind::Unavailable,
            Self::Sink { source, .. } => source.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}
