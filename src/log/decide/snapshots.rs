//! Which snapshots an entry names: at most 64, so a new one may cost an old one its place.

use super::{Decide, Decision, Judgement, of_dataset};
use crate::identifiers::{DatasetId, Nonce, Version};
use crate::log::entry::{EntryKind, LogEntry, SnapshotReference};
use crate::log::error::LogError;

/// Adds a snapshot to a version that was released without one. Its blob is in the store already.
#[derive(Clone, Debug)]
pub struct LateSnapshot {
    /// The dataset that is meant.
    pub dataset: DatasetId,
    /// The snapshot.
    pub snapshot: SnapshotReference,
}

impl Decide for LateSnapshot {
    /// Done if the version has a snapshot already, be it another's.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let tail = match of_dataset(tail, self.dataset) {
            Ok(tail) => tail,
            Err(error) => return Decision::Refuse(error),
        };
        let (version, latest, sequence) = (self.snapshot.version, tail.latest_version(), tail.sequence);
        if version > latest {
            return Decision::Refuse(LogError::NoVersion { version, latest, sequence });
        }
        if version < tail.floor {
            return Decision::Refuse(LogError::Gone { version, floor: tail.floor, sequence });
        }
        if tail.snapshots.iter().any(|known| known.version == version) {
            return Decision::Done;
        }
        let targets = tail.targets.iter().filter_map(|target| target.manifest).map(|at| at.version);
        let snapshots = with_snapshot(&tail.snapshots, self.snapshot, targets);
        Decision::Append(Box::new(LogEntry { kind: EntryKind::Snapshot, snapshots, ..tail.clone() }))
    }

    /// One that is named no more may have lost its place to newer ones; naming it again does no harm.
    fn judge(&self, _own: &LogEntry, tail: &LogEntry) -> Judgement {
        if tail.snapshots.contains(&self.snapshot) { Judgement::Happened } else { Judgement::Never }
    }
}

/// `snapshots` and `new`. When they are too many, the oldest goes that no target needs.
///
/// A target needs the newest snapshot at or before it: from there a consumer that starts from nothing goes on by deltas.
/// The blob of one that goes stays in the store until retention passes its version; only new plans can't use it.
/// With more targets than places none may go; the result is then too long, and refused when it is written.
pub(super) fn with_snapshot(
    snapshots: &[SnapshotReference],
    new: SnapshotReference,
    targets: impl Iterator<Item = Version>,
) -> Vec<SnapshotReference> {
    let mut all: Vec<_> = snapshots.iter().copied().filter(|known| known.version != new.version).collect();
    all.insert(all.partition_point(|known| known.version < new.version), new);
    if all.len() <= LogEntry::SNAPSHOTS {
        return all;
    }
    let base_of = |target: Version| all.partition_point(|known| known.version <= target).checked_sub(1);
    let mut needed: Vec<_> = targets.filter_map(base_of).collect();
    needed.push(all.len() - 1);
    if let Some(oldest) = (0..all.len()).find(|place| !needed.contains(place)) {
        all.remove(oldest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::{Attempt, ContentHash};
    use crate::log::entry::tests::{entry, nonce};

    fn snapshot(version: u64) -> SnapshotReference {
        SnapshotReference {
            version: Version(version),
            attempt: Attempt(version),
            hash: ContentHash([1; 16]),
            bytes: 1,
        }
    }

    fn versions(snapshots: &[SnapshotReference]) -> Vec<u64> {
        snapshots.iter().map(|snapshot| snapshot.version.0).collect()
    }

    #[test]
    fn the_oldest_that_no_target_needs_goes() {
        let full: Vec<_> = (1..=64).map(|place| snapshot(place * 10)).collect();
        let with =
            |targets: &[u64]| with_snapshot(&full, snapshot(650), targets.iter().copied().map(Version));
        let expected = |gone: u64| {
            (1..=65).map(|place| place * 10).filter(|version| *version != gone).collect::<Vec<_>>()
        };
        assert_eq!(versions(&with(&[650])), expected(10));
        assert_eq!(
            versions(&with(&[19, 650])),
            expected(20),
            "version 19 is reached from the snapshot of 10"
        );
        assert_eq!(versions(&with(&[10, 25, 650])), expected(30));
        assert_eq!(versions(&with(&[5, 650])), expected(10), "nothing leads to version 5 anyway");
    }

    #[test]
    fn a_late_snapshot_is_named_once_and_carries_the_rest_over_r1() {
        let tail = entry();
        let late = |version| LateSnapshot { dataset: tail.dataset, snapshot: snapshot(version) };
        let Decision::Append(next) = late(7).decide(Some(&tail), nonce(5)) else { panic!("fits") };
        let snapshots = vec![tail.snapshots[0], snapshot(7), tail.snapshots[1]];
        assert_eq!(*next, LogEntry { kind: EntryKind::Snapshot, snapshots, ..tail.clone() });
        assert!(matches!(late(7).decide(Some(&next), nonce(6)), Decision::Done));
        assert!(matches!(late(9).decide(Some(&tail), nonce(5)), Decision::Done), "another's");
        assert!(matches!(late(7).judge(&next, &next), Judgement::Happened));
        assert!(matches!(late(7).judge(&next, &tail), Judgement::Never));
    }

    #[test]
    fn a_snapshot_below_the_floor_or_of_no_version_is_refused_r6() {
        let tail = entry();
        let refused = |version| {
            let late = LateSnapshot { dataset: tail.dataset, snapshot: snapshot(version) };
            matches!(late.decide(Some(&tail), nonce(5)), Decision::Refuse(error) if error.kind() == ErrorKind::NotFound)
        };
        assert!(refused(tail.floor.0 - 1) && refused(10));
        assert!(!refused(tail.floor.0));
    }

    #[test]
    fn while_there_is_room_none_goes() {
        assert_eq!(versions(&with_snapshot(&[], snapshot(1), std::iter::empty())), [1]);
        let some = [snapshot(1), snapshot(9)];
        assert_eq!(versions(&with_snapshot(&some, snapshot(5), std::iter::empty())), [1, 5, 9]);
    }

    #[test]
    fn when_targets_need_all_the_list_grows_beyond_what_may_be_written() {
        let full: Vec<_> = (1..=64).map(snapshot).collect();
        assert_eq!(with_snapshot(&full, snapshot(65), (1..=65).map(Version)).len(), 65);
    }
}
