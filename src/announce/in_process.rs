//! Announcements between parts of one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{AnnounceError, Announcement, AnnouncementWatcher, Announcer};

/// A bus within one process, for any number of datasets. Cheap to clone; all clones are one bus.
///
/// It keeps nothing but one counter for each dataset that was ever watched.
#[derive(Clone, Debug, Default)]
pub struct InProcessBus {
    datasets: Arc<Mutex<HashMap<String, watch::Sender<u64>>>>,
}

impl InProcessBus {
    /// A bus that nobody watches yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches the dataset called `dataset`, from now on.
    #[must_use]
    pub fn watcher(&self, dataset: &str) -> impl AnnouncementWatcher + use<> {
        let mut datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        let announced = datasets.entry(dataset.to_owned()).or_insert_with(|| watch::channel(0).0);
        InProcessWatcher { announced: announced.subscribe() }
    }
}

#[async_trait]
impl Announcer for InProcessBus {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(announced) = datasets.get(&announcement.dataset) {
            announced.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }
}

struct InProcessWatcher {
    announced: watch::Receiver<u64>,
}

#[async_trait]
impl AnnouncementWatcher for InProcessWatcher {
    async fn next(&mut self) {
        if self.announced.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{Bus, conforms};
    use super::*;

    #[async_trait]
    impl Bus for InProcessBus {
        async fn announcer(&self) -> Box<dyn Announcer> {
            Box::new(self.clone())
        }

        async fn watcher(&self, dataset: &str) -> Box<dyn AnnouncementWatcher> {
            Box::new(Self::watcher(self, dataset))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        conforms(&InProcessBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn datasets_do_not_disturb_each_other() {
        let bus = InProcessBus::new();
        let mut actors = bus.watcher("actors");
        let _movies = bus.watcher("movies");
        let announcement = super::super::conformance::announcement("movies", 1);
        bus.announce(&announcement).await.expect("announces");
        let patience = std::time::Duration::from_secs(3600);
        assert!(tokio::time::timeout(patience, actors.next()).await.is_err());
    }
}
