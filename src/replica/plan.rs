//! Which blobs lead from one version to another: a function from what is known to what to fetch.

use crate::format::{BlobReference, Manifest, ManifestLink};
use crate::identifiers::Version;
use crate::log::SnapshotReference;

/// A way to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The deltas after the current version, oldest first.
    Forward(Vec<BlobReference>),
    /// The reverse deltas of the current version and those before, newest first.
    Reverse(Vec<BlobReference>),
    /// A snapshot, and the deltas after it.
    Snapshot {
        /// The snapshot to begin with.
        snapshot: BlobReference,
        /// The deltas after it, oldest first.
        deltas: Vec<BlobReference>,
    },
}

impl Route {
    /// Its blobs, in the order in which they are applied.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobReference> {
        let (first, rest) = match self {
            Self::Forward(deltas) | Self::Reverse(deltas) => (None, deltas),
            Self::Snapshot { snapshot, deltas } => (Some(snapshot), deltas),
        };
        first.into_iter().chain(rest)
    }

    /// Bytes of its blobs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blobs().map(|blob| blob.length).sum()
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forward(_) => "delta",
            Self::Reverse(_) => "reverse delta",
            Self::Snapshot { .. } => "snapshot",
        }
    }
}

/// Every way from `current` to `target`, fewest bytes first (keeps semantics 16, and R9: forward from the target's manifest, backward from
/// that of the version one is on, because only it names the reverse deltas).
///
/// `current` is the manifest of the version that is loaded, `None` if there is none; it is not the target's. Each manifest repeats the links
/// over the last 256 versions, so planning fetches nothing. What led to versions below `floor` may be gone, and is not planned with.
#[must_use]
pub fn plan(
    current: Option<&Manifest>,
    target: &Manifest,
    snapshots: &[SnapshotReference],
    floor: Version,
) -> Vec<Route> {
    let mut routes = Vec::new();
    if let Some(current) = current.filter(|current| current.version.next() >= floor) {
        if current.version < target.version {
            routes.extend(forward(current.version, target).map(Route::Forward));
        } else {
            routes.extend(backward(current, target.version).map(Route::Reverse));
        }
    }
    for snapshot in snapshots {
        if let Some(deltas) = forward(snapshot.version, target) {
            let snapshot = BlobReference {
                name: snapshot.name().to_string(),
                length: snapshot.bytes,
                hash: snapshot.hash,
            };
            routes.push(Route::Snapshot { snapshot, deltas });
        }
    }
    routes.sort_by_key(Route::bytes);
    routes
}

/// The deltas that lead from `from` up to `target`; `None` if it lies above, too far back, or behind a break.
fn forward(from: Version, target: &Manifest) -> Option<Vec<BlobReference>> {
    if from > target.version {
        return None;
    }
    let own = (target.version > from).then(|| target.delta.clone());
    let links = target.links.iter().filter(|link| link.version > from).map(ManifestLink::delta_reference);
    let mut deltas = own.into_iter().chain(links).collect::<Option<Vec<_>>>()?;
    deltas.reverse();
    (deltas.len() as u64 == target.version.0 - from.0).then_some(deltas)
}

/// The reverse deltas that lead from `current` down to `to`.
fn backward(current: &Manifest, to: Version) -> Option<Vec<BlobReference>> {
    let links =
        current.links.iter().filter(|link| link.version > to).map(ManifestLink::reverse_delta_reference);
    let deltas = std::iter::once(current.reverse_delta.clone()).chain(links).collect::<Option<Vec<_>>>()?;
    (deltas.len() as u64 == current.version.0 - to.0).then_some(deltas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::LinkedBlob;
    use crate::identifiers::{Attempt, ContentHash, DatasetId, Epoch, KeySeed};

    /// The manifest of `version` in a chain whose deltas have 10 bytes and reverse deltas 20; no delta leads to `breaks`.
    fn manifest(version: u64, oldest_link: u64, breaks: &[u64]) -> Manifest {
        let blob = |version: u64, length| {
            let leads_there = version > 1 && !breaks.contains(&version);
            leads_there.then_some(LinkedBlob { length, hash: ContentHash([version as u8; 16]) })
        };
        let link = |version: u64| ManifestLink {
            version: Version(version),
            attempt: Attempt(version),
            manifest_hash: ContentHash([0; 16]),
            delta: blob(version, 10),
            reverse_delta: blob(version, 20),
        };
        let own = link(version);
        Manifest {
            dataset_id: DatasetId([1; 16]),
            version: Version(version),
            parent: None,
            epoch: Epoch(1),
            attempt: Attempt(version),
            created_at_ms: 0,
            schema_hash: ContentHash([0; 16]),
            key_seed: KeySeed(0),
            types: Vec::new(),
            tags: crate::format::Tags::new(),
            delta: own.delta_reference(),
            reverse_delta: own.reverse_delta_reference(),
            links: (oldest_link..version).rev().map(link).collect(),
        }
    }

    fn snapshot(version: u64, bytes: u64) -> SnapshotReference {
        SnapshotReference {
            version: Version(version),
            attempt: Attempt(version),
            hash: ContentHash([9; 16]),
            bytes,
            begins: false,
        }
    }

    /// Each route as its name and its bytes.
    fn routes(
        current: Option<u64>,
        target: &Manifest,
        snapshots: &[SnapshotReference],
    ) -> Vec<(&'static str, u64)> {
        let current = current.map(|version| manifest(version, 1, &[]));
        let routes = plan(current.as_ref(), target, snapshots, Version::NONE);
        routes.iter().map(|route| (route.name(), route.bytes())).collect()
    }

    #[test]
    fn the_route_with_the_fewest_bytes_comes_first_semantics_16() {
        let target = manifest(9, 1, &[]);
        assert_eq!(routes(Some(6), &target, &[snapshot(1, 500)]), [("delta", 30), ("snapshot", 580)]);
        assert_eq!(routes(Some(2), &target, &[snapshot(8, 40)]), [("snapshot", 50), ("delta", 70)]);
        assert_eq!(
            routes(None, &target, &[snapshot(1, 5), snapshot(9, 99)]),
            [("snapshot", 85), ("snapshot", 99)]
        );
    }

    #[test]
    fn backward_goes_by_the_reverse_deltas_of_the_current_version_r9() {
        let current = manifest(9, 1, &[]);
        let found = plan(Some(&current), &manifest(7, 1, &[]), &[], Version::NONE);
        let [Route::Reverse(deltas)] = &found[..] else { panic!("{found:?}") };
        let hashes: Vec<_> = deltas.iter().map(|delta| delta.hash.0[0]).collect();
        assert_eq!(hashes, [9, 8], "newest first, and none of the target's own");
    }

    #[test]
    fn forward_deltas_are_applied_oldest_first() {
        let found = plan(Some(&manifest(5, 1, &[])), &manifest(8, 1, &[]), &[], Version::NONE);
        let names: Vec<_> = found[0].blobs().map(|blob| blob.hash.0[0]).collect();
        assert_eq!(names, [6, 7, 8]);
    }

    #[test]
    fn across_a_break_and_beyond_the_links_only_a_snapshot_leads() {
        let broken = manifest(9, 1, &[8]);
        assert_eq!(routes(Some(6), &broken, &[snapshot(8, 100)]), [("snapshot", 110)]);
        assert_eq!(routes(Some(8), &broken, &[snapshot(8, 100)]), [("delta", 10), ("snapshot", 110)]);
        let short = manifest(300, 44, &[]);
        assert_eq!(routes(Some(42), &short, &[]), []);
        assert_eq!(routes(Some(43), &short, &[]), [("delta", 2570)]);
    }

    /// The delta to the floor itself is kept, those to versions below it are not.
    #[test]
    fn what_led_to_versions_below_the_floor_is_not_planned_with_r9() {
        let target = manifest(9, 1, &[]);
        let ways =
            |from, floor| plan(Some(&manifest(from, 1, &[])), &target, &[snapshot(5, 500)], Version(floor));
        let names = |routes: Vec<Route>| routes.iter().map(Route::name).collect::<Vec<_>>();
        assert_eq!(names(ways(4, 5)), ["delta", "snapshot"]);
        assert_eq!(names(ways(3, 5)), ["snapshot"]);
    }

    #[test]
    fn a_snapshot_after_the_target_leads_nowhere() {
        assert_eq!(routes(None, &manifest(3, 1, &[]), &[snapshot(4, 1)]), []);
    }
}
