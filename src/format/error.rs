//! What can be wrong with stored bytes, and with what shall be stored.

use std::io;
use std::path::PathBuf;

use crate::error::{Classify, ErrorKind};

/// Why a blob or a manifest was refused, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Stored bytes are not what they must be.
    #[error(
        "{object}: {what} at offset {offset} is {found}, expected {expected}; take another route or restore the object"
    )]
    Corrupt {
        /// Name of the object in the store.
        object: String,
        /// Which part of it.
        what: String,
        /// Where that part begins, in bytes from the begin of the object.
        offset: u64,
        /// What would have been right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Written by a release with another format.
    #[error(
        "{object}: format version {found} is not known, this release reads version {supported}; upgrade the reader"
    )]
    UnknownFormatVersion {
        /// Name of the object in the store.
        object: String,
        /// The version it is written in.
        found: u32,
        /// The version this release reads and writes.
        supported: u32,
    },
    /// What shall be written breaks a rule or a limit of the format.
    #[error("cannot write {what}: it is {found}, expected {expected}; change what is published")]
    Refused {
        /// Which part of what shall be written.
        what: String,
        /// The rule or limit.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The temporary file that holds encoded sections failed.
    #[error("cannot use the temporary file of a blob in {}: {source}; check the free space there", folder.display())]
    Temporary {
        /// Where it lies.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The bytes of a section could not be read from where the caller has them.
    #[error("{object}: cannot read the section at offset {offset}: {source}; try again")]
    Input {
        /// Name of the object in the store.
        object: String,
        /// Where the section begins.
        offset: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// The plain bytes of a section could not be written to where the caller wants them.
    #[error("{object}: cannot write the decoded section of offset {offset}: {source}")]
    Output {
        /// Name of the object in the store.
        object: String,
        /// Where the section begins in the object.
        offset: u64,
        /// What the writer says.
        source: io::Error,
    },
}

impl Classify for FormatError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::UnknownFormatVersion { .. } | Self::Refused { .. } => ErrorKind::Invalid,
            Self::Temporary { .. } | Self::Input { .. } | Self::Output { .. } => ErrorKind::Unavailable,
        }
    }
}

/// A broken rule, before it is known whether stored bytes or a caller's input broke it.
#[derive(Debug)]
pub(super) struct Flaw {
    what: String,
    expected: String,
    found: String,
}

impl Flaw {
    #[expect(clippy::needless_pass_by_value, reason = "callers pass texts, numbers and ids alike")]
    pub(super) fn new(what: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        Self { what: what.to_string(), expected: expected.to_string(), found: found.to_string() }
    }

    /// The error of stored bytes with this flaw.
    pub(super) fn at(self, object: &str, offset: u64) -> FormatError {
        let Self { what, expected, found } = self;
        FormatError::Corrupt { object: object.to_owned(), what, offset, expected, found }
    }

    /// The error of input with this flaw.
    pub(super) fn refused(self) -> FormatError {
        let Self { what, expected, found } = self;
        FormatError::Refused { what, expected, found }
    }
}

impl From<capnp::Error> for Flaw {
    fn from(error: capnp::Error) -> Self {
        Self::new("the message", "valid Cap'n Proto", error)
    }
}

impl From<std::str::Utf8Error> for Flaw {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::new("a text", "valid UTF-8", error)
    }
}

/// Nothing when `holds`, else the flaw; its texts are only made when it does not.
pub(super) fn ensure(holds: bool, flaw: impl FnOnce() -> Flaw) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(flaw()) }
}
