//! Publishing a dataset: claim, restore, cycle.
//!
//! A [`Producer`] owns a dataset's epoch. A cycle takes what the caller states, compares it with the version before, makes delta, reverse
//! delta and, when one is due, snapshot, reads them back through the code that consumers run, validates the new state, uploads everything
//! under names of its own, and only then appends one log entry, which releases the version. What fails before that entry leaves no trace that
//! a consumer could see.

mod builder;
mod cycle;
mod dataset;
mod encode;
mod error;
mod options;
mod prepare;
mod publish;
mod resolve;
mod rollback;
mod seen;
mod snapshot_policy;
mod validate;
mod write_state;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

pub use crate::cache::Memory;
pub use builder::ProducerBuilder;
pub use dataset::{Dataset, DatasetBuilder};
pub use error::ProducerError;
pub use options::CycleOptions;
pub use publish::PublishedBytes;
pub use snapshot_policy::DEFAULT_SNAPSHOT_EVERY;
pub use validate::{MinimumCount, ValidationFailure, Validator};
pub use writer::{ChangeWriter, Writer};

use crate::error::Result;
use crate::format::sections::changes::ChangeCounts;
use crate::format::{BlobWriterOptions, ManifestReference};
use crate::identifiers::{Epoch, KeySeed, Version};
use crate::log::{Announcers, Log, LogEntry, Tenure};
use crate::progress::Progress;
use crate::replica::{Loaded, Replica};
use crate::schema::Schema;
use crate::state::State;

/// Publishes versions of one dataset; the only producer that can, until another claims.
pub struct Producer {
    dataset: Dataset,
    log: Log,
    replica: Replica,
    tenure: Tenure,
    /// The newest version, or none yet.
    loaded: Option<Loaded>,
    /// Records of no version, for a dataset without one.
    nothing: Arc<State>,
    /// The tail that `loaded` came from.
    entry: LogEntry,
    /// Whether a cycle ended without knowing whether its version was released, or another's was.
    is_stale: bool,
    snapshot_every: u64,
    blobs: BlobWriterOptions,
    spool_folder: Option<PathBuf>,
    validators: Vec<Arc<dyn Validator>>,
    announcers: Announcers,
    progress: Arc<dyn Progress>,
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

    /// The newest version; [`Version::NONE`] before the first.
    #[must_use]
    pub fn version(&self) -> Version {
        self.state().version()
    }

    /// The state of the newest version; without records before the first.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        self.loaded.as_ref().map_or(&self.nothing, |loaded| &loaded.state)
    }

    /// The epoch that this producer claimed.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.tenure.epoch
    }

    /// Brings the producer to the newest version: after a conflict, before the next cycle (keeps semantics 9). A cycle does so by itself where
    /// it is needed.
    ///
    /// # Errors
    /// `Fenced` if another producer claimed the dataset; what reading the newest version fails with.
    pub async fn restore(&mut self) -> Result<()> {
        let found = self.log.tail().find().await?.map(|found| found.entry.clone());
        let entry =
            found.ok_or_else(|| ProducerError::LogGone { dataset: self.dataset.name().to_owned() })?;
        self.load(entry).await?;
        self.is_stale = false;
        Ok(())
    }

    /// Ends the producer and says so, so that the next one need not wait. Dropping a producer ends it too, but the next one on another host
    /// then waits until its heartbeat is old.
    pub async fn stop(self) {
        self.tenure.stop().await;
    }

    /// Loads what `entry` calls the newest version.
    async fn load(&mut self, entry: LogEntry) -> Result<()> {
        let latest = entry.latest.as_ref().map(ManifestReference::from);
        if let Some(latest) = latest
            && self.loaded.as_ref().is_none_or(|loaded| loaded.reference != latest)
        {
            let current = self.loaded.as_ref();
            let moved = self.replica.move_to(current, &entry, &latest, &self.progress).await?;
            self.loaded = Some(moved.loaded);
        }
        self.entry = entry;
        Ok(())
    }

    fn random_seed(&self) -> KeySeed {
        KeySeed(self.log.store().environment().random.next_u64())
    }
}

/// The state `parent` under a schema that gained fields or types.
fn under_schema(parent: &Arc<State>, schema: Schema) -> Arc<State> {
    Arc::new(State::clone(parent).with_schema(Arc::new(schema)))
}
