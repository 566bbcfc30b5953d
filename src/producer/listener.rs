//! What a producer tells about its cycles.

use std::fmt;
use std::time::Duration;

use super::{Publication, PublishedBytes, Verdict};
use crate::error::Error;
use crate::format::sections::changes::ChangeCounts;
use crate::identifiers::Version;

/// Hears of every stage of every cycle. Called while the cycle waits: be quick, and hand on what takes long.
///
/// A listener is not obeyed: one that panics is logged and counted ([`Producer::listener_panics`](super::Producer::listener_panics)), and the
/// cycle goes on. Who wants to stop a cycle is a [`Validator`](super::Validator).
pub trait CycleListener: Send + Sync {
    /// A cycle came to the end of a stage, or to its own.
    fn heard(&self, event: &CycleEvent<'_>);
}

/// How far a cycle came, and how long it took by the clock of the producer's environment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CycleEvent<'e> {
    /// What the cycle states.
    pub kind: CycleKind,
    /// What happened.
    pub step: CycleStep<'e>,
    /// From the step before until this one; zero for [`CycleStep::Begun`].
    pub took: Duration,
    /// From the beginning of the cycle until this step.
    pub elapsed: Duration,
}

/// What a cycle states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CycleKind {
    /// The whole dataset.
    Full,
    /// Changes to it.
    Incremental,
    /// The content of an older version.
    Rollback(Version),
}

/// What a cycle comes to, in this order. A cycle begins, and ends with one of the last four.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CycleStep<'e> {
    /// The cycle was called for.
    Begun,
    /// The producer is at the newest version; for a rollback, the older version is loaded too.
    Restored {
        /// The version that the next one follows.
        parent: Version,
    },
    /// Every record, or every change, is stated.
    Populated,
    /// What was stated is compared with the version before, encoded, and read back. A cycle that changes nothing does not come here.
    Prepared {
        /// Records that are new, gone and different, by type.
        changes: &'e [(String, ChangeCounts)],
        /// Bytes of the blobs that would be uploaded.
        bytes: PublishedBytes,
    },
    /// All validators judged; if one of them found something, the cycle fails next.
    Validated {
        /// What each of them said, in the order in which they were added.
        verdicts: &'e [Verdict],
    },
    /// Blobs and manifest are in the store.
    Uploaded {
        /// Bytes of the blobs.
        bytes: PublishedBytes,
    },
    /// The log names the version: it is released.
    Committed {
        /// The version.
        version: Version,
    },
    /// The end: the version is released and announced.
    Published(&'e Publication),
    /// The end: nothing changed, and the newest version is still this one, or none.
    Unchanged(Version),
    /// The end: the cycle failed.
    Failed {
        /// In the midst of what.
        stage: CycleStage,
        /// Why.
        error: &'e Error,
    },
    /// The end: whoever waited for the cycle stopped waiting, or the closure that states records panicked. Told when the next cycle begins, or
    /// the producer goes.
    Abandoned {
        /// In the midst of what.
        stage: CycleStage,
    },
}

/// What a cycle is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CycleStage {
    /// Getting to the newest version, which takes a while only after a conflict or for a rollback.
    Restore,
    /// The caller states records.
    Populate,
    /// Comparing, encoding, reading back.
    Prepare,
    /// Validators judge.
    Validate,
    /// Blobs and manifest go to the store.
    Upload,
    /// The version is appended to the log.
    Commit,
    /// Consumers are told.
    Announce,
}

impl fmt::Display for CycleStage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Restore => "restore",
            Self::Populate => "populate",
            Self::Prepare => "prepare",
            Self::Validate => "validate",
            Self::Upload => "upload",
            Self::Commit => "commit",
            Self::Announce => "announce",
        })
    }
}
