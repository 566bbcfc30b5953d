//! Whether the holder that the tail names is alive: the table of [`super`], as a pure function.

use std::time::{Duration, SystemTime};

use super::FRESH;
use super::beat::Beat;
use super::process::Liveness;
use crate::log::entry::{EntryKind, LogEntry};
use crate::log::error::LogError;

/// What can be said about the tail's holder at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is gone.
    Gone,
    /// It is alive.
    Alive,
    /// Only watching tells.
    Unclear,
}

/// Judges the holder of `tail` by the hint `beat`, whose process is `liveness` from here, at `now`.
pub(super) fn judge(tail: &LogEntry, beat: Option<&Beat>, liveness: Liveness, now: SystemTime) -> Verdict {
    let Some(beat) = beat.filter(|beat| beat.holder == tail.holder) else {
        let about_to_beat = tail.kind == EntryKind::Claim && apart(tail.at, now) <= FRESH;
        return if about_to_beat { Verdict::Alive } else { Verdict::Gone };
    };
    if beat.stopped || liveness == Liveness::Gone {
        Verdict::Gone
    } else if apart(beat.at, now) <= FRESH {
        Verdict::Alive
    } else {
        Verdict::Unclear
    }
}

/// The error for who does not want to wait for it.
pub(super) fn live(tail: &LogEntry, beat: Option<&Beat>, now: SystemTime) -> LogError {
    match beat.filter(|beat| beat.holder == tail.holder) {
        Some(beat) => LogError::Live {
            who: format!("process {} on {}", beat.process.process, beat.process.host),
            heard_ago: apart(beat.at, now),
        },
        None => LogError::Live { who: tail.writer.clone(), heard_ago: apart(tail.at, now) },
    }
}

/// How far two times lie apart, whichever is first: clocks of two hosts differ either way.
fn apart(left: SystemTime, right: SystemTime) -> Duration {
    right.duration_since(left).unwrap_or_else(|later| later.duration())
}

#[cfg(test)]
mod tests {
    use super::super::beat::tests::beat;
    use super::*;
    use crate::identifiers::Nonce;
    use crate::log::entry::tests::entry;

    const SECOND: Duration = Duration::from_secs(1);

    fn tail(kind: EntryKind) -> LogEntry {
        LogEntry { kind, holder: beat().holder, at: beat().at, ..entry() }
    }

    #[test]
    fn the_holder_is_judged_by_its_beat() {
        let tail = tail(EntryKind::Commit);
        let running = Beat { stopped: false, ..beat() };
        let at = running.at;
        for (beat, liveness, now, expected) in [
            (&running, Liveness::Elsewhere, at, Verdict::Alive),
            (&running, Liveness::Elsewhere, at + FRESH, Verdict::Alive),
            (&running, Liveness::Elsewhere, at + FRESH + SECOND, Verdict::Unclear),
            (&running, Liveness::Elsewhere, at - FRESH, Verdict::Alive),
            (&running, Liveness::Elsewhere, at - FRESH - SECOND, Verdict::Unclear),
            (&running, Liveness::Running, at, Verdict::Alive),
            (&running, Liveness::Running, at + FRESH + SECOND, Verdict::Unclear),
            (&running, Liveness::Gone, at, Verdict::Gone),
            (&beat(), Liveness::Elsewhere, at, Verdict::Gone),
        ] {
            assert_eq!(judge(&tail, Some(beat), liveness, now), expected, "{beat:?} {liveness:?}");
        }
    }

    #[test]
    fn without_a_beat_only_a_fresh_claim_counts() {
        let stranger = Beat { holder: Nonce([9; 16]), stopped: false, ..beat() };
        let at = beat().at;
        for hint in [None, Some(&stranger)] {
            let judge = |kind, now| judge(&tail(kind), hint, Liveness::Running, now);
            assert_eq!(judge(EntryKind::Claim, at + FRESH), Verdict::Alive);
            assert_eq!(judge(EntryKind::Claim, at + FRESH + SECOND), Verdict::Gone);
            assert_eq!(judge(EntryKind::Commit, at), Verdict::Gone);
        }
    }
}
