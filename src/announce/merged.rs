//! Several reasons to look, as one.

use async_trait::async_trait;
use futures::future::select_all;

use super::AnnouncementWatcher;

/// Yields whenever one of its watchers does: a bus and, beside it, a slow poll of the store.
pub struct Merged {
    watchers: Vec<Box<dyn AnnouncementWatcher>>,
}

impl Merged {
    /// All of `watchers` as one; without any it waits for ever.
    #[must_use]
    pub fn new(watchers: Vec<Box<dyn AnnouncementWatcher>>) -> Self {
        Self { watchers }
    }
}

#[async_trait]
impl AnnouncementWatcher for Merged {
    async fn next(&mut self) {
        if self.watchers.is_empty() {
            return std::future::pending().await;
        }
        select_all(self.watchers.iter_mut().map(|watcher| watcher.next())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{Bus, conforms};
    use super::super::{Announcer, InProcessBus};
    use super::*;

    struct Beside(InProcessBus);

    #[async_trait]
    impl Bus for Beside {
        async fn announcer(&self) -> Box<dyn Announcer> {
            Box::new(self.0.clone())
        }

        async fn watcher(&self, dataset: &str) -> Box<dyn AnnouncementWatcher> {
            Box::new(Merged::new(vec![
                Box::new(InProcessBus::new().watcher(dataset)),
                Box::new(self.0.watcher(dataset)),
                Box::new(Merged::new(vec![])),
            ]))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms_beside_watchers_that_never_yield() {
        conforms(&Beside(InProcessBus::new())).await;
    }
}
