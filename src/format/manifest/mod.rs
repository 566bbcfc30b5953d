//! What one version is, and the way to it from its ancestors.
//!
//! A manifest counts from the moment a log entry names it. It repeats the links of its ancestors, so that a consumer
//! plans any way among the last 256 versions after one request, and fetches the deltas on it with no other manifest.

mod check;
mod message;
#[cfg(test)]
mod tests;

use super::error::{Flaw, FormatError};
use super::message::Tags;
use crate::identifiers::{Attempt, ContentHash, DatasetId, Epoch, Fingerprint, KeySeed, Version};
use crate::store::ObjectName;

/// Bytes of a manifest at most.
pub const MAX_MANIFEST_LENGTH: usize = 1 << 20;
/// Ancestors a manifest links at most. A snapshot is due as often, so that a longer way is never needed.
pub const MAX_LINKS: usize = 256;
/// The version of the manifest format that this release reads and writes.
pub const MANIFEST_FORMAT_VERSION: u32 = 1;

/// Describes one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The dataset.
    pub dataset_id: DatasetId,
    /// The version it describes.
    pub version: Version,
    /// The version before; `None` for the first.
    pub parent: Option<ManifestReference>,
    /// Epoch of the producer that made it.
    pub epoch: Epoch,
    /// The try that made it, which is in the names of all its objects.
    pub attempt: Attempt,
    /// When it was made, in milliseconds since 1970-01-01 UTC, for people.
    pub created_at_ms: u64,
    /// Hash of the encoded schema.
    pub schema_hash: ContentHash,
    /// Seed of all key hashes.
    pub key_seed: KeySeed,
    /// All types of the version.
    pub types: Vec<TypeSummary>,
    /// Header tags.
    pub tags: Tags,
    /// From the parent to this version; `None` for the first version and after a break.
    pub delta: Option<BlobReference>,
    /// From this version back to the parent; `None` for the first version and after a break.
    pub reverse_delta: Option<BlobReference>,
    /// The parent, its parent, and so on without a gap; made by [`Manifest::child_links`] of the parent.
    pub links: Vec<ManifestLink>,
}

/// Names a manifest in the store and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestReference {
    /// The version it describes.
    pub version: Version,
    /// Name of the object within the dataset.
    pub name: String,
    /// Hash of its bytes.
    pub hash: ContentHash,
}

/// Names a blob in the store and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobReference {
    /// Name of the object within the dataset.
    pub name: String,
    /// Bytes of the whole blob.
    pub length: u64,
    /// Hash of its preamble and header.
    pub hash: ContentHash,
}

/// One type of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSummary {
    /// Name of the type.
    pub name: String,
    /// Its records.
    pub records: u64,
    /// The sum over its records.
    pub fingerprint: Fingerprint,
}

/// An ancestor: enough to fetch its manifest and its deltas, whose names follow from version and attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLink {
    /// The ancestor.
    pub version: Version,
    /// The try that made it.
    pub attempt: Attempt,
    /// Hash of its manifest.
    pub manifest_hash: ContentHash,
    /// From the version before to the ancestor; `None` for the first version and after a break.
    pub delta: Option<LinkedBlob>,
    /// From the ancestor to the version before; `None` for the first version and after a break.
    pub reverse_delta: Option<LinkedBlob>,
}

/// A blob whose name follows from the link it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedBlob {
    /// Bytes of the whole blob.
    pub length: u64,
    /// Hash of its preamble and header.
    pub hash: ContentHash,
}

impl LinkedBlob {
    fn reference(self, name: ObjectName) -> BlobReference {
        BlobReference { name: name.to_string(), length: self.length, hash: self.hash }
    }
}

impl From<&BlobReference> for LinkedBlob {
    fn from(blob: &BlobReference) -> Self {
        Self { length: blob.length, hash: blob.hash }
    }
}

impl ManifestLink {
    /// The ancestor's manifest in the store.
    #[must_use]
    pub fn manifest_reference(&self) -> ManifestReference {
        let name = ObjectName::Manifest { version: self.version, attempt: self.attempt };
        ManifestReference { version: self.version, name: name.to_string(), hash: self.manifest_hash }
    }

    /// The delta from the version before to the ancestor; `None` for the first version and after a break.
    #[must_use]
    pub fn delta_reference(&self) -> Option<BlobReference> {
        let from = Version(self.version.0.checked_sub(1)?);
        Some(self.delta?.reference(ObjectName::Delta { from, to: self.version, attempt: self.attempt }))
    }

    /// The reverse delta from the ancestor to the version before; `None` for the first version and after a break.
    #[must_use]
    pub fn reverse_delta_reference(&self) -> Option<BlobReference> {
        let to = Version(self.version.0.checked_sub(1)?);
        Some(self.reverse_delta?.reference(ObjectName::ReverseDelta {
            from: self.version,
            to,
            attempt: self.attempt,
        }))
    }

    /// Whether no delta leads to this version: who comes from before arrives by snapshot.
    #[must_use]
    pub fn is_break(&self) -> bool {
        self.delta.is_none()
    }
}

impl Manifest {
    /// Whether no delta leads to this version: who comes from before arrives by snapshot. So is the first version.
    #[must_use]
    pub fn is_break(&self) -> bool {
        self.delta.is_none()
    }

    /// The links of the next version's manifest: to this one, whose stored bytes have the hash `own_hash`, and to those
    /// it links, at most [`MAX_LINKS`] and none below `floor`, where nothing is left to fetch.
    #[must_use]
    pub fn child_links(&self, own_hash: ContentHash, floor: Version) -> Vec<ManifestLink> {
        let all = std::iter::once(self.link(own_hash)).chain(self.links.iter().cloned());
        all.take_while(|link| link.version >= floor).take(MAX_LINKS).collect()
    }

    /// What a descendant's manifest says of this one, whose stored bytes have the hash `own_hash`.
    pub(crate) fn link(&self, own_hash: ContentHash) -> ManifestLink {
        ManifestLink {
            version: self.version,
            attempt: self.attempt,
            manifest_hash: own_hash,
            delta: self.delta.as_ref().map(LinkedBlob::from),
            reverse_delta: self.reverse_delta.as_ref().map(LinkedBlob::from),
        }
    }

    /// The stored form; its [`ContentHash::of`] is the hash of the manifest.
    ///
    /// Fails with [`FormatError::Refused`] on what [`Manifest::decode`] would refuse, and beyond
    /// [`MAX_MANIFEST_LENGTH`].
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        check::manifest(self).map_err(Flaw::refused)?;
        let bytes = message::encode(self);
        check::length(bytes.len()).map_err(Flaw::refused)?;
        Ok(bytes)
    }

    /// Reads the manifest stored under the name and with the hash of `reference`, and checks it.
    ///
    /// Fails with [`FormatError::Corrupt`] when `bytes` have another hash or describe another version, or when anything
    /// in them breaks a rule; with [`FormatError::UnknownFormatVersion`] when a later release wrote them in another
    /// format. Fields that a later release added are ignored. Costs O(types + tags + links).
    pub fn decode(bytes: &[u8], reference: &ManifestReference) -> Result<Self, FormatError> {
        let corrupt = |flaw: Flaw| flaw.at(&reference.name, 0);
        check::length(bytes.len()).map_err(corrupt)?;
        check::hash(bytes, reference.hash).map_err(corrupt)?;
        let message = super::message::open(bytes).map_err(corrupt)?;
        message::check_format_version(&message, &reference.name)?;
        let manifest = message::decode(&message).map_err(corrupt)?;
        check::identity(&manifest, reference.version).map_err(corrupt)?;
        check::manifest(&manifest).map_err(corrupt)?;
        Ok(manifest)
    }
}
