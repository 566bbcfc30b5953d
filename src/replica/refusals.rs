//! Blobs that turned out bad, and until when they are not fetched again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::environment::Environment;
use crate::format::BlobReference;

/// How long a bad blob is left alone at first; each further time doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// How long it is left alone at most: it may be repaired, and then a shorter route is worth having.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Bad blobs that are remembered; beyond it the one that is free soonest is forgotten.
const REMEMBERED: usize = 1024;

/// Remembers bad blobs by name.
pub(super) struct Refusals {
    environment: Environment,
    blobs: Mutex<HashMap<String, Refusal>>,
}

#[derive(Clone, Copy)]
struct Refusal {
    until: Duration,
    pause: Duration,
}

impl Refusals {
    pub(super) fn new(environment: Environment) -> Self {
        Self { environment, blobs: Mutex::default() }
    }

    /// Notes that `blob` is bad.
    pub(super) fn add(&self, blob: &BlobReference) {
        let now = self.environment.clock.monotonic();
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let pause =
            blobs.get(&blob.name).map_or(FIRST_PAUSE, |refusal| (refusal.pause * 2).min(LONGEST_PAUSE));
        if blobs.len() >= REMEMBERED && !blobs.contains_key(&blob.name) {
            let soonest = blobs.iter().min_by_key(|(_, refusal)| refusal.until).map(|(name, _)| name.clone());
            soonest.map(|name| blobs.remove(&name));
        }
        blobs.insert(blob.name.clone(), Refusal { until: now + pause, pause });
    }

    /// Whether `blob` is to be left alone now.
    pub(super) fn contains(&self, blob: &BlobReference) -> bool {
        let now = self.environment.clock.monotonic();
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(&blob.name).is_some_and(|refusal| now < refusal.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::ContentHash;
    use crate::store::faulty::environment;

    fn blob(number: usize) -> BlobReference {
        BlobReference { name: format!("deltas/{number}"), length: 1, hash: ContentHash([7; 16]) }
    }

    /// Waits until `blob` is no longer left alone, and says after how many seconds.
    async fn pause_of(refusals: &Refusals, blob: &BlobReference) -> u64 {
        let begun = tokio::time::Instant::now();
        while refusals.contains(blob) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn each_further_time_doubles_the_pause_up_to_five_minutes_semantics_19() {
        let refusals = Refusals::new(environment(1));
        let (bad, other) = (blob(1), blob(2));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            assert!(!refusals.contains(&bad) && !refusals.contains(&other));
            refusals.add(&bad);
            pauses.push(pause_of(&refusals, &bad).await);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        refusals.add(&other);
        assert_eq!(pause_of(&refusals, &other).await, 5, "each for itself");
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_bound_the_one_that_is_free_soonest_is_forgotten_semantics_19() {
        let refusals = Refusals::new(environment(1));
        let remembered = || refusals.blobs.lock().unwrap().len();
        refusals.add(&blob(0));
        for number in 0..1024 {
            refusals.add(&blob(number));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(remembered(), 1024);
        refusals.add(&blob(1023));
        assert!((0..1024).all(|number| refusals.contains(&blob(number))), "all of them were known");

        refusals.add(&blob(1024));
        let forgotten: Vec<_> = (0..=1024).filter(|number| !refusals.contains(&blob(*number))).collect();
        assert_eq!((forgotten, remembered()), (vec![1], 1024), "the first, refused twice, is free later");
        refusals.add(&blob(1));
        assert!(!refusals.contains(&blob(2)));
        assert_eq!(pause_of(&refusals, &blob(1)).await, 5, "what was forgotten begins anew");
    }
}
