//! What a blob says of itself: which version it makes of which, and where its sections lie.

mod check;
mod message;
mod table;
#[cfg(test)]
mod tests;

pub use check::{MAX_PARTS, MAX_SECTION_LENGTH, MAX_SECTIONS, MAX_TYPES, SECTION_ALIGNMENT};
pub use table::{Codec, SectionEntry, SectionId, SectionKind};

use super::error::{Flaw, FormatError, ensure};
use super::manifest::BlobReference;
use super::message::Tags;
use super::preamble::{BlobKind, PREAMBLE_LENGTH, Preamble, head_length};
use crate::identifiers::{ContentHash, DatasetId, Fingerprint, KeySeed, TypeId, Version};

/// What a blob does to which version. Its writer states it; a reader believes it once the blob's hash was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobDescription {
    /// What the blob builds a state from.
    pub kind: BlobKind,
    /// The dataset it belongs to.
    pub dataset_id: DatasetId,
    /// The version it is applied to: none for a snapshot, the newer one for a reverse delta.
    pub from_version: Version,
    /// The version it leads to.
    pub to_version: Version,
    /// Seed of all key hashes; a delta of another seed cannot be applied.
    pub key_seed: KeySeed,
    /// What becomes of the types. A snapshot lists all of them; a type absent from a delta is unchanged.
    pub types: Vec<TypeTransition>,
    /// The encoded schema of the version it leads to; `None` in a delta that leaves the schema as it is.
    pub schema: Option<Vec<u8>>,
    /// The header tags of the version it leads to: so a reverse delta brings back the older ones
    /// (semantics 12).
    pub tags: Tags,
}

/// What becomes of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeTransition {
    /// Name of the type.
    pub name: String,
    /// Its fingerprint in the version the blob is applied to; zero in a snapshot, and for a type that is new.
    pub from_fingerprint: Fingerprint,
    /// Its fingerprint in the version the blob leads to.
    pub to_fingerprint: Fingerprint,
    /// Its records in the version the blob leads to.
    pub records: u64,
}

/// The verified header of a blob.
///
/// Sections lie within the blob, in ascending order, without overlap; each belongs to a type of the description; of
/// each kind and type all parts are there, once. Sections of kinds that this release does not know are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    description: BlobDescription,
    sections: Vec<SectionEntry>,
    hash: ContentHash,
    header_end: u64,
    blob_length: u64,
}

impl BlobHeader {
    /// Reads and verifies preamble and header at the begin of `bytes`, the first bytes of the blob that `reference`
    /// names; what follows the header is ignored. [`head_length`] tells how many bytes are needed.
    ///
    /// Fails with [`FormatError::Corrupt`] when the hash is not the reference's, or, should a writer have hashed
    /// nonsense, when any number or name in the header breaks a rule; with [`FormatError::UnknownFormatVersion`] when a
    /// later release wrote the blob in another format. Costs O(types + sections).
    pub fn parse(bytes: &[u8], reference: &BlobReference) -> Result<Self, FormatError> {
        let object = reference.name.as_str();
        let length = head_length(bytes, object)?;
        let head = bytes.get(..length as usize).ok_or_else(|| {
            let expected = format!("{length} bytes");
            Flaw::new("the length of preamble and header", expected, bytes.len()).at(object, 0)
        })?;
        let hash = ContentHash::of(head);
        ensure(hash == reference.hash, || Flaw::new("the hash of the blob", reference.hash, hash))
            .map_err(|flaw| flaw.at(object, 0))?;
        let preamble = Preamble::parse(head, object)?;
        read(head, &preamble, reference.length).map_err(|flaw| flaw.at(object, PREAMBLE_LENGTH as u64))
    }

    /// What the blob does to which version.
    #[must_use]
    pub fn description(&self) -> &BlobDescription {
        &self.description
    }

    /// The section table, in the order of the blob.
    #[must_use]
    pub fn sections(&self) -> &[SectionEntry] {
        &self.sections
    }

    /// The sections of one type, in the order of the blob.
    pub fn sections_of(&self, type_id: TypeId) -> impl Iterator<Item = &SectionEntry> {
        self.sections.iter().filter(move |section| section.id.type_id == type_id)
    }

    /// What becomes of the type called `name`; `None` when the blob says nothing of it.
    #[must_use]
    pub fn transition_of(&self, name: &str) -> Option<&TypeTransition> {
        self.description.types.iter().find(|transition| transition.name == name)
    }

    /// The hash of the blob, which is that of preamble and header.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Bytes of preamble and header together.
    #[must_use]
    pub fn header_end(&self) -> u64 {
        self.header_end
    }

    /// Bytes of the whole blob.
    #[must_use]
    pub fn blob_length(&self) -> u64 {
        self.blob_length
    }
}

/// Everything about `head` (preamble and header, nothing else) but its own hash.
fn read(head: &[u8], preamble: &Preamble, blob_length: u64) -> Result<BlobHeader, Flaw> {
    let header = &head[PREAMBLE_LENGTH..];
    let header_hash = ContentHash::of(header);
    ensure(header_hash == preamble.header_hash, || {
        Flaw::new("the hash of the header", preamble.header_hash, header_hash)
    })?;
    let (description, stored_sections) = message::decode(header, preamble.kind)?;
    let header_end = preamble.header_end();
    check::description(&description)?;
    check::layout(&stored_sections, header_end, blob_length)?;
    let sections = table::known(&stored_sections)?;
    check::sections(&sections, &description)?;
    Ok(BlobHeader { description, sections, hash: ContentHash::of(head), header_end, blob_length })
}

/// The stored header of a blob. Its length depends on the number of sections, not on where they lie.
pub(super) fn encode(description: &BlobDescription, sections: &[SectionEntry]) -> Vec<u8> {
    message::encode(description, sections)
}

/// Refuses what [`BlobHeader::parse`] would refuse, before it is written.
pub(super) fn check(description: &BlobDescription, sections: &[SectionEntry]) -> Result<(), FormatError> {
    check::description(description)
        .and_then(|()| check::sections(sections, description))
        .map_err(Flaw::refused)
}
