//! How often things happened, so that a run that tests nothing does not look green.

use std::collections::BTreeMap;

/// What every run comes to about as often as it has chains, and mostly much more often.
const EXPECTED: [&str; 37] = [
    "published",
    "published with snapshot",
    "unchanged",
    "refused",
    "grown",
    "restored",
    "refreshed",
    "refreshed back",
    "agreed",
    "rolled back",
    "pinned",
    "pinned a ring",
    "released",
    "floor raised",
    "started warm",
    "rebased",
    "filtered",
    "unfiltered",
    "pinned itself",
    "pinned nowhere",
    "went to a kept state",
    "delta",
    "reverse delta",
    "snapshot",
    "held back",
    "released what was held back",
    "late snapshot",
    "snapshot behind",
    "break refused",
    "broken off",
    "rolled back over a break",
    "refreshed over a break",
    "travelled over a break",
    "lost",
    "took over",
    "fenced",
    "verified",
];

/// Counts by what happened.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts `what` once more.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds what another chain counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Holds the counts of so many chains against what they should come to.
    pub(crate) fn check(&self, chains: u64) {
        for what in EXPECTED {
            let times = self.0.get(what).copied().unwrap_or(0);
            assert!(times >= chains / 2, "{what}: {times} times in {chains} chains; all: {self:?}");
        }
    }
}
