//! One run of the producer: populate, compare, validate, publish.

use std::sync::Arc;

use super::prepare::{Preparation, Prepared};
use super::snapshot_policy::SnapshotDue;
use super::validate::{Validator, judge};
use super::write_state::{Mode, WriteState};
use super::writer::Draftsman;
use super::{ChangeWriter, CycleOptions, Outcome, Producer, ProducerError, Writer, under_schema};
use crate::error::Result;
use crate::progress::{Stage, Unit};
use crate::schema::Compatibility;
use crate::state::State;
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
        let (parent, draftsman) = self.draft(Mode::Full).await?;
        let writer = Writer { draftsman };
        populate(&writer)?;
        self.complete(Mode::Full, options, parent, writer.draftsman, None).await
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
        let (parent, draftsman) = self.draft(Mode::Incremental).await?;
        let writer = ChangeWriter { draftsman };
        change(&writer)?;
        self.complete(Mode::Incremental, options, parent, writer.draftsman, None).await
    }

    /// The parent under the schema of the next version, and something to write to.
    pub(super) async fn draft(&mut self, mode: Mode) -> Result<(Arc<State>, Draftsman)> {
        if self.is_stale {
            self.restore().await?;
        }
        tracing::info!(target: "hollowcast::phase::populate", version = %self.version().next(), "stating records");
        self.progress.stage(Stage { name: "stating records", unit: Unit::Records, total: None });
        let parent = match self.state().schema().compatibility(self.dataset.schema()) {
            Compatibility::Same => Arc::clone(self.state()),
            Compatibility::Extends(schema) => under_schema(self.state(), schema),
            Compatibility::Break(reasons) => {
                return Err(ProducerError::broken(&reasons).into());
            }
        };
        let draftsman =
            Draftsman::new(mode, self.dataset.schema(), Arc::clone(&parent), self.spool_folder.as_deref());
        Ok((parent, draftsman))
    }

    /// The rest of a cycle; `also` judges besides the producer's own validators.
    pub(super) async fn complete(
        &mut self,
        mode: Mode,
        options: CycleOptions,
        parent: Arc<State>,
        draftsman: Draftsman,
        also: Option<Arc<dyn Validator>>,
    ) -> Result<Outcome> {
        if draftsman.has_failed() {
            return Err(ProducerError::RefusedRecord.into());
        }
        self.progress.stage(Stage { name: "comparing and encoding", unit: Unit::Records, total: None });
        let hold_back = options.hold_back.clone();
        let preparation = self.preparation(mode, options, parent);
        let Some(prepared) = self.prepare(preparation, draftsman.into_types()).await? else {
            return Ok(Outcome::Unchanged(self.version()));
        };
        let failures = judge(self.validators.iter().chain(&also), self.state(), &prepared.state);
        if !failures.is_empty() {
            return Err(ProducerError::Refused(failures).into());
        }
        let publication = self.publish(prepared, hold_back).await?;
        Ok(Outcome::Published(Box::new(publication)))
    }

    fn preparation(&self, mode: Mode, options: CycleOptions, parent: Arc<State>) -> Preparation {
        let manifest = self.loaded.as_ref().and_then(|loaded| loaded.manifest.as_deref());
        let snapshot = match options.snapshot {
            true => SnapshotDue::Always,
            false => SnapshotDue::after(manifest, &self.entry.snapshots, self.snapshot_every),
        };
        Preparation {
            mode,
            published: Arc::clone(self.state()),
            parent,
            segments: self.replica.segments().clone(),
            blobs: self.blobs.clone(),
            options,
            snapshot,
            seeds: (0..SEEDS).map(|_| self.random_seed()).collect(),
        }
    }

    async fn prepare(&self, preparation: Preparation, stated: Vec<WriteState>) -> Result<Option<Prepared>> {
        Ok(workers::run(move || preparation.run(stated)).await?)
    }
}
