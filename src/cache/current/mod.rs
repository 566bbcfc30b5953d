//! What a host serves of a dataset, so that a restart needs no network (keeps semantics 24).
//!
//! A [`Current`] names everything that the state served last is made of: the log entry and manifest it came from, and
//! per type the sections of its base and of the deltas since. All of them are content names, so it is enough to find
//! them in the state directory to have the state again, without replaying a chain. It is written after a refresh has
//! arrived and its sections are sealed, and replaced in one step: a reader, who takes no lock, gets the old file or the
//! new one. Several processes may write it; each leaves a whole state, and the last one stays. Those that load other types
//! write another file, so that none of them takes another's start away (keeps semantics 22).

mod codec;
mod file;

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::SectionName;
use crate::identifiers::{ContentHash, DatasetId, Fingerprint, KeySeed, Sequence, Version};

/// The state of a dataset that a host served last. About 100 bytes a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The dataset. A log of another id means a cold start.
    pub dataset: DatasetId,
    /// The ring whose target it was; "" is everyone without another.
    pub ring: String,
    /// The log entry this state was last moved by.
    pub sequence: Sequence,
    /// The version it is.
    pub version: Version,
    /// The manifest of that version.
    pub manifest: ManifestReference,
    /// When the log last said that this is where to be; kept to the millisecond.
    pub confirmed_at: SystemTime,
    /// Seed of all key hashes in these sections.
    pub key_seed: KeySeed,
    /// Hash of the stored schema, as the manifest has it.
    pub schema_hash: ContentHash,
    /// The dataset's stored schema, encoded.
    pub schema: Vec<u8>,
    /// Header tags of the version.
    pub tags: BTreeMap<String, String>,
    /// The types that are loaded.
    pub types: Vec<CurrentType>,
}

/// Where a manifest is and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestReference {
    /// Its object name.
    pub name: String,
    /// Hash of its bytes.
    pub hash: ContentHash,
}

/// One type of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentType {
    /// Name of the type; no two alike.
    pub name: String,
    /// Records it has.
    pub record_count: u64,
    /// Their fingerprint.
    pub fingerprint: Fingerprint,
    /// The base, by shard: a power of two of them, or none for a type that came after the base.
    pub base: Vec<CurrentShard>,
    /// The deltas since the base, in the order in which they are applied; after the last the type has
    /// [`CurrentType::fingerprint`].
    pub overlay: Vec<CurrentStep>,
}

/// One shard of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentShard {
    /// Its rows.
    pub rows: SectionName,
    /// Its perfect hash function.
    pub keys: SectionName,
}

/// What one delta or reverse delta changed of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentStep {
    /// The version it is applied to.
    pub from: Version,
    /// The version it leads to.
    pub to: Version,
    /// The type's fingerprint there.
    pub fingerprint_after: Fingerprint,
    /// The changes sections, by part.
    pub changes: Vec<SectionName>,
    /// The bits of the base's slots after this step, so that a start need not find them. Of the first step only, and only where a rebase wrote
    /// them.
    pub slots: Option<SectionName>,
}

impl CurrentStep {
    /// Its changes, then its slots.
    pub fn sections(&self) -> impl Iterator<Item = SectionName> {
        self.changes.iter().copied().chain(self.slots)
    }
}

impl Current {
    /// Every section the state is made of.
    pub fn sections(&self) -> impl Iterator<Item = SectionName> {
        self.types.iter().flat_map(|one| {
            let base = one.base.iter().flat_map(|shard| [shard.rows, shard.keys]);
            base.chain(one.overlay.iter().flat_map(CurrentStep::sections))
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
