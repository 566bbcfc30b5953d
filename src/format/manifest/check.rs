//! The rules of a manifest. Writers and readers go through the same ones.

use std::collections::HashSet;

use super::super::error::{Flaw, ensure};
use super::super::header::MAX_TYPES;
use super::super::message::{check_count, check_name, check_tags};
use super::super::preamble::PREAMBLE_LENGTH;
use super::{BlobReference, MAX_LINKS, MAX_MANIFEST_LENGTH, Manifest, ManifestLink, TypeSummary};
use crate::identifiers::{ContentHash, Version};

pub(super) fn length(found: usize) -> Result<(), Flaw> {
    ensure(found <= MAX_MANIFEST_LENGTH, || {
        Flaw::new("the length of the manifest", format!("at most {MAX_MANIFEST_LENGTH} bytes"), found)
    })
}

pub(super) fn hash(bytes: &[u8], expected: ContentHash) -> Result<(), Flaw> {
    let found = ContentHash::of(bytes);
    ensure(found == expected, || Flaw::new("the hash of the manifest", expected, found))
}

pub(super) fn identity(manifest: &Manifest, expected: Version) -> Result<(), Flaw> {
    let found = manifest.version;
    ensure(found == expected, || Flaw::new("the version of the manifest", expected, found))
}

pub(super) fn manifest(manifest: &Manifest) -> Result<(), Flaw> {
    ensure(!manifest.version.is_none(), || Flaw::new("the version of the manifest", "1 or more", 0))?;
    check_parent(manifest)?;
    check_types(&manifest.types)?;
    check_tags(&manifest.tags)?;
    for (what, blob) in [("delta", &manifest.delta), ("reverse delta", &manifest.reverse_delta)] {
        if let Some(blob) = blob {
            ensure(manifest.parent.is_some(), || {
                Flaw::new(format!("the {what} of the first version"), "absent", &blob.name)
            })?;
            check_blob(what, blob)?;
        }
    }
    check_links(manifest)
}

fn check_parent(manifest: &Manifest) -> Result<(), Flaw> {
    let before = manifest.version.0 - 1;
    let Some(parent) = &manifest.parent else {
        return ensure(before == 0, || {
            Flaw::new("the parent of the manifest", format!("version {before}"), "absent")
        });
    };
    ensure(before > 0 && parent.version.0 == before, || {
        let expected = if before > 0 { before.to_string() } else { "none, as this is the first".to_owned() };
        Flaw::new("the version of the parent", expected, parent.version)
    })?;
    check_name("the name of the parent's manifest", &parent.name)
}

fn check_types(types: &[TypeSummary]) -> Result<(), Flaw> {
    check_count("types", types.len(), MAX_TYPES)?;
    let mut seen = HashSet::new();
    for summary in types {
        let name = summary.name.as_str();
        check_name("the name of a type", name)?;
        ensure(seen.insert(name), || Flaw::new("the list of types", "each once", format!("{name} twice")))?;
    }
    Ok(())
}

fn check_blob(what: &str, blob: &BlobReference) -> Result<(), Flaw> {
    check_name(&format!("the name of the {what}"), &blob.name)?;
    check_blob_length(what, blob.length)
}

fn check_blob_length(what: &str, length: u64) -> Result<(), Flaw> {
    ensure(length > PREAMBLE_LENGTH as u64, || {
        Flaw::new(format!("the length of the {what}"), format!("more than {PREAMBLE_LENGTH} bytes"), length)
    })
}

/// Parent first, without a gap, and the first of them the parent.
fn check_links(manifest: &Manifest) -> Result<(), Flaw> {
    let links = &manifest.links;
    check_count("links", links.len(), MAX_LINKS)?;
    for (at, link) in links.iter().enumerate() {
        check_link(at, link, manifest.version)?;
    }
    let (Some(parent), Some(first)) = (&manifest.parent, links.first()) else { return Ok(()) };
    ensure(first.manifest_hash == parent.hash, || {
        Flaw::new(
            "the manifest hash of the first link",
            format!("{}, that of the parent", parent.hash),
            first.manifest_hash,
        )
    })
}

fn check_link(at: usize, link: &ManifestLink, version: Version) -> Result<(), Flaw> {
    let expected = version.0.checked_sub(at as u64 + 1).filter(|version| *version > 0).map(Version);
    ensure(Some(link.version) == expected, || {
        let expected =
            expected.map_or("no such link, as none is left".to_owned(), |version| version.to_string());
        Flaw::new(format!("the version of link {at}"), expected, link.version)
    })?;
    for (what, blob) in [("delta", link.delta), ("reverse delta", link.reverse_delta)] {
        if let Some(blob) = blob {
            check_blob_length(&format!("{what} of link {at}"), blob.length)?;
        }
    }
    Ok(())
}
