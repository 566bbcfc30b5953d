//! What keeps a rebase from coming out.

use crate::error::{Classify, ErrorKind};
use crate::state::{ApplyError, EncodeError, OpenError, RowError, Table};

/// A rebase that failed. The state is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebaseError {
    /// The sections cannot be written.
    #[error("the state cannot be written anew: {0}")]
    Encode(#[from] EncodeError),
    /// What was written does not hold the same records.
    #[error("the state that was written anew is not the same: {0}; please report this")]
    Open(#[from] OpenError),
    /// Changes that were written do not fit.
    #[error("the changes that were written anew do not fit: {0}; please report this")]
    Apply(#[from] ApplyError),
    /// It panicked.
    #[error("writing the state anew panicked: {what}; please report this")]
    Panicked {
        /// What the panic said.
        what: String,
    },
}

impl RebaseError {
    /// A row that is no record of `table`.
    pub(super) fn record(table: &Table, error: impl Into<RowError>) -> Self {
        Self::Encode(EncodeError::record(table.name(), error))
    }
}

impl Classify for RebaseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(error) => error.kind(),
            Self::Open(_) | Self::Apply(_) | Self::Panicked { .. } => ErrorKind::Internal,
        }
    }
}
