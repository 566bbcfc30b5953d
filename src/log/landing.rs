//! How a consumer reads the log: whether to move, and what to plan with (rule R9).
//!
//! A consumer remembers the number of the entry it last landed on, with its state, across restarts. It moves only to the
//! tail, and only if the tail's number is greater, so nothing that comes late, and no replica that lags, takes it back.
//! Going back to an older *version* is a later entry that says so, a pin.

use super::entry::{LogEntry, ManifestReference, SnapshotReference};
use crate::identifiers::{DatasetId, Sequence, Version};

/// Whether a consumer that landed on entry `landed` may move to `tail`; one that never landed is at 0.
#[must_use]
pub fn may_move(landed: Sequence, tail: &LogEntry) -> bool {
    tail.sequence > landed
}

/// Whether what a consumer has is of another dataset than `tail`, which took its place: it then starts from nothing, with
/// no number landed on.
#[must_use]
pub fn starts_cold(dataset: DatasetId, tail: &LogEntry) -> bool {
    dataset != tail.dataset
}

/// What a consumer of a ring plans its way with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course<'a> {
    /// The entry that says so; to be remembered on landing.
    pub sequence: Sequence,
    /// Where to be; `None` while there is no version to be at.
    pub target: Option<&'a ManifestReference>,
    /// Whether something holds the ring there.
    pub is_held: bool,
    /// The snapshots that a way may begin at, in ascending order of version.
    pub snapshots: &'a [SnapshotReference],
    /// Versions below may be gone.
    pub floor: Version,
}

/// The course that `tail` sets for the consumers of `ring`. A ring of which it says nothing goes with ring "".
#[must_use]
pub fn course<'a>(tail: &'a LogEntry, ring: &str) -> Course<'a> {
    let target = tail.target(ring);
    Course {
        sequence: tail.sequence,
        target: target.manifest.as_ref(),
        is_held: target.hold.is_some(),
        snapshots: &tail.snapshots,
        floor: tail.floor,
    }
}

/// Why an object of a version is not in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It was given up: find the tail and plan again.
    Gone,
    /// It is not here yet, as in a replica of the store: stay, and try again later.
    NotYet,
}

/// Why an object of `version` is missing, by the newest entry one can find.
#[must_use]
pub fn missing(version: Version, newest: &LogEntry) -> Missing {
    if version < newest.floor { Missing::Gone } else { Missing::NotYet }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::tests::entry;

    #[test]
    fn a_consumer_moves_only_forward_in_the_log_r9() {
        let tail = entry();
        let Sequence(number) = tail.sequence;
        assert!(may_move(Sequence(0), &tail));
        assert!(may_move(Sequence(number - 1), &tail));
        assert!(!may_move(tail.sequence, &tail));
        assert!(!may_move(Sequence(number + 1), &tail));
        assert!(!may_move(Sequence(u64::MAX), &tail));
    }

    #[test]
    fn a_ring_has_its_own_target_or_everyones() {
        let tail = entry();
        assert_eq!(course(&tail, "").target, tail.latest.as_ref());
        assert_eq!(course(&tail, "nobody"), course(&tail, ""));
        let pinned = course(&tail, "canary");
        assert_eq!((pinned.target, pinned.is_held), (tail.targets[1].manifest.as_ref(), true));
        assert_ne!(pinned.target, tail.latest.as_ref());
    }

    #[test]
    fn below_the_floor_is_gone_and_above_is_late_r9() {
        let tail = entry();
        assert_eq!(missing(Version(tail.floor.0 - 1), &tail), Missing::Gone);
        assert_eq!(missing(tail.floor, &tail), Missing::NotYet);
    }

    #[test]
    fn another_dataset_starts_cold() {
        let tail = entry();
        assert!(!starts_cold(tail.dataset, &tail));
        assert!(starts_cold(DatasetId([99; 16]), &tail));
    }
}
