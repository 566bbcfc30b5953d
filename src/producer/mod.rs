//! Publishing a dataset: claim, restore, cycle.
//!
//! A [`Producer`] owns a dataset's epoch. A cycle takes what the caller states, compares it with the version before, makes delta, reverse
//! delta and, when one is due, snapshot, reads them back through the code that consumers run, validates the new state, uploads everything
//! under names of its own, and only then appends one log entry, which releases the version. What fails before that entry leaves no trace that
//! a consumer could see.

mod behind;
mod builder;
mod course;
mod cycle;
mod dataset;
mod encode;
mod error;
mod ground;
mod late_snapshot;
mod listener;
mod newest;
mod options;
mod prepare;
mod publish;
mod resolve;
mod rollback;
mod seen;
mod settings;
mod snapshot;
mod snapshot_policy;
mod standby;
mod validate;
mod write_state;
mod writer;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

pub use crate::cache::Memory;
pub use builder::ProducerBuilder;
pub use dataset::{Dataset, DatasetBuilder};
pub use error::ProducerError;
pub use late_snapshot::{LateSnapshot, SnapshotBuilder};
pub use listener::{CycleEvent, CycleKind, CycleListener, CycleStage, CycleStep};
pub use options::CycleOptions;
pub use publish::PublishedBytes;
pub use snapshot_policy::DEFAULT_SNAPSHOT_EVERY;
pub use standby::Standby;
pub use validate::{
    Candidate, ChangedRecord, ChangedRecords, Check, CountChange, DanglingReferences, Finding, Limit,
    MAX_EXAMPLES, MinimumCount, Validator, Verdict,
};
pub use writer::{ChangeWriter, Writer};

use crate::error::Result;
use crate::format::ManifestReference;
use crate::format::sections::changes::ChangeCounts;
use crate::identifiers::{Epoch, KeySeed, Version};
use crate::log::{Log, LogEntry, Tenure};
use crate::replica::Replica;
use crate::state::State;
use behind::Behind;
use newest::Newest;
use settings::Settings;

/// Publishes versions of one dataset; the only producer that can, until another claims.
pub struct Producer {
    settings: Settings,
    log: Log,
    replica: Replica,
    tenure: Tenure,
    newest: Newest,
    /// The tail that `newest` came from.
    entry: LogEntry,
    /// Whether a cycle ended without knowing whether its version was released, or another's was.
    is_stale: bool,
    behind: Behind,
}

/// What a cycle came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A version was released.
    Published(Box<Publication>),
    /// Nothing changed: the newest version is still this one, or none.
    Unchanged(Version),
}

impl Outcome {
    /// The newest version now.
    #[must_use]
    pub fn version(&self) -> Version {
        match self {
            Self::Published(publication) => publication.version,
            Self::Unchanged(version) => *version,
        }
    }
}

/// A version that was released.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The version.
    pub version: Version,
    /// Where its manifest lies.
    pub manifest: ManifestReference,
    /// By type: its records, and how many of them are new, gone and different.
    pub types: Vec<(String, u64, ChangeCounts)>,
    /// Bytes of its blobs in the store.
    pub bytes: PublishedBytes,
}

impl Producer {
    /// A producer of `dataset` in `store`.
    #[must_use]
    pub fn builder(dataset: Dataset, store: Arc<dyn object_store::ObjectStore>) -> ProducerBuilder {
        ProducerBuilder::new(dataset, store)
    }

    /// Goes on from what `standby` restored; one that could not gives the dataset up again.
    async fn begin(standby: Standby, tenure: Tenure, restored: Result<(Newest, LogEntry)>) -> Result<Self> {
        let Standby { settings, log, replica, .. } = standby;
        let (newest, entry) = match restored {
            Ok(restored) => restored,
            Err(error) => {
                tenure.stop().await;
                return Err(error);
            }
        };
        Ok(Self { settings, log, replica, tenure, newest, entry, is_stale: false, behind: Behind::default() })
    }

    /// The newest version; [`Version::NONE`] before the first.
    #[must_use]
    pub fn version(&self) -> Version {
        self.state().version()
    }

    /// The state of the newest version; without records before the first.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        self.newest.state()
    }

    /// The epoch that this producer claimed.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.tenure.epoch
    }

    /// How often a listener panicked.
    #[must_use]
    pub fn listener_panics(&self) -> u64 {
        self.settings.course.panics()
    }

    /// The log's tail as the last cycle or restore left it: where each ring shall be, and what holds it there.
    #[must_use]
    pub fn entry(&self) -> &LogEntry {
        &self.entry
    }

    /// Brings the producer to the newest version: after a conflict, before the next cycle (keeps semantics 9). A cycle does so by itself where
    /// it is needed.
    ///
    /// # Errors
    /// `Fenced` if another producer claimed the dataset; what reading the newest version fails with.
    pub fn restore(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            let found = self.log.tail().find().await?.map(|found| found.entry.clone());
            let entry = found
                .ok_or_else(|| ProducerError::LogGone { dataset: self.settings.dataset.name().to_owned() })?;
            self.tenure.confirm(&entry)?;
            let (loaded, tail) = (self.newest.loaded(), self.log.tail());
            let (newest, entry) = newest::load(&self.settings, &self.replica, loaded, tail, entry).await?;
            self.tenure.confirm(&entry)?;
            (self.newest, self.entry) = (newest, entry);
            self.is_stale = false;
            Ok(())
        }
        .boxed()
    }

    /// Ends the producer, once the snapshot that it may be building behind its cycles is done, and says so, so that the next one need not wait.
    /// Dropping a producer ends it too, but the next one on another host then waits until its heartbeat is old.
    pub async fn stop(self) {
        self.behind.finish().await;
        self.tenure.stop().await;
    }

    /// Gives the dataset up, if it is still its own, and gets ready for another turn: what a producer does that was fenced.
    pub async fn stand_by(self) -> Standby {
        let Self { settings, log, replica, newest, tenure, .. } = self;
        tenure.stop().await;
        Standby { settings, log, replica, loaded: newest.loaded().cloned() }
    }

    fn random_seed(&self) -> KeySeed {
        KeySeed(self.log.store().environment().random.next_u64())
    }
}
