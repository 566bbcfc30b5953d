//! Snapshots of versions that are out already: built beside the cycles, here or in another process (keeps semantics 11).

use std::sync::Arc;

use super::ProducerError;
use super::snapshot::snapshot_of;
use crate::error::Result;
use crate::format::{BlobWriterOptions, Compression};
use crate::identifiers::{Attempt, Version};
use crate::log::{AddSnapshot, Log, LogEntry, Outcome, SnapshotReference};
use crate::progress::{Progress, Stage, Unit};
use crate::replica::transfer::upload;
use crate::replica::{Chain, Loaded, Replica};
use crate::state::Rebase;
use crate::store::ObjectName;
use crate::workers;

/// Adds snapshots to versions that have none. Needs no producer and delays none; any number of them may run, anywhere.
///
/// It loads the version as a consumer does, writes it anew, reads that back, stores it, and names it by a log entry. Killed on the way, it
/// leaves an object that goes when retention passes the version.
pub struct SnapshotBuilder {
    pub(super) log: Log,
    pub(super) replica: Replica,
    pub(super) blobs: BlobWriterOptions,
    pub(super) progress: Arc<dyn Progress>,
}

/// What building a snapshot came to.
#[derive(Clone, Debug)]
pub enum LateSnapshot {
    /// The log names the new snapshot.
    Added(SnapshotReference),
    /// The version has one already.
    Known(SnapshotReference),
}

impl LateSnapshot {
    /// The version's snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotReference {
        let (Self::Added(snapshot) | Self::Known(snapshot)) = self;
        snapshot
    }
}

/// A snapshot that is in the log.
pub(super) struct Built {
    pub(super) outcome: LateSnapshot,
    /// The log entry that says so.
    pub(super) entry: LogEntry,
    /// The version on the snapshot's own sections.
    pub(super) rebase: Rebase,
}

impl SnapshotBuilder {
    /// Of the dataset that `replica` reads; the log will name `writer`.
    #[must_use]
    pub fn new(
        replica: Replica,
        writer: impl Into<String>,
        compression: Compression,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let directory = replica.segments().state_directory();
        let temporary_folder = directory.map(|directory| directory.path().join("tmp"));
        let blobs = BlobWriterOptions { compression, temporary_folder };
        Self { log: Log::new(replica.store().clone(), writer), replica, blobs, progress }
    }

    /// Adds a snapshot to `version`, or to the newest one.
    ///
    /// Costs what loading the version costs, one pass over its records, and a log entry.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset or version, or retention gave it up meanwhile; what loading it and the store fail with.
    pub async fn build(&mut self, version: Option<Version>) -> Result<LateSnapshot> {
        let chain = Chain::open(self.log.store()).await?;
        let version = chain.find(version).await?.version;
        if let Some(known) = snapshot_in(chain.entry(), version) {
            return Ok(LateSnapshot::Known(known));
        }
        let loaded = self.replica.load(&chain, Some(version), None, &self.progress).await?;
        Ok(self.build_of(&loaded).await?.outcome)
    }

    /// Adds a snapshot to the version that is loaded.
    pub(super) async fn build_of(&mut self, loaded: &Loaded) -> Result<Built> {
        self.progress.stage(Stage { name: "writing the snapshot", unit: Unit::Records, total: None });
        let (state, segments) = (Arc::clone(&loaded.state), self.replica.segments().clone());
        let blobs = self.blobs.clone();
        let (rebase, blob) = workers::run(move || {
            let (anew, blob) = snapshot_of(&state, &segments, &blobs)?;
            Ok::<_, ProducerError>((Rebase::onto(&state, anew), blob))
        })
        .await?;
        let (dataset, version) = (loaded.state.dataset(), loaded.state.version());
        let attempt = Attempt(self.log.store().environment().random.next_u64());
        let object = ObjectName::Snapshot { version, attempt };
        self.progress.stage(Stage { name: "uploading", unit: Unit::Bytes, total: Some(blob.length()) });
        let options = self.replica.options();
        let stored = upload(self.log.store(), &object, &blob, options, &self.progress).await?;
        let snapshot = SnapshotReference {
            version,
            attempt,
            hash: stored.hash,
            bytes: stored.length,
            // A version that begins anew has had one since it was released.
            begins: false,
        };
        let (outcome, entry) = match self.log.append(&AddSnapshot { dataset, snapshot }).await? {
            Outcome::Appended(appended) => (LateSnapshot::Added(snapshot), appended.tail),
            Outcome::Done(tail) => {
                let known = snapshot_in(&tail, version).expect("the log names one, or ours is added");
                (LateSnapshot::Known(known), *tail)
            }
        };
        Ok(Built { outcome, entry, rebase })
    }
}

fn snapshot_in(entry: &LogEntry, version: Version) -> Option<SnapshotReference> {
    entry.snapshots.iter().find(|snapshot| snapshot.version == version).copied()
}
