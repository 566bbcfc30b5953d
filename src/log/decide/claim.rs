//! A producer takes the dataset over.

use std::time::SystemTime;

use super::{Decide, Decision, Judgement};
use crate::identifiers::{DatasetId, Epoch, Nonce, Sequence, Version};
use crate::log::entry::{EntryKind, LogEntry, Target};
use crate::log::error::LogError;
use crate::log::politeness::Admission;

/// Begins a new epoch, and with it fences whoever committed before (rule R3). On an empty log it makes the dataset.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Identity that the dataset gets if there is none yet.
    pub fresh: DatasetId,
    /// Who may be fenced.
    pub admission: Admission,
}

impl Decide for Claim {
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision {
        if let Some(tail) = tail.filter(|tail| !self.admission.covers(tail.holder)) {
            return Decision::Refuse(LogError::Overtaken {
                sequence: tail.sequence,
                writer: tail.writer.clone(),
            });
        }
        Decision::Append(Box::new(match tail {
            None => first(self.fresh, nonce),
            Some(tail) => LogEntry {
                kind: EntryKind::Claim,
                epoch: Epoch(tail.epoch.0 + 1),
                holder: nonce,
                ..tail.clone()
            },
        }))
    }

    /// Epochs only rise and no two claims in a chain begin the same.
    fn judge(&self, own: &LogEntry, tail: &LogEntry) -> Judgement {
        if tail.epoch < own.epoch {
            Judgement::Never
        } else if tail.holder == own.holder {
            Judgement::Happened
        } else {
            Judgement::Refuse(fenced(own.epoch, tail))
        }
    }
}

/// The error of a producer of epoch `own` that sees `tail`.
pub(in crate::log) fn fenced(own: Epoch, tail: &LogEntry) -> LogError {
    LogError::Fenced { own, found: tail.epoch, sequence: tail.sequence, writer: tail.writer.clone() }
}

/// The first entry of a dataset, before it is stamped.
fn first(dataset: DatasetId, holder: Nonce) -> LogEntry {
    LogEntry {
        dataset,
        sequence: Sequence(1),
        nonce: holder,
        at: SystemTime::UNIX_EPOCH,
        writer: String::new(),
        recent: Vec::new(),
        previous: None,
        signatures: Vec::new(),
        kind: EntryKind::Claim,
        epoch: Epoch(1),
        holder,
        latest: None,
        targets: vec![Target { ring: String::new(), manifest: None, hold: None }],
        snapshots: Vec::new(),
        floor: Version::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::log::entry::tests::{entry, nonce};

    fn claim(admission: Admission) -> Claim {
        Claim { fresh: DatasetId([7; 16]), admission }
    }

    fn appended(decision: Decision) -> LogEntry {
        match decision {
            Decision::Append(next) => *next,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_claim_makes_the_dataset() {
        let next = appended(claim(Admission::Gone(None)).decide(None, nonce(5)));
        assert_eq!((next.dataset, next.epoch, next.holder), (DatasetId([7; 16]), Epoch(1), nonce(5)));
        assert_eq!((next.latest, next.floor), (None, Version::NONE));
        assert_eq!(next.targets, [Target { ring: String::new(), manifest: None, hold: None }]);
    }

    #[test]
    fn a_claim_carries_over_all_but_epoch_and_holder_r1_r3() {
        let tail = entry();
        let next = appended(claim(Admission::Anyone).decide(Some(&tail), nonce(5)));
        let expected = LogEntry {
            kind: EntryKind::Claim,
            epoch: Epoch(tail.epoch.0 + 1),
            holder: nonce(5),
            ..tail.clone()
        };
        assert_eq!(next, expected);
        assert_ne!(next.dataset, DatasetId([7; 16]));
    }

    #[test]
    fn a_claim_fences_only_whom_it_was_admitted_to_fence() {
        let tail = entry();
        let admitted = claim(Admission::Gone(Some(tail.holder)));
        assert!(matches!(admitted.decide(Some(&tail), nonce(5)), Decision::Append(_)));
        for admission in [Admission::Gone(None), Admission::Gone(Some(nonce(99)))] {
            let Decision::Refuse(error) = claim(admission).decide(Some(&tail), nonce(5)) else {
                panic!("someone else claimed meanwhile");
            };
            assert_eq!(error.kind(), ErrorKind::Conflict);
        }
    }

    #[test]
    fn a_claim_paused_for_long_is_judged_by_epoch_and_holder_r4() {
        let claim = claim(Admission::Anyone);
        let own = appended(claim.decide(Some(&entry()), nonce(5)));
        let tail = |epoch, holder| LogEntry { epoch: Epoch(epoch), holder, ..entry() };
        let epoch = own.epoch.0;
        assert!(matches!(claim.judge(&own, &tail(epoch - 1, nonce(1))), Judgement::Never));
        assert!(matches!(claim.judge(&own, &tail(epoch, nonce(5))), Judgement::Happened));
        for tail in [tail(epoch, nonce(6)), tail(epoch + 1, nonce(6))] {
            let Judgement::Refuse(error) = claim.judge(&own, &tail) else { panic!("another holds it") };
            assert_eq!(error.kind(), ErrorKind::Fenced);
        }
    }
}
