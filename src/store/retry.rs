//! Jittered exponential retries, on the clock and the randomness that were passed in.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::error::{Failure, StoreError};
use crate::environment::Environment;

/// How patiently a store is asked again. Keeps semantics 20.
#[derive(Clone, Debug)]
pub struct RetryOptions {
    /// How often an operation is tried in all; at least 1. Default 6: with the delays below some 3 s, beyond which a caller
    /// does better to keep what it has and come back.
    pub tries: u32,
    /// Delay before the second try; each further one doubles. Every delay is lengthened by a random share of itself.
    /// Default 50 ms, about a round trip.
    pub first_delay: Duration,
    /// Longest delay before its random share. Default 2 s.
    pub longest_delay: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { tries: 6, first_delay: Duration::from_millis(50), longest_delay: Duration::from_secs(2) }
    }
}

impl RetryOptions {
    /// The delays between tries, one fewer than [`RetryOptions::tries`].
    pub(crate) fn delays(&self, environment: &Environment) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_jitter()
            .with_jitter_seed(environment.random.next_u64())
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.tries.saturating_sub(1) as usize)
            .build()
    }
}

/// Runs `operation` until it works, fails for good, or `options` run out. Dropping the future stops it at any await.
pub(super) async fn retry<T, F>(
    environment: &Environment,
    options: &RetryOptions,
    object: &str,
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, object_store::Error>>,
{
    let mut delays = options.delays(environment);
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let delay = match Failure::of(&error) {
            Failure::Transient => delays.next(),
            _ => None,
        };
        let Some(delay) = delay else {
            return Err(StoreError::new(object.to_owned(), tries, error));
        };
        tracing::debug!(object, tries, ?delay, %error, "the store failed, trying again");
        environment.clock.sleep(delay).await;
    }
}
