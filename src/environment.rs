//! Time and randomness, passed in so that tests replay and a simulation can run a whole fleet on one seed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;

/// What a part of Hollowcast asks of the world besides the store and the bus.
#[derive(Clone)]
pub struct Environment {
    /// Wall clock, monotonic clock and sleep.
    pub clock: Arc<dyn Clock>,
    /// Nonces, attempts, seeds, jitter.
    pub random: Arc<dyn Random>,
}

impl Environment {
    /// The machine's clock and the operating system's randomness.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::default()), random: Arc::new(SystemRandom) }
    }

    /// `duration`, longer or shorter by up to a fifth, so that many who wake at once spread.
    #[must_use]
    pub fn jitter(&self, duration: Duration) -> Duration {
        let share = self.random.next_u64() as f64 / u64::MAX as f64;
        Duration::try_from_secs_f64(duration.as_secs_f64() * (0.8 + 0.4 * share)).unwrap_or(Duration::MAX)
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Environment")
    }
}

/// Whole milliseconds since 1970-01-01 UTC; 0 for what lies before.
pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The way back; `None` for a time that the system can't express.
pub(crate) fn time_of(milliseconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}

/// Clocks. Safety never depends on them, only politeness and patience do.
pub trait Clock: Send + Sync {
    /// Wall-clock time, for people to read.
    fn now(&self) -> SystemTime;
    /// Time since some moment that stays the same; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A source of unpredictable numbers.
pub trait Random: Send + Sync {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;

    /// Sixteen random bytes.
    fn next_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next_u64().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next_u64().to_le_bytes());
        bytes
    }
}

/// The machine's clock; sleeps on tokio's timer.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The operating system's randomness.
#[derive(Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the operating system has randomness");
        u64::from_le_bytes(bytes)
    }
}

/// A reproducible stream (splitmix64) for tests and simulations.
#[derive(Debug)]
pub struct SeededRandom(std::sync::atomic::AtomicU64);

impl SeededRandom {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.into())
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(STEP, std::sync::atomic::Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeded_stream_is_splitmix64() {
        // First outputs for seed 1234567, from the reference implementation by Sebastiano Vigna.
        let stream = SeededRandom::new(1_234_567);
        assert_eq!(stream.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(stream.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let environment =
            Environment { clock: Arc::new(SystemClock::default()), random: Arc::new(SeededRandom::new(1)) };
        for _ in 0..1000 {
            let waited = environment.jitter(Duration::from_secs(10));
            assert!((8.0..=12.0).contains(&waited.as_secs_f64()));
            assert!(environment.jitter(Duration::MAX) > Duration::MAX / 2, "as good as never");
        }
    }
}
