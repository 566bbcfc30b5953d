//! Everything a dataset's log reaches, fetched and checked.

use std::sync::Arc;

use crate::error::{Classify, ErrorKind, Result};
use crate::format::{BlobReference, Manifest, ManifestReference};
use crate::identifiers::{Fingerprint, Sequence, Version};
use crate::log::{LogEntry, StoredEntry};
use crate::progress::Progress;
use crate::replica::{Loaded, Replica, Route};
use crate::store::{DatasetStore, Family, ObjectName};
use crate::tools::Chain;

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
/// # Errors
/// `Corrupt`: the first thing that is wrong, with its object; `NotFound`: an object that should be there is not.
pub async fn verify(
    replica: &Replica,
    only: Option<Version>,
    progress: &Arc<dyn Progress>,
) -> Result<Verified> {
    let mut verified = Verified { entries: verify_log(replica.store()).await?, ..Verified::default() };
    let chain = Chain::open(replica).await?;
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

/// Reads every log entry that is kept: each must build on the one before.
async fn verify_log(store: &DatasetStore) -> Result<u64> {
    let mut entries: Vec<Sequence> = Vec::new();
    for listed in store.list(Family::Log, None).await? {
        if let ObjectName::LogEntry(sequence) = listed.name {
            entries.push(sequence);
        }
    }
    entries.sort_unstable();
    let mut before: Option<StoredEntry> = None;
    for sequence in &entries {
        let bytes = store.get(&ObjectName::LogEntry(*sequence), LogEntry::LIMIT).await?;
        let entry = LogEntry::decode(bytes, *sequence)?;
        let broken = before
            .as_ref()
            .is_some_and(|before| before.entry.sequence.0 + 1 == sequence.0 && !entry.follows(before));
        if broken {
            return Err(VerifyError::LogChain { object: ObjectName::LogEntry(*sequence).to_string() }.into());
        }
        before = Some(entry);
    }
    Ok(entries.len() as u64)
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

    /// The reverse delta must lead to what the version before was.
    async fn back(
        &self,
        before: Option<&Loaded>,
        manifest: &Manifest,
        verified: &mut Verified,
    ) -> Result<()> {
        let (Some(before), Some(reverse)) = (before, &manifest.reverse_delta) else { return Ok(()) };
        let Some(parent) = &before.manifest else { return Ok(()) };
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
    /// A log entry that does not build on the one before.
    #[error(
        "{object} does not build on the entry before it: the log was changed by hand or by another program"
    )]
    LogChain {
        /// The entry.
        object: String,
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
