//! Counts what a producer and its consumers tell.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde::Serialize;

use hollowcast::consumer::{Rebased, Refresh, RefreshListener};
use hollowcast::producer::{CycleEvent, CycleListener, CycleStep, Outcome};

/// Hears of every cycle and every refresh. Listeners are called while a cycle or a refresh waits, so all it does is count.
#[derive(Default)]
pub(crate) struct Collector {
    cycles: Mutex<Cycles>,
    refreshes: Mutex<Refreshes>,
}

/// Of all cycles.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Cycles {
    pub(crate) published: u64,
    pub(crate) unchanged: u64,
    /// By the stage that they failed in.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Of the blobs of versions that were released.
    pub(crate) uploaded_bytes: u64,
    /// New, gone and different, of all versions.
    pub(crate) changed_records: u64,
    /// How long each stage took, of those that came to their end.
    pub(crate) stages: BTreeMap<&'static str, Durations>,
}

/// Of all refreshes of all consumers.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Refreshes {
    /// Those that did not fail.
    pub(crate) looks: u64,
    /// By route.
    pub(crate) moves: BTreeMap<&'static str, u64>,
    /// By kind of error.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Routes that could not be taken, by kind of error; the consumer took another.
    pub(crate) refused_blobs: BTreeMap<String, u64>,
    pub(crate) fetched_bytes: u64,
    pub(crate) rebases: u64,
    pub(crate) rebases_failed: u64,
    /// Of those that moved: from the look at the log until readers saw the new state.
    pub(crate) took: Durations,
}

impl Collector {
    pub(crate) fn cycles(&self) -> MutexGuard<'_, Cycles> {
        self.cycles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn refreshes(&self) -> MutexGuard<'_, Refreshes> {
        self.refreshes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn looks(&self) -> u64 {
        self.refreshes().looks
    }

    pub(crate) fn rebases(&self) -> u64 {
        self.refreshes().rebases
    }

    /// Holds the counters against what was done.
    pub(crate) fn check(&self, done: &Done) -> Result<()> {
        let (cycles, refreshes) = (self.cycles(), self.refreshes());
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let counted = Done {
            published: cycles.published,
            unchanged: cycles.unchanged,
            cycles_failed: sum(&cycles.failed),
            uploaded_bytes: cycles.uploaded_bytes,
            changed_records: cycles.changed_records,
            looks: refreshes.looks,
            moved: refreshes.moves.values().sum(),
            refreshes_failed: sum(&refreshes.failed),
            refused: sum(&refreshes.refused_blobs),
            fetched_bytes: refreshes.fetched_bytes,
            longest_cycle: done.longest_cycle,
            longest_refresh: done.longest_refresh,
        };
        ensure!(counted == *done, "counted {counted:?}, done {done:?}");
        ensure!(refreshes.rebases_failed == 0, "{} rebases failed", refreshes.rebases_failed);
        refreshes.took.check("refreshes", done.moved, done.longest_refresh)?;
        cycles.check_stages(done)
    }
}

impl Cycles {
    /// The cycle that fails does so by its validator's verdict, which is the end of a stage; one that changes nothing is not prepared.
    fn check_stages(&self, done: &Done) -> Result<()> {
        let judged = done.published + done.cycles_failed;
        let begun = judged + done.unchanged;
        let expected = [
            ("restore", begun),
            ("populate", begun),
            ("prepare", judged),
            ("validate", judged),
            ("upload", done.published),
            ("commit", done.published),
            ("announce", done.published),
        ];
        ensure!(self.stages.len() == expected.len(), "{} stages", self.stages.len());
        for (stage, count) in expected {
            let durations = self.stages.get(stage).with_context(|| format!("no stage {stage}"))?;
            durations.check(stage, count, done.longest_cycle)?;
        }
        Ok(())
    }
}

impl CycleListener for Collector {
    fn heard(&self, event: &CycleEvent<'_>) {
        let mut cycles = self.cycles();
        let stage = match event.step {
            CycleStep::Restored { .. } => "restore",
            CycleStep::Populated => "populate",
            CycleStep::Prepared { .. } => "prepare",
            CycleStep::Validated { .. } => "validate",
            CycleStep::Uploaded { .. } => "upload",
            CycleStep::Committed { .. } => "commit",
            CycleStep::Published(publication) => {
                let bytes = publication.bytes;
                cycles.published += 1;
                cycles.uploaded_bytes +=
                    [bytes.snapshot, bytes.delta, bytes.reverse].iter().flatten().sum::<u64>();
                let changes = publication.types.iter().map(|(_, _, changes)| changes);
                cycles.changed_records +=
                    changes.map(|each| each.added + each.removed + each.changed).sum::<u64>();
                "announce"
            }
            CycleStep::Unchanged(_) => {
                cycles.unchanged += 1;
                return;
            }
            CycleStep::Failed { stage, .. } | CycleStep::Abandoned { stage } => {
                *cycles.failed.entry(stage.to_string()).or_default() += 1;
                return;
            }
            _ => return,
        };
        cycles.stages.entry(stage).or_default().record(event.took);
    }
}

impl RefreshListener for Collector {
    fn refreshed(&self, refresh: &Refresh) {
        let mut refreshes = self.refreshes();
        refreshes.looks += 1;
        refreshes.fetched_bytes += refresh.fetched_bytes;
        for failure in &refresh.refused {
            *refreshes.refused_blobs.entry(format!("{:?}", failure.kind)).or_default() += 1;
        }
        if let Some(route) = refresh.route {
            *refreshes.moves.entry(route.name()).or_default() += 1;
            refreshes.took.record(refresh.elapsed);
        }
    }

    fn failed(&self, error: &hollowcast::Error) {
        *self.refreshes().failed.entry(format!("{:?}", error.kind())).or_default() += 1;
    }

    fn rebased(&self, _: &Rebased) {
        self.refreshes().rebases += 1;
    }

    fn rebase_failed(&self, _: &hollowcast::Error) {
        self.refreshes().rebases_failed += 1;
    }
}

/// How long things took, in microseconds, to three digits.
#[derive(Clone, Serialize)]
#[serde(into = "Summary")]
pub(crate) struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        Self(Histogram::new(3).expect("three digits are few enough"))
    }
}

impl Durations {
    fn record(&mut self, duration: Duration) {
        self.0 += duration.as_micros() as u64;
    }

    /// Holds them against how many there were, and how long the longest of what they are part of took.
    fn check(&self, what: &str, count: u64, longest: Duration) -> Result<()> {
        ensure!(self.0.len() == count, "{} durations of {what}, not {count}", self.0.len());
        // Of the third digit a histogram may be wrong.
        let most = longest.mul_f64(1.001).as_micros() as u64 + 1;
        ensure!(self.0.max() <= most, "{what}: {} us, while all took {most}", self.0.max());
        Ok(())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// In microseconds, that which so large a share does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }
}

/// What is told of durations.
#[derive(Serialize)]
pub(crate) struct Summary {
    count: u64,
    median_us: u64,
    p99_us: u64,
    longest_us: u64,
}

impl From<Durations> for Summary {
    fn from(Durations(histogram): Durations) -> Self {
        Self {
            count: histogram.len(),
            median_us: histogram.value_at_quantile(0.5),
            p99_us: histogram.value_at_quantile(0.99),
            longest_us: histogram.max(),
        }
    }
}

/// What was done, told by those who did it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) published: u64,
    pub(crate) unchanged: u64,
    pub(crate) cycles_failed: u64,
    /// What the store holds of blobs in the end.
    pub(crate) uploaded_bytes: u64,
    /// Items that the warehouse changed, between two versions once each.
    pub(crate) changed_records: u64,
    pub(crate) looks: u64,
    pub(crate) moved: u64,
    pub(crate) refreshes_failed: u64,
    pub(crate) refused: u64,
    pub(crate) fetched_bytes: u64,
    /// From the call of a cycle until it came back.
    pub(crate) longest_cycle: Duration,
    /// From the call of a refresh or a start until it came back.
    pub(crate) longest_refresh: Duration,
}

impl Done {
    /// A cycle that was called for at `begun`; `changed` records were stated otherwise than before.
    pub(crate) fn cycle(&mut self, outcome: &hollowcast::Result<Outcome>, begun: Instant, changed: u64) {
        self.longest_cycle = self.longest_cycle.max(begun.elapsed());
        match outcome {
            Ok(Outcome::Published(_)) => {
                self.published += 1;
                self.changed_records += changed;
            }
            Ok(Outcome::Unchanged(_)) => self.unchanged += 1,
            Err(_) => self.cycles_failed += 1,
        }
    }

    /// A consumer that was started at `begun`: it has looked and moved, and looks once more when it begins to follow.
    pub(crate) fn start(&mut self, begun: Instant) {
        self.longest_refresh = self.longest_refresh.max(begun.elapsed());
        self.looks += 2;
        self.moved += 1;
    }

    /// A refresh that was called for at `begun`.
    pub(crate) fn refresh(&mut self, refreshed: &hollowcast::Result<Refresh>, begun: Instant) {
        self.longest_refresh = self.longest_refresh.max(begun.elapsed());
        match refreshed {
            Ok(refresh) => {
                self.looks += 1;
                self.moved += u64::from(refresh.from != refresh.to);
                self.refused += refresh.refused.len() as u64;
                self.fetched_bytes += refresh.fetched_bytes;
            }
            Err(_) => self.refreshes_failed += 1,
        }
    }
}
