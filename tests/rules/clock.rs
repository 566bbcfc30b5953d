//! A clock that a test may stop.

use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use hollowcast::environment::Clock;

/// Follows tokio's clock, which a test may stop and which then jumps to whatever is waited for.
pub(crate) struct StoppableClock {
    began_at: SystemTime,
    started: tokio::time::Instant,
}

impl StoppableClock {
    /// Goes on from `time`.
    pub(crate) fn begin(time: SystemTime) -> Self {
        Self { began_at: time, started: tokio::time::Instant::now() }
    }
}

impl Clock for StoppableClock {
    fn now(&self) -> SystemTime {
        self.began_at + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}
