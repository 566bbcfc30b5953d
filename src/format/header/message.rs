//! Between the plain structs of a header and its Cap'n Proto message.

use capnp::message::Builder;
use capnp::serialize;
use capnp::struct_list;

use super::super::error::Flaw;
use super::super::message;
use super::super::preamble::BlobKind;
use super::check::{MAX_SECTIONS, MAX_TYPES};
use super::table::{self, StoredSection};
use super::{BlobDescription, SectionEntry, TypeTransition};
use crate::generated::blob_capnp::{header, section, type_transition};
use crate::identifiers::{KeySeed, TypeId, Version};

pub(super) fn encode(description: &BlobDescription, sections: &[SectionEntry]) -> Vec<u8> {
    let mut message = Builder::new_default();
    let mut header: header::Builder = message.init_root();
    header.set_dataset_id(&description.dataset_id.0);
    header.set_from_version(description.from_version.0);
    header.set_to_version(description.to_version.0);
    header.set_key_seed(description.key_seed.0);
    write_types(&description.types, header.reborrow().init_types(description.types.len() as u32));
    if let Some(schema) = &description.schema {
        header.set_schema(schema);
    }
    message::write_tags(&description.tags, header.reborrow().init_tags(description.tags.len() as u32));
    write_sections(sections, header.init_sections(sections.len() as u32));
    serialize::write_message_to_words(&message)
}

fn write_types(types: &[TypeTransition], mut stored: struct_list::Builder<type_transition::Owned>) {
    for (at, transition) in types.iter().enumerate() {
        let mut entry = stored.reborrow().get(at as u32);
        let (from_low, from_high) = message::split(transition.from_fingerprint);
        let (to_low, to_high) = message::split(transition.to_fingerprint);
        entry.set_name(transition.name.as_str());
        entry.set_from_fingerprint_low(from_low);
        entry.set_from_fingerprint_high(from_high);
        entry.set_to_fingerprint_low(to_low);
        entry.set_to_fingerprint_high(to_high);
        entry.set_records(transition.records);
    }
}

fn write_sections(sections: &[SectionEntry], mut stored: struct_list::Builder<section::Owned>) {
    for (at, section) in sections.iter().enumerate() {
        let mut entry = stored.reborrow().get(at as u32);
        entry.set_kind(section.id.kind.to_stored());
        entry.set_codec(section.codec.to_stored());
        entry.set_part(section.id.part);
        entry.set_parts(section.id.parts);
        entry.set_type_id(section.id.type_id.0);
        entry.set_offset(section.offset);
        entry.set_stored_length(section.stored_length);
        entry.set_plain_length(section.plain_length);
        message::write_hash(section.hash, entry.init_hash());
    }
}

/// Reads a header; counts are bounded here, what they count is checked by the caller.
pub(super) fn decode(bytes: &[u8], kind: BlobKind) -> Result<(BlobDescription, Vec<StoredSection>), Flaw> {
    let message = message::open(bytes)?;
    let header: header::Reader = message.get_root()?;
    let description = BlobDescription {
        kind,
        dataset_id: message::read_dataset_id(header.get_dataset_id()?)?,
        from_version: Version(header.get_from_version()),
        to_version: Version(header.get_to_version()),
        key_seed: KeySeed(header.get_key_seed()),
        types: read_types(header.get_types()?)?,
        schema: if header.has_schema() { Some(header.get_schema()?.to_vec()) } else { None },
        tags: message::read_tags(header.get_tags()?)?,
    };
    Ok((description, read_sections(header.get_sections()?)?))
}

fn read_types(stored: struct_list::Reader<type_transition::Owned>) -> Result<Vec<TypeTransition>, Flaw> {
    message::check_count("types", stored.len() as usize, MAX_TYPES)?;
    stored.iter().map(read_type).collect()
}

fn read_type(stored: type_transition::Reader) -> Result<TypeTransition, Flaw> {
    Ok(TypeTransition {
        name: message::read_name("the name of a type", stored.get_name()?)?,
        from_fingerprint: message::join(
            stored.get_from_fingerprint_low(),
            stored.get_from_fingerprint_high(),
        ),
        to_fingerprint: message::join(stored.get_to_fingerprint_low(), stored.get_to_fingerprint_high()),
        records: stored.get_records(),
    })
}

fn read_sections(stored: struct_list::Reader<section::Owned>) -> Result<Vec<StoredSection>, Flaw> {
    message::check_count("sections", stored.len() as usize, MAX_SECTIONS)?;
    stored.iter().map(read_section).collect()
}

fn read_section(stored: section::Reader) -> Result<StoredSection, Flaw> {
    let kind = stored.get_kind();
    let hash = if table::is_known(kind) { Some(message::read_hash(stored.get_hash()?)?) } else { None };
    Ok(StoredSection {
        kind,
        codec: stored.get_codec(),
        type_id: TypeId(stored.get_type_id()),
        part: stored.get_part(),
        parts: stored.get_parts(),
        offset: stored.get_offset(),
        stored_length: stored.get_stored_length(),
        plain_length: stored.get_plain_length(),
        hash,
    })
}
