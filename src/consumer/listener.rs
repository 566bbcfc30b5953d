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

/// Hears of every refresh. Called on the consumer's task: be quick.
pub trait RefreshListener: Send + Sync {
    /// The consumer looked at the log, and moved or stayed.
    fn refreshed(&self, refresh: &Refresh);

    /// The consumer could not move; its state keeps serving.
    fn failed(&self, error: &Error);
}
