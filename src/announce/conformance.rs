//! What every bus has to do. Whoever writes an adapter implements [`Bus`] in a test and runs [`conforms`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Announcement, AnnouncementWatcher, Announcer};
use crate::identifiers::{Sequence, Version};

/// An implementation under test: all announcers and watchers made by one value are on one bus.
#[async_trait]
pub trait Bus: Send + Sync {
    /// A new announcer.
    async fn announcer(&self) -> Box<dyn Announcer>;

    /// A new watcher of `dataset`, which is in place when this returns.
    async fn watcher(&self, dataset: &str) -> Box<dyn AnnouncementWatcher>;

    /// How long an announcement may take to arrive. Default 30 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// How long a watcher waits at least before it yields without a reason. Default 10 ms.
    ///
    /// The suite waits so long to find a watcher quiet, and lets it yield a few times before that.
    fn quiet(&self) -> Duration {
        Duration::from_millis(10)
    }
}

/// Panics with the first promise of [`AnnouncementWatcher`] and [`Announcer`] that `bus` breaks.
pub async fn conforms(bus: &dyn Bus) {
    each_watcher_sees_each_announcement(bus).await;
    a_burst_is_seen(bus).await;
    an_older_number_means_look_as_well(bus).await;
    a_dropped_wait_loses_nothing(bus).await;
    nobody_listens(bus).await;
}

/// An announcement of entry `sequence` of `dataset`, made up for a test.
#[must_use]
pub fn announcement(dataset: &str, sequence: u64) -> Announcement {
    Announcement {
        dataset: dataset.to_owned(),
        sequence: Sequence(sequence),
        target: Version(sequence / 2),
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + sequence),
    }
}

async fn each_watcher_sees_each_announcement(bus: &dyn Bus) {
    let announcer = bus.announcer().await;
    let mut watchers = [bus.watcher("each").await, bus.watcher("each").await];
    for sequence in 1..=3 {
        for watcher in &mut watchers {
            settle(bus, watcher.as_mut()).await;
        }
        announcer
            .announce(&announcement("each", sequence))
            .await
            .expect("a bus that is up takes an announcement");
        for watcher in &mut watchers {
            look(bus, watcher.as_mut(), "each watcher yields after each announcement").await;
        }
    }
}

async fn a_burst_is_seen(bus: &dyn Bus) {
    let announcer = bus.announcer().await;
    let mut watcher = bus.watcher("burst").await;
    settle(bus, watcher.as_mut()).await;
    for sequence in 1..=100 {
        announcer.announce(&announcement("burst", sequence)).await.expect("a bus that is up takes a burst");
    }
    look(bus, watcher.as_mut(), "a watcher yields at least once after a burst").await;
}

async fn an_older_number_means_look_as_well(bus: &dyn Bus) {
    let announcer = bus.announcer().await;
    let mut watcher = bus.watcher("older").await;
    for sequence in [9, 3] {
        settle(bus, watcher.as_mut()).await;
        announcer.announce(&announcement("older", sequence)).await.expect("a bus does not compare numbers");
        look(bus, watcher.as_mut(), "a watcher yields whatever the number (rule R10)").await;
    }
}

async fn a_dropped_wait_loses_nothing(bus: &dyn Bus) {
    let announcer = bus.announcer().await;
    let mut watcher = bus.watcher("dropped").await;
    settle(bus, watcher.as_mut()).await;
    announcer.announce(&announcement("dropped", 1)).await.expect("a bus that is up takes an announcement");
    let begun = Instant::now();
    while tokio::time::timeout(bus.quiet(), watcher.next()).await.is_err() {
        assert!(
            begun.elapsed() < bus.patience(),
            "broken promise: a watcher whose waits are dropped yields all the same"
        );
    }
}

async fn nobody_listens(bus: &dyn Bus) {
    let announcer = bus.announcer().await;
    announcer.announce(&announcement("nobody", 1)).await.expect("an announcement needs no watcher");
    drop(bus.watcher("nobody").await);
    announcer.announce(&announcement("nobody", 2)).await.expect("a watcher that left does no harm");
}

async fn look(bus: &dyn Bus, watcher: &mut dyn AnnouncementWatcher, promise: &str) {
    assert!(tokio::time::timeout(bus.patience(), watcher.next()).await.is_ok(), "broken promise: {promise}");
}

/// Takes the looks that a watcher may yield without an announcement, until it is quiet.
async fn settle(bus: &dyn Bus, watcher: &mut dyn AnnouncementWatcher) {
    for _ in 0..100 {
        if tokio::time::timeout(bus.quiet(), watcher.next()).await.is_err() {
            return;
        }
    }
    panic!("broken promise: a watcher is quiet between looks");
}
