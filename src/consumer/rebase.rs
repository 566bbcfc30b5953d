//! Rebases in the background: the state goes on another base while refreshes and readers go on (keeps semantics 24, 26).

use std::sync::Arc;

use super::Shared;
use super::listener::{Rebased, RefreshListener};
use crate::environment::Environment;
use crate::error::Result;
use crate::listeners::Listeners;
use crate::replica::{REBASE_RETRY, Replica, unpanicked};
use crate::state::{RebaseError, RebaseThresholds};
use crate::workers;

/// What rebases of one consumer need.
pub(super) struct Rebasing {
    pub(super) thresholds: RebaseThresholds,
    pub(super) replica: Replica,
    pub(super) listeners: Arc<Listeners<dyn RefreshListener>>,
    pub(super) environment: Environment,
}

impl Shared {
    /// Rebases whenever the state that is shown is due, one rebase at a time.
    pub(super) async fn keep_rebased(self: Arc<Self>, rebasing: Rebasing) {
        loop {
            while self.state.load().is_rebase_due(&rebasing.thresholds) {
                match unpanicked(self.rebase(&rebasing)).await {
                    Ok(Some(rebased)) => rebasing.listeners.tell(|one| one.rebased(&rebased)),
                    // Nothing but levels was merged, or the consumer went elsewhere meanwhile: whether its state is due is to be asked anew.
                    Ok(None) => (),
                    Err(error) => {
                        tracing::warn!(%error, "the state cannot be put on another base; it serves on as it is");
                        rebasing.listeners.tell(|one| one.rebase_failed(&error));
                        let pause = rebasing.environment.jitter(REBASE_RETRY);
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
        let Rebasing { replica, thresholds, .. } = rebasing;
        let rebase = replica.write_anew(self.state.load_full(), *thresholds).await?;
        let (state, segments) = (self.state.load_full(), replica.segments().clone());
        let rebase = workers::run_aside(move || rebase.caught_up(&state, &segments)).await?;
        let mut follower = self.follower.lock().await;
        let Some(state) = follower.loaded().map(|loaded| Arc::clone(&loaded.state)) else { return Ok(None) };
        let segments = replica.segments().clone();
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
}
