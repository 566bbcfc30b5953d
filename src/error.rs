//! One public error whose kind says what to do next.

use std::fmt;

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The dataset, version, type or key is not there.
    NotFound,
    /// Another producer was first: restore and go on.
    Conflict,
    /// Another producer owns the dataset now: stop, or stand by.
    Fenced,
    /// The store or the bus did not answer: retry later.
    Unavailable,
    /// The input is wrong: fix it.
    Invalid,
    /// Stored bytes are wrong; the message names the object and the offset.
    Corrupt,
    /// The caller gave up.
    Cancelled,
    /// A defect of Hollowcast, or a machine that failed in an unforeseen way.
    Internal,
}

/// An error of one module that knows its [`ErrorKind`].
pub trait Classify: std::error::Error + Send + Sync + 'static {
    /// What a caller can do about it.
    fn kind(&self) -> ErrorKind;
}

/// The error of every public operation: a kind, and a message that names dataset, version, object, expected and found.
pub struct Error {
    kind: ErrorKind,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    /// An error of a caller's own, to return from a closure that states records: `cause` is an error or a message.
    #[must_use]
    pub fn new(kind: ErrorKind, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, cause: cause.into() }
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether what was asked for is damaged or gone: asking again will not help.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        matches!(self.kind, ErrorKind::Corrupt | ErrorKind::NotFound)
    }

    /// The module's own error behind this one, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.cause.downcast_ref()
    }
}

impl<E: Classify> From<E> for Error {
    fn from(error: E) -> Self {
        Self { kind: error.kind(), cause: Box::new(error) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(out)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {:?}", self.kind, self.cause)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}
