//! Telling the world that the log has grown.

use std::sync::Arc;

use super::entry::LogEntry;
use crate::announce::{Announcement, Announcer, StoreAnnouncer};
use crate::store::DatasetStore;

/// Whom to tell of a new entry once it is confirmed: the hint in the store first, then whatever bus there is.
pub(crate) struct Announcers {
    dataset: String,
    all: Vec<Arc<dyn Announcer>>,
}

impl Announcers {
    /// Of the dataset in `store`.
    pub(crate) fn new(store: &DatasetStore, buses: Vec<Arc<dyn Announcer>>) -> Self {
        let hint: Arc<dyn Announcer> = Arc::new(StoreAnnouncer::new(store.clone()));
        Self { dataset: store.name().to_owned(), all: std::iter::once(hint).chain(buses).collect() }
    }

    /// Best effort: consumers that do not hear of it find out when they next look (R10).
    pub(crate) async fn tell(&self, entry: &LogEntry) {
        let announcement = Announcement {
            dataset: self.dataset.clone(),
            sequence: entry.sequence,
            target: entry.target("").version(),
            at: entry.at,
        };
        for announcer in &self.all {
            if let Err(error) = announcer.announce(&announcement).await {
                tracing::warn!(%error, "the announcement of log entry {} was not delivered", entry.sequence);
            }
        }
    }
}
