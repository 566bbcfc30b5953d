//! What a consumer tells about its refreshes.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::identifiers::{Sequence, Version};
use crate::log::Hold;
use crate::replica::{Route, RouteFailure};

/// What one look at the log came to.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Version before.
    pub from: Version,
    /// Version now; the same if the target did not move.
    pub to: Version,
    /// The newest entry of the log that the consumer looked at.
    pub sequence: Sequence,
    /// The version that the consumer pinned itself to, whatever the log says.
    pub pinned: Option<Version>,
    /// What keeps the log's target for this consumer from following the newest version: a pin, or a version that was held back.
    pub hold: Option<Hold>,
    /// How it got there; `None` if the state stayed.
    pub route: Option<RefreshRoute>,
    /// Blobs on that route.
    pub blobs: usize,
    /// Bytes that were fetched from the store.
    pub fetched_bytes: u64,
    /// From the look at the log until readers saw the new state.
    pub elapsed: Duration,
    /// Records of all types that are loaded now.
    pub records: u64,
    /// Routes that failed on the way.
    pub refused: Vec<RouteFailure>,
}

/// How a consumer got to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshRoute {
    /// Forward by deltas.
    Delta,
    /// Back by reverse deltas.
    ReverseDelta,
    /// By a snapshot, and the deltas after it.
    Snapshot,
    /// To a state that the consumer still had: nothing was fetched.
    Kept,
}

impl RefreshRoute {
    /// What people call it: `delta`, `reverse delta`, `snapshot`, `kept state`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::ReverseDelta => "reverse delta",
            Self::Snapshot => "snapshot",
            Self::Kept => "kept state",
        }
    }
}

impl From<&Route> for RefreshRoute {
    fn from(route: &Route) -> Self {
        match route {
            Route::Forward(_) => Self::Delta,
            Route::Reverse(_) => Self::ReverseDelta,
            Route::Snapshot { .. } => Self::Snapshot,
        }
    }
}

impl fmt::Display for RefreshRoute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A state that was put on another base: the same version and records, less to look through and less to start from.
#[derive(Clone, Debug)]
pub struct Rebased {
    /// The version, which stayed.
    pub version: Version,
    /// The types whose records or changes were written anew.
    pub types: Vec<String>,
    /// From the start of the rebase until readers saw the state.
    pub elapsed: Duration,
}

/// Hears of every refresh and rebase. Called on the consumer's tasks, or by whoever asked for the refresh, once readers see the new state: be
/// quick.
///
/// A listener is not obeyed (keeps semantics 13): one that panics is logged and counted
/// ([`Consumer::listener_panics`](super::Consumer::listener_panics)), and the consumer goes on.
pub trait RefreshListener: Send + Sync {
    /// The consumer looked at the log, and moved or stayed.
    fn refreshed(&self, refresh: &Refresh);

    /// The consumer could not move; its state keeps serving.
    fn failed(&self, error: &Error);

    /// The consumer put its state on another base.
    fn rebased(&self, rebased: &Rebased) {
        let _ = rebased;
    }

    /// It could not do so. Its state keeps serving; minutes later it is tried again.
    fn rebase_failed(&self, error: &Error) {
        let _ = error;
    }
}
