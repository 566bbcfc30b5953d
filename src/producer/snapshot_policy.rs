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
