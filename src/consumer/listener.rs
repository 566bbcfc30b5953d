//! What a consumer tells about its refreshes.

use std::time::Duration;

use crate::error::Error;
use crate::identifiers::{Sequence, Version};
use crate::replica::RouteFailure;

/// What one look at the log came to.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Version before.
    pub from: Version,
    /// Version now; the same if the target did not move.
    pub to: Version,
    /// Log entry that said so.
    pub sequence: Sequence,
    /// `delta`, `reverse delta` or `snapshot`; `None` if the state stayed.
    pub route: Option<&'static str>,
    /// Blobs on that route.
    pub blobs: usize,
    /// Bytes that were fetched from the store.
    pub fetched_bytes: u64,
    /// From the look at the log until readers saw the new state.
    pub elapsed: Duration,
    /// Records of all types now.
    pub records: u64,
    /// Routes that failed on the way.
    pub refused: Vec<RouteFailure>,
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

/// Hears of every refresh and rebase. Called on the consumer's task: be quick.
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
