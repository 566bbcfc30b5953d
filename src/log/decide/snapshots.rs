//! Which snapshots an entry names: at most 64, so a new one may cost an old one its place.

use crate::identifiers::Version;
use crate::log::entry::{LogEntry, SnapshotReference, Target};

/// `entry`, which names the snapshot `new` as well.
///
/// When they are too many, one goes without which every kept version is still reached: no further from the snapshot before it than deltas lead
/// ([`LogEntry::SNAPSHOT_REACH`]), and over no break. Of those, the one that leaves the smallest gap goes, so that they lie the further apart the
/// older they are. If there is none, the oldest goes and the floor rises to the next one: what lies below can't be reached any more. A pin may
/// keep the floor where it is; then one goes whose versions are reached from later ones only, if at all.
///
/// The blob of one that goes stays in the store until retention passes its version; only new plans can't use it.
/// With more targets than places none may go; the result is then too long, and refused when it is written.
pub(super) fn with_snapshot(entry: LogEntry, new: SnapshotReference) -> LogEntry {
    let mut all = entry.snapshots.clone();
    all.retain(|known| known.version != new.version);
    all.insert(all.partition_point(|known| known.version < new.version), new);
    let mut floor = entry.floor;
    if all.len() > LogEntry::SNAPSHOTS {
        let needed = needed(&all, new.version, &entry.targets);
        if let Some(place) = thinned(&all, &needed, is_reached_without) {
            all.remove(place);
        } else if !needed[0] && entry.targets.iter().all(|target| target.version() >= all[1].version) {
            all.remove(0);
            floor = floor.max(all[0].version);
        } else if let Some(place) = thinned(&all, &needed, |_, _| true) {
            all.remove(place);
        }
    }
    LogEntry { snapshots: all, floor, ..entry }
}

/// Which of `all` have to stay: the new one, and the newest at or before each target: from there a consumer that starts from nothing goes on by
/// deltas.
fn needed(all: &[SnapshotReference], new: Version, targets: &[Target]) -> Vec<bool> {
    let mut needed: Vec<bool> = all.iter().map(|known| known.version == new).collect();
    for target in targets {
        let base = all.partition_point(|known| known.version <= target.version()).checked_sub(1);
        base.into_iter().for_each(|base| needed[base] = true);
    }
    needed
}

/// The place between the first and the last whose snapshot, of those that may go, leaves the smallest gap.
fn thinned(
    all: &[SnapshotReference],
    needed: &[bool],
    may_go: impl Fn(&[SnapshotReference], usize) -> bool,
) -> Option<usize> {
    let places = (1..all.len() - 1).filter(|place| !needed[*place] && may_go(all, *place));
    places.min_by_key(|place| gap_without(all, *place))
}

/// Versions from the snapshot before the one at `place` to the one after it.
fn gap_without(all: &[SnapshotReference], place: usize) -> u64 {
    all[place + 1].version.0 - all[place - 1].version.0
}

/// Whether the versions that are reached from the snapshot at `place` are reached from the one before it as well.
fn is_reached_without(all: &[SnapshotReference], place: usize) -> bool {
    !all[place].begins && gap_without(all, place) <= LogEntry::SNAPSHOT_REACH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::{Attempt, ContentHash};
    use crate::log::entry::tests::{entry, manifest};

    fn snapshot(version: u64) -> SnapshotReference {
        let (attempt, hash) = (Attempt(version), ContentHash([1; 16]));
        SnapshotReference { version: Version(version), attempt, hash, bytes: 1, begins: false }
    }

    /// An entry with `snapshots` and consumers at `targets`, the floor at the first snapshot.
    fn tail(snapshots: impl Iterator<Item = u64>, targets: &[u64]) -> LogEntry {
        let target = |version: &u64| Target {
            manifest: (*version > 0).then(|| manifest(*version)),
            ..entry().targets[0].clone()
        };
        let snapshots: Vec<_> = snapshots.map(snapshot).collect();
        let floor = snapshots.first().map_or(Version::NONE, |first| first.version);
        LogEntry { targets: targets.iter().map(target).collect(), snapshots, floor, ..entry() }
    }

    fn versions(entry: &LogEntry) -> Vec<u64> {
        entry.snapshots.iter().map(|snapshot| snapshot.version.0).collect()
    }

    /// Which of 64 snapshots goes for one at `new`, and the floor after that.
    fn gone(tail: &LogEntry, new: u64) -> (Vec<u64>, u64) {
        let next = with_snapshot(tail.clone(), snapshot(new));
        let stays = versions(&next);
        assert!(stays.contains(&new), "a new one is named");
        (versions(tail).into_iter().filter(|version| !stays.contains(version)).collect(), next.floor.0)
    }

    #[test]
    fn while_there_is_room_none_goes() {
        assert_eq!(versions(&with_snapshot(tail([].into_iter(), &[]), snapshot(1))), [1]);
        let some = tail([1, 9].into_iter(), &[]);
        assert_eq!(versions(&with_snapshot(some, snapshot(5))), [1, 5, 9]);
    }

    #[test]
    fn the_oldest_goes_between_two_that_are_near_enough_r6() {
        let full = |targets: &[u64]| tail((1..=64).map(|place| place * 10), targets);
        assert_eq!(
            gone(&full(&[650]), 650),
            (vec![20], 10),
            "the first leads to all that come before the next"
        );
        assert_eq!(
            gone(&full(&[29, 650]), 650),
            (vec![30], 10),
            "version 29 is reached from the snapshot of 20"
        );
        assert_eq!(gone(&full(&[650]), 15), (vec![20], 10), "between 15 and 30, where there are most");
    }

    /// Without one of those that lie 129 versions apart, deltas would have to lead over 258.
    #[test]
    fn a_gap_is_no_wider_than_deltas_lead_r6() {
        let wide = |place: u64| 1 + place * 129;
        let one_is_near = tail((0..64).map(|place| if place < 63 { wide(place) } else { wide(62) + 1 }), &[]);
        assert_eq!(gone(&one_is_near, wide(63)).0, [wide(62) + 1]);
        let none_is = tail((0..64).map(wide), &[wide(64)]);
        assert_eq!(gone(&none_is, wide(64)), (vec![1], wide(1)), "the floor rises to the next one");
        let pinned = tail((0..64).map(wide), &[5, wide(64)]);
        assert_eq!(gone(&pinned, wide(64)), (vec![wide(1)], 1), "a pin keeps the floor where it is");
    }

    #[test]
    fn what_comes_after_a_break_keeps_its_snapshot_r6() {
        let mut full = tail((1..=64).map(|place| place * 10), &[650]);
        full.snapshots[1].begins = true;
        assert_eq!(gone(&full, 650), (vec![30], 10));
    }

    /// Two years of a version a minute: at any moment every version behind the floor is reached from a snapshot, and the last 8,000 are kept.
    #[test]
    fn every_version_behind_the_floor_is_reached_r6() {
        let mut entry = tail([1].into_iter(), &[]);
        for version in (33..1_000_000).step_by(32) {
            entry = with_snapshot(entry, snapshot(version));
            let versions = versions(&entry);
            assert!(versions.len() <= LogEntry::SNAPSHOTS && versions[0] == entry.floor.0);
            assert!(versions.windows(2).all(|pair| pair[1] - pair[0] <= LogEntry::SNAPSHOT_REACH));
            assert!(
                version < 8000 || version - versions[0] >= 8000 || versions[0] == 1,
                "{version}: {versions:?}"
            );
        }
    }

    #[test]
    fn when_targets_need_all_the_list_grows_beyond_what_may_be_written() {
        let full = tail(1..=64, &(1..=65).collect::<Vec<_>>());
        assert_eq!(with_snapshot(full, snapshot(65)).snapshots.len(), 65);
    }
}
