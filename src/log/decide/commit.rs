//! A producer releases a version.

use super::claim::fenced;
use super::snapshots::with_snapshot;
use super::{Decide, Decision, Judgement};
use crate::identifiers::{Epoch, Nonce, Version};
use crate::log::entry::{EntryKind, Hold, LogEntry, ManifestReference, SnapshotReference};
use crate::log::error::LogError;

/// Makes a version the newest, and the target of every ring that nothing holds, unless it is held back (rules R3, R8).
#[derive(Clone, Debug)]
pub struct Commit {
    /// The epoch that this producer claimed.
    pub epoch: Epoch,
    /// Nonce of that claim.
    pub holder: Nonce,
    /// The version that the attempt was made from; `None` for the first.
    pub parent: Option<ManifestReference>,
    /// The version to release, its parent's next; manifest and blobs are in the store already.
    pub manifest: ManifestReference,
    /// Its snapshot, if it has one.
    pub snapshot: Option<SnapshotReference>,
    /// What holds every ring from here on that nothing held before: the version is committed, and consumers stay where they are.
    pub hold_back: Option<Hold>,
}

impl Commit {
    fn next(&self, tail: &LogEntry) -> LogEntry {
        let latest = Some(self.manifest);
        let mut targets = tail.targets.clone();
        for target in targets.iter_mut().filter(|target| target.hold.is_none()) {
            match &self.hold_back {
                Some(hold) => target.hold = Some(hold.clone()),
                None => target.manifest = latest,
            }
        }
        let next = LogEntry { kind: EntryKind::Commit, latest, targets, ..tail.clone() };
        match self.snapshot {
            Some(snapshot) => with_snapshot(next, snapshot),
            None => next,
        }
    }

    fn conflict(&self, tail: &LogEntry) -> LogError {
        LogError::Conflict {
            attempted: self.manifest.version,
            parent: self.parent.map_or(Version::NONE, |parent| parent.version),
            found: tail.latest_version(),
            sequence: tail.sequence,
            writer: tail.writer.clone(),
        }
    }
}

impl Decide for Commit {
    /// Panics if the attempt is not its parent's next version or the snapshot is of another: a producer's defect.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let parent = self.parent.map_or(Version::NONE, |parent| parent.version);
        assert_eq!(self.manifest.version, parent.next(), "versions have no gaps");
        let of = self.snapshot.map_or(self.manifest.version, |snapshot| snapshot.version);
        assert_eq!(of, self.manifest.version, "a commit brings its own snapshot only");
        let Some(tail) = tail else {
            return Decision::Refuse(LogError::NoDataset);
        };
        if tail.latest == Some(self.manifest) {
            Decision::Done
        } else if (tail.epoch, tail.holder) != (self.epoch, self.holder) {
            Decision::Refuse(fenced(self.epoch, tail))
        } else if tail.latest != self.parent {
            Decision::Refuse(self.conflict(tail))
        } else {
            Decision::Append(Box::new(self.next(tail)))
        }
    }

    /// Versions are one chain: below its number it can't be, and beyond only its descendants are.
    fn judge(&self, _own: &LogEntry, tail: &LogEntry) -> Judgement {
        if tail.latest == Some(self.manifest) {
            Judgement::Happened
        } else if tail.latest_version() <= self.manifest.version {
            Judgement::Never
        } else {
            Judgement::IfAncestor(self.manifest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::{Attempt, ContentHash};
    use crate::log::entry::HoldReason;
    use crate::log::entry::tests::{entry, manifest, nonce};

    fn commit(tail: &LogEntry) -> Commit {
        Commit {
            epoch: tail.epoch,
            holder: tail.holder,
            parent: tail.latest,
            manifest: manifest(tail.latest_version().0 + 1),
            snapshot: None,
            hold_back: None,
        }
    }

    fn refusal(commit: &Commit, tail: &LogEntry) -> ErrorKind {
        match commit.decide(Some(tail), nonce(5)) {
            Decision::Refuse(error) => error.kind(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_commit_moves_latest_and_free_rings_and_carries_the_rest_over_r1_r8() {
        let tail = entry();
        let commit = commit(&tail);
        let Decision::Append(next) = commit.decide(Some(&tail), nonce(5)) else { panic!("fits") };
        let mut expected = tail.clone();
        expected.kind = EntryKind::Commit;
        expected.latest = Some(commit.manifest);
        expected.targets[0].manifest = Some(commit.manifest);
        assert!(tail.targets[1..].iter().all(|target| target.hold.is_some()), "the example has held rings");
        assert_eq!(*next, expected);
    }

    #[test]
    fn a_commit_that_is_held_back_holds_free_rings_where_they_are_and_leaves_held_ones_alone_r8() {
        let tail = entry();
        let hold = Hold { reason: HoldReason::HeldBack, by: "etl".to_owned(), why: "look first".to_owned() };
        let commit = Commit { hold_back: Some(hold.clone()), ..commit(&tail) };
        let Decision::Append(next) = commit.decide(Some(&tail), nonce(5)) else { panic!("fits") };
        let mut expected = LogEntry { kind: EntryKind::Commit, ..tail.clone() };
        expected.latest = Some(commit.manifest);
        expected.targets[0].hold = Some(hold);
        assert_eq!(*next, expected);
    }

    #[test]
    fn a_commit_adds_its_snapshot() {
        let tail = entry();
        let of = tail.latest_version().next();
        let snapshot = SnapshotReference {
            version: of,
            attempt: Attempt(1),
            hash: ContentHash([3; 16]),
            bytes: 9,
            begins: false,
        };
        let commit = Commit { snapshot: Some(snapshot), ..commit(&tail) };
        let Decision::Append(next) = commit.decide(Some(&tail), nonce(5)) else { panic!("fits") };
        assert_eq!(next.snapshots.split_last(), Some((&snapshot, &tail.snapshots[..])));
    }

    #[test]
    fn a_producer_of_another_epoch_or_holder_is_fenced_r3() {
        let tail = entry();
        for (epoch, holder) in [
            (Epoch(tail.epoch.0 - 1), tail.holder),
            (Epoch(tail.epoch.0 + 1), tail.holder),
            (tail.epoch, nonce(99)),
        ] {
            let commit = Commit { epoch, holder, ..commit(&tail) };
            assert_eq!(refusal(&commit, &tail), ErrorKind::Fenced);
        }
    }

    #[test]
    fn an_attempt_on_another_parent_is_a_conflict_r3() {
        let tail = entry();
        let same_number = ManifestReference { attempt: Attempt(99), ..tail.latest.expect("has versions") };
        let older = manifest(tail.latest_version().0 - 1);
        for parent in [Some(same_number), Some(older), None] {
            let version = parent.map_or(1, |parent| parent.version.0 + 1);
            let attempted = ManifestReference { attempt: Attempt(77), ..manifest(version) };
            let commit = Commit { parent, manifest: attempted, ..commit(&tail) };
            assert_eq!(refusal(&commit, &tail), ErrorKind::Conflict);
        }
    }

    #[test]
    fn a_version_that_is_the_newest_already_needs_nothing() {
        let mut tail = entry();
        let commit = commit(&tail);
        let Decision::Append(next) = commit.decide(Some(&tail), nonce(5)) else { panic!("fits") };
        assert!(matches!(commit.decide(Some(&next), nonce(6)), Decision::Done));
        tail = *next;
        tail.epoch = Epoch(tail.epoch.0 + 1);
        assert!(
            matches!(commit.decide(Some(&tail), nonce(6)), Decision::Done),
            "whoever holds the dataset now"
        );
    }

    #[test]
    fn a_commit_paused_for_long_is_judged_by_its_version_r4() {
        let own = entry();
        let commit = commit(&own);
        let version = commit.manifest.version.0;
        let another = ManifestReference { attempt: Attempt(99), ..commit.manifest };
        let judge = |latest| commit.judge(&own, &LogEntry { latest: Some(latest), ..own.clone() });
        assert!(matches!(judge(commit.manifest), Judgement::Happened));
        assert!(matches!(judge(another), Judgement::Never));
        assert!(matches!(judge(manifest(version - 1)), Judgement::Never));
        assert!(matches!(judge(manifest(version + 1)), Judgement::IfAncestor(of) if of == commit.manifest));
    }
}
