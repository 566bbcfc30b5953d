use proptest::prelude::*;

use super::super::samples::{blob, bytes_of, description, id, snapshot_sections};
use super::super::{BlobKind, BlobReference, Compression, FormatError, PREAMBLE_LENGTH, Preamble};
use super::*;
use crate::error::{Classify, ErrorKind};
use crate::generated::blob_capnp::header;

const ZSTD: Compression = Compression::Zstd { level: 1 };

/// The head of a blob with any header, and the reference of a writer who believes in it.
fn head(kind: BlobKind, header: &[u8], blob_length: u64) -> (Vec<u8>, BlobReference) {
    let head = [&Preamble::of(kind, header).encode(), header].concat();
    let reference =
        BlobReference { name: "blobs/1".into(), length: blob_length, hash: ContentHash::of(&head) };
    (head, reference)
}

/// Parses a header with hashes that are right whatever it says.
fn parse(blob: &BlobDescription, sections: &[SectionEntry], length: u64) -> Result<BlobHeader, FormatError> {
    let (head, reference) = head(blob.kind, &encode(blob, sections), length);
    BlobHeader::parse(&head, &reference)
}

/// A zstd section of 100 stored and 200 plain bytes.
fn entry(offset: u64) -> SectionEntry {
    SectionEntry {
        id: id("Movie", SectionKind::Rows, 0, 1),
        codec: Codec::Zstd,
        offset,
        stored_length: 100,
        plain_length: 200,
        hash: ContentHash([1; 16]),
    }
}

fn assert_corrupt(outcome: Result<BlobHeader, FormatError>, words: &str) {
    let error = outcome.expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("blobs/1: ") && text.contains(words), "{text} has no {words}");
}

#[test]
fn a_header_survives_being_stored() {
    for kind in [BlobKind::Snapshot, BlobKind::Delta, BlobKind::ReverseDelta] {
        let blob = description(kind);
        let (head, reference) = head(kind, &encode(&blob, &[]), 64 + encode(&blob, &[]).len() as u64);
        let header = BlobHeader::parse(&head, &reference).expect("parses");
        assert_eq!(header.description(), &blob);
        assert_eq!((header.hash(), header.blob_length()), (reference.hash, reference.length));
        assert_eq!(header.header_end(), head.len() as u64);
    }
}

#[test]
fn types_and_their_sections_are_found() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let header = blob.header();
    assert_eq!(header.transition_of("Actor").expect("there").records, 1000);
    assert_eq!(header.transition_of("Director"), None);
    assert_eq!(header.sections_of(TypeId::of("Movie")).count(), 4);
    assert_eq!(header.sections_of(TypeId::of("Actor")).count(), 2);
}

#[test]
fn bytes_behind_the_header_do_not_matter() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let (bytes, reference) = (bytes_of(&blob), blob.reference("blobs/1"));
    let end = blob.header().header_end() as usize;
    assert_eq!(BlobHeader::parse(&bytes[..end], &reference).unwrap(), *blob.header());
    assert_eq!(BlobHeader::parse(&bytes, &reference).unwrap(), *blob.header());
}

#[test]
fn every_flipped_bit_of_preamble_and_header_is_refused() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let (mut bytes, reference) = (bytes_of(&blob), blob.reference("blobs/1"));
    for bit in 0..blob.header().header_end() as usize * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            BlobHeader::parse(&bytes, &reference).unwrap_err().kind(),
            ErrorKind::Corrupt,
            "bit {bit}"
        );
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(BlobHeader::parse(&bytes, &reference).is_ok());
}

#[test]
fn a_later_format_version_is_told_from_a_damaged_one() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let (mut bytes, reference) = (bytes_of(&blob), blob.reference("blobs/1"));
    bytes[8] = 2;
    assert_corrupt(BlobHeader::parse(&bytes, &reference), "the hash of the blob");
    let hash = ContentHash::of(&bytes[..blob.header().header_end() as usize]);
    let error = BlobHeader::parse(&bytes, &BlobReference { hash, ..reference }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("format version 2"), "{error}");
}

/// A writer who hashes nonsense is believed as to the hash, and still cannot make the reader panic.
#[test]
fn every_flipped_bit_under_right_hashes_is_refused_or_read() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let mut header = bytes_of(&blob)[PREAMBLE_LENGTH..blob.header().header_end() as usize].to_vec();
    for bit in 0..header.len() * 8 {
        header[bit / 8] ^= 1 << (bit % 8);
        let (head, reference) = head(BlobKind::Snapshot, &header, blob.length());
        if let Ok(read) = BlobHeader::parse(&head, &reference) {
            assert!(read.sections().iter().all(|section| section.end() <= blob.length()), "bit {bit}");
        }
        header[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_truncation_is_refused() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let (bytes, reference) = (bytes_of(&blob), blob.reference("blobs/1"));
    for length in 0..blob.header().header_end() as usize {
        assert_corrupt(BlobHeader::parse(&bytes[..length], &reference), "the length of");
    }
    for length in (0..blob.length()).rev().take(300) {
        let shorter = BlobReference { length, ..reference.clone() };
        assert_corrupt(BlobHeader::parse(&bytes, &shorter), "offset 64");
    }
}

#[test]
fn the_hash_of_the_blob_is_held_against_the_reference() {
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100));
    let other = BlobReference { hash: ContentHash([0; 16]), ..blob.reference("blobs/1") };
    assert_corrupt(BlobHeader::parse(&bytes_of(&blob), &other), "the hash of the blob");
}

#[test]
fn section_numbers_are_checked() {
    let blob = description(BlobKind::Snapshot);
    let end = PREAMBLE_LENGTH as u64 + encode(&blob, &[entry(0)]).len() as u64;
    let with = |change: fn(&mut SectionEntry)| {
        let mut section = entry(
            PREAMBLE_LENGTH as u64 + encode(&description(BlobKind::Snapshot), &[entry(0)]).len() as u64,
        );
        change(&mut section);
        parse(
            &description(BlobKind::Snapshot),
            &[section],
            section.offset.saturating_add(section.stored_length),
        )
    };
    assert!(parse(&blob, &[entry(end)], end + 100).is_ok());
    assert_corrupt(parse(&blob, &[entry(end - 1)], end + 99), "the offset of section 0");
    assert_corrupt(parse(&blob, &[entry(end)], end + 99), "the stored length of section 0");
    assert_corrupt(parse(&blob, &[entry(end)], end + 101), "the length of the blob");
    assert_corrupt(with(|section| section.offset = u64::MAX - 50), "the stored length of section 0");
    assert_corrupt(with(|section| section.plain_length = MAX_SECTION_LENGTH + 1), "the plain length");
    assert_corrupt(with(|section| section.stored_length = 100_000), "the stored length of rows");
    assert_corrupt(with(|section| section.codec = Codec::Plain), "a multiple of 4096");
    assert_corrupt(
        with(|section| (section.codec, section.offset) = (Codec::Plain, 8192)),
        "its plain length",
    );
    assert_corrupt(with(|section| section.id.part = 1), "the part of");
    assert_corrupt(with(|section| section.id.parts = 2), "2 parts");
    assert_corrupt(with(|section| section.id.parts = 3), "power of two");
    assert_corrupt(with(|section| section.id.parts = MAX_PARTS * 2), "the number of parts");
    assert_corrupt(with(|section| section.id.kind = SectionKind::Changes), "the kind of");
    assert_corrupt(with(|section| section.id.type_id = TypeId(7)), "the type of");
}

#[test]
fn sections_may_lie_apart_but_not_over_each_other() {
    let blob = description(BlobKind::Snapshot);
    let second = |offset| SectionEntry { id: id("Movie", SectionKind::Keys, 0, 1), ..entry(offset) };
    let end = PREAMBLE_LENGTH as u64 + encode(&blob, &[entry(0), second(0)]).len() as u64;
    assert!(parse(&blob, &[entry(end), second(end + 5000)], end + 5100).is_ok());
    assert_corrupt(parse(&blob, &[entry(end), second(end + 99)], end + 199), "the offset of section 1");
    assert_corrupt(parse(&blob, &[entry(end + 100), second(end)], end + 200), "the offset of section 1");
    assert_corrupt(parse(&blob, &[entry(end), entry(end + 100)], end + 200), "part 1 of 1");
}

/// A header as a later release may write it: its own kinds of section, one of them in its own codec.
#[test]
fn unknown_section_kinds_are_skipped_and_unknown_codecs_are_not() {
    let blob = description(BlobKind::Snapshot);
    let second = SectionEntry { id: id("Movie", SectionKind::Keys, 0, 1), ..entry(0) };
    let length = encode(&blob, &[entry(0), second]).len() as u64;
    let end = PREAMBLE_LENGTH as u64 + length;
    let placed = encode(&blob, &[entry(end), SectionEntry { offset: end + 100, ..second }]);
    let with = |kind: u16, codec: u16| {
        let changed = change(&placed, |header| {
            let mut section = header.reborrow().get_sections().expect("sections").get(1);
            section.set_kind(kind);
            section.set_codec(codec);
        });
        let (head, reference) = head(BlobKind::Snapshot, &changed, end + 200);
        BlobHeader::parse(&head, &reference)
    };
    assert_eq!(with(2, 1).expect("both known").sections().len(), 2);
    assert_eq!(with(9, 1).expect("an unknown kind").sections(), [entry(end)]);
    assert_eq!(with(9, 77).expect("an unknown kind in an unknown codec").sections(), [entry(end)]);
    assert_corrupt(with(2, 77), "the codec of keys");
}

#[test]
fn an_unknown_hash_algorithm_is_refused() {
    let blob = description(BlobKind::Snapshot);
    let end = PREAMBLE_LENGTH as u64 + encode(&blob, &[entry(0)]).len() as u64;
    let changed = change(&encode(&blob, &[entry(end)]), |header| {
        let section = header.reborrow().get_sections().expect("sections").get(0);
        section.get_hash().expect("a hash").set_algorithm(1);
    });
    let (head, reference) = head(BlobKind::Snapshot, &changed, end + 100);
    assert_corrupt(BlobHeader::parse(&head, &reference), "a hash algorithm");
}

#[test]
fn tags_out_of_order_are_refused() {
    let blob = description(BlobKind::Delta);
    let changed = change(&encode(&blob, &[]), |header| {
        header.reborrow().get_tags().expect("tags").get(0).set_name("zebra");
    });
    let (head, reference) = head(BlobKind::Delta, &changed, PREAMBLE_LENGTH as u64 + changed.len() as u64);
    assert_corrupt(BlobHeader::parse(&head, &reference), "strictly ascend");
}

#[test]
fn bytes_behind_the_message_are_refused() {
    let header = [encode(&description(BlobKind::Delta), &[]), vec![0; 8]].concat();
    let (head, reference) = head(BlobKind::Delta, &header, PREAMBLE_LENGTH as u64 + header.len() as u64);
    assert_corrupt(BlobHeader::parse(&head, &reference), "no byte behind its end");
}

/// Reads a header, changes it, and writes it again.
fn change(stored: &[u8], change: impl FnOnce(&mut header::Builder)) -> Vec<u8> {
    let message =
        capnp::serialize::read_message(stored, capnp::message::ReaderOptions::new()).expect("a message");
    let mut copy = capnp::message::Builder::new_default();
    copy.set_root(message.get_root::<header::Reader>().expect("a header")).expect("copies");
    change(&mut copy.get_root().expect("a header"));
    capnp::serialize::write_message_to_words(&copy)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garbage_under_right_hashes_never_panics(words in prop::collection::vec(any::<u64>(), 1..200), length: u64) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let (head, reference) = head(BlobKind::Snapshot, &bytes, length);
        prop_assert!(BlobHeader::parse(&head, &reference).is_err());
    }

    #[test]
    fn damaged_words_under_right_hashes_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 1..6), small: bool,
    ) {
        let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(10));
        let mut header = bytes_of(&blob)[PREAMBLE_LENGTH..blob.header().header_end() as usize].to_vec();
        for (at, word) in damage {
            let at = at.index(header.len() / 8) * 8;
            let word = if small { word % 64 } else { word };
            header[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let (head, reference) = head(BlobKind::Snapshot, &header, blob.length());
        if let Ok(read) = BlobHeader::parse(&head, &reference) {
            prop_assert!(read.sections().iter().all(|section| section.end() <= blob.length()));
        }
    }

    #[test]
    fn any_description_survives(from in 1..u64::MAX, names in prop::collection::btree_set("[A-Z][a-z]{0,9}", 0..20),
        schema: Option<Vec<u8>>, tags in prop::collection::btree_map(".{0,9}", ".{0,9}", 0..9), low: u128, high: u128)
    {
        let mut blob = description(BlobKind::Delta);
        (blob.from_version, blob.to_version) = (Version(from), Version(from + 1));
        (blob.schema, blob.tags) = (schema, tags);
        blob.types = names.into_iter().map(|name| TypeTransition {
            name, from_fingerprint: Fingerprint(low), to_fingerprint: Fingerprint(high), records: from,
        }).collect();
        let length = PREAMBLE_LENGTH as u64 + encode(&blob, &[]).len() as u64;
        let read = parse(&blob, &[], length).unwrap();
        prop_assert_eq!(read.description(), &blob);
    }
}
