//! Where a cycle is: the one source of what listeners hear and of what `hollowcast::phase` traces (keeps semantics 13).

use std::sync::Arc;
use std::time::Duration;

use super::listener::{CycleEvent, CycleKind, CycleListener, CycleStage, CycleStep};
use super::{Outcome, Verdict};
use crate::environment::Clock;
use crate::error::Result;
use crate::identifiers::Version;
use crate::listeners::Listeners;

/// Follows the cycles of a producer, one after the other.
pub(super) struct Course {
    listeners: Listeners<dyn CycleListener>,
    clock: Arc<dyn Clock>,
    current: Option<Current>,
}

/// The cycle that is under way.
#[derive(Clone, Copy)]
struct Current {
    kind: CycleKind,
    stage: CycleStage,
    /// The version that will come out.
    version: Version,
    begun: Duration,
    stage_begun: Duration,
}

impl Course {
    pub(super) fn new(listeners: Vec<Arc<dyn CycleListener>>, clock: Arc<dyn Clock>) -> Self {
        Self { listeners: Listeners::new(listeners), clock, current: None }
    }

    /// How often a listener panicked.
    pub(super) fn panics(&self) -> u64 {
        self.listeners.panics()
    }

    /// A cycle begins; one that did not come to an end never will.
    pub(super) fn begin(&mut self, kind: CycleKind) {
        self.abandon();
        let now = self.clock.monotonic();
        let (stage, version) = (CycleStage::Restore, Version::NONE);
        self.current = Some(Current { kind, stage, version, begun: now, stage_begun: now });
        self.reach(CycleStep::Begun);
    }

    /// The cycle came this far.
    pub(super) fn reach(&mut self, step: CycleStep<'_>) {
        let now = self.clock.monotonic();
        let current = self.current.as_mut().expect("a cycle begins before it gets anywhere");
        let event = CycleEvent {
            kind: current.kind,
            step,
            took: now.saturating_sub(current.stage_begun),
            elapsed: now.saturating_sub(current.begun),
        };
        self.listeners.tell(|listener| listener.heard(&event));
        if let CycleStep::Restored { parent } = step {
            current.version = parent.next();
        }
        trace(&step, current.version);
        current.stage_begun = now;
        match stage_after(&step) {
            Some(stage) => current.stage = stage,
            None => self.current = None,
        }
    }

    /// The cycle came to its end.
    pub(super) fn conclude(&mut self, outcome: &Result<Outcome>) {
        let Some(stage) = self.current.map(|current| current.stage) else { return };
        self.reach(match outcome {
            Ok(Outcome::Published(publication)) => CycleStep::Published(publication),
            Ok(Outcome::Unchanged(version)) => CycleStep::Unchanged(*version),
            Err(error) => CycleStep::Failed { stage, error },
        });
    }

    fn abandon(&mut self) {
        if let Some(Current { stage, .. }) = self.current {
            self.reach(CycleStep::Abandoned { stage });
        }
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// What a cycle is busy with after a step; nothing after its end.
fn stage_after(step: &CycleStep<'_>) -> Option<CycleStage> {
    Some(match step {
        CycleStep::Begun => CycleStage::Restore,
        CycleStep::Restored { .. } => CycleStage::Populate,
        CycleStep::Populated => CycleStage::Prepare,
        CycleStep::Prepared { .. } => CycleStage::Validate,
        // If the candidate is refused, it is the judging that failed.
        CycleStep::Validated { verdicts } if !verdicts.iter().all(Verdict::passed) => CycleStage::Validate,
        CycleStep::Validated { .. } => CycleStage::Upload,
        CycleStep::Uploaded { .. } => CycleStage::Commit,
        CycleStep::Committed { .. } => CycleStage::Announce,
        CycleStep::Published(_)
        | CycleStep::Unchanged(_)
        | CycleStep::Failed { .. }
        | CycleStep::Abandoned { .. } => return None,
    })
}

/// The stages that touch the outside world, as they begin.
fn trace(step: &CycleStep<'_>, version: Version) {
    match (step, stage_after(step)) {
        (_, Some(CycleStage::Populate)) => {
            tracing::info!(target: "hollowcast::phase::populate", %version, "stating records");
        }
        (_, Some(CycleStage::Upload)) => {
            tracing::info!(target: "hollowcast::phase::upload", %version, "uploading");
        }
        (_, Some(CycleStage::Commit)) => {
            tracing::info!(target: "hollowcast::phase::commit", %version, "about to create the log entry");
        }
        (CycleStep::Published(_), _) => {
            tracing::info!(target: "hollowcast::phase::published", %version, "released and announced");
        }
        _ => {}
    }
}
