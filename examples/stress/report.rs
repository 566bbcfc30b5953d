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

/// What happens in any run, however short; without it nothing was tested.
const ALWAYS: [&str; 4] = [PUBLISHED_ONCE, CONFIRMED, ADDED_UP, RESTARTED];
const PUBLISHED_ONCE: &str = "one-shot publishers that published";
const CONFIRMED: &str = "states found to be the target of their entry";
const ADDED_UP: &str = "states whose accounts add up";
const RESTARTED: &str = "consumers started anew";

/// Faults that are printed.
const SHOWN: usize = 20;

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
        self.count("live producers killed");
    }

    pub(crate) fn paused(&self) {
        self.count("live producers stopped and woken");
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

    pub(crate) fn decided(&self, decided: hollowcast::Result<&str>) {
        match decided {
            Ok(what) => self.count(format!("operator: {what}")),
            Err(error) if operator::is_expected(&error) => self.count("operator: refused"),
            Err(error) => self.fault(format!("operator: {error}")),
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

    /// Prints everything; fails if anything was wrong.
    pub(crate) fn print(&self, audit: &Audit) -> Result<()> {
        let (sequence, version) = audit.ends_at();
        println!("{sequence:>8}  log entries, {} of them gone before they were read", audit.missed);
        println!("{version:>8}  versions");
        for (what, count) in self.counts.lock().unwrap().iter() {
            println!("{count:>8}  {what}");
        }
        let disk: Vec<String> =
            self.disk.lock().unwrap().values().map(|bytes| format!("{:.1}", *bytes as f64 / 1e6)).collect();
        println!("MB in the store, largest of every 6 s: {}", disk.join(" "));
        for what in ALWAYS.iter().filter(|what| !self.counts.lock().unwrap().contains_key(**what)) {
            self.fault(format!("there were no {what}"));
        }
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
