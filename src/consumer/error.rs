//! What keeps a consumer from starting or moving, and what panicked in it.

use std::any::Any;

use crate::error::{Classify, ErrorKind};
use crate::listeners::panic_text;

/// A consumer that cannot start or move, or a part of it that panicked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// The log has no version yet.
    #[error("nothing is announced for dataset {dataset} yet; publish a first version, or wait for one")]
    NothingAnnounced {
        /// Path of the dataset.
        dataset: String,
    },
    /// A type to load that there is not.
    #[error("the dataset has no type {name} to load; it has {known}")]
    NoSuchType {
        /// The type that was chosen.
        name: String,
        /// The types of the newest version.
        known: String,
    },
    /// What a look at the log runs on panicked, a watcher for example.
    #[error("a look at the log panicked: {what}; the state stays, and the log is looked at again")]
    Panicked {
        /// What the panic said.
        what: String,
    },
}

impl ConsumerError {
    pub(super) fn panicked(panic: &(dyn Any + Send)) -> Self {
        Self::Panicked { what: panic_text(panic).to_owned() }
    }
}

impl Classify for ConsumerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NothingAnnounced { .. } => ErrorKind::NotFound,
            Self::NoSuchType { .. } => ErrorKind::Invalid,
            Self::Panicked { .. } => ErrorKind::Internal,
        }
    }
}
