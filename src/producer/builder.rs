//! How a producer starts.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;

use super::course::Course;
use super::settings::Settings;
use super::standby::Standby;
use super::{CycleListener, DEFAULT_SNAPSHOT_EVERY, Dataset, Producer, Validator};
use crate::announce::Announcer;
use crate::cache::{Memory, StateDirectoryOptions};
use crate::environment::Environment;
use crate::error::Result;
use crate::format::{BlobWriterOptions, Compression};
use crate::log::politeness::Manners;
use crate::log::{Announcers, Log};
use crate::progress::Progress;
use crate::replica::Replica;
use crate::replica::transfer::TransferOptions;
use crate::store::{DatasetStore, Writers};

/// Collects what a producer needs; every setting has a default.
pub struct ProducerBuilder {
    dataset: Dataset,
    store: Arc<dyn ObjectStore>,
    environment: Environment,
    memory: Memory,
    state_directory: StateDirectoryOptions,
    writer: String,
    manners: Manners,
    writers: Writers,
    snapshot_every: u64,
    snapshots_behind: bool,
    break_if_unreadable: bool,
    compression: Compression,
    spool_folder: Option<PathBuf>,
    transfer: TransferOptions,
    validators: Vec<Arc<dyn Validator>>,
    announcers: Vec<Arc<dyn Announcer>>,
    progress: Arc<dyn Progress>,
    listeners: Vec<Arc<dyn CycleListener>>,
}

impl ProducerBuilder {
    pub(super) fn new(dataset: Dataset, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            dataset,
            store,
            environment: Environment::system(),
            memory: Memory::default(),
            state_directory: StateDirectoryOptions::default(),
            writer: format!("process {}", std::process::id()),
            manners: Manners::default(),
            writers: Writers::default(),
            snapshot_every: DEFAULT_SNAPSHOT_EVERY,
            snapshots_behind: false,
            break_if_unreadable: false,
            compression: Compression::default(),
            spool_folder: None,
            transfer: TransferOptions::default(),
            validators: Vec::new(),
            announcers: Vec::new(),
            progress: Arc::new(()),
            listeners: Vec::new(),
        }
    }

    /// Announces each version through `announcer`, besides the hint in the store.
    #[must_use]
    pub fn announcer(mut self, announcer: impl Announcer + 'static) -> Self {
        self.announcers.push(Arc::new(announcer));
        self
    }

    /// Adds a validator; all of them run, and their verdicts come in this order.
    #[must_use]
    pub fn validator(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// Tells `listener` of every stage of every cycle; all of them hear, in this order.
    #[must_use]
    pub fn listener(mut self, listener: Arc<dyn CycleListener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Who operators see in the log. Default: the process number.
    #[must_use]
    pub fn writer(mut self, writer: impl Into<String>) -> Self {
        self.writer = writer.into();
        self
    }

    /// What to do about a live producer. Default: give way to it.
    #[must_use]
    pub fn manners(mut self, manners: Manners) -> Self {
        self.manners = manners;
        self
    }

    /// Whether the store must be fit for several writers. Default: it must.
    #[must_use]
    pub fn writers(mut self, writers: Writers) -> Self {
        self.writers = writers;
        self
    }

    /// Versions after which a snapshot is due, at most 256. Default: 32.
    #[must_use]
    pub fn snapshot_every(mut self, versions: u64) -> Self {
        self.snapshot_every = versions;
        self
    }

    /// Whether snapshots are built behind the cycles: a version then goes out by its delta alone and gets its snapshot a little later, so that no
    /// cycle waits for one. The first version, a break, a rollback, and the 256th version without one have theirs at once. Default: no.
    #[must_use]
    pub fn snapshots_behind(mut self, is_behind: bool) -> Self {
        self.snapshots_behind = is_behind;
        self
    }

    /// Whether to go on when the newest version cannot be read, because blobs of it are damaged or gone: the next full cycle is then a break,
    /// a version without a delta, to which consumers go by its snapshot. Default: no, starting fails.
    #[must_use]
    pub fn break_if_unreadable(mut self, is_accepted: bool) -> Self {
        self.break_if_unreadable = is_accepted;
        self
    }

    /// How sections are stored. Default: zstd level 1.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Where sections lie in memory. Default: mapped from the default state directory.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// How the state directory is made and how large it grows, where sections are mapped; see
    /// [`ConsumerBuilder::state_directory`](crate::consumer::ConsumerBuilder::state_directory). A producer fills it with what it publishes.
    #[must_use]
    pub fn state_directory(mut self, options: StateDirectoryOptions) -> Self {
        self.state_directory = options;
        self
    }

    /// Where new records are spooled, on a disk with room for them. Default: in the state directory, or the system's folder for temporary
    /// files.
    #[must_use]
    pub fn spool_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool_folder = Some(folder.into());
        self
    }

    /// How much is moved at a time.
    #[must_use]
    pub fn transfer(mut self, transfer: TransferOptions) -> Self {
        self.transfer = transfer;
        self
    }

    /// Follows long work.
    #[must_use]
    pub fn progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Clock and randomness. Default: the machine's.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Claims the dataset, making it if need be, and restores its newest version (keeps R3, semantics 9).
    ///
    /// # Errors
    /// `Conflict` if another producer is live, `Fenced` if another claimed meanwhile, `Invalid` if the store is not fit, and whatever
    /// restoring fails with.
    pub async fn start(self) -> Result<Producer> {
        let manners = self.manners;
        self.stand_by()?.start(manners).await
    }

    /// A producer that waits until the one that is live has gone. It touches neither the dataset nor its log until it is told to
    /// ([`Standby::take_over`]).
    ///
    /// # Errors
    /// `Invalid` if the dataset has no usable name; what opening the state directory fails with.
    pub fn stand_by(self) -> Result<Standby> {
        let store = DatasetStore::named(self.store, self.dataset.name(), self.environment.clone())?;
        let segments = self.memory.open(self.state_directory, &self.environment)?;
        let spool_folder = self
            .spool_folder
            .or_else(|| segments.state_directory().map(|directory| directory.path().join("tmp")));
        let settings = Settings {
            dataset: self.dataset,
            writers: self.writers,
            snapshot_every: self.snapshot_every,
            snapshots_behind: self.snapshots_behind,
            break_if_unreadable: self.break_if_unreadable,
            blobs: BlobWriterOptions {
                compression: self.compression,
                temporary_folder: spool_folder.clone(),
            },
            spool_folder,
            validators: self.validators,
            announcers: Announcers::new(&store, self.announcers),
            progress: self.progress,
            course: Course::new(self.listeners, Arc::clone(&self.environment.clock)),
        };
        let log = Log::new(store.clone(), self.writer);
        Ok(Standby::new(settings, log, Replica::new(store, segments, self.transfer)))
    }
}
