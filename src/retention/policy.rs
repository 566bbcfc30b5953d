//! Which versions are worth keeping.

use std::time::Duration;

use crate::error::Result;
use crate::identifiers::Version;
use crate::log::{LogEntry, Target};
use crate::replica::Chain;

/// How many versions are kept, and for how long. A version stays while either says so, while a target needs it, and if it lies behind the
/// last snapshot before one that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// As many versions up to the lowest target, that one included, at least 1. Default 64: going back is cheap within them.
    pub versions: u64,
    /// Versions that were the newest at some time within so long. Default 7 days: longer than a weekend in which nobody looks.
    pub max_age: Duration,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { versions: 64, max_age: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

impl RetentionPolicy {
    /// The oldest version of `chain` to keep; `now` in milliseconds since 1970.
    ///
    /// Costs what [`Chain::newest_at`] does; nothing where the number alone keeps all there are.
    pub(super) async fn keep_from(&self, chain: &Chain, now: u64) -> Result<Version> {
        let by_number = self.by_number(chain.entry());
        if by_number <= chain.entry().floor.max(Version(1)) {
            return Ok(by_number);
        }
        let max_age = self.max_age.as_millis().try_into().unwrap_or(u64::MAX);
        Ok(by_number.min(chain.newest_at(now.saturating_sub(max_age)).await?))
    }

    fn by_number(&self, tail: &LogEntry) -> Version {
        let lowest = tail.targets.iter().map(Target::version).min().unwrap_or(Version::NONE);
        Version((lowest.0 + 1).saturating_sub(self.versions.max(1)))
    }
}
