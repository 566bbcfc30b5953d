//! Snapshots that come after their versions: from a builder, or from a producer behind its cycles.

use std::sync::Arc;

use hollowcast::ErrorKind;
use hollowcast::cache::StateDirectoryOptions;
use hollowcast::format::Compression;
use hollowcast::identifiers::Version;
use hollowcast::log::LogEntry;
use hollowcast::producer::{LateSnapshot, SnapshotBuilder};
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;

use super::chain::Chain;

impl Chain {
    /// Adds a snapshot to some version, unless it has one.
    pub(crate) async fn build_snapshot(&mut self) {
        let Some(place) = self.any_kept() else { return };
        let segments = self.any_memory().open(StateDirectoryOptions::default(), self.dataset.environment());
        let segments = segments.expect("a new folder can be a state directory");
        let replica = Replica::new(self.dataset.clone(), segments, TransferOptions::default());
        let mut builder = SnapshotBuilder::new(replica, "builder", Compression::default(), Arc::new(()));
        let version = Version(self.versions[place].number);
        let was_named = names(&self.entry().await, version);
        let built = builder.build(Some(version)).await.expect("a snapshot is built");
        assert_eq!(built.snapshot().version, version);
        assert!(names(&self.entry().await, version));
        if let LateSnapshot::Added(_) = built {
            assert!(!was_named && !self.versions[place].has_snapshot);
            self.versions[place].has_snapshot = true;
            self.tally.count("late snapshot");
        }
        let beyond = builder.build(Some(Version(self.newest() + 1))).await;
        assert_eq!(beyond.expect_err("there is no such version").kind(), ErrorKind::NotFound);
    }

    /// Holds the snapshots that the log names against those there should be; others came from behind the cycles.
    pub(crate) async fn check_snapshots(&mut self) {
        let entry = self.entry().await;
        for known in self.versions.iter().filter(|known| known.number >= entry.floor.0) {
            let is_named = names(&entry, Version(known.number));
            assert!(is_named || !known.has_snapshot, "of version {}: {:?}", known.number, entry.snapshots);
            if is_named && !known.has_snapshot {
                self.tally.count("snapshot behind");
            }
        }
    }
}

fn names(entry: &LogEntry, version: Version) -> bool {
    entry.snapshots.iter().any(|snapshot| snapshot.version == version)
}
