//! When a version gets a snapshot.

use crate::format::{MAX_LINKS, Manifest};
use crate::identifiers::Version;
use crate::log::SnapshotReference;

/// Versions after which a snapshot is due at the latest: what a new consumer has to fetch beside it stays small.
pub const DEFAULT_SNAPSHOT_EVERY: u64 = 32;

/// Whether the next version gets a snapshot (keeps semantics 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotDue {
    /// In any case.
    Always,
    /// If its delta has more bytes than this.
    BeyondDelta(u64),
}

impl SnapshotDue {
    /// For the version after `latest`: at the first version, every `every` versions, and when the deltas since the last snapshot outweigh
    /// half of it.
    pub(super) fn after(latest: Option<&Manifest>, snapshots: &[SnapshotReference], every: u64) -> Self {
        let Some(latest) = latest else { return Self::Always };
        let at_or_before = snapshots.iter().filter(|snapshot| snapshot.version <= latest.version);
        let Some(last) = at_or_before.max_by_key(|snapshot| snapshot.version) else { return Self::Always };
        let next = latest.version.next();
        if next.0 - last.version.0 >= every.clamp(1, MAX_LINKS as u64) {
            return Self::Always;
        }
        let Some(spent) = delta_bytes_since(latest, last.version) else { return Self::Always };
        Self::BeyondDelta((last.bytes / 2).saturating_sub(spent))
    }

    /// The same where a snapshot may come later: only what must not be put off.
    pub(super) fn now_or_never(latest: Option<&Manifest>, snapshots: &[SnapshotReference]) -> Self {
        match Self::after(latest, snapshots, MAX_LINKS as u64) {
            Self::Always => Self::Always,
            Self::BeyondDelta(_) => Self::BeyondDelta(u64::MAX),
        }
    }

    pub(super) fn is_due(self, delta_bytes: u64) -> bool {
        match self {
            Self::Always => true,
            Self::BeyondDelta(limit) => delta_bytes > limit,
        }
    }
}

/// Bytes of the deltas after `snapshot` up to `latest`; `None` across a break.
fn delta_bytes_since(latest: &Manifest, snapshot: Version) -> Option<u64> {
    if latest.version == snapshot {
        return Some(0);
    }
    let own = latest.delta.as_ref().map(|delta| delta.length);
    let links = latest.links.iter().filter(|link| link.version > snapshot);
    std::iter::once(own).chain(links.map(|link| link.delta.map(|delta| delta.length))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::samples::manifest;
    use crate::identifiers::ContentHash;

    /// After the version `latest`, with one snapshot, of the first.
    fn due(latest: u64, bytes: u64, every: u64) -> SnapshotDue {
        let snapshot = SnapshotReference {
            version: Version(1),
            attempt: manifest(1).attempt,
            bytes,
            hash: ContentHash([0; 16]),
            begins: true,
        };
        SnapshotDue::after(Some(&manifest(latest)), &[snapshot], every)
    }

    #[test]
    fn snapshots_are_never_more_than_256_versions_apart_semantics_11() {
        assert!(matches!(due(255, 1 << 40, u64::MAX), SnapshotDue::BeyondDelta(_)));
        assert_eq!(due(256, 1 << 40, u64::MAX), SnapshotDue::Always);
        assert_eq!(due(2, 1 << 40, 0), SnapshotDue::Always);
    }

    /// Deltas of the sample have a thousand bytes and their version.
    #[test]
    fn a_delta_has_what_others_left_of_half_a_snapshot_semantics_11() {
        let before = 1002 + 1003 + 1004;
        assert_eq!(due(4, 10_000, 32), SnapshotDue::BeyondDelta(5000 - before));
        assert_eq!(due(4, 2 * before, 32), SnapshotDue::BeyondDelta(0));
        assert!(SnapshotDue::BeyondDelta(10).is_due(11) && !SnapshotDue::BeyondDelta(10).is_due(10));
        assert_eq!(SnapshotDue::after(None, &[], 32), SnapshotDue::Always);
        assert_eq!(SnapshotDue::after(Some(&manifest(4)), &[], 32), SnapshotDue::Always);
    }
}
