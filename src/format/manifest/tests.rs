use proptest::prelude::*;

use super::super::samples::manifest;
use super::*;
use crate::error::{Classify, ErrorKind};
use crate::generated::manifest_capnp;

fn reference(version: u64, bytes: &[u8]) -> ManifestReference {
    ManifestReference { version: Version(version), name: "manifests/1".into(), hash: ContentHash::of(bytes) }
}

fn decode(version: u64, bytes: &[u8]) -> Result<Manifest, FormatError> {
    Manifest::decode(bytes, &reference(version, bytes))
}

fn assert_corrupt(outcome: Result<Manifest, FormatError>, words: &str) {
    let error = outcome.expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("manifests/1: ") && text.contains(words), "{text} has no {words}");
}

fn assert_refused(change: impl FnOnce(&mut Manifest), words: &str) {
    let mut manifest = manifest(9);
    change(&mut manifest);
    let error = manifest.encode().expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains(words), "{error} has no {words}");
    // Written without the check, it is refused by readers too.
    let bytes = message::encode(&manifest);
    assert_eq!(decode(manifest.version.0, &bytes).expect_err(words).kind(), ErrorKind::Corrupt);
}

#[test]
fn a_manifest_survives_being_stored() {
    for version in [1, 2, 9, 300] {
        let manifest = manifest(version);
        assert_eq!(decode(version, &manifest.encode().unwrap()).unwrap(), manifest);
    }
}

#[test]
fn the_longest_chain_of_links_takes_little_of_the_limit() {
    let bytes = manifest(300).encode().unwrap();
    assert_eq!(manifest(300).links.len(), MAX_LINKS);
    assert!(bytes.len() < 40 * 1024, "{}", bytes.len());
}

#[test]
fn a_child_links_its_parent_first() {
    let parent = manifest(9);
    let links = parent.child_links(ContentHash([9; 16]), Version(1));
    let versions: Vec<u64> = links.iter().map(|link| link.version.0).collect();
    assert_eq!(versions, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(links[0].manifest_hash, ContentHash([9; 16]));
    assert_eq!(links[0].attempt, parent.attempt);
    assert_eq!(links[0].delta, parent.delta.as_ref().map(LinkedBlob::from));
    assert_eq!(links[0].reverse_delta, parent.reverse_delta.as_ref().map(LinkedBlob::from));
    assert_eq!(links[1..], parent.links);
    assert!(!links[0].is_break() && links[8].is_break());
}

#[test]
fn a_link_names_its_objects() {
    let link = &manifest(9).links[0];
    let hash = |of: &str| ContentHash::of(of.as_bytes());
    let named = |name: &str, length, of| Some(BlobReference { name: name.into(), length, hash: hash(of) });
    let manifest_reference = link.manifest_reference();
    assert_eq!(manifest_reference.name, "manifests/00000000000000000008-0000000000000018");
    assert_eq!((manifest_reference.version, manifest_reference.hash), (Version(8), hash("manifest 8")));
    let delta = "deltas/00000000000000000007-00000000000000000008-0000000000000018";
    assert_eq!(link.delta_reference(), named(delta, 1008, "delta 8"));
    let reverse = "reverse/00000000000000000008-00000000000000000007-0000000000000018";
    assert_eq!(link.reverse_delta_reference(), named(reverse, 2008, "reverse 8"));
    let first = manifest(9).links[7].clone();
    assert_eq!((first.delta_reference(), first.reverse_delta_reference()), (None, None));
}

#[test]
fn links_end_at_the_floor_and_at_their_limit() {
    let floored = manifest(9).child_links(ContentHash([9; 16]), Version(7));
    assert_eq!(floored.iter().map(|link| link.version.0).collect::<Vec<_>>(), [9, 8, 7]);
    assert_eq!(manifest(9).child_links(ContentHash([9; 16]), Version(10)), []);
    let longest = manifest(300).child_links(ContentHash([9; 16]), Version(1));
    assert_eq!((longest.len(), longest[255].version), (MAX_LINKS, Version(45)));
}

#[test]
fn a_child_of_any_parent_is_a_manifest() {
    for version in [1, 2, 256, 257, 300] {
        let parent = manifest(version);
        let hash = ContentHash::of(&parent.encode().unwrap());
        let mut child = manifest(version + 1);
        child.parent = Some(ManifestReference { hash, ..child.parent.unwrap() });
        child.links = parent.child_links(hash, Version(1));
        assert_eq!(decode(version + 1, &child.encode().unwrap()).unwrap(), child);
    }
}

#[test]
fn a_break_has_a_parent_and_no_delta() {
    let mut broken = manifest(9);
    (broken.delta, broken.reverse_delta) = (None, None);
    assert!(broken.is_break());
    let read = decode(9, &broken.encode().unwrap()).unwrap();
    assert_eq!(read, broken);
    let link = &read.child_links(ContentHash([9; 16]), Version(1))[0];
    assert!(link.is_break() && link.reverse_delta.is_none());
}

#[test]
fn what_breaks_a_rule_is_neither_written_nor_read() {
    assert_refused(|manifest| manifest.version = Version(0), "version of the manifest");
    assert_refused(|manifest| manifest.version = Version(10), "the version of the parent");
    assert_refused(|manifest| manifest.parent = None, "the parent of the manifest");
    assert_refused(
        |manifest| manifest.parent.as_mut().unwrap().version = Version(9),
        "the version of the parent",
    );
    assert_refused(|manifest| manifest.parent.as_mut().unwrap().name.clear(), "the parent's manifest");
    assert_refused(|manifest| manifest.parent.as_mut().unwrap().hash = ContentHash([0; 16]), "first link");
    assert_refused(|manifest| manifest.types[1].name = "Movie".into(), "Movie twice");
    assert_refused(|manifest| manifest.delta.as_mut().unwrap().name = "x".repeat(1025), "name of the delta");
    assert_refused(
        |manifest| manifest.reverse_delta.as_mut().unwrap().length = 64,
        "length of the reverse delta",
    );
    assert_refused(|manifest| _ = manifest.links.remove(3), "the version of link 3");
    assert_refused(|manifest| manifest.links[2].delta.as_mut().unwrap().length = 0, "delta of link 2");
    assert_refused(|manifest| _ = manifest.tags.insert("v".repeat(4097), String::new()), "the name of a tag");
    assert_refused(
        |manifest| {
            *manifest = super::super::samples::manifest(1);
            manifest.delta = super::super::samples::manifest(2).delta;
        },
        "the delta of the first version",
    );
    assert_refused(
        |manifest| {
            *manifest = super::super::samples::manifest(300);
            manifest.links.push(ManifestLink { version: Version(43), ..manifest.links[255].clone() });
        },
        "the number of links",
    );
}

#[test]
fn a_manifest_beyond_the_limit_is_refused() {
    let mut manifest = manifest(9);
    let values = (0..256).map(|at| (at.to_string(), "v".repeat(4096)));
    manifest.tags = values.collect();
    let error = manifest.encode().expect_err("too long");
    assert!(error.to_string().contains("at most 1048576 bytes"), "{error}");
    assert_corrupt(decode(9, &vec![0; MAX_MANIFEST_LENGTH + 8]), "the length of the manifest");
}

#[test]
fn another_format_version_is_refused_by_name() {
    let mut copy = capnp::message::Builder::new_default();
    copy.init_root::<manifest_capnp::manifest::Builder>().set_format_version(2);
    let error = decode(9, &capnp::serialize::write_message_to_words(&copy)).expect_err("version 2");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().starts_with("manifests/1: format version 2 is not known"), "{error}");
}

#[test]
fn another_version_or_hash_than_asked_for_is_refused() {
    let bytes = manifest(9).encode().unwrap();
    assert_corrupt(decode(8, &bytes), "the version of the manifest");
    let other = ManifestReference { hash: ContentHash([0; 16]), ..reference(9, &bytes) };
    assert_corrupt(Manifest::decode(&bytes, &other), "the hash of the manifest");
}

#[test]
fn every_flipped_bit_is_refused_and_under_a_right_hash_never_panics() {
    let mut bytes = manifest(4).encode().unwrap();
    let honest = reference(4, &bytes);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_corrupt(Manifest::decode(&bytes, &honest), "the hash of the manifest");
        let _ = decode(4, &bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = manifest(4).encode().unwrap();
    for length in 0..bytes.len() {
        assert!(decode(4, &bytes[..length]).is_err(), "{length}");
    }
    assert_corrupt(decode(4, &[bytes.as_slice(), &[0; 8]].concat()), "no byte behind its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_words_under_a_right_hash_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 1..6), small: bool,
    ) {
        let mut bytes = manifest(4).encode().unwrap();
        for (at, word) in damage {
            let at = at.index(bytes.len() / 8) * 8;
            let word = if small { word % 64 } else { word };
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        if let Ok(read) = decode(4, &bytes) {
            prop_assert!(read.encode().is_ok());
        }
    }
}
