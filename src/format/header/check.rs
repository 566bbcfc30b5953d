//! The rules of a header. Writers and readers go through the same ones.

use std::collections::HashSet;

use super::super::error::{Flaw, ensure};
use super::super::message::{check_count, check_name, check_tags};
use super::super::preamble::BlobKind;
use super::table::{Codec, SectionEntry, SectionId, SectionKind, StoredSection};
use super::{BlobDescription, TypeTransition};
use crate::identifiers::{Fingerprint, TypeId, Version};

/// Types of a dataset at most.
pub const MAX_TYPES: usize = 4096;
/// Sections of a blob at most.
pub const MAX_SECTIONS: usize = 1 << 17;
/// Parts of a kind and type at most: with shards of 32 MiB, two tebibytes of one type.
pub const MAX_PARTS: u32 = 1 << 16;
/// Plain bytes of a section at most: the gibibyte of a shard, and a quarter for unused slots and a last large record.
pub const MAX_SECTION_LENGTH: u64 = (1 << 30) + (1 << 28);
/// Sections stored plain begin on a multiple of this, in bytes, so that they can be mapped from a copy of the blob.
pub const SECTION_ALIGNMENT: u64 = 4096;

/// Versions, types, schema and tags.
pub(super) fn description(blob: &BlobDescription) -> Result<(), Flaw> {
    check_versions(blob.kind, blob.from_version, blob.to_version)?;
    check_types(blob.kind, &blob.types)?;
    ensure(blob.kind != BlobKind::Snapshot || blob.schema.is_some(), || {
        Flaw::new("the schema of a snapshot", "present", "absent")
    })?;
    check_tags(&blob.tags)
}

fn check_versions(kind: BlobKind, from: Version, to: Version) -> Result<(), Flaw> {
    let follows =
        |newer: Version, older: Version| !older.is_none() && older.0.checked_add(1) == Some(newer.0);
    let (holds, expected) = match kind {
        BlobKind::Snapshot => (from.is_none() && !to.is_none(), "from 0 to a version"),
        BlobKind::Delta => (follows(to, from), "from a version to the next"),
        BlobKind::ReverseDelta => (follows(from, to), "from a version to the one before"),
    };
    ensure(holds, || Flaw::new("the way of the blob", expected, format!("from {from} to {to}")))
}

fn check_types(kind: BlobKind, types: &[TypeTransition]) -> Result<(), Flaw> {
    check_count("types", types.len(), MAX_TYPES)?;
    let mut seen = HashSet::new();
    for transition in types {
        let name = transition.name.as_str();
        check_name("the name of a type", name)?;
        ensure(seen.insert(TypeId::of(name)), || {
            Flaw::new("the list of types", "each once", format!("{name} twice"))
        })?;
        let from = transition.from_fingerprint;
        ensure(kind != BlobKind::Snapshot || from == Fingerprint::default(), || {
            Flaw::new(format!("the fingerprint that a snapshot starts from, of {name}"), "zero", from)
        })?;
    }
    Ok(())
}

/// Where the sections lie, of known and unknown kinds alike: ascending, apart, and up to the last byte of the blob.
pub(super) fn layout(sections: &[StoredSection], header_end: u64, blob_length: u64) -> Result<(), Flaw> {
    let mut end = header_end;
    for (at, section) in sections.iter().enumerate() {
        let offset = section.offset;
        ensure(offset >= end, || {
            Flaw::new(format!("the offset of section {at}"), format!("{end} or more"), offset)
        })?;
        let plain = section.codec == Codec::Plain.to_stored();
        ensure(!plain || offset.is_multiple_of(SECTION_ALIGNMENT), || {
            let expected = format!("a multiple of {SECTION_ALIGNMENT}, as it is stored plain");
            Flaw::new(format!("the offset of section {at}"), expected, offset)
        })?;
        let stored = section.stored_length;
        end = offset.checked_add(stored).filter(|end| *end <= blob_length).ok_or_else(|| {
            let expected = format!(
                "at most {}, as the blob has {blob_length} bytes",
                blob_length.saturating_sub(offset)
            );
            Flaw::new(format!("the stored length of section {at}"), expected, stored)
        })?;
    }
    ensure(end == blob_length, || Flaw::new("the length of the blob", end, blob_length))
}

/// The sections of known kinds, each for itself and all together.
pub(super) fn sections(sections: &[SectionEntry], blob: &BlobDescription) -> Result<(), Flaw> {
    check_count("sections", sections.len(), MAX_SECTIONS)?;
    let types: HashSet<TypeId> = blob.types.iter().map(|transition| TypeId::of(&transition.name)).collect();
    for section in sections {
        check_section(section, blob.kind, &types)?;
    }
    check_parts(sections)
}

fn check_section(section: &SectionEntry, kind: BlobKind, types: &HashSet<TypeId>) -> Result<(), Flaw> {
    let SectionEntry { id, codec, stored_length, plain_length, .. } = section;
    let flaw =
        |what: &str, expected: String, found: u64| Flaw::new(format!("{what} of {id}"), expected, found);
    ensure(types.contains(&id.type_id), || {
        Flaw::new(format!("the type of {id}"), "one of the blob's types", "unknown")
    })?;
    ensure((id.kind == SectionKind::Changes) == (kind != BlobKind::Snapshot), || {
        Flaw::new(format!("the kind of {id}"), "rows or keys in a snapshot, changes in a delta", id.kind)
    })?;
    ensure(id.parts.is_power_of_two() && id.parts <= MAX_PARTS, || {
        flaw("the number of parts", format!("a power of two, at most {MAX_PARTS}"), id.parts.into())
    })?;
    ensure(id.part < id.parts, || flaw("the part", format!("below {}", id.parts), id.part.into()))?;
    ensure(*plain_length <= MAX_SECTION_LENGTH, || {
        flaw("the plain length", format!("at most {MAX_SECTION_LENGTH}"), *plain_length)
    })?;
    let (holds, expected) = match codec {
        Codec::Plain => (stored_length == plain_length, format!("{plain_length}, its plain length")),
        Codec::Zstd => {
            let bound = longest_frame(*plain_length);
            (*stored_length <= bound, format!("at most {bound} for {plain_length} plain bytes"))
        }
    };
    ensure(holds, || flaw("the stored length", expected, *stored_length))
}

/// More than zstd makes of `plain_length` incompressible bytes, so that a short section cannot be stored at length.
fn longest_frame(plain_length: u64) -> u64 {
    plain_length + plain_length / 128 + 1024
}

/// Of each kind and type all parts, once.
fn check_parts(sections: &[SectionEntry]) -> Result<(), Flaw> {
    let mut ids: Vec<SectionId> = sections.iter().map(|section| section.id).collect();
    ids.sort_unstable();
    for group in ids.chunk_by(|a, b| (a.type_id, a.kind) == (b.type_id, b.kind)) {
        for (expected, id) in group.iter().enumerate() {
            ensure(id.part as usize == expected && id.parts == group[0].parts, || {
                Flaw::new(
                    format!("the section table of {} parts", id.kind),
                    format!("part {expected} of {}", group[0].parts),
                    id,
                )
            })?;
        }
        let (first, found) = (group[0], group.len());
        ensure(first.parts as usize == found, || {
            Flaw::new(
                format!("the section table of {} parts", first.kind),
                format!("{} parts", first.parts),
                found,
            )
        })?;
    }
    Ok(())
}
