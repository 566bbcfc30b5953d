//! From a prepared version to a released one: upload, commit, announce.

use std::sync::Arc;

use super::listener::CycleStep;
use super::newest::Newest;
use super::prepare::{Deltas, Prepared};
use super::{Producer, Publication};
use crate::environment::milliseconds;
use crate::error::{ErrorKind, Result};
use crate::format::{BlobReference, FinishedBlob, Manifest, ManifestLink, ManifestReference, TypeSummary};
use crate::identifiers::{Attempt, ContentHash, Version};
use crate::log::{Commit, Hold, HoldReason, Outcome, SnapshotReference};
use crate::progress::{Stage, Unit};
use crate::replica::Loaded;
use crate::replica::transfer::{upload, upload_manifest};
use crate::state::State;
use crate::store::ObjectName;

/// Bytes of a version's blobs in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishedBytes {
    /// The snapshot, if the version has one.
    pub snapshot: Option<u64>,
    /// The delta; none for a first version or after a break.
    pub delta: Option<u64>,
    /// The reverse delta.
    pub reverse: Option<u64>,
}

impl Producer {
    /// Uploads, commits, and only then believes it (keeps R3, R4). Consumers stay where they are if there is a reason to hold the version back.
    pub(super) async fn publish(
        &mut self,
        prepared: Prepared,
        hold_back: Option<String>,
    ) -> Result<Publication> {
        let attempt = Attempt(self.log.store().environment().random.next_u64());
        let version = prepared.state.version();
        let uploaded = self.upload(&prepared, version, attempt).await?;
        let manifest = self.manifest(&prepared.state, attempt, &uploaded);
        let reference = upload_manifest(self.log.store(), &manifest).await?;
        self.settings.course.reach(CycleStep::Uploaded { bytes: uploaded.bytes() });
        self.commit(attempt, &reference, &uploaded, hold_back).await?;
        let types = prepared.state.tables().iter().zip(&prepared.changes);
        let types = types.map(|(table, (name, counts))| (name.clone(), table.len(), *counts)).collect();
        let (state, manifest) = (Arc::new(prepared.state), Some(Arc::new(manifest)));
        self.newest = Newest::Loaded(Loaded { state, reference: reference.clone(), manifest });
        self.settings.course.reach(CycleStep::Committed { version });
        self.settings.announcers.tell(&self.entry).await;
        Ok(Publication { version, manifest: reference, types, bytes: uploaded.bytes() })
    }

    async fn upload(&self, prepared: &Prepared, version: Version, attempt: Attempt) -> Result<Uploaded> {
        let (from, to) = (self.version(), version);
        let Deltas { forward, reverse } = match &prepared.deltas {
            Some(deltas) => deltas,
            None => {
                self.begin_upload(prepared.snapshot.iter());
                let snapshot =
                    self.put(prepared.snapshot.as_ref(), ObjectName::Snapshot { version, attempt });
                return Ok(Uploaded { delta: None, reverse: None, snapshot: snapshot.await? });
            }
        };
        self.begin_upload([forward, reverse].into_iter().chain(&prepared.snapshot));
        let (delta, reverse, snapshot) = futures::try_join!(
            self.put(Some(forward), ObjectName::Delta { from, to, attempt }),
            self.put(Some(reverse), ObjectName::ReverseDelta { from: to, to: from, attempt }),
            self.put(prepared.snapshot.as_ref(), ObjectName::Snapshot { version, attempt }),
        )?;
        Ok(Uploaded { delta, reverse, snapshot })
    }

    fn begin_upload<'b>(&self, blobs: impl Iterator<Item = &'b FinishedBlob>) {
        let total = Some(blobs.map(FinishedBlob::length).sum());
        self.settings.progress.stage(Stage { name: "uploading", unit: Unit::Bytes, total });
    }

    async fn put(&self, blob: Option<&FinishedBlob>, name: ObjectName) -> Result<Option<BlobReference>> {
        let Some(blob) = blob else { return Ok(None) };
        let stored =
            upload(self.log.store(), &name, blob, self.replica.options(), &self.settings.progress).await?;
        Ok(Some(stored))
    }

    fn manifest(&self, state: &State, attempt: Attempt, uploaded: &Uploaded) -> Manifest {
        let types = state.tables().iter().map(|table| TypeSummary {
            name: table.name().to_owned(),
            records: table.len(),
            fingerprint: table.fingerprint(),
        });
        Manifest {
            dataset_id: state.dataset(),
            version: state.version(),
            parent: self.newest.reference().cloned(),
            epoch: self.tenure.epoch,
            attempt,
            created_at_ms: self.created_at_ms(),
            schema_hash: ContentHash::of(&state.schema().stored_bytes()),
            key_seed: state.seed(),
            types: types.collect(),
            tags: state.tags().clone(),
            delta: uploaded.delta.clone(),
            reverse_delta: uploaded.reverse.clone(),
            links: self.links(),
        }
    }

    /// Now, and not before the version before: of two hosts' clocks one may be wrong, and retention goes by the times being in order.
    fn created_at_ms(&self) -> u64 {
        let before = self.newest.manifest().map_or(0, |manifest| manifest.created_at_ms);
        milliseconds(self.log.store().environment().clock.now()).max(before)
    }

    /// From the next version back. Behind one whose manifest cannot be read nothing is known.
    fn links(&self) -> Vec<ManifestLink> {
        match (self.newest.manifest(), &self.entry.latest) {
            (Some(manifest), Some(latest)) => manifest.child_links(latest.hash, self.entry.floor),
            (None, Some(latest)) => vec![ManifestLink {
                version: latest.version,
                attempt: latest.attempt,
                manifest_hash: latest.hash,
                delta: None,
                reverse_delta: None,
            }],
            (_, None) => Vec::new(),
        }
    }

    async fn commit(
        &mut self,
        attempt: Attempt,
        manifest: &ManifestReference,
        uploaded: &Uploaded,
        hold_back: Option<String>,
    ) -> Result<()> {
        let version = manifest.version;
        let snapshot = uploaded.snapshot.as_ref().map(|blob| SnapshotReference {
            version,
            attempt,
            hash: blob.hash,
            bytes: blob.length,
            begins: uploaded.delta.is_none(),
        });
        let commit = Commit {
            epoch: self.tenure.epoch,
            holder: self.tenure.holder,
            parent: self.entry.latest,
            manifest: crate::log::ManifestReference { version, attempt, hash: manifest.hash },
            snapshot,
            hold_back: hold_back.map(|why| Hold {
                reason: HoldReason::HeldBack,
                by: self.log.writer().to_owned(),
                why,
            }),
        };
        // Whoever drops the cycle here leaves it open what became of the entry.
        self.is_stale = true;
        let appended = self.log.append(&commit).await.map_err(crate::Error::from);
        match appended {
            Ok(Outcome::Appended(appended)) => {
                self.is_stale = appended.tail.latest_version() != version;
                self.entry = appended.tail;
            }
            Ok(Outcome::Done(tail)) => {
                self.is_stale = false;
                self.entry = *tail;
            }
            Err(error) => {
                self.is_stale = error.kind() != ErrorKind::Fenced;
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What lies in the store of a version that is not committed yet.
struct Uploaded {
    delta: Option<BlobReference>,
    reverse: Option<BlobReference>,
    snapshot: Option<BlobReference>,
}

impl Uploaded {
    fn bytes(&self) -> PublishedBytes {
        let length = |blob: &Option<BlobReference>| blob.as_ref().map(|blob| blob.length);
        PublishedBytes {
            snapshot: length(&self.snapshot),
            delta: length(&self.delta),
            reverse: length(&self.reverse),
        }
    }
}
