//! One look in place of many, and not everybody's at the same moment.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::AnnouncementWatcher;
use crate::environment::Environment;

/// Most looks that one look stands for; more wait for the next one.
const ABSORBED: u32 = 1024;

/// Yields some time after its watcher did, once for all that the watcher yielded meanwhile.
///
/// The time is random, up to `spread`: consumers that a bus wakes at once spread their requests over it. Keeps
/// semantics 18.
pub struct Debounced<W> {
    watcher: W,
    environment: Environment,
    spread: Duration,
    waiting: Option<BoxFuture<'static, ()>>,
}

impl<W: AnnouncementWatcher> Debounced<W> {
    /// `watcher`, delayed by up to `spread`.
    #[must_use]
    pub fn new(watcher: W, environment: Environment, spread: Duration) -> Self {
        Self { watcher, environment, spread, waiting: None }
    }

    fn delay(&self) -> Duration {
        let share = self.environment.random.next_u64() as f64 / u64::MAX as f64;
        self.spread.mul_f64(share)
    }
}

#[async_trait]
impl<W: AnnouncementWatcher> AnnouncementWatcher for Debounced<W> {
    async fn next(&mut self) {
        if self.waiting.is_none() {
            self.watcher.next().await;
            self.waiting = Some(self.environment.clock.sleep(self.delay()));
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.await;
        }
        self.waiting = None;
        for _ in 0..ABSORBED {
            if self.watcher.next().now_or_never().is_none() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{Bus, announcement, conforms};
    use super::super::{Announcer, InProcessBus};
    use super::*;
    use crate::store::faulty::environment;

    struct Spread(InProcessBus);

    #[async_trait]
    impl Bus for Spread {
        async fn announcer(&self) -> Box<dyn Announcer> {
            Box::new(self.0.clone())
        }

        async fn watcher(&self, dataset: &str) -> Box<dyn AnnouncementWatcher> {
            Box::new(Debounced::new(self.0.watcher(dataset), environment(1), Duration::from_secs(1)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_conforms() {
        conforms(&Spread(InProcessBus::new())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_that_wake_at_once_spread_semantics_18() {
        let bus = InProcessBus::new();
        let environment = environment(1);
        let waits = (0..1000).map(|_| {
            let mut watcher =
                Debounced::new(bus.watcher("movies"), environment.clone(), Duration::from_secs(10));
            async move {
                watcher.next().await;
                tokio::time::Instant::now()
            }
        });
        let waits = futures::future::join_all(waits.collect::<Vec<_>>());
        let begun = tokio::time::Instant::now();
        let (woken, announced) = tokio::join!(waits, bus.announce_after_a_moment());
        announced.expect("announces");
        let mut tenths = [0; 10];
        for at in woken {
            tenths[((at - begun).as_secs() as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|woken| (50..150).contains(woken)), "{tenths:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_meanwhile_is_one_look() {
        let bus = InProcessBus::new();
        let mut watcher = Debounced::new(bus.watcher("movies"), environment(1), Duration::from_secs(10));
        for sequence in 1..=5 {
            bus.announce(&announcement("movies", sequence)).await.expect("announces");
            let wait = tokio::time::timeout(Duration::from_millis(1), watcher.next()).await;
            assert!(wait.is_err(), "it waits for the rest of the burst");
        }
        watcher.next().await;
        assert!(tokio::time::timeout(Duration::from_secs(3600), watcher.next()).await.is_err());
    }

    impl InProcessBus {
        async fn announce_after_a_moment(&self) -> Result<(), super::super::AnnounceError> {
            tokio::task::yield_now().await;
            self.announce(&announcement("movies", 1)).await
        }
    }
}
