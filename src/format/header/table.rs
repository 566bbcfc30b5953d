//! The section table: what a section holds, where it lies, and how it is stored.

use std::fmt;

use super::super::error::Flaw;
use crate::identifiers::{ContentHash, TypeId};

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// The rows of a shard, in a snapshot.
    Rows,
    /// The perfect hash of a shard, in a snapshot.
    Keys,
    /// Records that came, changed or went, in a delta or reverse delta.
    Changes,
}

impl SectionKind {
    pub(super) fn to_stored(self) -> u16 {
        match self {
            Self::Rows => 1,
            Self::Keys => 2,
            Self::Changes => 3,
        }
    }

    fn from_stored(stored: u16) -> Option<Self> {
        [Self::Rows, Self::Keys, Self::Changes].into_iter().find(|kind| kind.to_stored() == stored)
    }
}

impl fmt::Display for SectionKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Rows => "rows",
            Self::Keys => "keys",
            Self::Changes => "changes",
        })
    }
}

/// How a section is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// As it is, on a boundary of [`SECTION_ALIGNMENT`](super::SECTION_ALIGNMENT).
    Plain,
    /// One zstd frame whose window is at most 8 MiB.
    Zstd,
}

impl Codec {
    pub(super) fn to_stored(self) -> u16 {
        match self {
            Self::Plain => 0,
            Self::Zstd => 1,
        }
    }

    pub(super) fn from_stored(stored: u16) -> Option<Self> {
        [Self::Plain, Self::Zstd].into_iter().find(|codec| codec.to_stored() == stored)
    }
}

/// Names a section within its blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId {
    /// The type it belongs to.
    pub type_id: TypeId,
    /// What it holds.
    pub kind: SectionKind,
    /// Which part: that of the key hashes whose upper log2(parts) bits are this number.
    pub part: u32,
    /// How many parts there are of this kind and type, a power of two.
    pub parts: u32,
}

impl fmt::Display for SectionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { type_id, kind, part, parts } = self;
        write!(out, "{kind} of type {:016x}, part {part} of {parts}", type_id.0)
    }
}

/// One line of the section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionEntry {
    /// Which section it is.
    pub id: SectionId,
    /// How it is stored.
    pub codec: Codec,
    /// Its first byte, from the begin of the blob.
    pub offset: u64,
    /// Its bytes in the blob.
    pub stored_length: u64,
    /// Its bytes once decoded.
    pub plain_length: u64,
    /// Hash of the plain bytes.
    pub hash: ContentHash,
}

impl SectionEntry {
    /// The first byte behind it, from the begin of the blob. Does not overflow in a verified header.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.stored_length
    }
}

/// A line of the table as stored: of a kind and codec that a later release may have invented.
pub(super) struct StoredSection {
    pub(super) kind: u16,
    pub(super) codec: u16,
    pub(super) type_id: TypeId,
    pub(super) part: u32,
    pub(super) parts: u32,
    pub(super) offset: u64,
    pub(super) stored_length: u64,
    pub(super) plain_length: u64,
    /// Read only for known kinds: an unknown one may use another algorithm.
    pub(super) hash: Option<ContentHash>,
}

/// The sections whose kind this release knows; one of a known kind in an unknown codec is refused.
pub(super) fn known(stored: &[StoredSection]) -> Result<Vec<SectionEntry>, Flaw> {
    stored
        .iter()
        .filter_map(|section| Some(entry(SectionKind::from_stored(section.kind)?, section)))
        .collect()
}

pub(super) fn is_known(kind: u16) -> bool {
    SectionKind::from_stored(kind).is_some()
}

fn entry(kind: SectionKind, stored: &StoredSection) -> Result<SectionEntry, Flaw> {
    let id = SectionId { type_id: stored.type_id, kind, part: stored.part, parts: stored.parts };
    let codec = Codec::from_stored(stored.codec)
        .ok_or_else(|| Flaw::new(format!("the codec of {id}"), "0 (plain) or 1 (zstd)", stored.codec))?;
    Ok(SectionEntry {
        id,
        codec,
        offset: stored.offset,
        stored_length: stored.stored_length,
        plain_length: stored.plain_length,
        hash: stored.hash.expect("the hash of a known kind was read"),
    })
}
