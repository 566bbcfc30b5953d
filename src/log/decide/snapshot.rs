//! A version gets a snapshot after it was released.

use super::snapshots::with_snapshot;
use super::{Decide, Decision, Judgement, of_dataset, refuse_unkept};
use crate::identifiers::{DatasetId, Nonce};
use crate::log::entry::{EntryKind, LogEntry, SnapshotReference};

/// Names a snapshot of a version that is kept; whoever finished one may (rule R1). Neither versions nor targets change.
#[derive(Clone, Debug)]
pub struct AddSnapshot {
    /// The dataset that it was made from.
    pub dataset: DatasetId,
    /// The snapshot; its blob is in the store already.
    pub snapshot: SnapshotReference,
}

impl Decide for AddSnapshot {
    /// Done if the version has one, whoever made it.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let kept = of_dataset(tail, self.dataset)
            .and_then(|tail| refuse_unkept(self.snapshot.version, tail).map(|()| tail));
        let tail = match kept {
            Ok(tail) => tail,
            Err(error) => return Decision::Refuse(error),
        };
        if tail.snapshots.iter().any(|known| known.version == self.snapshot.version) {
            return Decision::Done;
        }
        let next = LogEntry { kind: EntryKind::Snapshot, ..tail.clone() };
        Decision::Append(Box::new(with_snapshot(next, self.snapshot)))
    }

    /// It may have been in the log and lost its place since.
    fn judge(&self, _own: &LogEntry, tail: &LogEntry) -> Judgement {
        if tail.snapshots.contains(&self.snapshot) { Judgement::Happened } else { Judgement::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::{Attempt, ContentHash, Version};
    use crate::log::entry::Target;
    use crate::log::entry::tests::{entry, manifest, nonce};

    fn add(version: u64) -> AddSnapshot {
        let hash = ContentHash([8; 16]);
        let snapshot = SnapshotReference {
            version: Version(version),
            attempt: Attempt(70),
            hash,
            bytes: 7,
            begins: false,
        };
        AddSnapshot { dataset: entry().dataset, snapshot }
    }

    /// The example's versions go from 5 to 9.
    #[test]
    fn it_takes_its_place_among_the_snapshots_and_all_else_is_carried_over_r1() {
        let tail = LogEntry { snapshots: Vec::new(), ..entry() };
        for version in [5, 7, 9] {
            let add = add(version);
            let Decision::Append(next) = add.decide(Some(&tail), nonce(5)) else { panic!("it is kept") };
            let snapshots = vec![add.snapshot];
            assert_eq!(*next, LogEntry { kind: EntryKind::Snapshot, snapshots, ..tail.clone() });
        }
    }

    /// Whoever asks for one gets it, also where others have to make room.
    #[test]
    fn it_finds_a_place_in_a_full_list() {
        let snapshot = |version: u64| SnapshotReference { version: Version(version), ..add(7).snapshot };
        let snapshots: Vec<_> = (0..LogEntry::SNAPSHOTS as u64).map(|at| snapshot(100 + at)).collect();
        let tail = LogEntry {
            floor: Version(1),
            latest: Some(manifest(200)),
            targets: vec![Target { manifest: Some(manifest(200)), ..entry().targets[0].clone() }],
            snapshots,
            ..entry()
        };
        for version in [50, 180] {
            let add = add(version);
            let Decision::Append(next) = add.decide(Some(&tail), nonce(5)) else { panic!("{version}") };
            assert_eq!((next.snapshots.len(), next.floor), (LogEntry::SNAPSHOTS, tail.floor));
            assert!(next.snapshots.contains(&add.snapshot));
        }
        assert!(matches!(add(150).decide(Some(&tail), nonce(5)), Decision::Done));
    }

    #[test]
    fn a_version_that_has_one_needs_no_other() {
        let tail = entry();
        let known = tail.snapshots[0].version;
        assert!(matches!(add(known.0).decide(Some(&tail), nonce(5)), Decision::Done));
    }

    #[test]
    fn a_version_that_is_gone_or_does_not_exist_is_refused_r6() {
        let mut tail = entry();
        for (version, at) in [(4, Some(&tail)), (10, Some(&tail)), (7, None)] {
            let Decision::Refuse(error) = add(version).decide(at, nonce(5)) else { panic!("{version}") };
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        tail.dataset = DatasetId([1; 16]);
        let Decision::Refuse(error) = add(7).decide(Some(&tail), nonce(5)) else { panic!("another dataset") };
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }

    #[test]
    fn one_paused_for_long_is_judged_by_what_the_tail_names_r4() {
        let (own, mut tail) = (entry(), entry());
        assert!(matches!(add(7).judge(&own, &tail), Judgement::Unknown));
        tail.snapshots = vec![add(7).snapshot];
        assert!(matches!(add(7).judge(&own, &tail), Judgement::Happened));
    }
}
