//! Lets a producer claim, or makes it wait, or turns it away.

use std::time::Duration;

use bytes::Bytes;

use super::beat::Beat;
use super::process::{Liveness, ProcessIdentity};
use super::verdict::{Verdict, judge, live};
use super::{FRESH, WATCH};
use crate::identifiers::{Nonce, Sequence};
use crate::log::entry::LogEntry;
use crate::log::error::LogError;
use crate::log::tail::Tail;
use crate::store::{DatasetStore, ObjectName, StoreError};

/// How often the log and the hint are looked at while one waits.
const GLANCE: Duration = Duration::from_secs(1);

/// What to do about a live producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// Give way: [`LogError::Live`].
    #[default]
    Refuse,
    /// Wait until it is gone, at most so long if a time is given, then [`LogError::Live`].
    Wait(Option<Duration>),
    /// Fence it, without a look.
    TakeOver,
}

/// Whom a claim may fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Whoever holds the dataset.
    Anyone,
    /// Only this holder, found to be gone; `None` if there was no dataset. A producer that claims in between is not fenced.
    Gone(Option<Nonce>),
}

impl Admission {
    /// Whether `holder` may be fenced.
    #[must_use]
    pub fn covers(&self, holder: Nonce) -> bool {
        match self {
            Self::Anyone => true,
            Self::Gone(gone) => *gone == Some(holder),
        }
    }
}

/// Finds out whether the dataset may be claimed, as [`super`] tells.
///
/// Costs a LIST and a GET when the answer is plain, up to [`WATCH`] when the holder's clock is wrong or it died elsewhere,
/// and with [`Manners::Wait`] as long as it takes. Stops at any await when dropped.
pub async fn admit(tail: &mut Tail, manners: Manners) -> Result<Admission, LogError> {
    if manners == Manners::TakeOver {
        return Ok(Admission::Anyone);
    }
    let store = tail.store().clone();
    let own = ProcessIdentity::own();
    let begun = store.environment().clock.monotonic();
    let mut watch: Option<Watch> = None;
    loop {
        let glance = Glance::take(tail, &store).await?;
        let Some(entry) = &glance.entry else {
            return Ok(Admission::Gone(None));
        };
        let now = store.environment().clock.monotonic();
        let verdict = glance.judge(entry, &own, &store);
        let is_still = Watch::note(&mut watch, &glance, now);
        let patience = if manners == Manners::Refuse { WATCH } else { FRESH };
        if verdict == Verdict::Gone || is_still.is_some_and(|still| still >= patience) {
            return Ok(Admission::Gone(Some(entry.holder)));
        }
        let is_over = match manners {
            Manners::Wait(at_most) => at_most.is_some_and(|at_most| now.saturating_sub(begun) >= at_most),
            Manners::Refuse | Manners::TakeOver => verdict == Verdict::Alive || is_still.is_none(),
        };
        if is_over {
            return Err(live(entry, glance.beat().as_ref(), store.environment().clock.now()));
        }
        store.environment().clock.sleep(GLANCE).await;
    }
}

/// The log and the hint at one moment.
struct Glance {
    entry: Option<LogEntry>,
    hint: Option<Bytes>,
}

impl Glance {
    async fn take(tail: &mut Tail, store: &DatasetStore) -> Result<Self, LogError> {
        let entry = tail.find().await?.map(|found| found.entry.clone());
        let hint = match store.find(&ObjectName::HeartbeatHint, Beat::LIMIT).await {
            Ok(hint) => hint,
            Err(StoreError::TooLarge { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { entry, hint })
    }

    /// What the hint says; one that makes no sense says nothing (rule R10).
    fn beat(&self) -> Option<Beat> {
        self.hint.as_ref().and_then(|hint| Beat::decode(hint).ok())
    }

    fn judge(&self, entry: &LogEntry, own: &ProcessIdentity, store: &DatasetStore) -> Verdict {
        let beat = self.beat();
        let liveness = beat.as_ref().map_or(Liveness::Elsewhere, |beat| beat.process.liveness(own));
        judge(entry, beat.as_ref(), liveness, store.environment().clock.now())
    }

    fn sequence(&self) -> Option<Sequence> {
        self.entry.as_ref().map(|entry| entry.sequence)
    }
}

/// Since when log and hint have not changed, on the own monotonic clock.
struct Watch {
    sequence: Option<Sequence>,
    hint: Option<Bytes>,
    since: Duration,
}

impl Watch {
    /// Takes note of a glance at `now`: for how long nothing has changed, or `None` if something did.
    fn note(watch: &mut Option<Self>, glance: &Glance, now: Duration) -> Option<Duration> {
        let is_first = watch.is_none();
        let seen = watch.get_or_insert_with(|| Self {
            sequence: glance.sequence(),
            hint: glance.hint.clone(),
            since: now,
        });
        if seen.sequence == glance.sequence() && seen.hint == glance.hint {
            return Some(now.saturating_sub(seen.since));
        }
        assert!(!is_first, "what was just seen is what is there");
        *seen = Self { sequence: glance.sequence(), hint: glance.hint.clone(), since: now };
        None
    }
}
