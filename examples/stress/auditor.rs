//! Reads every entry of the log as it comes, and holds it against those before.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use hollowcast::identifiers::{Sequence, Version};
use hollowcast::log::{LogEntry, ManifestReference, StoredEntry, Tail};
use hollowcast::store::{DatasetStore, ObjectName};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// Reads the log until it is told that nobody writes any more.
pub(crate) struct Auditor {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Audit>>,
}

/// What the log said.
#[derive(Default)]
pub(crate) struct Audit {
    targets: BTreeMap<Sequence, Version>,
    versions: BTreeMap<Version, ManifestReference>,
    last: Option<StoredEntry>,
    /// Entries that retention gave up before they were read.
    pub(crate) missed: u64,
    /// What is wrong with the chain.
    pub(crate) faults: Vec<String>,
}

impl Auditor {
    pub(crate) fn new(store: DatasetStore) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut audit, mut tail) = (Audit::default(), Tail::new(store.clone()));
            loop {
                let is_last = stopped.try_recv() != Err(oneshot::error::TryRecvError::Empty);
                let found = tail.find().await?.cloned();
                audit.read_to(&store, found).await?;
                if is_last {
                    return Ok(audit);
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Self { stop, task }
    }

    /// Reads what is left.
    pub(crate) async fn finish(self) -> Result<Audit> {
        let _ = self.stop.send(());
        self.task.await?
    }
}

impl Audit {
    async fn read_to(&mut self, store: &DatasetStore, tail: Option<StoredEntry>) -> Result<()> {
        let Some(tail) = tail else { return Ok(()) };
        let from = self.last.as_ref().map_or(1, |last| last.entry.sequence.0 + 1);
        for number in from..tail.entry.sequence.0 {
            let sequence = Sequence(number);
            match store.find(&ObjectName::LogEntry(sequence), LogEntry::LIMIT).await? {
                Some(bytes) => self.take(LogEntry::decode(bytes, sequence)?),
                None => self.missed += 1,
            }
        }
        if from <= tail.entry.sequence.0 {
            self.take(tail);
        }
        Ok(())
    }

    fn take(&mut self, next: StoredEntry) {
        let entry = &next.entry;
        if let Some(last) = &self.last {
            let is_next = entry.sequence.0 == last.entry.sequence.0 + 1;
            if is_next && !next.follows(last) {
                self.faults.push(format!("log entry {} does not follow the one before", entry.sequence));
            }
            let (before, after) = (last.entry.latest_version().0, entry.latest_version().0);
            if after < before || (is_next && after > before + 1) || entry.floor < last.entry.floor {
                self.faults
                    .push(format!("log entry {} goes from version {before} to {after}", entry.sequence));
            }
        }
        if let Some(latest) = entry.latest
            && *self.versions.entry(latest.version).or_insert(latest) != latest
        {
            self.faults.push(format!("there are two versions {}", latest.version));
        }
        self.targets.insert(entry.sequence, entry.target("").version());
        self.last = Some(next);
    }

    /// Where consumers should be by an entry; `None` for one that was not read.
    pub(crate) fn target_of(&self, sequence: Sequence) -> Option<Version> {
        self.targets.get(&sequence).copied()
    }

    /// Where they should be in the end.
    pub(crate) fn last_target(&self) -> Version {
        self.last.as_ref().map_or(Version::NONE, |last| last.entry.target("").version())
    }

    /// The last entry and the newest version.
    pub(crate) fn ends_at(&self) -> (Sequence, Version) {
        self.last
            .as_ref()
            .map_or((Sequence(0), Version::NONE), |last| (last.entry.sequence, last.entry.latest_version()))
    }
}
