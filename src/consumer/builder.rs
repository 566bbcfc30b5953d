//! How a consumer starts.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use object_store::ObjectStore;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::AbortOnDropHandle;

use super::follower::{Follower, Following};
use super::kept::{DEFAULT_KEPT, KeptStates};
use super::listener::RefreshListener;
use super::reaper::Reaper;
use super::rebase::Rebasing;
use super::{Backoff, Consumer, RebaseThresholds, Shared};
use crate::announce::{AnnouncementWatcher, Debounced, Merged, PollOptions, StoreWatcher};
use crate::cache::{Memory, StateDirectoryOptions};
use crate::environment::Environment;
use crate::error::{ErrorKind, Result};
use crate::identifiers::Version;
use crate::listeners::Listeners;
use crate::progress::Progress;
use crate::replica::transfer::TransferOptions;
use crate::replica::{ChainError, Replica};
use crate::schema::TypeFilter;
use crate::store::DatasetStore;

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
    state_directory: StateDirectoryOptions,
    ring: String,
    types: TypeFilter,
    kept_states: usize,
    pinned: Option<Version>,
    wait: Wait,
    poll: Option<PollOptions>,
    spread: Duration,
    transfer: TransferOptions,
    rebase: RebaseThresholds,
    watchers: Vec<Box<dyn AnnouncementWatcher>>,
    listeners: Vec<Arc<dyn RefreshListener>>,
    progress: Arc<dyn Progress>,
}

/// Consumers that a bus wakes at once look within so long: what a version may take to be seen besides the bus and its changes.
const SPREAD: Duration = Duration::from_millis(20);
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
            state_directory: StateDirectoryOptions::default(),
            ring: String::new(),
            types: TypeFilter::all(),
            kept_states: DEFAULT_KEPT,
            pinned: None,
            wait: Wait::default(),
            poll: None,
            spread: SPREAD,
            transfer: TransferOptions::default(),
            rebase: RebaseThresholds::default(),
            watchers: Vec::new(),
            listeners: Vec::new(),
            progress: Arc::new(()),
        }
    }

    /// Looks whenever `watcher` says so, besides polling the store, and so much the seldomer unless [`ConsumerBuilder::poll`] says otherwise.
    #[must_use]
    pub fn watcher(mut self, watcher: impl AnnouncementWatcher + 'static) -> Self {
        self.watchers.push(Box::new(watcher));
        self
    }

    /// How often the store is polled. Default: every 10 s, and with a [watcher](ConsumerBuilder::watcher) of a bus every 60 s.
    #[must_use]
    pub fn poll(mut self, poll: PollOptions) -> Self {
        self.poll = Some(poll);
        self
    }

    /// How long after a watcher's word it looks at most; it looks at a random time within, and once for all words until then (keeps semantics 18).
    /// Default: 20 ms.
    #[must_use]
    pub fn spread(mut self, spread: Duration) -> Self {
        self.spread = spread;
        self
    }

    /// Where sections lie. Default: mapped from the default state directory.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// How the state directory is made and how large it grows, where sections are mapped. Default: 20 GiB, for its owner and group. The processes
    /// of a host share it and clear it up in turn: let all of them say the same.
    #[must_use]
    pub fn state_directory(mut self, options: StateDirectoryOptions) -> Self {
        self.state_directory = options;
        self
    }

    /// The part of the fleet it belongs to. Default: "", everyone.
    #[must_use]
    pub fn ring(mut self, ring: impl Into<String>) -> Self {
        self.ring = ring.into();
        self
    }

    /// Loads only the types of these names, and fetches nothing of the others (keeps semantics 22). Default: all types.
    ///
    /// A name that neither the version to start with nor the newest one has is refused when the consumer starts. Once it runs, a version without the
    /// type (from before it came) has no table for it.
    #[must_use]
    pub fn types<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.types = TypeFilter::only(names);
        self
    }

    /// How many states are kept besides the current one, to go back to without fetching anything (keeps semantics 21). Default: 3.
    ///
    /// States on one base share all but their changes. One from before the consumer came by a snapshot has a base of its own: with
    /// [`Memory::Heap`] that is memory for another dataset until the state is no longer among the last.
    #[must_use]
    pub fn kept_states(mut self, count: usize) -> Self {
        self.kept_states = count;
        self
    }

    /// Starts at `version` and stays there, as after [`Consumer::pin`]. Default: follows the log.
    #[must_use]
    pub fn pinned(mut self, version: Version) -> Self {
        self.pinned = Some(version);
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
    /// As [`Wait`] says; at once `Corrupt`, `Invalid` also for a type that there is not, and `NotFound` for a version to pin that there is not.
    pub async fn start(self) -> Result<Consumer> {
        let environment = self.environment.clone();
        let store = DatasetStore::named(self.store, &self.dataset, environment.clone())?;
        let segments = self.memory.open(self.state_directory, &environment)?;
        let listeners = Arc::new(Listeners::new(self.listeners));
        let replica = Replica::new(store.clone(), segments, self.transfer).with_types(self.types);
        let rebasing = Rebasing {
            thresholds: self.rebase,
            replica: replica.clone(),
            listeners: Arc::clone(&listeners),
            environment: environment.clone(),
        };
        let following = Following {
            ring: self.ring,
            listeners: Arc::clone(&listeners),
            progress: self.progress,
            kept: KeptStates::new(self.kept_states),
            pinned: self.pinned,
            reaper: Arc::new(Reaper::new(environment.clone())),
        };
        let mut follower = Follower::new(replica, following);
        if let Err(error) = follower.warm_start().await {
            tracing::warn!(%error, "what the host served last cannot be used; starting from the store");
        }
        let mut watcher = watcher_of(store, self.watchers, self.poll, self.spread);
        first_state(&mut follower, &mut *watcher, self.wait, &environment).await?;
        Ok(Consumer::following(follower, watcher, rebasing, environment))
    }
}

/// The store's own watcher, and beside it those of buses.
fn watcher_of(
    store: DatasetStore,
    buses: Vec<Box<dyn AnnouncementWatcher>>,
    poll: Option<PollOptions>,
    spread: Duration,
) -> Box<dyn AnnouncementWatcher> {
    if buses.is_empty() {
        return Box::new(StoreWatcher::new(store, poll.unwrap_or_default()));
    }
    let buses = Debounced::new(Merged::new(buses), store.environment().clone(), spread);
    let store = StoreWatcher::new(store, poll.unwrap_or_else(PollOptions::beside_a_bus));
    Box::new(Merged::new(vec![Box::new(buses), Box::new(store)]))
}

impl Consumer {
    /// Follows from the state of `follower` on, in tasks of the runtime.
    fn following(
        follower: Follower,
        watcher: Box<dyn AnnouncementWatcher>,
        rebasing: Rebasing,
        environment: Environment,
    ) -> Self {
        let loaded = follower.loaded().expect("a first state was waited for");
        let (listeners, reaper) = (Arc::clone(&rebasing.listeners), Arc::clone(follower.reaper()));
        let shared = Arc::new(Shared {
            state: ArcSwap::new(Arc::clone(&loaded.state)),
            confirmed_at: ArcSwap::new(Arc::new(follower.confirmed_at())),
            pinned: ArcSwapOption::new(follower.pinned().map(Arc::new)),
            hold: ArcSwapOption::new(follower.hold().cloned().map(Arc::new)),
            follower: Mutex::new(follower),
            reaper: Arc::clone(&reaper),
            shown: Notify::new(),
            listeners,
        });
        let retry = Backoff { first: FIRST_RETRY, longest: LONGEST_RETRY, environment };
        let following = tokio::spawn(Arc::clone(&shared).follow(watcher, retry));
        let rebasing = tokio::spawn(Arc::clone(&shared).keep_rebased(rebasing));
        let tasks = [following, rebasing, tokio::spawn(reaper.run())].map(AbortOnDropHandle::new);
        Self { shared, _tasks: tasks }
    }
}

/// Refreshes until there is a state; one from a warm start will do when the store cannot be reached.
async fn first_state(
    follower: &mut Follower,
    watcher: &mut dyn AnnouncementWatcher,
    wait: Wait,
    environment: &Environment,
) -> Result<()> {
    let now = environment.clock.monotonic();
    let deadline = match wait {
        Wait::Forever => None,
        Wait::AtMost(duration) => now.checked_add(duration),
        Wait::Never => Some(now),
    };
    let mut pause = FIRST_RETRY;
    loop {
        let refreshed = follower.refresh().await;
        follower.conclude(&refreshed).await;
        let error = match refreshed {
            Err(error) if !follower.has_state() => error,
            _ => return Ok(()),
        };
        let is_no_version = matches!(error.downcast_ref(), Some(ChainError::NoVersion { .. }));
        let may_pass = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unavailable) && !is_no_version;
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
