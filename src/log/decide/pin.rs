//! An operator holds a ring at a version, or releases it.

use super::{Decide, Decision, Judgement, of_dataset, refuse_unkept};
use crate::identifiers::{DatasetId, Nonce};
use crate::log::entry::{EntryKind, Hold, HoldReason, LogEntry, ManifestReference, Target};
use crate::log::error::LogError;

/// Holds a ring at a version until it is released, whatever is committed meanwhile (rule R8). A ring without a target of its own gets one.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The dataset that `manifest` was found in.
    pub dataset: DatasetId,
    /// The ring; "" is everyone without another.
    pub ring: String,
    /// The version: the newest one, or an ancestor of it.
    pub manifest: ManifestReference,
    /// Who decided it; for people.
    pub by: String,
    /// Why; for people.
    pub why: String,
    /// Whether it leaves a ring alone that is held for another reason.
    pub yields: bool,
}

impl Decide for Pin {
    /// Done if the ring is pinned there already, or is left alone. For a reason of its own it is pinned anew: whoever pinned it before releases
    /// only what is still pinned for theirs.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let tail = match of_dataset(tail, self.dataset) {
            Ok(tail) => tail,
            Err(error) => return Decision::Refuse(error),
        };
        if let Err(error) = refuse_unkept(self.manifest.version, tail) {
            return Decision::Refuse(error);
        }
        let place = tail.targets.binary_search_by(|target| target.ring.as_str().cmp(&self.ring));
        if let Ok(place) = place {
            let target = &tail.targets[place];
            let is_anothers = target.hold.as_ref().is_some_and(|hold| hold.why != self.why);
            let is_there = is_pinned_at(target, self.manifest) && (self.why.is_empty() || !is_anothers);
            if is_there || (self.yields && is_anothers) {
                return Decision::Done;
            }
        }
        let hold = Hold { reason: HoldReason::Pinned, by: self.by.clone(), why: self.why.clone() };
        let target = Target { ring: self.ring.clone(), manifest: Some(self.manifest), hold: Some(hold) };
        let mut targets = tail.targets.clone();
        match place {
            Ok(place) => targets[place] = target,
            Err(place) => targets.insert(place, target),
        }
        Decision::Append(Box::new(LogEntry { kind: EntryKind::Pin, targets, ..tail.clone() }))
    }

    /// Others may have released the ring since, or pinned it elsewhere.
    fn judge(&self, _own: &LogEntry, tail: &LogEntry) -> Judgement {
        let target = tail.targets.iter().find(|target| target.ring == self.ring);
        if target.is_some_and(|target| is_pinned_at(target, self.manifest)) {
            Judgement::Happened
        } else {
            Judgement::Unknown
        }
    }
}

/// Releases a ring from what holds it, a pin or a commit that was held back: its target is the newest version again (rule R8).
#[derive(Clone, Debug)]
pub struct Unpin {
    /// The dataset that is meant.
    pub dataset: DatasetId,
    /// The ring; "" is everyone without another.
    pub ring: String,
    /// Only from what holds it for this reason; from anything for `None`.
    pub only: Option<String>,
}

impl Decide for Unpin {
    /// Done if nothing holds the ring that it should be released from.
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        let tail = match of_dataset(tail, self.dataset) {
            Ok(tail) => tail,
            Err(error) => return Decision::Refuse(error),
        };
        let Some(place) = tail.targets.iter().position(|target| target.ring == self.ring) else {
            return Decision::Refuse(LogError::NoRing { ring: self.ring.clone(), sequence: tail.sequence });
        };
        let hold = tail.targets[place].hold.as_ref();
        if hold.is_none_or(|hold| self.only.as_ref().is_some_and(|only| *only != hold.why)) {
            return Decision::Done;
        }
        let mut targets = tail.targets.clone();
        targets[place] = Target { ring: self.ring.clone(), manifest: tail.latest, hold: None };
        Decision::Append(Box::new(LogEntry { kind: EntryKind::Unpin, targets, ..tail.clone() }))
    }

    /// Others may have pinned the ring since.
    fn judge(&self, _own: &LogEntry, tail: &LogEntry) -> Judgement {
        let target = tail.targets.iter().find(|target| target.ring == self.ring);
        if target.is_some_and(|target| target.hold.is_none()) {
            Judgement::Happened
        } else {
            Judgement::Unknown
        }
    }
}

fn is_pinned_at(target: &Target, manifest: ManifestReference) -> bool {
    let is_pinned = target.hold.as_ref().is_some_and(|hold| hold.reason == HoldReason::Pinned);
    is_pinned && target.manifest == Some(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::Version;
    use crate::log::entry::tests::{entry, manifest, nonce};

    fn pin(ring: &str, version: u64) -> Pin {
        Pin {
            dataset: entry().dataset,
            ring: ring.to_owned(),
            manifest: manifest(version),
            by: "ops".to_owned(),
            why: "prices".to_owned(),
            yields: false,
        }
    }

    fn unpin(ring: &str) -> Unpin {
        Unpin { dataset: entry().dataset, ring: ring.to_owned(), only: None }
    }

    fn appended(decide: &dyn Decide, tail: &LogEntry) -> LogEntry {
        match decide.decide(Some(tail), nonce(5)) {
            Decision::Append(next) => *next,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(decide: &dyn Decide, tail: Option<&LogEntry>) -> LogError {
        match decide.decide(tail, nonce(5)) {
            Decision::Refuse(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pin_moves_one_ring_and_carries_the_rest_over_r1_r3_r8() {
        let tail = entry();
        let next = appended(&pin("", 6), &tail);
        let hold = Hold { reason: HoldReason::Pinned, by: "ops".to_owned(), why: "prices".to_owned() };
        let mut expected = LogEntry { kind: EntryKind::Pin, ..tail.clone() };
        expected.targets[0] =
            Target { ring: String::new(), manifest: Some(manifest(6)), hold: Some(hold.clone()) };
        assert_eq!(next, expected);
        let next = appended(&pin("beta", 9), &tail);
        let rings: Vec<&str> = next.targets.iter().map(|target| target.ring.as_str()).collect();
        assert_eq!(rings, ["", "beta", "canary", "late"]);
        assert_eq!((next.targets[1].manifest, &next.targets[1].hold), (Some(manifest(9)), &Some(hold)));
    }

    #[test]
    fn a_pin_to_where_the_ring_is_pinned_needs_nothing_and_one_elsewhere_moves_it_r8() {
        let tail = entry();
        let same = Pin { why: "bad prices".to_owned(), ..pin("canary", 8) };
        assert!(matches!(same.decide(Some(&tail), nonce(5)), Decision::Done));
        let none = Pin { why: String::new(), ..pin("canary", 8) };
        assert!(matches!(none.decide(Some(&tail), nonce(5)), Decision::Done));
        let another = appended(&pin("canary", 8), &tail);
        assert_eq!(another.targets[1].hold.as_ref().map(|hold| &*hold.why), Some("prices"));
        assert_eq!(appended(&pin("canary", 7), &tail).targets[1].manifest, Some(manifest(7)));
        let held_back = appended(&pin("late", 7), &tail);
        assert_eq!(held_back.targets[2].hold.as_ref().map(|hold| hold.reason), Some(HoldReason::Pinned));
    }

    /// The example's rings are held because of "bad prices".
    #[test]
    fn who_yields_leaves_what_others_hold_alone_r8() {
        let tail = entry();
        let mild = |ring, why: &str| Pin { why: why.to_owned(), yields: true, ..pin(ring, 6) };
        assert!(matches!(mild("canary", "rollback").decide(Some(&tail), nonce(5)), Decision::Done));
        assert_eq!(appended(&mild("canary", "bad prices"), &tail).targets[1].manifest, Some(manifest(6)));
        assert_eq!(appended(&mild("", "rollback"), &tail).targets[0].manifest, Some(manifest(6)));
        let only = |why: &str| Unpin { only: Some(why.to_owned()), ..unpin("canary") };
        assert!(matches!(only("rollback").decide(Some(&tail), nonce(5)), Decision::Done));
        assert_eq!(appended(&only("bad prices"), &tail).targets[1].manifest, tail.latest);
    }

    #[test]
    fn a_pin_below_the_floor_or_beyond_the_newest_is_refused_r6_r8() {
        let tail = entry();
        let gone = refusal(&pin("", tail.floor.0 - 1), Some(&tail));
        assert!(matches!(gone, LogError::Gone { version: Version(4), floor: Version(5), .. }), "{gone}");
        let none = refusal(&pin("", 10), Some(&tail));
        assert!(matches!(none, LogError::NoVersion { .. }), "{none}");
        for error in [gone, none] {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        assert!(matches!(pin("", 5).decide(Some(&tail), nonce(5)), Decision::Append(_)));
    }

    #[test]
    fn another_dataset_under_the_same_name_is_left_alone() {
        let mut tail = entry();
        assert!(matches!(refusal(&pin("", 6), None), LogError::NoDataset));
        assert!(matches!(refusal(&unpin(""), None), LogError::NoDataset));
        tail.dataset = DatasetId([1; 16]);
        for error in [refusal(&pin("", 6), Some(&tail)), refusal(&unpin("canary"), Some(&tail))] {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    }

    #[test]
    fn a_released_ring_is_at_the_newest_version_and_follows_it_r8() {
        let tail = entry();
        for (ring, place) in [("canary", 1), ("late", 2)] {
            let next = appended(&unpin(ring), &tail);
            let mut expected = LogEntry { kind: EntryKind::Unpin, ..tail.clone() };
            expected.targets[place] =
                Target { ring: ring.to_owned(), manifest: Some(manifest(9)), hold: None };
            assert_eq!(next, expected);
        }
        assert!(matches!(unpin("").decide(Some(&tail), nonce(5)), Decision::Done));
        let unknown = refusal(&unpin("nobody"), Some(&tail));
        assert_eq!(unknown.kind(), ErrorKind::NotFound, "{unknown}");
    }

    #[test]
    fn an_operator_paused_for_long_is_told_what_holds_or_that_nobody_knows_r4() {
        let (own, tail) = (entry(), entry());
        assert!(matches!(pin("canary", 8).judge(&own, &tail), Judgement::Happened));
        assert!(matches!(pin("canary", 7).judge(&own, &tail), Judgement::Unknown));
        assert!(matches!(pin("late", 7).judge(&own, &tail), Judgement::Unknown), "held back, not pinned");
        assert!(matches!(unpin("").judge(&own, &tail), Judgement::Happened));
        assert!(matches!(unpin("canary").judge(&own, &tail), Judgement::Unknown));
    }
}
