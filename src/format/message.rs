//! What headers and manifests have in common: framed Cap'n Proto messages from bytes nobody vouches for, names, tags,
//! hashes.

use std::collections::BTreeMap;

use capnp::message::{Reader, ReaderOptions};
use capnp::serialize::{self, OwnedSegments};
use capnp::{struct_list, text};

use super::error::{Flaw, ensure};
use crate::generated::{hash_capnp::hash, tag_capnp::tag};
use crate::identifiers::{ContentHash, DatasetId, Fingerprint};

/// Tags of one version at most.
pub const MAX_TAGS: usize = 256;
/// Bytes of a tag's name or value at most.
pub const MAX_TAG_LENGTH: usize = 4096;
/// Bytes of the name of a type or an object at most.
pub const MAX_NAME_LENGTH: usize = 1024;

/// What a producer says about a version in words of its own: names to values.
pub type Tags = BTreeMap<String, String>;

/// `Hash.algorithm` of xxh3-128, the only one so far.
const XXH3_128: u16 = 0;
/// The structures here are flat: a list of structs with a hash each.
const NESTING_LIMIT: i32 = 8;

/// Reads `bytes` as exactly one framed message. Costs one copy, into aligned memory.
///
/// What it may be made to read through pointers that share targets is bounded by four times its own length.
pub(super) fn open(mut bytes: &[u8]) -> Result<Reader<OwnedSegments>, Flaw> {
    let limit = bytes.len() / 8 * 4;
    let options = ReaderOptions { traversal_limit_in_words: Some(limit), nesting_limit: NESTING_LIMIT };
    let message = serialize::read_message(&mut bytes, options)?;
    ensure(bytes.is_empty(), || {
        Flaw::new("the message", "no byte behind its end", format!("{} more", bytes.len()))
    })?;
    Ok(message)
}

pub(super) fn read_dataset_id(bytes: &[u8]) -> Result<DatasetId, Flaw> {
    DatasetId::from_slice(bytes).ok_or_else(|| Flaw::new("the length of the dataset id", 16, bytes.len()))
}

pub(super) fn read_hash(hash: hash::Reader) -> Result<ContentHash, Flaw> {
    let algorithm = hash.get_algorithm();
    ensure(algorithm == XXH3_128, || Flaw::new("a hash algorithm", "0 (xxh3-128)", algorithm))?;
    let bytes = hash.get_bytes()?;
    ContentHash::from_slice(bytes).ok_or_else(|| Flaw::new("the length of a hash", 16, bytes.len()))
}

pub(super) fn write_hash(value: ContentHash, mut hash: hash::Builder) {
    hash.set_algorithm(XXH3_128);
    hash.set_bytes(&value.0);
}

pub(super) fn check_count(what: &str, count: usize, limit: usize) -> Result<(), Flaw> {
    ensure(count <= limit, || Flaw::new(format!("the number of {what}"), format!("at most {limit}"), count))
}

/// A name of a type or an object.
pub(super) fn read_name(what: &str, name: text::Reader) -> Result<String, Flaw> {
    let name = name.to_str()?;
    check_name(what, name)?;
    Ok(name.to_owned())
}

pub(super) fn check_name(what: &str, name: &str) -> Result<(), Flaw> {
    ensure((1..=MAX_NAME_LENGTH).contains(&name.len()), || {
        Flaw::new(format!("the length of {what}"), format!("1 to {MAX_NAME_LENGTH} bytes"), name.len())
    })
}

pub(super) fn read_tags(stored: struct_list::Reader<tag::Owned>) -> Result<Tags, Flaw> {
    check_count("tags", stored.len() as usize, MAX_TAGS)?;
    let mut tags = Tags::new();
    for tag in stored {
        let (name, value) = (tag.get_name()?.to_str()?, tag.get_value()?.to_str()?);
        check_tag(name, value)?;
        let ascends = tags.last_key_value().is_none_or(|(last, _)| last.as_str() < name);
        ensure(ascends, || Flaw::new("the order of the tags", "names that strictly ascend", name))?;
        tags.insert(name.to_owned(), value.to_owned());
    }
    Ok(tags)
}

pub(super) fn write_tags(tags: &Tags, mut stored: struct_list::Builder<tag::Owned>) {
    for (at, (name, value)) in tags.iter().enumerate() {
        let mut tag = stored.reborrow().get(at as u32);
        tag.set_name(name.as_str());
        tag.set_value(value.as_str());
    }
}

pub(super) fn check_tags(tags: &Tags) -> Result<(), Flaw> {
    check_count("tags", tags.len(), MAX_TAGS)?;
    tags.iter().try_for_each(|(name, value)| check_tag(name, value))
}

fn check_tag(name: &str, value: &str) -> Result<(), Flaw> {
    for (what, length) in [("name", name.len()), ("value", value.len())] {
        ensure(length <= MAX_TAG_LENGTH, || {
            Flaw::new(
                format!("the length of the {what} of a tag"),
                format!("at most {MAX_TAG_LENGTH} bytes"),
                length,
            )
        })?;
    }
    Ok(())
}

/// A fingerprint from its lower and upper half.
pub(super) fn join(low: u64, high: u64) -> Fingerprint {
    Fingerprint(u128::from(high) << 64 | u128::from(low))
}

/// Lower and upper half of a fingerprint.
pub(super) fn split(fingerprint: Fingerprint) -> (u64, u64) {
    (fingerprint.0 as u64, (fingerprint.0 >> 64) as u64)
}
