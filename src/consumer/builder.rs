//! How a consumer starts.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::AbortOnDropHandle;

use super::follower::Follower;
use super::listener::RefreshListener;
use super::rebase::Rebasing;
use super::{Backoff, Consumer, RebaseThresholds, Shared};
use crate::announce::{AnnouncementWatcher, Merged, PollOptions, StoreWatcher};
use crate::cache::Memory;
use crate::environment::Environment;
use crate::error::{ErrorKind, Result};
use crate::progress::Progress;
use crate::replica::Replica;
use crate::replica::transfer::TransferOptions;
use crate::store::{DatasetStore, StoreError};

/// What [`ConsumerBuilder::start`] does while there is no version yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Waits until there is one.
    #[default]
    Forever,
    /// Waits so long, then fails with what kept it waiting.
    AtMost(Duration),
    /// Fails at once.
    Never,
}

/// Collects what a consumer needs; every setting has a default.
pub struct ConsumerBuilder {
    dataset: String,
    store: Arc<dyn ObjectStore>,
    environment: Environment,
    memory: Memory,
    ring: String,
    wait: Wait,
    poll: PollOptions,
    transfer: TransferOptions,
    rebase: RebaseThresholds,
    watchers: Vec<Box<dyn AnnouncementWatcher>>,
    listeners: Vec<Arc<dyn RefreshListener>>,
    progress: Arc<dyn Progress>,
}

/// First pause after a failed refresh.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// Longest pause after failed refreshes.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

impl ConsumerBuilder {
    pub(super) fn new(dataset: String, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            dataset,
            store,
            environment: Environment::system(),
            memory: Memory::default(),
            ring: String::new(),
            wait: Wait::default(),
            poll: PollOptions::default(),
            transfer: TransferOptions::default(),
            rebase: RebaseThresholds::default(),
            watchers: Vec::new(),
            listeners: Vec::new(),
            progress: Arc::new(()),
        }
    }

    /// Looks whenever `watcher` says so, besides polling the store.
    #[must_use]
    pub fn watcher(mut self, watcher: impl AnnouncementWatcher + 'static) -> Self {
        self.watchers.push(Box::new(watcher));
        self
    }

    /// How often the store is polled. Default: every 10 s.
    #[must_use]
    pub fn poll(mut self, poll: PollOptions) -> Self {
        self.poll = poll;
        self
    }

    /// Where sections lie. Default: mapped from the default state directory.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// The part of the fleet it belongs to. Default: "", everyone.
    #[must_use]
    pub fn ring(mut self, ring: impl Into<String>) -> Self {
        self.ring = ring.into();
        self
    }

    /// What to do while there is no version. Default: wait.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Hears of every refresh, from the first on.
    #[must_use]
    pub fn listener(mut self, listener: Arc<dyn RefreshListener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Follows long fetches.
    #[must_use]
    pub fn progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// How much is fetched at a time.
    #[must_use]
    pub fn transfer(mut self, transfer: TransferOptions) -> Self {
        self.transfer = transfer;
        self
    }

    /// When the state is put on another base, in the background. The defaults suit nearly everyone.
    #[must_use]
    pub fn rebase(mut self, thresholds: RebaseThresholds) -> Self {
        self.rebase = thresholds;
        self
    }

    /// Clock and randomness. Default: the machine's.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Starts following, and returns when there is a state to read: the log's target, or what the host served last if the store cannot be
    /// reached (keeps semantics 23, 24).
    ///
    /// # Errors
    /// As [`Wait`] says; `Corrupt` and `Invalid` at once.
    pub async fn start(self) -> Result<Consumer> {
        let environment = self.environment.clone();
        let path = Path::parse(&self.dataset)
            .map_err(|source| StoreError::DatasetPath { dataset: self.dataset.clone(), source })?;
        let store = DatasetStore::new(self.store, path, environment.clone());
        let segments = self.memory.open(&environment)?;
        let rebasing = Rebasing {
            thresholds: self.rebase,
            segments: segments.clone(),
            listeners: self.listeners.clone(),
            environment: environment.clone(),
        };
        let replica = Replica::new(store.clone(), segments, self.transfer);
        let mut follower = Follower::new(replica, self.ring, self.listeners, self.progress);
        if let Err(error) = follower.warm_start() {
            tracing::warn!(%error, "what the host served last cannot be used; starting from the store");
        }
        let mut watchers = self.watchers;
        watchers.push(Box::new(StoreWatcher::new(store, self.poll)));
        let mut watcher: Box<dyn AnnouncementWatcher> = Box::new(Merged::new(watchers));
        first_state(&mut follower, &mut *watcher, self.wait, &environment).await?;
        let loaded = follower.loaded().expect("a first state was waited for");
        let shared = Arc::new(Shared {
            state: ArcSwap::new(Arc::clone(&loaded.state)),
            confirmed_at: ArcSwap::new(Arc::new(follower.confirmed_at())),
            follower: Mutex::new(follower),
            shown: Notify::new(),
        });
        let retry = Backoff { first: FIRST_RETRY, longest: LONGEST_RETRY, environment };
        let following = tokio::spawn(Arc::clone(&shared).follow(watcher, retry));
        let rebasing = tokio::spawn(Arc::clone(&shared).keep_rebased(rebasing));
        let tasks = [following, rebasing].map(AbortOnDropHandle::new);
        Ok(Consumer { shared, _tasks: tasks })
    }
}

/// Refreshes until there is a state; one from a warm start will do when the store cannot be reached.
async fn first_state(
    follower: &mut Follower,
    watcher: &mut dyn AnnouncementWatcher,
    wait: Wait,
    environment: &Environment,
) -> Result<()> {
    let deadline = match wait {
        Wait::Forever => None,
        Wait::AtMost(duration) => Some(environment.clock.monotonic() + duration),
        Wait::Never => Some(environment.clock.monotonic()),
    };
    let mut pause = FIRST_RETRY;
    loop {
        let Err(error) = follower.refresh().await else { return Ok(()) };
        if follower.loaded().is_some() {
            return Ok(());
        }
        let may_pass = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unavailable);
        let left = deadline.map(|deadline| deadline.saturating_sub(environment.clock.monotonic()));
        if !may_pass || left.is_some_and(|left| left.is_zero()) {
            return Err(error);
        }
        let pause_now = environment.jitter(pause).min(left.unwrap_or(Duration::MAX));
        tokio::select! {
            () = watcher.next() => (),
            () = environment.clock.sleep(pause_now) => (),
        }
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}
