//! Decisions: pure functions from the tail to the next entry. Writers differ in nothing else.

mod claim;
mod commit;
mod floor;
mod pin;
mod snapshot;
mod snapshots;

pub use claim::Claim;
pub(super) use claim::fenced;
pub use commit::Commit;
pub use floor::RaiseFloor;
pub use pin::{Pin, Unpin};
pub use snapshot::AddSnapshot;

use super::entry::{LogEntry, ManifestReference};
use super::error::LogError;
use crate::identifiers::{DatasetId, Nonce, Version};

/// What to append to a log.
pub trait Decide: Send + Sync {
    /// Decides from the highest entry alone, `None` while there is none.
    ///
    /// `nonce` will be the entry's mark. It is asked again, with a new one, whenever another writer was first.
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision;

    /// Whether `own`, which this decided and which was sent, is in the chain that ends with `tail`, judged by what `tail`
    /// contains.
    ///
    /// Asked only when `tail` is so much later than `own` that it does not name it either way.
    fn judge(&self, own: &LogEntry, tail: &LogEntry) -> Judgement;
}

/// What to do about a tail.
#[derive(Debug)]
pub enum Decision {
    /// Append this: the tail, carried over, and what changes. Its number, nonce, time, writer, signatures and place in the
    /// chain are set by [`Log::append`](super::Log::append).
    Append(Box<LogEntry>),
    /// Nothing: the tail says it already.
    Done,
    /// Nothing, for this reason.
    Refuse(LogError),
}

/// Whether an entry that the log has forgotten was in it.
#[derive(Debug)]
pub enum Judgement {
    /// It was.
    Happened,
    /// It was not and never will be.
    Never,
    /// It was if this version is the tail's newest or an ancestor of it.
    IfAncestor(ManifestReference),
    /// It does not matter any more, for this reason.
    Refuse(LogError),
    /// Nobody can tell any more.
    Unknown,
}

/// The tail, if there is one and it is of `dataset`.
fn of_dataset(tail: Option<&LogEntry>, dataset: DatasetId) -> Result<&LogEntry, LogError> {
    let tail = tail.ok_or(LogError::NoDataset)?;
    if tail.dataset == dataset {
        Ok(tail)
    } else {
        Err(LogError::OtherDataset { expected: dataset, found: tail.dataset, sequence: tail.sequence })
    }
}

/// Refuses a version that does not exist, or that retention gave up.
fn refuse_unkept(version: Version, tail: &LogEntry) -> Result<(), LogError> {
    let (latest, floor) = (tail.latest_version(), tail.floor);
    if version.is_none() || version > latest {
        return Err(LogError::NoVersion { version, latest, sequence: tail.sequence });
    }
    if version < floor {
        return Err(LogError::Gone { version, floor, sequence: tail.sequence });
    }
    Ok(())
}
