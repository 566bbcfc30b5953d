//! The snapshot that a producer builds behind its cycles (keeps semantics 11).

use std::sync::Arc;

use futures::FutureExt;
use tokio_util::task::AbortOnDropHandle;

use super::Producer;
use super::late_snapshot::{Built, SnapshotBuilder};
use super::newest::Newest;
use super::snapshot_policy::SnapshotDue;
use crate::error::Result;
use crate::log::Log;
use crate::state::RebaseError;
use crate::workers;

/// At most one at a time; dropping it gives it up.
#[derive(Default)]
pub(super) struct Behind {
    task: Option<AbortOnDropHandle<Result<Built>>>,
}

impl Behind {
    /// What the task came to, if it has ended.
    fn ended(&mut self) -> Option<Result<Built>> {
        let ended = self.task.as_mut()?.now_or_never()?;
        self.task = None;
        unpanicked(ended)
    }

    /// Waits for the task, if there is one.
    pub(super) async fn finish(mut self) {
        if let Some(task) = self.task.take()
            && let Some(Err(error)) = unpanicked(task.await)
        {
            tracing::warn!(%error, "a snapshot was not built");
        }
    }
}

/// A task that nobody aborted has ended or panicked.
fn unpanicked<T>(ended: Result<T, tokio::task::JoinError>) -> Option<T> {
    match ended {
        Ok(ended) => Some(ended),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}

impl Producer {
    /// Whether the next version gets a snapshot in its cycle, and whether it should get one behind it.
    pub(super) fn snapshot_due(&self, is_asked_for: bool) -> (SnapshotDue, Option<SnapshotDue>) {
        if is_asked_for {
            return (SnapshotDue::Always, None);
        }
        let (manifest, snapshots) = (self.newest.manifest(), &self.entry.snapshots);
        let due = SnapshotDue::after(manifest, snapshots, self.settings.snapshot_every);
        match self.settings.snapshots_behind {
            true => (SnapshotDue::now_or_never(manifest, snapshots), Some(due)),
            false => (due, None),
        }
    }

    /// Begins the snapshot of the newest version, unless another is under way.
    pub(super) fn begin_snapshot(&mut self) {
        let Some(loaded) = self.newest.loaded().filter(|_| self.behind.task.is_none()).cloned() else {
            return;
        };
        let mut builder = SnapshotBuilder {
            log: Log::new(self.log.store().clone(), self.log.writer()),
            replica: self.replica.clone(),
            blobs: self.settings.blobs.clone(),
            progress: Arc::new(()),
        };
        let task = tokio::spawn(async move { builder.build_of(&loaded).await });
        self.behind.task = Some(AbortOnDropHandle::new(task));
    }

    /// Takes note of a snapshot that has been built, and goes on from its base if it can. One that failed is due again.
    pub(super) async fn note_snapshot(&mut self) {
        let built = match self.behind.ended() {
            Some(Ok(built)) => built,
            Some(Err(error)) => {
                tracing::warn!(%error, "a snapshot was not built; the next version tries again");
                return;
            }
            None => return,
        };
        if built.entry.sequence > self.entry.sequence {
            self.entry.snapshots = built.entry.snapshots;
        }
        let Newest::Loaded(loaded) = &mut self.newest else { return };
        let (state, segments) = (Arc::clone(&loaded.state), self.replica.segments().clone());
        let rebased = workers::run(move || {
            let rebase = built.rebase.caught_up(&state, &segments)?;
            Ok::<_, RebaseError>(rebase.finish(&state))
        });
        match rebased.await {
            Ok(Some(state)) => loaded.state = Arc::new(state),
            Ok(None) => (),
            Err(error) => tracing::warn!(%error, "the producer goes on from the base it has"),
        }
    }
}
