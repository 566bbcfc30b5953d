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
