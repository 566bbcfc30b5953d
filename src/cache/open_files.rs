//! How many files this process may have open: each section that is mapped is one.

use std::sync::Once;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More is not asked for. 1,048,576: what Linux gives a process that wants all; what a process starts inherits its limit, and may go through every
/// number below it. 10,240 on macOS, which refuses more.
const MOST_FILES: u64 = if cfg!(target_vendor = "apple") { 10_240 } else { 1 << 20 };

/// Raises the limit to the highest that this process may have, once. Usually it may have far more than it is started with: 1024 suit programs
/// that wait by `select`.
pub(super) fn raise_limit() {
    static RAISED: Once = Once::new();
    RAISED.call_once(|| {
        let Some(raised) = raised(getrlimit(Resource::Nofile)) else { return };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => tracing::debug!(files = raised.current, "raised the limit of open files"),
            Err(error) => {
                tracing::warn!(%error, files = raised.current, "cannot raise the limit of open files");
            }
        }
    });
}

/// How many files this process may have open now.
pub(super) fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The limits that are better than `now`, if there are any. Pure.
fn raised(now: Rlimit) -> Option<Rlimit> {
    let highest = now.maximum.map_or(MOST_FILES, |maximum| maximum.min(MOST_FILES));
    let is_lower = now.current.is_some_and(|current| current < highest);
    is_lower.then_some(Rlimit { current: Some(highest), ..now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_as_far_as_may_be_and_never_lowered() {
        let limits = |current, maximum| Rlimit { current, maximum };
        let after = |current, maximum| raised(limits(current, maximum)).map(|raised| raised.current);
        assert_eq!(after(Some(1024), Some(4096)), Some(Some(4096)));
        assert_eq!(after(Some(1024), None), Some(Some(MOST_FILES)));
        assert_eq!(after(Some(1024), Some(1 << 30)), Some(Some(MOST_FILES)));
        assert_eq!(raised(limits(Some(1024), Some(4096))).unwrap().maximum, Some(4096));
        for (current, maximum) in [(Some(4096), Some(4096)), (Some(1 << 30), None), (None, None)] {
            assert_eq!(after(current, maximum), None, "{current:?} of {maximum:?}");
        }
    }
}
