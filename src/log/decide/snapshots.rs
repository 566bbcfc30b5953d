//! Which snapshots an entry names: at most 64, so a new one may cost an old one its place.

use crate::identifiers::Version;
use crate::log::entry::{LogEntry, SnapshotReference};

/// `snapshots` and `new`. When they are too many, the oldest goes that no target needs.
///
/// A target needs the newest snapshot at or before it: from there a consumer that starts from nothing goes on by deltas.
/// The blob of one that goes stays in the store until retention passes its version; only new plans can't use it.
/// With more targets than places none may go; the result is then too long, and refused when it is written.
pub(super) fn with_snapshot(
    snapshots: &[SnapshotReference],
    new: SnapshotReference,
    targets: impl Iterator<Item = Version>,
) -> Vec<SnapshotReference> {
    let mut all: Vec<_> = snapshots.iter().copied().filter(|known| known.version != new.version).collect();
    all.insert(all.partition_point(|known| known.version < new.version), new);
    if all.len() <= LogEntry::SNAPSHOTS {
        return all;
    }
    let base_of = |target: Version| all.partition_point(|known| known.version <= target).checked_sub(1);
    let mut needed: Vec<_> = targets.filter_map(base_of).collect();
    needed.push(all.len() - 1);
    if let Some(oldest) = (0..all.len()).find(|place| !needed.contains(place)) {
        all.remove(oldest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::{Attempt, ContentHash};

    fn snapshot(version: u64) -> SnapshotReference {
        SnapshotReference {
            version: Version(version),
            attempt: Attempt(version),
            hash: ContentHash([1; 16]),
            bytes: 1,
        }
    }

    fn versions(snapshots: &[SnapshotReference]) -> Vec<u64> {
        snapshots.iter().map(|snapshot| snapshot.version.0).collect()
    }

    #[test]
    fn the_oldest_that_no_target_needs_goes() {
        let full: Vec<_> = (1..=64).map(|place| snapshot(place * 10)).collect();
        let with =
            |targets: &[u64]| with_snapshot(&full, snapshot(650), targets.iter().copied().map(Version));
        let expected = |gone: u64| {
            (1..=65).map(|place| place * 10).filter(|version| *version != gone).collect::<Vec<_>>()
        };
        assert_eq!(versions(&with(&[650])), expected(10));
        assert_eq!(
            versions(&with(&[19, 650])),
            expected(20),
            "version 19 is reached from the snapshot of 10"
        );
        assert_eq!(versions(&with(&[10, 25, 650])), expected(30));
        assert_eq!(versions(&with(&[5, 650])), expected(10), "nothing leads to version 5 anyway");
    }

    #[test]
    fn while_there_is_room_none_goes() {
        assert_eq!(versions(&with_snapshot(&[], snapshot(1), std::iter::empty())), [1]);
        let some = [snapshot(1), snapshot(9)];
        assert_eq!(versions(&with_snapshot(&some, snapshot(5), std::iter::empty())), [1, 5, 9]);
    }

    #[test]
    fn when_targets_need_all_the_list_grows_beyond_what_may_be_written() {
        let full: Vec<_> = (1..=64).map(snapshot).collect();
        assert_eq!(with_snapshot(&full, snapshot(65), (1..=65).map(Version)).len(), 65);
    }
}
