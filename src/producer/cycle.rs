//! One run of the producer: populate, compare, validate, publish.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::ground::Ground;
use super::listener::{CycleKind, CycleStep};
use super::prepare::{Preparation, Prepared};
use super::snapshot_policy::SnapshotDue;
use super::validate::{Changes, Validator, Verdict, judge};
use super::write_state::{Mode, WriteState};
use super::writer::Draftsman;
use super::{ChangeWriter, CycleOptions, Outcome, Producer, ProducerError, Writer};
use crate::error::Result;
use crate::progress::{Stage, Unit};
use crate::workers;

/// Seeds that are tried when two keys have one hash.
const SEEDS: usize = 4;

impl Producer {
    /// Publishes what `populate` states as the whole dataset: records that it does not add are removed (keeps semantics 1–6).
    ///
    /// `populate` runs on the caller's thread and may add from many. What goes wrong in it is returned as an [`Error`](crate::Error::new) of
    /// its own and fails the cycle.
    ///
    /// # Errors
    /// `Invalid`: a record, the schema or a validator; `Conflict`: another version was released meanwhile, run the cycle again; `Fenced`: another
    /// producer owns the dataset; `Unavailable`: the store did not answer. Nothing was published, except after an unknown outcome, which the
    /// next cycle finds out about.
    pub async fn cycle(&mut self, populate: impl FnOnce(&Writer) -> Result<()>) -> Result<Outcome> {
        self.cycle_with(CycleOptions::default(), populate).await
    }

    /// As [`Producer::cycle`], with options.
    ///
    /// # Errors
    /// As [`Producer::cycle`].
    pub async fn cycle_with(
        &mut self,
        options: CycleOptions,
        populate: impl FnOnce(&Writer) -> Result<()>,
    ) -> Result<Outcome> {
        self.settings.course.begin(CycleKind::Full);
        let outcome = self.state_all(options, populate).await;
        self.settings.course.conclude(&outcome);
        outcome
    }

    async fn state_all(
        &mut self,
        options: CycleOptions,
        populate: impl FnOnce(&Writer) -> Result<()>,
    ) -> Result<Outcome> {
        self.freshen().await?;
        let ground = self.ground(&options)?;
        let writer = Writer { draftsman: self.draft(Mode::Full, &ground) };
        populate(&writer)?;
        self.complete(Mode::Full, options, ground, writer.draftsman, None).await
    }

    /// Publishes the changes that `change` states; everything else is carried over (keeps semantics 3).
    ///
    /// # Errors
    /// As [`Producer::cycle`].
    pub async fn incremental(&mut self, change: impl FnOnce(&ChangeWriter) -> Result<()>) -> Result<Outcome> {
        self.incremental_with(CycleOptions::default(), change).await
    }

    /// As [`Producer::incremental`], with options.
    ///
    /// # Errors
    /// As [`Producer::cycle`].
    pub async fn incremental_with(
        &mut self,
        options: CycleOptions,
        change: impl FnOnce(&ChangeWriter) -> Result<()>,
    ) -> Result<Outcome> {
        self.settings.course.begin(CycleKind::Incremental);
        let outcome = self.state_changes(options, change).await;
        self.settings.course.conclude(&outcome);
        outcome
    }

    async fn state_changes(
        &mut self,
        options: CycleOptions,
        change: impl FnOnce(&ChangeWriter) -> Result<()>,
    ) -> Result<Outcome> {
        self.freshen().await?;
        let ground = self.ground(&options)?;
        if let Some(reason) = ground.break_reason {
            return Err(ProducerError::BreakByChanges { reason }.into());
        }
        let writer = ChangeWriter { draftsman: self.draft(Mode::Incremental, &ground) };
        change(&writer)?;
        self.complete(Mode::Incremental, options, ground, writer.draftsman, None).await
    }

    /// Restores the newest version if it is not certain that this is it.
    pub(super) async fn freshen(&mut self) -> Result<()> {
        self.note_snapshot().await;
        if self.is_stale { self.restore().await } else { Ok(()) }
    }

    /// What the next version is made on under the producer's own schema.
    fn ground(&self, options: &CycleOptions) -> Result<Ground> {
        Ground::of(&self.newest, self.settings.dataset.schema(), options.accept_break)
    }

    /// Something to write to.
    pub(super) fn draft(&mut self, mode: Mode, ground: &Ground) -> Draftsman {
        let parent = self.version();
        self.settings.course.reach(CycleStep::Restored { parent });
        self.settings.progress.stage(Stage { name: "stating records", unit: Unit::Records, total: None });
        let (own, spool_folder) = (self.settings.dataset.schema(), self.settings.spool_folder.as_deref());
        Draftsman::new(mode, own, Arc::clone(&ground.parent), spool_folder)
    }

    /// The rest of a cycle; `also` judges besides the producer's own validators.
    pub(super) fn complete(
        &mut self,
        mode: Mode,
        options: CycleOptions,
        ground: Ground,
        draftsman: Draftsman,
        also: Option<Arc<dyn Validator>>,
    ) -> BoxFuture<'_, Result<Outcome>> {
        async move {
            if draftsman.has_failed() {
                return Err(ProducerError::RefusedRecord.into());
            }
            self.settings.course.reach(CycleStep::Populated);
            let progress = &self.settings.progress;
            progress.stage(Stage { name: "comparing and encoding", unit: Unit::Records, total: None });
            let hold_back = options.hold_back.clone();
            let (snapshot, later) = self.snapshot_due(options.snapshot);
            let preparation = self.preparation(mode, options, ground, snapshot);
            let Some((prepared, changes)) = self.prepare(preparation, draftsman.into_types()).await? else {
                // What is unchanged is what one's own newest version says: somebody else may own the dataset by now.
                self.restore().await?;
                return Ok(Outcome::Unchanged(self.version()));
            };
            let step = CycleStep::Prepared { changes: &prepared.changes, bytes: prepared.bytes() };
            self.settings.course.reach(step);
            let validators = self.settings.validators.iter().cloned().chain(also).collect();
            let (prepared, verdicts) = judge(validators, Arc::clone(self.state()), prepared, changes).await;
            self.settings.course.reach(CycleStep::Validated { verdicts: &verdicts });
            if !verdicts.iter().all(Verdict::passed) {
                return Err(ProducerError::refused(verdicts).into());
            }
            let publication = self.publish(prepared, hold_back).await?;
            let is_without = publication.bytes.snapshot.is_none();
            if later.is_some_and(|due| is_without && due.is_due(publication.bytes.delta.unwrap_or(0))) {
                self.begin_snapshot();
            }
            Ok(Outcome::Published(Box::new(publication)))
        }
        .boxed()
    }

    fn preparation(
        &self,
        mode: Mode,
        options: CycleOptions,
        ground: Ground,
        snapshot: SnapshotDue,
    ) -> Preparation {
        Preparation {
            mode,
            published: Arc::clone(self.state()),
            is_break: ground.break_reason.is_some(),
            parent: ground.parent,
            had: self.newest.records(),
            segments: self.replica.segments().clone(),
            blobs: self.settings.blobs.clone(),
            options,
            snapshot,
            seeds: (0..SEEDS).map(|_| self.random_seed()).collect(),
        }
    }

    async fn prepare(
        &self,
        preparation: Preparation,
        stated: Vec<WriteState>,
    ) -> Result<Option<(Prepared, Changes)>> {
        Ok(workers::run(move || preparation.run(stated)).await?)
    }
}
