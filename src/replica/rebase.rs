//! Writing a state anew, for whoever follows a dataset for long.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Replica;
use crate::error::Result;
use crate::listeners::panic_text;
use crate::state::{Rebase, RebaseError, RebaseThresholds, State};
use crate::workers;

/// How soon a rebase that failed is tried again: each try writes as much as the last, and a disk that is full seldom has room a moment later.
pub(crate) const REBASE_RETRY: Duration = Duration::from_secs(300);

impl Replica {
    /// Writes the tables of `state` anew that are due by `thresholds`, on a thread beside the others. It stops soon after whoever waits for it
    /// does.
    pub(crate) async fn write_anew(
        &self,
        state: Arc<State>,
        thresholds: RebaseThresholds,
    ) -> Result<Rebase, RebaseError> {
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let segments = self.segments.clone();
        workers::run_aside(move || Rebase::of(&state, &thresholds, &segments, || stop.is_cancelled())).await
    }
}

/// What `rebase` comes to. A panic in it is a failure like others: the state serves on as it is.
pub(crate) async fn unpanicked<T>(rebase: impl Future<Output = Result<T>>) -> Result<T> {
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        Err(RebaseError::Panicked { what: panic_text(&*panic).to_owned() }.into())
    };
    AssertUnwindSafe(rebase).catch_unwind().await.unwrap_or_else(panicked)
}
