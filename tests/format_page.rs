//! Holds the tables of `docs/format.md` against the code.

use hollowcast::announce::Announcement;
use hollowcast::format::{
    BLOB_FORMAT_VERSION, BlobKind, MANIFEST_FORMAT_VERSION, MAX_HEADER_LENGTH, MAX_LINKS,
    MAX_MANIFEST_LENGTH, MAX_NAME_LENGTH, MAX_PARTS, MAX_SECTION_LENGTH, MAX_SECTIONS, MAX_TAG_LENGTH,
    MAX_TAGS, MAX_TYPES, PREAMBLE_LENGTH, Preamble, SECTION_ALIGNMENT,
};
use hollowcast::identifiers::{Attempt, ContentHash, Fingerprint, KeySeed, Sequence, TypeId, Version};
use hollowcast::index::perfect_hash::PerfectHashRef;
use hollowcast::log::LogEntry;
use hollowcast::store::ObjectName;
use hollowcast::wire::{KeyPlan, record_hash};

const PAGE: &str = include_str!("../docs/format.md");

/// The rows of the table whose head is `head`, cell by cell.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<_>> =
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert!(!rows.is_empty(), "docs/format.md has a table {head}");
    rows
}

#[test]
fn the_preamble_lies_as_the_page_says() {
    let preamble = Preamble {
        kind: BlobKind::ReverseDelta,
        header_length: 0x0102_0308,
        header_hash: ContentHash([0xab; 16]),
    };
    let bytes = preamble.encode();
    let field_of = |row: &[&str]| match row[2] {
        "magic `89 48 43 42 0d 0a 1a 0a`" => vec![0x89, 0x48, 0x43, 0x42, 0x0d, 0x0a, 0x1a, 0x0a],
        "format version, 1" => BLOB_FORMAT_VERSION.to_le_bytes().to_vec(),
        "kind: 1 snapshot, 2 delta, 3 reverse delta" => vec![3, 0, 0, 0],
        "offset of the header, 64" => vec![64, 0, 0, 0, 0, 0, 0, 0],
        "length of the header, a multiple of 8" => vec![0x08, 0x03, 0x02, 0x01, 0, 0, 0, 0],
        "hash of the header" => vec![0xab; 16],
        "zero" => vec![0; 16],
        other => panic!("a field that the test does not know: {other}"),
    };
    let mut end = 0;
    for row in table("| offset | bytes | field of the preamble |") {
        let (offset, length): (usize, usize) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        assert_eq!((offset, length), (end, field_of(&row).len()), "{row:?}");
        assert_eq!(bytes[offset..offset + length], field_of(&row), "{row:?}");
        end = offset + length;
    }
    assert_eq!(end, PREAMBLE_LENGTH);
}

#[test]
fn names_are_as_the_page_says() {
    let (older, newer, attempt) = (Version(6), Version(7), Attempt(0xab));
    let expected = [
        ObjectName::LogEntry(Sequence(17)),
        ObjectName::Manifest { version: newer, attempt },
        ObjectName::Snapshot { version: newer, attempt },
        ObjectName::Delta { from: older, to: newer, attempt },
        ObjectName::ReverseDelta { from: newer, to: older, attempt },
        ObjectName::AnnouncedHint,
        ObjectName::HeartbeatHint,
        ObjectName::Probe(attempt),
    ];
    let names: Vec<_> =
        table("| name | holds |").iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(names, expected.map(|name| name.to_string()));
}

#[test]
fn limits_are_as_the_page_says() {
    let expected = [
        ("bytes of a log entry", LogEntry::LIMIT),
        ("entries before it that it names", LogEntry::RECENT as u64),
        ("snapshots that it names", LogEntry::SNAPSHOTS as u64),
        ("bytes of an announcement or a heartbeat", Announcement::LIMIT),
        ("bytes of a manifest", MAX_MANIFEST_LENGTH as u64),
        ("links of a manifest", MAX_LINKS as u64),
        ("bytes of a header", MAX_HEADER_LENGTH),
        ("types", MAX_TYPES as u64),
        ("sections of a blob", MAX_SECTIONS as u64),
        ("parts of a kind and type", MAX_PARTS.into()),
        ("plain bytes of a section", MAX_SECTION_LENGTH),
        ("tags", MAX_TAGS as u64),
        ("bytes of the name or value of a tag", MAX_TAG_LENGTH as u64),
        ("bytes of the name of a type or object", MAX_NAME_LENGTH as u64),
    ];
    let found: Vec<_> =
        table("| limit | value |").iter().map(|row| (row[0], row[1].parse().unwrap())).collect();
    assert_eq!(found, expected);
}

#[test]
fn numbers_in_the_text_are_those_of_the_code() {
    assert!(PAGE.contains(&format!("`formatVersion` is {MANIFEST_FORMAT_VERSION};")));
    assert!(PAGE.contains(&format!("begins on a multiple of {SECTION_ALIGNMENT},")));
    assert!(PAGE.contains(&format!("back over {MAX_LINKS} versions")));
    assert!(
        PAGE.contains(&format!("one message of at most {} KiB: the whole control", LogEntry::LIMIT >> 10))
    );
    assert!(PAGE.contains(&format!("`formatVersion` is {}. Whoever", LogEntry::FORMAT_VERSION)));
    assert!(PAGE.contains(&format!("nonces of the last {}, ", LogEntry::RECENT)));
    assert!(PAGE.contains(&format!("names {} at most", LogEntry::SNAPSHOTS)));
    assert!(PAGE.contains(&format!("one message of at most {} KiB each", Announcement::LIMIT >> 10)));
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim_matches('`').replace(' ', "");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_matches('`'), 16).unwrap()
}

/// The values come from other implementations of xxh3 and of the function above.
#[test]
fn keys_hash_as_the_page_says() {
    for row in table("| key | key bytes | key hash under seed 42 |") {
        let hash = KeyPlan::hash(KeySeed(42), &hex(row[1]));
        assert_eq!(hash.0, number(row[2]), "{row:?}");
    }
    let text = [4u32.to_le_bytes().as_slice(), b"EDDF"].concat();
    assert_eq!(text, hex("0400000045444446"));
}

#[test]
fn the_perfect_hash_is_the_one_of_the_page() {
    for row in table("| hash | constant | slots | pilots | slot |") {
        let pilots: Vec<u8> = if row[3] == "255" { vec![255] } else { (0..22).collect() };
        let function = PerfectHashRef::new(number(row[1]), row[2].parse().unwrap(), &pilots).unwrap();
        assert_eq!(function.slot(number(row[0])), row[4].parse::<u32>().unwrap(), "{row:?}");
    }
    let python = |text: &str| {
        let begin = text.find("M, W = 0x").unwrap();
        let lines = text[begin..].lines().map(|line| line.trim_start_matches("//!").trim().to_owned());
        lines.take_while(|line| !line.contains("```")).collect::<Vec<_>>()
    };
    assert_eq!(python(PAGE), python(include_str!("../src/index/perfect_hash/mod.rs")));
}

#[test]
fn hashes_and_fingerprints_are_those_of_the_page() {
    let words: Vec<u64> = hex("00000000 01000000 07000000 00000000")
        .chunks(8)
        .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
        .collect();
    let record = record_hash(&words);
    let type_id = TypeId::of("City");
    let fingerprint = Fingerprint::of_record(type_id, record);
    for row in table("| | value, as a number |") {
        let found = match row[0] {
            "record hash" => format!("`{:032x}`", record.0),
            "type id" => format!("`{:016x}`", type_id.0),
            "fingerprint of the record" => format!("`{:032x}`", fingerprint.0),
            other => panic!("a row that the test does not know: {other}"),
        };
        assert_eq!(found, row[1], "{row:?}");
    }
}
