//! What cannot be written as sections.

use crate::cache::CacheError;
use crate::error::{Classify, ErrorKind};
use crate::format::FormatError;
use crate::format::sections::message::SectionError;
use crate::format::sections::shard::ShardError;
use crate::state::RowError;

/// Records that cannot be written as sections.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Two keys have one hash.
    #[error(
        "type {type_name}: the keys {first} and {second} have one hash under every seed that was tried; \
         leave one of them out, or publish again"
    )]
    Collision {
        /// The type.
        type_name: String,
        /// A key, its fields joined by commas.
        first: String,
        /// Another with the same hash under the last of the seeds.
        second: String,
    },
    /// No perfect hash was found.
    #[error("type {type_name}: {error}; no seed of those tried helped, publish again")]
    Shard {
        /// The type.
        type_name: String,
        /// What could not be built.
        error: ShardError,
    },
    /// A row that is no record of its type.
    #[error("a record of type {type_name} cannot be written: {error}")]
    Record {
        /// The type.
        type_name: String,
        /// What is wrong with it.
        error: RowError,
    },
    /// Whoever asked for it gave up.
    #[error("writing type {type_name} was given up")]
    Cancelled {
        /// The type.
        type_name: String,
    },
    /// The segment store failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The blob cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A section cannot be written.
    #[error(transparent)]
    Section(#[from] SectionError),
}

impl EncodeError {
    /// A shard that cannot be written, for want of a seed or for good.
    pub(super) fn shard(type_name: &str, error: ShardError) -> Self {
        match error {
            ShardError::Rows(error) => Self::Section(error),
            error @ ShardError::Keys(_) => Self::Shard { type_name: type_name.to_owned(), error },
        }
    }

    /// A row that is no record of the type.
    pub(crate) fn record(type_name: &str, error: impl Into<RowError>) -> Self {
        Self::Record { type_name: type_name.to_owned(), error: error.into() }
    }

    /// Whether another seed may help.
    pub(crate) fn is_collision(&self) -> bool {
        matches!(self, Self::Collision { .. } | Self::Shard { .. })
    }
}

impl Classify for EncodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Collision { .. } | Self::Shard { .. } | Self::Record { .. } => ErrorKind::Invalid,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Cache(error) => error.kind(),
            Self::Format(error) => error.kind(),
            Self::Section(error) => error.kind(),
        }
    }
}
