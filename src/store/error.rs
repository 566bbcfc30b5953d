//! What can go wrong with an object, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::error::{Classify, ErrorKind};

/// An operation on the store failed; names the object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The object is not there.
    #[error("{object} is not in the store; list again, it may have been deleted or not be here yet")]
    NotFound {
        /// Path of the object.
        object: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A dataset cannot be called so.
    #[error("{dataset} cannot be the path of a dataset: {source}")]
    DatasetPath {
        /// The path asked for.
        dataset: String,
        /// What is wrong with it.
        source: object_store::path::Error,
    },
    /// The store refused, and would refuse again.
    #[error("the store refused {object}: {advice}")]
    Refused {
        /// Path of the object.
        object: String,
        /// What to do.
        advice: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store has no room left.
    #[error("no room left to write {object}; free some space and try again")]
    Full {
        /// Path of the object.
        object: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store did not answer, or answered that it could not.
    #[error("the store did not serve {object} in {tries} tries; try again later")]
    Unavailable {
        /// Path of the object.
        object: String,
        /// How often it was asked.
        tries: u32,
        /// What it said last.
        source: object_store::Error,
    },
    /// A task that served the request was lost.
    #[error("the task that served {object} was lost; this is a defect, unless the runtime is shutting down")]
    Lost {
        /// Path of the object.
        object: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The object is larger than anything of its kind may be.
    #[error(
        "{object} has {found} bytes where at most {limit} are allowed; it was not written by this product"
    )]
    TooLarge {
        /// Path of the object.
        object: String,
        /// Most bytes allowed.
        limit: u64,
        /// Bytes it has.
        found: u64,
    },
    /// The object ends before the bytes asked for.
    #[error(
        "{object} ends at byte {found} where bytes up to {expected} were expected; it was cut off or replaced"
    )]
    Truncated {
        /// Path of the object.
        object: String,
        /// End of the range asked for.
        expected: u64,
        /// Length of the object.
        found: u64,
    },
    /// The store lets two writers create one object, or forgets what was created.
    #[error(
        "{store} can't be used by several writers: {finding}; use another store, or ask for a single writer and see to it \
         yourself that there is never a second"
    )]
    Unfit {
        /// The store.
        store: String,
        /// What the probe saw.
        finding: String,
    },
    /// The probe of the store could not be finished.
    #[error(
        "the probe of {store} had no clear outcome in {rounds} rounds; try again when the store answers reliably"
    )]
    Unclear {
        /// The store.
        store: String,
        /// How often it was probed.
        rounds: u32,
    },
    /// The folder of a local store can't be used.
    #[error("{}: {advice}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What to do.
        advice: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Classify for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Refused { .. } | Self::Unfit { .. } | Self::DatasetPath { .. } => ErrorKind::Invalid,
            Self::Full { .. } | Self::Unavailable { .. } | Self::Unclear { .. } => ErrorKind::Unavailable,
            Self::Lost { .. } => ErrorKind::Internal,
            Self::TooLarge { .. } | Self::Truncated { .. } => ErrorKind::Corrupt,
            Self::Folder { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Unavailable,
                _ => ErrorKind::Invalid,
            },
        }
    }
}

/// What an error of the store means for who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The object is not there.
    Absent,
    /// The object is there, or the store says so.
    Exists,
    /// It would fail again; says what to do.
    Refused(&'static str),
    /// No room left.
    Full,
    /// A task was lost.
    Lost,
    /// It may work the next time.
    Transient,
}

impl Failure {
    /// Sorts an error of the store.
    ///
    /// Stores hide most of what went wrong behind one variant; where an [`io::Error`] lies beneath, its kind decides.
    #[must_use]
    pub fn of(error: &object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            E::NotFound { .. } => Self::Absent,
            E::AlreadyExists { .. } => Self::Exists,
            E::PermissionDenied { .. } => {
                Self::Refused("these credentials lack the right; grant it or use others")
            }
            E::Unauthenticated { .. } => {
                Self::Refused("the credentials are missing or wrong; provide valid ones")
            }
            E::NotSupported { .. } | E::NotImplemented { .. } => {
                Self::Refused("this store can't do what is needed; use another")
            }
            E::InvalidPath { .. } => Self::Refused("the dataset's path is no valid one; use another"),
            E::UnknownConfigurationKey { .. } => Self::Refused("a configuration key is unknown; correct it"),
            E::JoinError { .. } => Self::Lost,
            _ => io_kind(error).map_or(Self::Transient, Self::of_io),
        }
    }

    /// Sorts an error of the system.
    #[must_use]
    pub fn of_io(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as K;
        match kind {
            K::PermissionDenied => Self::Refused("permission denied; grant access or use another folder"),
            K::ReadOnlyFilesystem => Self::Refused("the file system is read-only; use another folder"),
            K::NotADirectory => Self::Refused("a part of the path is a file, not a folder; use another path"),
            K::IsADirectory => Self::Refused("a folder is where a file should be; remove it"),
            K::InvalidFilename | K::InvalidInput => Self::Refused("the path is not a valid one; use another"),
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Self::Full,
            _ => Self::Transient,
        }
    }
}

fn io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

impl StoreError {
    /// The error for `object` after `tries` tries, the last of which failed with `source`.
    pub(crate) fn new(object: String, tries: u32, source: object_store::Error) -> Self {
        match Failure::of(&source) {
            Failure::Absent => Self::NotFound { object, source },
            Failure::Refused(advice) => Self::Refused { object, advice, source },
            Failure::Full => Self::Full { object, source },
            Failure::Lost => Self::Lost { object, source },
            Failure::Exists | Failure::Transient => Self::Unavailable { object, tries, source },
        }
    }

    /// Whether the object is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: Box::new(io::Error::from(kind)) }
    }

    #[test]
    fn a_system_error_below_a_generic_one_decides() {
        for (kind, expected) in [
            (io::ErrorKind::PermissionDenied, ErrorKind::Invalid),
            (io::ErrorKind::NotADirectory, ErrorKind::Invalid),
            (io::ErrorKind::StorageFull, ErrorKind::Unavailable),
            (io::ErrorKind::ConnectionRefused, ErrorKind::Unavailable),
        ] {
            let error = StoreError::new("d/log/1".to_owned(), 1, generic(kind));
            assert_eq!(error.kind(), expected, "{kind:?}");
            assert!(error.to_string().contains("d/log/1"), "{error}");
        }
        assert_eq!(Failure::of(&generic(io::ErrorKind::StorageFull)), Failure::Full);
        assert_eq!(Failure::of(&generic(io::ErrorKind::TimedOut)), Failure::Transient);
    }
}
