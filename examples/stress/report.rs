//! What happened, and what should not have.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

use hollowcast::ErrorKind;
use hollowcast::consumer::Refresh;
use hollowcast::identifiers::{Sequence, Version};
use hollowcast::state::State;

use super::auditor::Audit;
use super::{ledger, operator};

/// What must have happened, one of each group at least, in a run that is so long; without it nothing was tested. Whoever does these things waits
/// a while first, five seconds at most.
const ALWAYS: [(Duration, &[&str]); 8] = [
    (Duration::ZERO, &[PUBLISHED_ONCE]),
    (Duration::ZERO, &[CONFIRMED]),
    (Duration::ZERO, &[ADDED_UP]),
    (Duration::ZERO, &[RESTARTED]),
    (Duration::ZERO, &[VERIFIED]),
    (Duration::from_secs(2), &["retention, tried"]),
    (Duration::from_secs(6), &["pin, tried", "rollback, tried", "release, tried"]),
    (Duration::from_secs(6), &[KILLED, PAUSED]),
];
const PUBLISHED_ONCE: &str = "one-shot publishers that published";
const CONFIRMED: &str = "states found to be the target of their entry";
const ADDED_UP: &str = "states whose accounts add up";
const RESTARTED: &str = "consumers started anew";
const VERIFIED: &str = "times that everything was verified";
const KILLED: &str = "live producers killed";
const PAUSED: &str = "live producers stopped and woken";

/// A deed that was tried so often has come off at least once.
const OFTEN: u64 = 5;

/// Faults that are printed.
const SHOWN: usize = 20;

/// What an operator does.
#[derive(Clone, Copy)]
pub(crate) enum Deed {
    Pin,
    Release,
    Rollback,
    Retention,
}

impl Deed {
    const ALL: [Self; 4] = [Self::Pin, Self::Release, Self::Rollback, Self::Retention];

    fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Release => "release",
            Self::Rollback => "rollback",
            Self::Retention => "retention",
        }
    }

    /// What is counted when it came to this.
    fn counted(self, came_to: &str) -> String {
        format!("{}, {came_to}", self.name())
    }
}

/// Counted by whoever does something.
#[derive(Default)]
pub(crate) struct Report {
    counts: Mutex<BTreeMap<String, u64>>,
    faults: Mutex<Vec<String>>,
    seen: Mutex<BTreeMap<Sequence, Version>>,
    /// Largest size of the store in each tenth of a minute, in bytes.
    disk: Mutex<BTreeMap<u64, u64>>,
    /// Minutes that were told of.
    minutes: AtomicU64,
}

impl Report {
    fn count(&self, what: impl Into<String>) {
        *self.counts.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    pub(crate) fn fault(&self, text: String) {
        self.faults.lock().unwrap().push(text);
    }

    pub(crate) fn killed(&self) {
        self.count(KILLED);
    }

    pub(crate) fn paused(&self) {
        self.count(PAUSED);
    }

    pub(crate) fn restarted(&self) {
        self.count(RESTARTED);
    }

    pub(crate) fn confirmed(&self) {
        self.count(CONFIRMED);
    }

    pub(crate) fn published_once(&self, status: Option<i32>) {
        match status {
            Some(0) => self.count(PUBLISHED_ONCE),
            Some(5) => self.count("one-shot publishers that gave way or lost"),
            other => self.fault(format!("a one-shot publisher ended with status {other:?}")),
        }
    }

    pub(crate) fn verified(&self) {
        self.count(VERIFIED);
    }

    /// Waits for what an operator does. In a crowd it may well be refused.
    pub(crate) async fn tries<T>(&self, deed: Deed, done: impl Future<Output = hollowcast::Result<T>>) {
        self.count(deed.counted("tried"));
        match done.await {
            Ok(_) => self.count(deed.counted("done")),
            Err(error) if operator::is_expected(&error) => self.count(deed.counted("refused")),
            Err(error) => self.fault(format!("{}: {error}", deed.name())),
        }
    }

    pub(crate) fn refreshed(&self, refresh: &Refresh) {
        if let Some(route) = refresh.route {
            self.count(format!("refreshes by {route}"));
        }
        let before = self.seen.lock().unwrap().insert(refresh.sequence, refresh.to);
        if before.is_some_and(|before| before != refresh.to) {
            self.fault(format!(
                "log entry {} led to versions {before:?} and {}",
                refresh.sequence, refresh.to
            ));
        }
    }

    /// What is unavailable or gone is looked for again; nothing that was published is wrong.
    pub(crate) fn failed(&self, error: &hollowcast::Error) {
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Invalid | ErrorKind::Internal => {
                self.fault(format!("a refresh failed: {error}"));
            }
            kind => self.count(format!("refreshes that failed, {kind:?}")),
        }
    }

    /// Where consumers were, by the entry that said so.
    pub(crate) fn seen(&self) -> Vec<(Sequence, Version)> {
        self.seen.lock().unwrap().iter().map(|(sequence, version)| (*sequence, *version)).collect()
    }

    pub(crate) fn check(&self, state: &State) {
        match ledger::fault(state) {
            Some(fault) => self.fault(fault),
            None => self.count(ADDED_UP),
        }
    }

    pub(crate) fn keeps(&self, versions: u64) {
        self.counts.lock().unwrap().insert("versions kept in the end".to_owned(), versions);
    }

    pub(crate) fn note_disk(&self, since: Duration, folder: &Path) {
        let mut disk = self.disk.lock().unwrap();
        let largest = disk.entry(since.as_secs() / 6).or_default();
        *largest = (*largest).max(bytes_under(folder));
    }

    /// Says every minute that it goes on.
    pub(crate) fn print_minutes(&self, since: Duration) {
        let minutes = since.as_secs() / 60;
        if self.minutes.swap(minutes, Ordering::Relaxed) < minutes {
            println!("{minutes:>8}  minutes, {} faults so far", self.faults.lock().unwrap().len());
        }
    }

    /// Notes what should have happened in a run of this length, and did not.
    fn check_happened(&self, duration: Duration) {
        let counts = self.counts.lock().unwrap().clone();
        let of = |what: &str| counts.get(what).copied().unwrap_or(0);
        for (after, group) in ALWAYS {
            if duration >= after && group.iter().all(|what| of(what) == 0) {
                self.fault(format!("there were no {}", group.join(", and no ")));
            }
        }
        for deed in Deed::ALL {
            let (tried, done) = (of(&deed.counted("tried")), of(&deed.counted("done")));
            if tried >= OFTEN && done == 0 {
                self.fault(format!("none of {tried} tries at a {} came off", deed.name()));
            }
        }
    }

    /// Prints everything; fails if anything was wrong, or too little happened for a run of this length.
    pub(crate) fn print(&self, audit: &Audit, duration: Duration) -> Result<()> {
        let (sequence, version) = audit.ends_at();
        println!("{sequence:>8}  log entries, {} of them gone before they were read", audit.missed);
        println!("{version:>8}  versions");
        for (what, count) in self.counts.lock().unwrap().iter() {
            println!("{count:>8}  {what}");
        }
        let disk: Vec<String> =
            self.disk.lock().unwrap().values().map(|bytes| format!("{:.1}", *bytes as f64 / 1e6)).collect();
        println!("MB in the store, largest of every 6 s: {}", disk.join(" "));
        self.check_happened(duration);
        let faults = self.faults.lock().unwrap();
        let all: Vec<&String> = audit.faults.iter().chain(faults.iter()).collect();
        all.iter().take(SHOWN).for_each(|fault| println!("FAULT: {fault}"));
        if !all.is_empty() {
            bail!("{} faults", all.len());
        }
        println!("no fault");
        Ok(())
    }
}

/// Files may come and go meanwhile.
fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { bytes_under(&entry.path()) } else { metadata.len() })
    };
    entries.filter_map(size).sum()
}
