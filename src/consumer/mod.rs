//! Following a dataset: watch, refresh, swap.
//!
//! A [`Consumer`] keeps one [`State`] current. A task of its own waits for announcements, moves to the log's target and makes the new state
//! visible with one pointer swap for all types; [`Consumer::read`] never waits for it. What goes wrong is reported to listeners, and the old
//! state keeps serving.
//!
//! States that it leaves behind are kept, the last three of them, so that the way back is a swap; the others are freed on a thread of its own
//! once no reader has them ([`Consumer::retired`]). [`Consumer::pin`] takes it out of the fleet for a while, to one version;
//! [`ConsumerBuilder::types`] loads some types and fetches nothing of the others.

mod builder;
mod error;
mod follower;
mod kept;
mod listener;
mod reaper;
mod rebase;

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;
use futures::FutureExt;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::AbortOnDropHandle;

pub use crate::cache::Memory;
pub use crate::state::RebaseThresholds;
pub use builder::{ConsumerBuilder, Wait};
pub use error::ConsumerError;
pub use listener::{Rebased, Refresh, RefreshListener, RefreshRoute};
pub use reaper::RetiredStates;

use crate::announce::AnnouncementWatcher;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::identifiers::Version;
use crate::listeners::Listeners;
use crate::log::Hold;
use crate::state::{Key, State, TypedReference, TypedTable};
use follower::Follower;
use reaper::Reaper;

/// Follows one dataset; cheap to share behind an `Arc`.
///
/// Dropping it ends its tasks, at their next await, and with the last of them lets go of the states it holds; states already handed out stay, and
/// from then on whoever lets go of one last frees it.
pub struct Consumer {
    shared: Arc<Shared>,
    /// Following, rebasing, freeing what was left behind.
    _tasks: [AbortOnDropHandle<()>; 3],
}

struct Shared {
    state: ArcSwap<State>,
    confirmed_at: ArcSwap<SystemTime>,
    pinned: ArcSwapOption<Version>,
    hold: ArcSwapOption<Hold>,
    follower: Mutex<Follower>,
    /// Told whenever a state is shown.
    shown: Notify,
    reaper: Arc<Reaper<State>>,
    listeners: Arc<Listeners<dyn RefreshListener>>,
}

/// A state for a piece of work. Four nanoseconds to get, nothing to give back.
///
/// Hold it for as long as the work takes and not longer: it may keep a refresh's old state alive. To keep a state, take [`Consumer::state`].
pub struct StateGuard(arc_swap::Guard<Arc<State>>);

impl Deref for StateGuard {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Consumer {
    /// A consumer of the dataset at the path `dataset` of `store`.
    #[must_use]
    pub fn builder(dataset: impl Into<String>, store: Arc<dyn object_store::ObjectStore>) -> ConsumerBuilder {
        ConsumerBuilder::new(dataset.into(), store)
    }

    /// The current state, for a piece of work (keeps semantics 26).
    #[must_use]
    pub fn read(&self) -> StateGuard {
        StateGuard(self.shared.state.load())
    }

    /// The current state, to keep for as long as one likes (keeps semantics 15).
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.shared.state.load_full()
    }

    /// When the log was last looked at and this state was where to be, or where the consumer pinned itself: how old it may be, after a start
    /// without a network above all.
    #[must_use]
    pub fn confirmed_at(&self) -> SystemTime {
        **self.shared.confirmed_at.load()
    }

    /// How often a listener panicked.
    #[must_use]
    pub fn listener_panics(&self) -> u64 {
        self.shared.listeners.panics()
    }

    /// A typed handle on the records of `T` by keys of the shape `K`; checked against the schema once, valid for every later state.
    ///
    /// # Errors
    /// `Invalid`: the dataset has no such type, its records are laid out otherwise, or its key has another shape.
    pub fn table<T: OwnedStruct + Introspect, K: Key + ?Sized>(&self) -> Result<TypedTable<T, K>> {
        Ok(TypedTable::new(&self.read())?)
    }

    /// A typed handle on the field `path` of `S`, which references records of `T` by keys of the shape `K` (see [`State::reference`] for what a
    /// path is); checked against the schema once, valid for every later state.
    ///
    /// # Errors
    /// `Invalid`: as for [`Consumer::table`], or the field is no reference to `T`.
    pub fn reference<S, T, K>(&self, path: &str) -> Result<TypedReference<S, T, K>>
    where
        S: OwnedStruct + Introspect,
        T: OwnedStruct + Introspect,
        K: Key + ?Sized,
    {
        Ok(TypedReference::new(&self.read(), path)?)
    }

    /// Looks at the log and moves to its target now, without waiting for an announcement.
    ///
    /// # Errors
    /// Why it could not move; the state is as it was (keeps semantics 17).
    pub async fn refresh(&self) -> Result<Refresh> {
        self.shared.refresh().await
    }

    /// Moves to `version` and stays there, whatever the log's target is, until [`Consumer::unpin`] or the end of this consumer (keeps semantics
    /// 21). It still looks at the log, and nobody else is held. To one of the last states it is a swap; otherwise it costs what a refresh does.
    /// A version that retention gives up later is served on.
    ///
    /// # Errors
    /// `NotFound` if there is no such version or it is no longer kept, otherwise why it could not move; all is as it was then.
    pub async fn pin(&self, version: Version) -> Result<Refresh> {
        self.shared.pin(version).await
    }

    /// Follows the log's target again, and moves to it; does no more than that if it was not pinned.
    ///
    /// # Errors
    /// Why it could not move yet. It follows again all the same, with the next announcement.
    pub async fn unpin(&self) -> Result<Refresh> {
        self.shared.unpin().await
    }

    /// The version it pinned itself to; `None` while it follows the log.
    #[must_use]
    pub fn pinned(&self) -> Option<Version> {
        self.shared.pinned.load().as_deref().copied()
    }

    /// What keeps the log's target for it from following the newest version, as it last heard: a pin of the fleet or of its ring, or a version that
    /// was held back.
    #[must_use]
    pub fn hold(&self) -> Option<Arc<Hold>> {
        self.shared.hold.load_full()
    }

    /// What it left behind that readers still have: the reason of memory that grows is mostly a reader that never lets go.
    #[must_use]
    pub fn retired(&self) -> RetiredStates {
        self.shared.reaper.status()
    }
}

impl Shared {
    async fn refresh(&self) -> Result<Refresh> {
        let mut follower = self.follower.lock().await;
        let refreshed = follower.refresh().await;
        self.conclude(&follower, refreshed).await
    }

    async fn pin(&self, version: Version) -> Result<Refresh> {
        let mut follower = self.follower.lock().await;
        let refresh = follower.pin(version).await?;
        self.conclude(&follower, Ok(refresh)).await
    }

    async fn unpin(&self) -> Result<Refresh> {
        let mut follower = self.follower.lock().await;
        follower.unpin();
        self.show(&follower);
        let refreshed = follower.refresh().await;
        let refreshed = self.conclude(&follower, refreshed).await;
        // A rebase while it was pinned wrote what it serves on another base, and did not record that.
        if refreshed.as_ref().is_ok_and(|refresh| refresh.route.is_none()) {
            follower.record().await;
        }
        refreshed
    }

    /// What follows a refresh, readers first.
    async fn conclude(&self, follower: &Follower, refreshed: Result<Refresh>) -> Result<Refresh> {
        self.show(follower);
        self.reaper.look();
        follower.conclude(&refreshed).await;
        refreshed
    }

    /// Makes the follower's state the one that readers see.
    fn show(&self, follower: &Follower) {
        if let Some(loaded) = follower.loaded()
            && !Arc::ptr_eq(&self.state.load(), &loaded.state)
        {
            self.state.store(Arc::clone(&loaded.state));
        }
        self.confirmed_at.store(Arc::new(follower.confirmed_at()));
        self.pinned.store(follower.pinned().map(Arc::new));
        self.hold.store(follower.hold().cloned().map(Arc::new));
        self.shown.notify_one();
    }

    /// Refreshes at each announcement, and after a failure again soon; a watcher that panics is a failure.
    async fn follow(self: Arc<Self>, mut watcher: Box<dyn AnnouncementWatcher>, retry: Backoff) {
        let (mut pause, mut after_panic) = (None, None);
        loop {
            let prompted = AssertUnwindSafe(retry.prompt(&mut *watcher, pause)).catch_unwind().await;
            after_panic = match prompted {
                Ok(()) => None,
                Err(panic) => {
                    self.tell_failed(&ConsumerError::panicked(&*panic).into());
                    // It may panic again at once, so the next look does not wait for it.
                    let pause = retry.after(after_panic);
                    retry.sleep(pause).await;
                    Some(pause)
                }
            };
            let looked = AssertUnwindSafe(self.refresh()).catch_unwind().await;
            pause = match looked {
                Ok(Ok(_)) => None,
                Ok(Err(_)) => Some(retry.after(pause)),
                Err(panic) => {
                    self.tell_failed(&ConsumerError::panicked(&*panic).into());
                    Some(retry.after(pause))
                }
            };
        }
    }

    /// A look at the log that no refresh reports.
    fn tell_failed(&self, error: &Error) {
        tracing::error!(%error);
        self.listeners.tell(|listener| listener.failed(error));
    }
}

/// How soon a failed refresh is tried again.
struct Backoff {
    first: Duration,
    longest: Duration,
    environment: Environment,
}

impl Backoff {
    /// Waits for the watcher; after a failure no longer than `pause`.
    async fn prompt(&self, watcher: &mut dyn AnnouncementWatcher, pause: Option<Duration>) {
        match pause {
            None => watcher.next().await,
            Some(duration) => tokio::select! {
                () = watcher.next() => (),
                () = self.sleep(duration) => (),
            },
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.environment.clock.sleep(self.environment.jitter(duration)).await;
    }

    /// How long to wait after a failure, having waited for `last`.
    fn after(&self, last: Option<Duration>) -> Duration {
        last.map_or(self.first, |last| (last * 2).min(self.longest))
    }
}
