//! What can go wrong with a hint.

use crate::error::{Classify, ErrorKind};
use crate::store::StoreError;

/// An announcement could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnounceError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus failed.
    #[error(
        "the bus did not take the announcement of {dataset}; consumers will find it when they poll the store"
    )]
    Bus {
        /// Name of the dataset.
        dataset: String,
        /// What the bus said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The dataset's name is too long to announce.
    #[error("the dataset's name has {found} bytes where at most {limit} can be announced; use a shorter one")]
    LongName {
        /// Most bytes allowed.
        limit: usize,
        /// Bytes it has.
        found: usize,
    },
    /// The bytes are no announcement.
    #[error("the announcement has a wrong {field}: expected {expected}, found {found}; it will be ignored")]
    Malformed {
        /// Which part of it.
        field: &'static str,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl Classify for AnnounceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Bus { .. } => ErrorKind::Unavailable,
            Self::LongName { .. } => ErrorKind::Invalid,
            Self::Malformed { .. } => ErrorKind::Corrupt,
        }
    }
}
