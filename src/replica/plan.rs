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
/// over the last 256 versions, so planning fetches nothing.
#[must_use]
pub fn plan(current: Option<&Manifest>, target: &Manifest, snapshots: &[SnapshotReference]) -> Vec<Route> {
    let mut routes = Vec::new();
    if let Some(current) = current {
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
