//! How a consumer reads the log: whether to move (rule R9).
//!
//! A consumer remembers the number of the entry it last landed on, with its state, across restarts. It moves only to the
//! tail, and only if the tail's number is greater, so nothing that comes late, and no replica that lags, takes it back.
//! Going back to an older *version* is a later entry that says so, a pin.
//!
//! A consumer that pins itself is where no entry put it, and has not landed on the newest one it saw, only on the one before: so that one, or a
//! later one, takes it along once it follows again, and none that is older ([`Landing`]).

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

/// Where a consumer stands in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landing {
    /// The highest entry it looked at.
    seen: Sequence,
    /// Whether it is somewhere else than that entry says.
    apart: bool,
}

impl Landing {
    /// Landed on entry `sequence`, as it was when it was recorded.
    #[must_use]
    pub fn on(sequence: Sequence) -> Self {
        Self { seen: sequence, apart: false }
    }

    /// The highest entry it looked at.
    #[must_use]
    pub fn seen(self) -> Sequence {
        self.seen
    }

    /// Whether it is where it pinned itself.
    #[must_use]
    pub fn stands_apart(self) -> bool {
        self.apart
    }

    /// The entry it landed on, which [`may_move`] asks for.
    #[must_use]
    pub fn landed(self) -> Sequence {
        if self.apart { Sequence(self.seen.0.saturating_sub(1)) } else { self.seen }
    }

    /// It is where `tail` says; means nothing if it saw a later entry.
    pub fn land(&mut self, tail: &LogEntry) {
        if tail.sequence >= self.seen {
            *self = Self::on(tail.sequence);
        }
    }

    /// It looked at `tail` and is where it pinned itself.
    pub fn stand_apart(&mut self, tail: &LogEntry) {
        *self = Self { seen: self.seen.max(tail.sequence), apart: true };
    }
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

    /// Whatever it saw meanwhile, the same entry takes it along after a pin of its own, and an older one does not.
    #[test]
    fn a_consumer_that_pinned_itself_goes_on_from_the_newest_entry_it_saw_r9() {
        let at = |number: u64| LogEntry { sequence: Sequence(number), ..entry() };
        let mut landing = Landing::on(Sequence(7));
        landing.stand_apart(&at(7));
        for seen in [7, 9, 8] {
            landing.stand_apart(&at(seen));
            let newest = seen.max(landing.seen().0);
            assert!(may_move(landing.landed(), &at(newest)) && !may_move(landing.landed(), &at(newest - 1)));
        }
        landing.land(&at(8));
        assert!(may_move(landing.landed(), &at(9)), "what is older than what it saw lands nobody");
        landing.land(&at(9));
        assert!(!may_move(landing.landed(), &at(9)) && may_move(landing.landed(), &at(10)));
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
