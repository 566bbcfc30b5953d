//! When versions were released, and how the consumer moved.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use hollowcast::consumer::{Refresh, RefreshListener};
use hollowcast::identifiers::Version;
use hollowcast::producer::{CycleEvent, CycleListener, CycleStep};

/// When the log came to name each version: from then on it exists.
#[derive(Default)]
pub(crate) struct Releases(Mutex<BTreeMap<Version, Instant>>);

impl CycleListener for Releases {
    fn heard(&self, event: &CycleEvent<'_>) {
        if let CycleStep::Committed { version } = event.step {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(version, Instant::now());
        }
    }
}

impl Releases {
    /// Microseconds from the release of each version until it was `seen`.
    pub(crate) fn until<'s>(
        &self,
        seen: impl Iterator<Item = (&'s Version, &'s Instant)>,
    ) -> Result<Histogram<u64>> {
        let releases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latencies = Histogram::new(3)?;
        for (version, seen) in seen {
            let released = releases.get(version).context("a version was seen that was never released")?;
            latencies.record(seen.saturating_duration_since(*released).as_micros() as u64)?;
        }
        Ok(latencies)
    }
}

/// The last way to each version.
#[derive(Default)]
pub(crate) struct Moves(Mutex<BTreeMap<Version, Refresh>>);

impl RefreshListener for Moves {
    fn refreshed(&self, refresh: &Refresh) {
        if refresh.route.is_some() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(refresh.to, refresh.clone());
        }
    }

    fn failed(&self, error: &hollowcast::Error) {
        println!("a refresh failed, and evaluations go on: {error}");
    }
}

impl Moves {
    pub(crate) fn last_to(&self, version: Version) -> Option<Refresh> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&version).cloned()
    }
}
