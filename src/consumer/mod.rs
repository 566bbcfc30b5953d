//! Following a dataset: watch, refresh, swap.
//!
//! A [`Consumer`] keeps one [`State`] current. A task of its own waits for announcements, moves to the log's target and makes the new state
//! visible with one pointer swap for all types; [`Consumer::read`] never waits for it. What goes wrong is reported to listeners and counted,
//! and the old state keeps serving.

mod builder;
mod error;
mod follower;
mod listener;
mod rebase;

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::AbortOnDropHandle;

pub use crate::cache::Memory;
pub use crate::state::RebaseThresholds;
pub use builder::{ConsumerBuilder, Wait};
pub use error::ConsumerError;
pub use listener::{Rebased, Refresh, RefreshListener};

use crate::announce::AnnouncementWatcher;
use crate::error::Result;
use crate::state::{Key, State, TypedTable};
use follower::Follower;

/// Follows one dataset; cheap to share behind an `Arc`. Dropping it ends its tasks; states already handed out stay.
pub struct Consumer {
    shared: Arc<Shared>,
    /// Following, rebasing.
    _tasks: [AbortOnDropHandle<()>; 2],
}

struct Shared {
    state: ArcSwap<State>,
    confirmed_at: ArcSwap<SystemTime>,
    follower: Mutex<Follower>,
    /// Told whenever a state is shown.
    shown: Notify,
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

    /// When the log last said that this state is where to be: how old it may be, after a start without a network above all.
    #[must_use]
    pub fn confirmed_at(&self) -> SystemTime {
        **self.shared.confirmed_at.load()
    }

    /// A typed handle on the records of `T` by keys of the shape `K`; checked against the schema once, valid for every later state.
    ///
    /// # Errors
    /// `Invalid`: the dataset has no such type, its records are laid out otherwise, or its key has another shape.
    pub fn table<T: OwnedStruct + Introspect, K: Key + ?Sized>(&self) -> Result<TypedTable<T, K>> {
        Ok(TypedTable::new(&self.read())?)
    }

    /// Looks at the log and moves to its target now, without waiting for an announcement.
    ///
    /// # Errors
    /// Why it could not move; the state is as it was (keeps semantics 17).
    pub async fn refresh(&self) -> Result<Refresh> {
        self.shared.refresh().await
    }
}

impl Shared {
    async fn refresh(&self) -> Result<Refresh> {
        let mut follower = self.follower.lock().await;
        let refresh = follower.refresh().await?;
        self.show(&follower);
        Ok(refresh)
    }

    /// Makes the follower's state the one that readers see.
    fn show(&self, follower: &Follower) {
        if let Some(loaded) = follower.loaded() {
            self.state.store(Arc::clone(&loaded.state));
        }
        self.confirmed_at.store(Arc::new(follower.confirmed_at()));
        self.shown.notify_one();
    }

    /// Refreshes at each announcement, and after a failure again soon.
    async fn follow(self: Arc<Self>, mut watcher: Box<dyn AnnouncementWatcher>, retry: Backoff) {
        let mut pause = None;
        loop {
            match pause {
                None => watcher.next().await,
                Some(duration) => tokio::select! {
                    () = watcher.next() => (),
                    () = retry.environment.clock.sleep(retry.environment.jitter(duration)) => (),
                },
            }
            pause = match self.refresh().await {
                Ok(_) => None,
                Err(_) => Some(pause.map_or(retry.first, |last: Duration| (last * 2).min(retry.longest))),
            };
        }
    }
}

/// How soon a failed refresh is tried again.
struct Backoff {
    first: Duration,
    longest: Duration,
    environment: crate::environment::Environment,
}
