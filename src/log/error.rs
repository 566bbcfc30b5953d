//! What can go wrong with the control log, and what to do about it.

use std::time::Duration;

use crate::error::{Classify, ErrorKind};
use crate::identifiers::{DatasetId, Epoch, Sequence, Version};
use crate::store::{ObjectName, StoreError};

/// An operation on the control log failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes are no sound entry or hint.
    #[error(
        "{object} has a wrong {field}: expected {expected}, found {found}; it was not written by this product, or damaged"
    )]
    Malformed {
        /// Where.
        object: ObjectName,
        /// Which part of it.
        field: &'static str,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A newer release wrote what this one can neither read nor carry over.
    #[error(
        "{object} has {what} {found}, which this release does not know; use the release that wrote it, or a newer one"
    )]
    Unknown {
        /// Where.
        object: ObjectName,
        /// What is unknown.
        what: &'static str,
        /// Its number.
        found: u64,
    },
    /// The entry to be written is too large.
    #[error(
        "{object} would have {found} bytes where at most {limit} are allowed; use fewer rings, or shorter names and reasons"
    )]
    TooLarge {
        /// Where.
        object: ObjectName,
        /// Bytes it would have.
        found: u64,
        /// Most bytes allowed.
        limit: u64,
    },
    /// The entry to be written has too many of something.
    #[error(
        "{object} would name {found} {what} where at most {limit} are allowed; run retention, or unpin rings"
    )]
    TooMany {
        /// Where.
        object: ObjectName,
        /// Of what.
        what: &'static str,
        /// How many it would have.
        found: usize,
        /// Most allowed.
        limit: usize,
    },
    /// LIST shows an entry that can't be read.
    #[error(
        "{object} is listed but can't be read; if this lasts, the store is a replica that lags, or the dataset was deleted"
    )]
    Unreadable {
        /// The entry.
        object: ObjectName,
    },
    /// An entry was created that LIST does not show.
    #[error(
        "{object} was created but is not listed; a store whose LIST misses completed writes can't hold a log: use another"
    )]
    NotListed {
        /// The entry.
        object: ObjectName,
    },
    /// There is no log.
    #[error("the dataset has no log; check its name, or whether it was deleted")]
    NoDataset,
    /// Another dataset was made under the same name.
    #[error(
        "log entry {sequence} is of dataset {found}, not of {expected}: the dataset was deleted and made anew; look at the \
         new one, and decide again"
    )]
    OtherDataset {
        /// The dataset that was meant.
        expected: DatasetId,
        /// The one that is there.
        found: DatasetId,
        /// Number of the tail.
        sequence: Sequence,
    },
    /// There is no such version.
    #[error("there is no version {version}: the newest is {latest}, by log entry {sequence}")]
    NoVersion {
        /// The version asked for.
        version: Version,
        /// The newest there is.
        latest: Version,
        /// Number of the tail.
        sequence: Sequence,
    },
    /// The version was given up (rule R6).
    #[error("version {version} is gone: by log entry {sequence} versions are kept from {floor} on")]
    Gone {
        /// The version asked for.
        version: Version,
        /// The oldest that is kept.
        floor: Version,
        /// Number of the tail.
        sequence: Sequence,
    },
    /// A ring that the log does not name.
    #[error("no ring \"{ring}\" has a target of its own in log entry {sequence}; check its name")]
    NoRing {
        /// The ring asked for.
        ring: String,
        /// Number of the tail.
        sequence: Sequence,
    },
    /// Another producer took the dataset over (rule R3).
    #[error(
        "epoch {own} of this producer is over: log entry {sequence} by {writer} is of epoch {found}; stop, or stand by to \
         take over again"
    )]
    Fenced {
        /// The epoch this producer claimed.
        own: Epoch,
        /// The epoch of the tail.
        found: Epoch,
        /// Number of the tail.
        sequence: Sequence,
        /// Who wrote it.
        writer: String,
    },
    /// The newest version is not the one that the attempt was made from (rule R3).
    #[error(
        "version {attempted} was made from version {parent}, but log entry {sequence} by {writer} has another newest \
         version, {found}; restore it and run the cycle again"
    )]
    Conflict {
        /// The version that was to be committed.
        attempted: Version,
        /// The version it was made from.
        parent: Version,
        /// The newest version.
        found: Version,
        /// Number of the tail.
        sequence: Sequence,
        /// Who wrote it.
        writer: String,
    },
    /// Another producer claimed the dataset while this one was about to.
    #[error(
        "{writer} claimed the dataset first, with log entry {sequence}; wait for it to finish, or take over"
    )]
    Overtaken {
        /// Number of the tail.
        sequence: Sequence,
        /// Who wrote it.
        writer: String,
    },
    /// A producer that holds the dataset is alive.
    #[error(
        "another producer is live: {who}, last heard of {} s ago; let it finish, wait for it \
         (`--wait`), or take over (`--take-over`)", heard_ago.as_secs()
    )]
    Live {
        /// Its process and host; what it calls itself in the log while it has only claimed.
        who: String,
        /// How old its last sign of life is, by the clocks of both.
        heard_ago: Duration,
    },
    /// The store answered nothing clear about a create.
    #[error(
        "it is unknown whether {object} was created; restore the newest version to find out what was committed"
    )]
    OutcomeUnknown {
        /// The entry.
        object: ObjectName,
        /// What the store said last.
        source: Box<StoreError>,
    },
    /// The writer was paused for so long that the log has forgotten its entry.
    #[error(
        "it is unknown whether {object} counted: the log has moved on to entry {sequence} since; look at what that one says \
         (producers restore the newest version), and decide again"
    )]
    Forgotten {
        /// The entry.
        object: ObjectName,
        /// Number of the tail.
        sequence: Sequence,
        /// Why the chain of versions did not tell either, if it was asked.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Other writers were always first.
    #[error(
        "other writers were first {rounds} times in a row; find out who appends to this log so often, and try again"
    )]
    Crowded {
        /// How often.
        rounds: u32,
    },
}

impl Classify for LogError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::NoDataset | Self::NoVersion { .. } | Self::Gone { .. } | Self::NoRing { .. } => {
                ErrorKind::NotFound
            }
            Self::Malformed { .. } => ErrorKind::Corrupt,
            Self::Unknown { .. } | Self::TooLarge { .. } | Self::TooMany { .. } => ErrorKind::Invalid,
            Self::Unreadable { .. } | Self::NotListed { .. } | Self::OutcomeUnknown { .. } => {
                ErrorKind::Unavailable
            }
            Self::Fenced { .. } => ErrorKind::Fenced,
            Self::OtherDataset { .. }
            | Self::Conflict { .. }
            | Self::Overtaken { .. }
            | Self::Live { .. }
            | Self::Forgotten { .. }
            | Self::Crowded { .. } => ErrorKind::Conflict,
        }
    }
}
