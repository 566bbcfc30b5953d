//! An entry of the control log: the whole control state after one decision.

mod check;
mod decode;
mod encode;
#[cfg(test)]
pub(super) mod tests;

use std::time::SystemTime;

use bytes::Bytes;

use super::error::LogError;
use crate::format::MAX_LINKS;
use crate::identifiers::{Attempt, ContentHash, DatasetId, Epoch, Nonce, Sequence, Version};
use crate::store::ObjectName;

/// An entry of the control log.
///
/// The first fields say which entry it is and are set anew for each; the others, from `kind` on, are the control state,
/// and whoever appends carries over what it does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Random identity of the dataset, made by entry 1.
    pub dataset: DatasetId,
    /// Its own number.
    pub sequence: Sequence,
    /// Random mark by which its writer recognises it.
    pub nonce: Nonce,
    /// When it was decided, in whole milliseconds of the writer's clock; for people.
    pub at: SystemTime,
    /// Who decided it; for people.
    pub writer: String,
    /// Nonces of the entries it builds on, newest first: the last [`LogEntry::RECENT`], or all while there are fewer.
    pub recent: Vec<Nonce>,
    /// Hash of the stored bytes of the entry before it; `None` for entry 1.
    pub previous: Option<ContentHash>,
    /// Signatures over it.
    pub signatures: Vec<Signature>,
    /// What was decided.
    pub kind: EntryKind,
    /// Rises with every claim.
    pub epoch: Epoch,
    /// Nonce of the claim that began the epoch.
    pub holder: Nonce,
    /// The newest committed version; `None` before the first.
    pub latest: Option<ManifestReference>,
    /// Where consumers shall be, in ascending order of ring; ring "" is the first.
    pub targets: Vec<Target>,
    /// Complete snapshots at or above the floor, in ascending order of version; at most [`LogEntry::SNAPSHOTS`].
    pub snapshots: Vec<SnapshotReference>,
    /// Versions below may be gone.
    pub floor: Version,
}

/// What an entry decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A producer took the dataset over.
    Claim,
    /// A version was released.
    Commit,
    /// A snapshot was added to a version.
    Snapshot,
    /// A ring was pinned.
    Pin,
    /// A ring was released.
    Unpin,
    /// Versions were given up.
    Floor,
}

/// A version by its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ManifestReference {
    /// The version.
    pub version: Version,
    /// Which try at it: the other half of the manifest's name.
    pub attempt: Attempt,
    /// Hash of the stored manifest.
    pub hash: ContentHash,
}

impl ManifestReference {
    /// Name of the manifest.
    #[must_use]
    pub fn name(&self) -> ObjectName {
        ObjectName::Manifest { version: self.version, attempt: self.attempt }
    }
}

/// A complete snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotReference {
    /// The version it builds.
    pub version: Version,
    /// Which try at it: the other half of the blob's name.
    pub attempt: Attempt,
    /// Hash of the blob.
    pub hash: ContentHash,
    /// Length of the blob in bytes.
    pub bytes: u64,
    /// Whether no delta leads to its version, so that later versions are reached from no older snapshot: after a break.
    pub begins: bool,
}

impl SnapshotReference {
    /// Name of the blob.
    #[must_use]
    pub fn name(&self) -> ObjectName {
        ObjectName::Snapshot { version: self.version, attempt: self.attempt }
    }
}

/// Where the consumers of a ring shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the ring; "" is everyone without another.
    pub ring: String,
    /// The version; `None` before the first.
    pub manifest: Option<ManifestReference>,
    /// What keeps it from following [`LogEntry::latest`].
    pub hold: Option<Hold>,
}

impl Target {
    /// Number of the version; [`Version::NONE`] before the first.
    #[must_use]
    pub fn version(&self) -> Version {
        self.manifest.map_or(Version::NONE, |manifest| manifest.version)
    }
}

/// Why a ring stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What kind of hold.
    pub reason: HoldReason,
    /// Who holds it; for people.
    pub by: String,
    /// Why; for people.
    pub why: String,
}

/// What kind of hold keeps a ring where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldReason {
    /// An operator pinned it.
    Pinned,
    /// A commit left it where it was.
    HeldBack,
}

/// A signature over an entry's bytes as they are without signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Names the key.
    pub key: Vec<u8>,
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// An entry with the bytes that are, or shall be, stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// What they say.
    pub entry: LogEntry,
    /// The stored bytes.
    pub bytes: Bytes,
}

impl StoredEntry {
    /// Hash of the stored bytes, which the next entry holds.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash::of(&self.bytes)
    }
}

impl LogEntry {
    /// Version of the format that is written, and the only one read.
    pub const FORMAT_VERSION: u32 = 1;
    /// Most bytes that a stored entry may have.
    pub const LIMIT: u64 = 64 * 1024;
    /// How many of the entries it builds on an entry names.
    pub const RECENT: usize = 256;
    /// Most snapshots that an entry names.
    pub const SNAPSHOTS: usize = 64;
    /// How many versions a way by deltas goes over at most, so that snapshots have to lie no further apart.
    pub const SNAPSHOT_REACH: u64 = MAX_LINKS as u64;

    /// Name of the object it is stored as.
    #[must_use]
    pub fn name(&self) -> ObjectName {
        ObjectName::LogEntry(self.sequence)
    }

    /// The bytes to store. Equal entries have equal bytes.
    ///
    /// Fails when it has too many parts or is larger than [`LogEntry::LIMIT`]: long names of rings or people, or too many
    /// rings.
    ///
    /// # Panics
    ///
    /// If it contradicts itself, which no decision of this crate makes it do.
    pub fn encode(self) -> Result<StoredEntry, LogError> {
        encode::encode(self)
    }

    /// The entry that `bytes` are, found as entry `sequence`. Anything may come: what is not a sound entry is refused.
    pub fn decode(bytes: Bytes, sequence: Sequence) -> Result<StoredEntry, LogError> {
        decode::decode(bytes, sequence)
    }

    /// Whether the entry stored as `nonce` is this one or one that it builds on, as far as it names them.
    #[must_use]
    pub fn builds_on(&self, nonce: Nonce) -> bool {
        self.nonce == nonce || self.recent.contains(&nonce)
    }

    /// The target of `ring`, which is that of ring "" unless the ring has its own.
    ///
    /// # Panics
    ///
    /// If there are no targets; an entry that was read has them.
    #[must_use]
    pub fn target(&self, ring: &str) -> &Target {
        let own = self.targets.iter().find(|target| target.ring == ring);
        own.or(self.targets.first()).expect("an entry has the target of ring \"\"")
    }

    /// Number of the newest committed version; [`Version::NONE`] before the first.
    #[must_use]
    pub fn latest_version(&self) -> Version {
        self.latest.map_or(Version::NONE, |latest| latest.version)
    }

    /// Number of the oldest version that is kept; [`Version::NONE`] before the first.
    #[must_use]
    pub fn oldest_version(&self) -> Version {
        self.floor.max(Version(1)).min(self.latest_version())
    }
}
