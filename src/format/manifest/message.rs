//! Between the plain struct of a manifest and its Cap'n Proto message.

use capnp::message::{Builder, Reader};
use capnp::serialize::{self, OwnedSegments};
use capnp::struct_list;

use super::super::error::{Flaw, FormatError};
use super::super::header::MAX_TYPES;
use super::super::message;
use super::{
    BlobReference, LinkedBlob, MANIFEST_FORMAT_VERSION, MAX_LINKS, Manifest, ManifestLink, ManifestReference,
    TypeSummary,
};
use crate::generated::hash_capnp::hash;
use crate::generated::manifest_capnp::{self, blob, link, parent, type_summary};
use crate::identifiers::{Attempt, Epoch, KeySeed, Version};

/// Room for the fields outside lists, in words.
const FIXED_WORDS: usize = 512;
/// A link and its three hashes, in words.
const LINK_WORDS: usize = 19;

pub(super) fn encode(manifest: &Manifest) -> Vec<u8> {
    let first_segment = FIXED_WORDS + LINK_WORDS * manifest.links.len();
    let allocator = capnp::message::HeapAllocator::new().first_segment_words(first_segment as u32);
    let mut message = Builder::new(allocator);
    let mut stored: manifest_capnp::manifest::Builder = message.init_root();
    stored.set_format_version(MANIFEST_FORMAT_VERSION);
    stored.set_dataset_id(&manifest.dataset_id.0);
    stored.set_version(manifest.version.0);
    if let Some(parent) = &manifest.parent {
        write_parent(parent, stored.reborrow().init_parent());
    }
    stored.set_epoch(manifest.epoch.0);
    stored.set_attempt(manifest.attempt.0);
    stored.set_created_at_ms(manifest.created_at_ms);
    message::write_hash(manifest.schema_hash, stored.reborrow().init_schema_hash());
    stored.set_key_seed(manifest.key_seed.0);
    write_types(&manifest.types, stored.reborrow().init_types(manifest.types.len() as u32));
    message::write_tags(&manifest.tags, stored.reborrow().init_tags(manifest.tags.len() as u32));
    if let Some(delta) = &manifest.delta {
        write_blob(delta, stored.reborrow().init_delta());
    }
    if let Some(reverse) = &manifest.reverse_delta {
        write_blob(reverse, stored.reborrow().init_reverse_delta());
    }
    write_links(&manifest.links, stored.init_links(manifest.links.len() as u32));
    serialize::write_message_to_words(&message)
}

fn write_parent(parent: &ManifestReference, mut stored: parent::Builder) {
    stored.set_version(parent.version.0);
    stored.set_manifest_name(parent.name.as_str());
    message::write_hash(parent.hash, stored.init_manifest_hash());
}

fn write_blob(blob: &BlobReference, mut stored: blob::Builder) {
    stored.set_name(blob.name.as_str());
    stored.set_length(blob.length);
    message::write_hash(blob.hash, stored.init_hash());
}

fn write_types(types: &[TypeSummary], mut stored: struct_list::Builder<type_summary::Owned>) {
    for (at, summary) in types.iter().enumerate() {
        let mut entry = stored.reborrow().get(at as u32);
        let (low, high) = message::split(summary.fingerprint);
        entry.set_name(summary.name.as_str());
        entry.set_records(summary.records);
        entry.set_fingerprint_low(low);
        entry.set_fingerprint_high(high);
    }
}

fn write_links(links: &[ManifestLink], mut stored: struct_list::Builder<link::Owned>) {
    for (at, link) in links.iter().enumerate() {
        let mut entry = stored.reborrow().get(at as u32);
        entry.set_version(link.version.0);
        entry.set_attempt(link.attempt.0);
        message::write_hash(link.manifest_hash, entry.reborrow().init_manifest_hash());
        if let Some(delta) = link.delta {
            entry.set_delta_length(delta.length);
            message::write_hash(delta.hash, entry.reborrow().init_delta_hash());
        }
        if let Some(reverse) = link.reverse_delta {
            entry.set_reverse_delta_length(reverse.length);
            message::write_hash(reverse.hash, entry.init_reverse_delta_hash());
        }
    }
}

/// Refuses a manifest of another format by name, before anything else of it is read.
pub(super) fn check_format_version(message: &Reader<OwnedSegments>, object: &str) -> Result<(), FormatError> {
    let root: manifest_capnp::manifest::Reader =
        message.get_root().map_err(|error| Flaw::from(error).at(object, 0))?;
    let found = root.get_format_version();
    if found == MANIFEST_FORMAT_VERSION {
        return Ok(());
    }
    Err(FormatError::UnknownFormatVersion {
        object: object.to_owned(),
        found,
        supported: MANIFEST_FORMAT_VERSION,
    })
}

/// Reads a manifest; counts are bounded here, what they count is checked by the caller.
pub(super) fn decode(message: &Reader<OwnedSegments>) -> Result<Manifest, Flaw> {
    let stored: manifest_capnp::manifest::Reader = message.get_root()?;
    Ok(Manifest {
        dataset_id: message::read_dataset_id(stored.get_dataset_id()?)?,
        version: Version(stored.get_version()),
        parent: if stored.has_parent() { Some(read_parent(stored.get_parent()?)?) } else { None },
        epoch: Epoch(stored.get_epoch()),
        attempt: Attempt(stored.get_attempt()),
        created_at_ms: stored.get_created_at_ms(),
        schema_hash: message::read_hash(stored.get_schema_hash()?)?,
        key_seed: KeySeed(stored.get_key_seed()),
        types: read_types(stored.get_types()?)?,
        tags: message::read_tags(stored.get_tags()?)?,
        delta: if stored.has_delta() { Some(read_blob(stored.get_delta()?)?) } else { None },
        reverse_delta: if stored.has_reverse_delta() {
            Some(read_blob(stored.get_reverse_delta()?)?)
        } else {
            None
        },
        links: read_links(stored.get_links()?)?,
    })
}

fn read_parent(stored: parent::Reader) -> Result<ManifestReference, Flaw> {
    Ok(ManifestReference {
        version: Version(stored.get_version()),
        name: message::read_name("the name of the parent's manifest", stored.get_manifest_name()?)?,
        hash: message::read_hash(stored.get_manifest_hash()?)?,
    })
}

fn read_blob(stored: blob::Reader) -> Result<BlobReference, Flaw> {
    Ok(BlobReference {
        name: message::read_name("the name of a blob", stored.get_name()?)?,
        length: stored.get_length(),
        hash: message::read_hash(stored.get_hash()?)?,
    })
}

fn read_types(stored: struct_list::Reader<type_summary::Owned>) -> Result<Vec<TypeSummary>, Flaw> {
    message::check_count("types", stored.len() as usize, MAX_TYPES)?;
    stored.iter().map(read_type).collect()
}

fn read_type(stored: type_summary::Reader) -> Result<TypeSummary, Flaw> {
    Ok(TypeSummary {
        name: message::read_name("the name of a type", stored.get_name()?)?,
        records: stored.get_records(),
        fingerprint: message::join(stored.get_fingerprint_low(), stored.get_fingerprint_high()),
    })
}

fn read_links(stored: struct_list::Reader<link::Owned>) -> Result<Vec<ManifestLink>, Flaw> {
    message::check_count("links", stored.len() as usize, MAX_LINKS)?;
    stored.iter().map(read_link).collect()
}

fn read_link(stored: link::Reader) -> Result<ManifestLink, Flaw> {
    let delta = if stored.has_delta_hash() { Some(stored.get_delta_hash()?) } else { None };
    let reverse = if stored.has_reverse_delta_hash() { Some(stored.get_reverse_delta_hash()?) } else { None };
    Ok(ManifestLink {
        version: Version(stored.get_version()),
        attempt: Attempt(stored.get_attempt()),
        manifest_hash: message::read_hash(stored.get_manifest_hash()?)?,
        delta: read_linked(stored.get_delta_length(), delta)?,
        reverse_delta: read_linked(stored.get_reverse_delta_length(), reverse)?,
    })
}

fn read_linked(length: u64, hash: Option<hash::Reader>) -> Result<Option<LinkedBlob>, Flaw> {
    hash.map(|hash| Ok(LinkedBlob { length, hash: message::read_hash(hash)? })).transpose()
}
