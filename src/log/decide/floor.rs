//! Retention gives versions up.

use super::{Decide, Decision, Judgement, of_dataset};
use crate::identifiers::{DatasetId, Nonce, Version};
use crate::log::entry::{EntryKind, LogEntry, Target};

/// Raises the floor, below which versions may be deleted once the entry is in the log (rule R6).
///
/// The floor is always a version with a snapshot, at or before every target, so that every version that is kept can be reached by going
/// forward.
#[derive(Clone, Debug)]
pub struct RaiseFloor {
    /// The dataset that is meant.
    pub dataset: DatasetId,
    /// The oldest version that shall be kept. The floor may come to lie below it.
    pub keep_from: Version,
}

impl RaiseFloor {
    /// The floor that `tail` allows; its own if none is higher.
    #[must_use]
    pub fn allowed(&self, tail: &LogEntry) -> Version {
        let targets = tail.targets.iter().map(Target::version);
        let needed = targets.chain([tail.latest_version(), self.keep_from]).min().expect("latest is one");
        let snapshots = tail.snapshots.iter().map(|snapshot| snapshot.version);
        let highest = snapshots.filter(|version| *version <= needed).max();
        // Nothing lies below the first version, so a floor there would give nothing up.
        highest.filter(|floor| *floor > tail.floor.max(Version(1))).unwrap_or(tail.floor)
    }
}

impl Decide for RaiseFloor {
    /// Done if the floor cannot rise.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let tail = match of_dataset(tail, self.dataset) {
            Ok(tail) => tail,
            Err(error) => return Decision::Refuse(error),
        };
        let floor = self.allowed(tail);
        if floor == tail.floor {
            return Decision::Done;
        }
        let mut snapshots = tail.snapshots.clone();
        snapshots.retain(|snapshot| snapshot.version >= floor);
        Decision::Append(Box::new(LogEntry { kind: EntryKind::Floor, floor, snapshots, ..tail.clone() }))
    }

    /// The floor never falls.
    fn judge(&self, own: &LogEntry, tail: &LogEntry) -> Judgement {
        if tail.floor >= own.floor { Judgement::Happened } else { Judgement::Never }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::SnapshotReference;
    use crate::log::entry::tests::{entry, manifest, nonce};

    fn raise(keep_from: u64) -> RaiseFloor {
        RaiseFloor { dataset: entry().dataset, keep_from: Version(keep_from) }
    }

    fn snapshot(version: u64) -> SnapshotReference {
        SnapshotReference { version: Version(version), ..entry().snapshots[0] }
    }

    /// Versions up to 90 with snapshots at these; targets are the newest version and these.
    fn tail(snapshots: &[u64], targets: &[u64]) -> LogEntry {
        let newest = Target { ring: String::new(), manifest: Some(manifest(90)), hold: None };
        let ring = |(number, version): (usize, &u64)| Target {
            ring: format!("ring {number}"),
            manifest: (*version > 0).then(|| manifest(*version)),
            ..entry().targets[1].clone()
        };
        LogEntry {
            latest: Some(manifest(90)),
            targets: [newest].into_iter().chain(targets.iter().enumerate().map(ring)).collect(),
            snapshots: snapshots.iter().map(|version| snapshot(*version)).collect(),
            floor: Version(10),
            ..entry()
        }
    }

    fn floor(tail: &LogEntry, keep_from: u64) -> Option<u64> {
        match raise(keep_from).decide(Some(tail), nonce(5)) {
            Decision::Append(next) => Some(next.floor.0),
            Decision::Done => None,
            Decision::Refuse(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_floor_is_the_last_snapshot_at_or_before_all_that_is_needed_r6() {
        let snapshots = [10, 30, 50, 70];
        for (targets, keep_from, expected) in [
            (&[][..], 80, Some(70)),
            (&[], 70, Some(70)),
            (&[], 69, Some(50)),
            (&[], u64::MAX, Some(70)),
            (&[], 29, None),
            (&[55], 80, Some(50)),
            (&[55, 30], 80, Some(30)),
            (&[29], 80, None),
            (&[0], 80, None),
        ] {
            let found = floor(&tail(&snapshots, targets), keep_from);
            assert_eq!(found, expected, "targets {targets:?}, keeping from {keep_from}");
        }
        assert_eq!(floor(&tail(&[], &[]), 80), None, "nothing to begin at");
        let young = LogEntry { floor: Version::NONE, ..tail(&[1, 30], &[]) };
        assert_eq!(
            (floor(&young, 29), floor(&young, 30)),
            (None, Some(30)),
            "below version 1 there is nothing"
        );
    }

    #[test]
    fn a_floor_never_falls_and_carries_the_rest_over_r1_r6() {
        let tail = tail(&[10, 30, 50], &[55]);
        let Decision::Append(next) = raise(40).decide(Some(&tail), nonce(5)) else { panic!("rises") };
        let expected = LogEntry {
            kind: EntryKind::Floor,
            floor: Version(30),
            snapshots: vec![snapshot(30), snapshot(50)],
            ..tail.clone()
        };
        assert_eq!(*next, expected);
        assert!(matches!(raise(20).decide(Some(&next), nonce(6)), Decision::Done));
        assert!(next.encode().is_ok());
    }

    #[test]
    fn retention_paused_for_long_is_judged_by_the_floor_r4() {
        let own = LogEntry { floor: Version(30), ..entry() };
        let judge = |floor| raise(30).judge(&own, &LogEntry { floor: Version(floor), ..entry() });
        assert!(matches!(judge(29), Judgement::Never));
        assert!(matches!(judge(30), Judgement::Happened));
        assert!(matches!(judge(31), Judgement::Happened));
    }
}
