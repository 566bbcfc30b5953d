//! How a consumer reads the log: whether to move (rule R9).
//!
//! A consumer remembers the number of the entry it last landed on, with its state, across restarts. It moves only to the
//! tail, and only if the tail's number is greater, so nothing that comes late, and no replica that lags, takes it back.
//! Going back to an older *version* is a later entry that says so, a pin.

use super::entry::LogEntry;
use crate::identifiers::{DatasetId, Sequence};

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
        assert_eq!(tail.target("").manifest, tail.latest);
        assert_eq!(tail.target("nobody"), tail.target(""));
        let pinned = tail.target("canary");
        assert_eq!((pinned.manifest, pinned.hold.is_some()), (tail.targets[1].manifest, true));
        assert_ne!(pinned.manifest, tail.latest);
    }

    #[test]
    fn another_dataset_starts_cold() {
        let tail = entry();
        assert!(!starts_cold(tail.dataset, &tail));
        assert!(starts_cold(DatasetId([99; 16]), &tail));
    }
}
