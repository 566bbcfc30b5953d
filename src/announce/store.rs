//! Announcements in the store itself, for fleets without a bus and beside one.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{AnnounceError, Announcement, AnnouncementWatcher, Announcer};
use crate::store::{DatasetStore, ObjectName, StoreError};

/// Writes announcements to `hints/announced`. A later one may be overwritten by an earlier one that was slow; the hint is
/// then stale, which does no harm.
#[derive(Clone, Debug)]
pub struct StoreAnnouncer {
    store: DatasetStore,
}

impl StoreAnnouncer {
    /// Announces in `store`.
    #[must_use]
    pub fn new(store: DatasetStore) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Announcer for StoreAnnouncer {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let bytes = announcement.encode()?;
        self.store.put(&ObjectName::AnnouncedHint, Bytes::from(bytes)).await?;
        Ok(())
    }
}

/// How often a [`StoreWatcher`] looks at what. Every wait is longer or shorter by up to a fifth, at random.
#[derive(Clone, Debug)]
pub struct PollOptions {
    /// Between two reads of the hint, a small GET. Default 10 s, for a fleet without a bus.
    pub interval: Duration,
    /// Between two looks at the log when nothing hints at a change (rule R5), a LIST. Default 60 s.
    pub unprompted: Duration,
}

impl PollOptions {
    /// For a fleet with a bus: both every 60 s, as the bus says sooner when there is something to see.
    #[must_use]
    pub fn beside_a_bus() -> Self {
        Self { interval: Duration::from_secs(60), ..Self::default() }
    }
}

impl Default for PollOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), unprompted: Duration::from_secs(60) }
    }
}

/// Polls `hints/announced`, and yields when its bytes are others than before, and now and then without a reason.
///
/// What the hint says is not read: any change means "look" (rule R10). The first call yields at once.
pub struct StoreWatcher {
    store: DatasetStore,
    options: PollOptions,
    hint: Option<Bytes>,
    /// When to yield without a reason, on the monotonic clock.
    look_at: Duration,
    /// When to read the hint, on the monotonic clock.
    poll_at: Duration,
    /// Survives a dropped call, so that whoever waits in small portions gets there as well, but no panic: it could not go on.
    poll: Option<BoxFuture<'static, Result<Option<Bytes>, StoreError>>>,
}

impl StoreWatcher {
    /// Watches the dataset of `store`.
    #[must_use]
    pub fn new(store: DatasetStore, options: PollOptions) -> Self {
        let now = store.environment().clock.monotonic();
        Self { store, options, hint: None, look_at: now, poll_at: now, poll: None }
    }

    async fn read_hint(&mut self) -> Result<Option<Bytes>, StoreError> {
        let poll = self.poll.get_or_insert_with(|| {
            let (store, poll_at) = (self.store.clone(), self.poll_at);
            Box::pin(async move {
                let clock = &store.environment().clock;
                let wait = poll_at.saturating_sub(clock.monotonic());
                if !wait.is_zero() {
                    clock.sleep(wait).await;
                }
                store.find(&ObjectName::AnnouncedHint, Announcement::LIMIT).await
            })
        });
        let hint = AssertUnwindSafe(poll).catch_unwind().await;
        self.poll = None;
        hint.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Whether the hint differs from what it was; one that can't be read is no reason to look.
    fn note(&mut self, hint: Result<Option<Bytes>, StoreError>) -> bool {
        match hint {
            Ok(hint) if hint != self.hint => {
                self.hint = hint;
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::debug!(%error, "could not read the hint, will look at the log in a while");
                false
            }
        }
    }
}

#[async_trait]
impl AnnouncementWatcher for StoreWatcher {
    async fn next(&mut self) {
        loop {
            let hint = self.read_hint().await;
            let changed = self.note(hint);
            let environment = self.store.environment();
            let now = environment.clock.monotonic();
            let interval = self.options.interval.min(self.options.unprompted);
            self.poll_at = now.saturating_add(environment.jitter(interval));
            if changed || now >= self.look_at {
                self.look_at = now.saturating_add(environment.jitter(self.options.unprompted));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::path::Path;

    use super::super::conformance::{Bus, announcement, conforms};
    use super::*;
    use crate::identifiers::Sequence;
    use crate::store::faulty::{Faults, FaultyStore, environment};

    struct StoreBus(Arc<FaultyStore>);

    impl StoreBus {
        fn new(faults: Faults) -> Self {
            Self(Arc::new(FaultyStore::new(3, faults)))
        }

        fn dataset(&self, name: &str) -> DatasetStore {
            DatasetStore::new(Arc::clone(&self.0) as _, Path::from(name), environment(3))
        }
    }

    /// Announces in the dataset that the announcement names.
    struct Everywhere(Arc<FaultyStore>);

    #[async_trait]
    impl Announcer for Everywhere {
        async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
            let dataset = StoreBus(Arc::clone(&self.0)).dataset(&announcement.dataset);
            StoreAnnouncer::new(dataset).announce(announcement).await
        }
    }

    #[async_trait]
    impl Bus for StoreBus {
        async fn announcer(&self) -> Box<dyn Announcer> {
            Box::new(Everywhere(Arc::clone(&self.0)))
        }

        async fn watcher(&self, dataset: &str) -> Box<dyn AnnouncementWatcher> {
            let options = PollOptions { unprompted: Duration::from_secs(3600), ..PollOptions::default() };
            Box::new(StoreWatcher::new(self.dataset(dataset), options))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        conforms(&StoreBus::new(Faults::none())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms_on_a_store_that_fails_often() {
        conforms(&StoreBus::new(Faults { request_fails: 20, ..Faults::none() })).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_once_a_minute_without_a_reason_r5() {
        let bus = StoreBus::new(Faults::none());
        let mut watcher = StoreWatcher::new(bus.dataset("movies"), PollOptions::default());
        watcher.next().await;
        let mut last = tokio::time::Instant::now();
        for _ in 0..20 {
            watcher.next().await;
            let waited = last.elapsed().as_secs_f64();
            assert!((48.0..=72.0 + 12.0).contains(&waited), "waited {waited} s");
            last = tokio::time::Instant::now();
        }
        let polls = bus.0.requests().len();
        assert!((80..=160).contains(&polls), "{polls} polls in some 20 minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_once_a_minute_while_the_store_is_down() {
        let bus = StoreBus::new(Faults { request_fails: 100, ..Faults::none() });
        let mut watcher = StoreWatcher::new(bus.dataset("movies"), PollOptions::default());
        watcher.next().await;
        assert!(tokio::time::timeout(Duration::from_secs(100), watcher.next()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_forged_hint_means_look_and_nothing_else_r10() {
        let bus = StoreBus::new(Faults::none());
        let store = bus.dataset("movies");
        let mut watcher = StoreWatcher::new(store.clone(), PollOptions::default());
        watcher.next().await;
        let other = Announcement { sequence: Sequence(u64::MAX), ..announcement("other", 1) };
        let forged = [Bytes::from_static(b"garbage"), Bytes::new(), other.encode().expect("encodes").into()];
        for hint in forged {
            store.put(&ObjectName::AnnouncedHint, hint).await.expect("puts");
            tokio::time::timeout(Duration::from_secs(13), watcher.next())
                .await
                .expect("a changed hint means look");
        }
        store.put(&ObjectName::AnnouncedHint, Bytes::from(vec![0; 10_000])).await.expect("puts");
        tokio::time::timeout(Duration::from_secs(90), watcher.next()).await.expect("looks without a reason");
    }
}
