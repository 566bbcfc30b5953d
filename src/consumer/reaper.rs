//! Frees states that nobody reads any more, on no reader's thread.
//!
//! To drop the last handle on a state may unmap gigabytes. So a consumer holds on to each state that it leaves behind, and whoever lets go of
//! one that it had read is never the last. A task looks for those that only the list still has, after each refresh and every second while
//! there are any, and has a thread for such work free them. The list is as long as readers make it: a state is on it while one of them has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::environment::Environment;
use crate::workers;

/// How often states that readers still had are looked at again.
const INTERVAL: Duration = Duration::from_secs(1);

/// States that a consumer left behind and whose memory is not free yet: readers have them, or had them until a second ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredStates {
    /// How many there are.
    pub count: usize,
    /// How long ago the oldest of them was left behind.
    pub oldest: Option<Duration>,
}

/// Holds what was left behind until nobody else does.
pub(super) struct Reaper<T> {
    environment: Environment,
    retired: Mutex<Vec<Retired<T>>>,
    looks: Notify,
}

struct Retired<T> {
    state: Arc<T>,
    since: Duration,
}

impl<T: Send + Sync + 'static> Reaper<T> {
    pub(super) fn new(environment: Environment) -> Self {
        Self { environment, retired: Mutex::default(), looks: Notify::new() }
    }

    /// Takes a state that was left behind.
    pub(super) fn retire(&self, state: Arc<T>) {
        let since = self.environment.clock.monotonic();
        self.list().push(Retired { state, since });
        self.look();
    }

    /// Lets the task look now.
    pub(super) fn look(&self) {
        self.looks.notify_one();
    }

    pub(super) fn status(&self) -> RetiredStates {
        let now = self.environment.clock.monotonic();
        let retired = self.list();
        let oldest = retired.iter().map(|retired| now.saturating_sub(retired.since)).max();
        RetiredStates { count: retired.len(), oldest }
    }

    /// Looks and frees until it is dropped.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            let is_idle = self.list().is_empty();
            tokio::select! {
                () = self.looks.notified() => (),
                () = self.environment.clock.sleep(INTERVAL), if !is_idle => (),
            }
            let free = self.take_free();
            if !free.is_empty() {
                workers::run(move || drop(free)).await;
            }
        }
    }

    /// Those that nobody else has, and so nobody can get any more.
    fn take_free(&self) -> Vec<Retired<T>> {
        let mut retired = self.list();
        retired.extract_if(.., |retired| Arc::strong_count(&retired.state) == 1).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Retired<T>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use tokio_util::task::AbortOnDropHandle;

    use super::*;
    use crate::store::faulty::environment;

    /// Tells on which thread it was freed.
    struct Told(Arc<Mutex<Vec<ThreadId>>>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(thread::current().id());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_reader_frees_a_state_semantics_15() {
        let freed = Arc::new(Mutex::new(Vec::new()));
        let state = || Arc::new(Told(Arc::clone(&freed)));
        let reaper = Arc::new(Reaper::new(environment(1)));
        let _task = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&reaper).run()));
        let (first, second) = (state(), state());
        for read in [&first, &second] {
            reaper.retire(Arc::clone(read));
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(reaper.status(), RetiredStates { count: 2, oldest: Some(Duration::from_secs(100)) });
        let reader = thread::spawn(move || {
            drop(first);
            thread::current().id()
        });
        let reader = reader.join().unwrap();
        assert_eq!(*freed.lock().unwrap(), [], "the reader did not");
        tokio::time::sleep(2 * INTERVAL).await;
        assert_eq!(reaper.status().count, 1);
        drop(second);
        reaper.look();
        tokio::time::sleep(2 * INTERVAL).await;
        assert_eq!(reaper.status(), RetiredStates { count: 0, oldest: None });
        let freed = freed.lock().unwrap();
        assert_eq!(freed.len(), 2);
        assert!(freed.iter().all(|thread| *thread != reader && *thread != thread::current().id()));
    }
}
