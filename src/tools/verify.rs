//! Everything a dataset's log reaches, fetched and checked.

use std::sync::Arc;

use crate::error::{Classify, ErrorKind, Result};
use crate::format::{BlobReference, Manifest, ManifestReference};
use crate::identifiers::{ContentHash, Fingerprint, Sequence, Version};
use crate::log::{LogEntry, StoredEntry};
use crate::progress::Progress;
use crate::replica::{Chain, Loaded, Replica, ReplicaError, Route};
use crate::store::{DatasetStore, Family, ObjectName};

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Log entries.
    pub entries: u64,
    /// Versions, each with its manifest.
    pub versions: u64,
    /// Deltas and reverse deltas, each applied.
    pub deltas: u64,
    /// Snapshots, each opened.
    pub snapshots: u64,
    /// Bytes of the blobs.
    pub bytes: u64,
}

/// Checks the log's chain, every manifest, and every blob of version `only`, of all kept versions for `None`: checksums, structure, and fingerprints along the chain both ways.
///
/// `replica` must have a segment store of its own: what another process verified before proves nothing here.
///
/// Versions may be given up meanwhile: it then begins anew with those that are left.
///
/// # Errors
/// `Corrupt`: the first thing that is wrong, with its object; `NotFound`: an object that should be there is not.
pub async fn verify(
    replica: &Replica,
    only: Option<Version>,
    progress: &Arc<dyn Progress>,
) -> Result<Verified> {
    Chain::beside_retention(replica.store(), |chain| async move {
        verify_chain(replica, &chain, only, progress).await
    })
    .await
}

async fn verify_chain(
    replica: &Replica,
    chain: &Chain,
    only: Option<Version>,
    progress: &Arc<dyn Progress>,
) -> Result<Verified> {
    let mut verified = Verified { entries: verify_log(replica.store()).await?, ..Verified::default() };
    let mut manifests = chain.manifests().await?;
    manifests.reverse();
    check_links(&manifests)?;
    let mut walk = Walk { replica, entry: chain.entry(), progress, loaded: None };
    for (reference, manifest) in &manifests {
        let wanted = only.is_none_or(|only| only == manifest.version);
        if wanted || only.is_some_and(|only| manifest.version < only) {
            walk.visit(reference, manifest, wanted, &mut verified).await?;
        }
    }
    if let Some(only) = only.filter(|_| verified.versions == 0) {
        chain.find(Some(only)).await?;
    }
    Ok(verified)
}

/// Reads every log entry that is kept, from the tail down: each must be the one that the entry after it was decided on.
async fn verify_log(store: &DatasetStore) -> Result<u64> {
    let listed = store.list(Family::Log, None).await?;
    let entries = listed.into_iter().filter_map(|object| match object.name {
        ObjectName::LogEntry(sequence) => Some(sequence),
        _ => None,
    });
    let mut entries: Vec<Sequence> = entries.collect();
    entries.sort_unstable();
    let (mut checked, mut after) = (0, None::<StoredEntry>);
    for sequence in entries.iter().rev() {
        let object = ObjectName::LogEntry(*sequence);
        // One that went since it was listed was given up.
        let Some(bytes) = store.find(&object, LogEntry::LIMIT).await? else { continue };
        // What lies below a gap is void: a number that was given up and came back by a late create.
        let after_it = after.filter(|after| sequence.0 + 1 == after.entry.sequence.0);
        let broken = || VerifyError::LogChain {
            object: object.to_string(),
            after: ObjectName::LogEntry(Sequence(sequence.0 + 1)).to_string(),
        };
        let hash = ContentHash::of(&bytes);
        if after_it.as_ref().is_some_and(|after| after.entry.previous != Some(hash)) {
            return Err(broken().into());
        }
        let entry = LogEntry::decode(bytes, *sequence)?;
        if after_it.is_some_and(|after| !after.follows(&entry)) {
            return Err(broken().into());
        }
        checked += 1;
        after = Some(entry);
    }
    Ok(checked)
}

/// Each manifest must name the one before.
fn check_links(manifests: &[(ManifestReference, Manifest)]) -> Result<(), VerifyError> {
    for pair in manifests.windows(2) {
        let [(parent, _), (reference, manifest)] = pair else { continue };
        if manifest.parent.as_ref() != Some(parent) {
            return Err(VerifyError::Parent {
                object: reference.name.clone(),
                expected: parent.name.clone(),
            });
        }
    }
    Ok(())
}

/// From version to version, by every blob there is.
struct Walk<'w> {
    replica: &'w Replica,
    entry: &'w LogEntry,
    progress: &'w Arc<dyn Progress>,
    loaded: Option<Loaded>,
}

impl Walk<'_> {
    async fn visit(
        &mut self,
        reference: &ManifestReference,
        manifest: &Manifest,
        wanted: bool,
        verified: &mut Verified,
    ) -> Result<()> {
        let before = self.loaded.take();
        let manifest = Arc::new(manifest.clone());
        if let (Some(before), Some(delta)) = (&before, &manifest.delta) {
            self.check_length(delta).await?;
            let route = Route::Forward(vec![delta.clone()]);
            self.loaded =
                Some(self.replica.arrive(Some(before), &route, &manifest, reference, self.progress).await?);
            verified.deltas += u64::from(wanted);
            verified.bytes += if wanted { delta.length } else { 0 };
        }
        let snapshot = self.entry.snapshots.iter().find(|snapshot| snapshot.version == manifest.version);
        if let Some(snapshot) = snapshot.filter(|_| wanted || self.loaded.is_none()) {
            let name = snapshot.name().to_string();
            let blob = BlobReference { name, length: snapshot.bytes, hash: snapshot.hash };
            self.check_length(&blob).await?;
            let route = Route::Snapshot { snapshot: blob, deltas: Vec::new() };
            self.loaded = Some(self.replica.arrive(None, &route, &manifest, reference, self.progress).await?);
            verified.snapshots += u64::from(wanted);
            verified.bytes += if wanted { snapshot.bytes } else { 0 };
        }
        if wanted {
            if self.loaded.is_none() {
                return Err(VerifyError::Unreachable { version: manifest.version }.into());
            }
            verified.versions += 1;
            self.back(before.as_ref(), &manifest, verified).await?;
        }
        Ok(())
    }

    /// Consumers do not look at what lies behind the last section, and nothing may.
    async fn check_length(&self, blob: &BlobReference) -> Result<()> {
        let name = ObjectName::parse(&blob.name);
        let name = name.expect("a manifest that was read and an entry name blobs");
        let found = self.replica.store().length(&name).await;
        let found = found.map_err(|error| ReplicaError::of_named(&blob.name, error))?;
        if found != blob.length {
            let (object, expected) = (blob.name.clone(), blob.length);
            return Err(VerifyError::Length { object, expected, found }.into());
        }
        Ok(())
    }

    /// The reverse delta must lead to what the version before was.
    async fn back(
        &self,
        before: Option<&Loaded>,
        manifest: &Manifest,
        verified: &mut Verified,
    ) -> Result<()> {
        let (Some(before), Some(reverse)) = (before, &manifest.reverse_delta) else { return Ok(()) };
        let Some(parent) = &before.manifest else { return Ok(()) };
        self.check_length(reverse).await?;
        let route = Route::Reverse(vec![reverse.clone()]);
        let reached = self
            .replica
            .arrive(self.loaded.as_ref(), &route, parent, &before.reference, self.progress)
            .await?;
        let (expected, found) = (before.state.fingerprint(), reached.state.fingerprint());
        if expected != found {
            return Err(VerifyError::Reverse { object: reverse.name.clone(), expected, found }.into());
        }
        verified.deltas += 1;
        verified.bytes += reverse.length;
        Ok(())
    }
}

/// A dataset that does not hold together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A log entry that is not the one which the next was decided on.
    #[error("{object} is not the entry that {after} was decided on: it was changed after it was written")]
    LogChain {
        /// The entry.
        object: String,
        /// The entry after it.
        after: String,
    },
    /// A manifest that names another parent.
    #[error("{object} does not name {expected} as its parent")]
    Parent {
        /// The manifest.
        object: String,
        /// The manifest of the version before.
        expected: String,
    },
    /// No blob leads there.
    #[error("neither a delta nor a snapshot leads to version {version}")]
    Unreachable {
        /// The version.
        version: Version,
    },
    /// A blob that was cut off, or has something behind it.
    #[error("{object} has {found} bytes, expected {expected}")]
    Length {
        /// The blob.
        object: String,
        /// What its manifest or the log says.
        expected: u64,
        /// What the store says.
        found: u64,
    },
    /// A reverse delta that leads elsewhere.
    #[error("{object} leads to fingerprint {found}, expected {expected}")]
    Reverse {
        /// The blob.
        object: String,
        /// Of the version before.
        expected: Fingerprint,
        /// Of what it led to.
        found: Fingerprint,
    },
}

impl Classify for VerifyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
