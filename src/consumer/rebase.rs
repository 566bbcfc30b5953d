//! Rebases in the background: the state goes on another base while refreshes and readers go on (keeps semantics 24, 26).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::error::ConsumerError;
use super::listener::{Rebased, RefreshListener};
use crate::cache::SegmentStore;
use crate::environment::Environment;
use crate::error::Result;
use crate::listeners::Listeners;
use crate::state::{Rebase, RebaseError, RebaseThresholds};
use crate::workers;

/// How soon a rebase that failed is tried again: each try writes as much as the last, and a disk that is full seldom has room a moment later.
const RETRY_AFTER: Duration = Duration::from_secs(300);

/// What rebases of one consumer need.
pub(super) struct Rebasing {
    pub(super) thresholds: RebaseThresholds,
    pub(super) segments: SegmentStore,
    pub(super) listeners: Arc<Listeners<dyn RefreshListener>>,
    pub(super) environment: Environment,
}

impl Shared {
    /// Rebases whenever the state that is shown is due, one rebase at a time.
    pub(super) async fn keep_rebased(self: Arc<Self>, rebasing: Rebasing) {
        loop {
            while self.state.load().is_rebase_due(&rebasing.thresholds) {
                let rebased = AssertUnwindSafe(self.rebase(&rebasing)).catch_unwind().await;
                match rebased.unwrap_or_else(|panic| Err(ConsumerError::rebase_panicked(&*panic).into())) {
                    Ok(Some(rebased)) => rebasing.listeners.tell(|one| one.rebased(&rebased)),
                    // Nothing but levels was merged, or the consumer went elsewhere meanwhile: whether its state is due is to be asked anew.
                    Ok(None) => (),
                    Err(error) => {
                        tracing::warn!(%error, "the state cannot be put on another base; it serves on as it is");
                        rebasing.listeners.tell(|one| one.rebase_failed(&error));
                        let pause = rebasing.environment.jitter(RETRY_AFTER);
                        rebasing.environment.clock.sleep(pause).await;
                    }
                }
            }
            self.shown.notified().await;
        }
    }

    /// One rebase. What came while it was written is caught up with twice: refreshes wait only for the rest.
    async fn rebase(&self, rebasing: &Rebasing) -> Result<Option<Rebased>> {
        let started = rebasing.environment.clock.monotonic();
        let rebase = self.write_anew(rebasing).await?;
        let (state, segments) = (self.state.load_full(), rebasing.segments.clone());
        let rebase = workers::run_aside(move || rebase.caught_up(&state, &segments)).await?;
        let mut follower = self.follower.lock().await;
        let Some(state) = follower.loaded().map(|loaded| Arc::clone(&loaded.state)) else { return Ok(None) };
        let segments = rebasing.segments.clone();
        let finished = workers::run(move || {
            let rebase = rebase.caught_up(&state, &segments)?;
            let types = rebase.types().map(str::to_owned).collect::<Vec<_>>();
            Ok::<_, RebaseError>(rebase.finish(&state).map(|state| (Arc::new(state), types)))
        });
        let Some((state, types)) = finished.await? else { return Ok(None) };
        let version = state.version();
        follower.go_on_with(state);
        self.show(&follower);
        follower.record().await;
        if types.is_empty() {
            return Ok(None);
        }
        let elapsed = rebasing.environment.clock.monotonic().saturating_sub(started);
        Ok(Some(Rebased { version, types, elapsed }))
    }

    /// The long part; it stops soon after whoever waits for it does.
    async fn write_anew(&self, rebasing: &Rebasing) -> Result<Rebase> {
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let (state, thresholds, segments) =
            (self.state.load_full(), rebasing.thresholds, rebasing.segments.clone());
        let work = move || Rebase::of(&state, &thresholds, &segments, || stop.is_cancelled());
        Ok(workers::run_aside(work).await?)
    }
}
