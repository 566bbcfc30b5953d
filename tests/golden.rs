//! Blobs and manifests as format version 1 has them, in files that never change.
//!
//! Each file has a twin with one flipped bit. The hashes were computed, and the numbers read, by an independent program
//! from the tables of `docs/format.md`. A later format version gets files of its own beside these.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use hollowcast::format::{
    BlobDescription, BlobHeader, BlobKind, BlobReference, BlobWriter, BlobWriterOptions, Compression,
    FinishedBlob, FormatError, LinkedBlob, Manifest, ManifestLink, ManifestReference, SectionId, SectionKind,
    TypeSummary, TypeTransition, decode_section,
};
use hollowcast::identifiers::{
    Attempt, ContentHash, DatasetId, Epoch, Fingerprint, KeySeed, TypeId, Version,
};

fn read(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn hash(hex: &str) -> ContentHash {
    ContentHash(u128::from_str_radix(hex, 16).expect("32 hex digits").to_be_bytes())
}

fn tags() -> BTreeMap<String, String> {
    [("build".to_owned(), "17".to_owned()), ("source".to_owned(), "nächtlich".to_owned())].into()
}

fn transition(name: &str, from: u128, to: u128, records: u64) -> TypeTransition {
    let (from_fingerprint, to_fingerprint) = (Fingerprint(from), Fingerprint(to));
    TypeTransition { name: name.to_owned(), from_fingerprint, to_fingerprint, records }
}

/// `count` words, each the one before times 3 plus 1.
fn words(first: u64, count: usize) -> Vec<u8> {
    let next = |word: &u64| Some(word.wrapping_mul(3).wrapping_add(1));
    std::iter::successors(Some(first), next).take(count).flat_map(u64::to_le_bytes).collect()
}

type Sections = Vec<(SectionId, Vec<u8>)>;

fn section(name: &str, kind: SectionKind, part: u32, parts: u32, plain: Vec<u8>) -> (SectionId, Vec<u8>) {
    (SectionId { type_id: TypeId::of(name), kind, part, parts }, plain)
}

fn snapshot() -> (BlobDescription, Sections) {
    let description = BlobDescription {
        kind: BlobKind::Snapshot,
        dataset_id: DatasetId(*b"golden dataset 1"),
        from_version: Version::NONE,
        to_version: Version(2),
        key_seed: KeySeed(0x0123_4567_89ab_cdef),
        types: vec![
            transition("Movie", 0, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff, 500),
            transition("Actor", 0, 7, 1),
        ],
        schema: Some(b"the schema of version 2".to_vec()),
        tags: tags(),
    };
    let sections = vec![
        section("Movie", SectionKind::Rows, 0, 2, words(1, 600)),
        section("Movie", SectionKind::Rows, 1, 2, words(2, 2)),
        section("Movie", SectionKind::Keys, 0, 2, words(3, 5)),
        section("Movie", SectionKind::Keys, 1, 2, words(4, 2)),
        section("Actor", SectionKind::Rows, 0, 1, words(5, 4)),
    ];
    (description, sections)
}

fn delta() -> (BlobDescription, Sections) {
    let description = BlobDescription {
        kind: BlobKind::Delta,
        dataset_id: DatasetId(*b"golden dataset 1"),
        from_version: Version(2),
        to_version: Version(3),
        key_seed: KeySeed(0x0123_4567_89ab_cdef),
        types: vec![transition(
            "Movie",
            0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
            0xffee_ddcc_bbaa_9988_7766_5544_3322_1100,
            501,
        )],
        schema: None,
        tags: BTreeMap::new(),
    };
    let sections = vec![
        section("Movie", SectionKind::Changes, 0, 2, words(6, 3)),
        section("Movie", SectionKind::Changes, 1, 2, vec![9; 4000]),
    ];
    (description, sections)
}

fn manifest() -> Manifest {
    let linked = |length, hash| Some(LinkedBlob { length, hash: ContentHash([hash; 16]) });
    let link = |version, delta, reverse_delta| ManifestLink {
        version: Version(version),
        attempt: Attempt(0xa0 + version),
        manifest_hash: ContentHash([version as u8; 16]),
        delta,
        reverse_delta,
    };
    let blob = |name: &str, length, hash| {
        Some(BlobReference { name: name.to_owned(), length, hash: ContentHash([hash; 16]) })
    };
    Manifest {
        dataset_id: DatasetId(*b"golden dataset 1"),
        version: Version(4),
        parent: Some(ManifestReference {
            version: Version(3),
            name: "manifests/00000000000000000003-00000000000000a3".to_owned(),
            hash: ContentHash([3; 16]),
        }),
        epoch: Epoch(11),
        attempt: Attempt(0xa4),
        created_at_ms: 1_767_225_600_000,
        schema_hash: ContentHash::of(b"the schema of version 2"),
        key_seed: KeySeed(0x0123_4567_89ab_cdef),
        types: vec![
            TypeSummary { name: "Movie".to_owned(), records: 501, fingerprint: Fingerprint(1 << 64 | 2) },
            TypeSummary { name: "Actor".to_owned(), records: 1, fingerprint: Fingerprint(7) },
        ],
        tags: tags(),
        delta: blob("deltas/00000000000000000003-00000000000000000004-00000000000000a4", 1234, 0x44),
        reverse_delta: blob("reverse/00000000000000000004-00000000000000000003-00000000000000a4", 2345, 0x45),
        links: vec![
            link(3, linked(1233, 0x33), linked(2344, 0x34)),
            link(2, None, None),
            link(1, None, None),
        ],
    }
}

fn write((description, sections): &(BlobDescription, Sections), compression: Compression) -> Vec<u8> {
    let options = BlobWriterOptions { compression, ..BlobWriterOptions::default() };
    let writer = BlobWriter::new(&options).expect("a writer");
    for (id, plain) in sections {
        writer.add_section(*id, plain).expect("adds");
    }
    all_of(&writer.finish(description).expect("finishes"))
}

fn all_of(blob: &FinishedBlob) -> Vec<u8> {
    let mut bytes = vec![0; blob.length() as usize];
    blob.read_at(0, &mut bytes).expect("reads");
    bytes
}

/// Reads a blob to the last byte.
fn read_blob(bytes: &[u8], expected: ContentHash) -> Result<(BlobDescription, Sections), FormatError> {
    let reference = BlobReference { name: "golden".to_owned(), length: bytes.len() as u64, hash: expected };
    let header = BlobHeader::parse(bytes, &reference)?;
    let mut sections = Vec::new();
    for section in header.sections() {
        let stored = &bytes[section.offset as usize..section.end() as usize];
        let mut plain = Vec::new();
        decode_section("golden", *section, stored, &mut plain)?;
        sections.push((section.id, plain));
    }
    Ok((header.description().clone(), sections))
}

fn read_manifest(bytes: &[u8], expected: ContentHash) -> Result<Manifest, FormatError> {
    let reference = ManifestReference { version: Version(4), name: "golden".to_owned(), hash: expected };
    Manifest::decode(bytes, &reference)
}

/// The twin differs in one bit, and is refused with these words.
fn assert_twin<T: std::fmt::Debug>(
    file: &str,
    read_it: impl FnOnce(&[u8]) -> Result<T, FormatError>,
    words: &str,
) {
    let (right, wrong) = (read(file), read(&format!("{file}.corrupt")));
    let bits: u32 = right.iter().zip(&wrong).map(|(right, wrong)| (right ^ wrong).count_ones()).sum();
    assert_eq!((right.len(), bits), (wrong.len(), 1), "{file} and its twin");
    let error = read_it(&wrong).expect_err(words);
    assert!(error.to_string().contains(words), "{error}");
}

const SNAPSHOT_HASH: &str = "4c485f5d1efd5aa843aecbd5a21de066";
const DELTA_HASH: &str = "ec1b9b64235e98e7e72edaf0462a6e76";
const MANIFEST_HASH: &str = "36ffdd1060f9ca8d4e76ef62a0c636f4";

#[test]
fn the_snapshot_is_read() {
    assert_eq!(read_blob(&read("snapshot-1.blob"), hash(SNAPSHOT_HASH)).unwrap(), snapshot());
}

#[test]
fn the_snapshot_is_still_written_so() {
    assert!(write(&snapshot(), Compression::Plain) == read("snapshot-1.blob"));
}

#[test]
fn the_delta_is_read() {
    assert_eq!(read_blob(&read("delta-1.blob"), hash(DELTA_HASH)).unwrap(), delta());
}

/// A later zstd may compress better, so what is written now is read and not compared.
#[test]
fn a_delta_written_now_is_the_same_delta() {
    let bytes = write(&delta(), Compression::Zstd { level: 1 });
    let header_end = 64 + u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    let written_hash = ContentHash::of(&bytes[..header_end as usize]);
    assert_eq!(read_blob(&bytes, written_hash).unwrap(), delta());
}

#[test]
fn the_manifest_is_read_and_still_written_so() {
    assert_eq!(read_manifest(&read("manifest-1.bin"), hash(MANIFEST_HASH)).unwrap(), manifest());
    assert!(manifest().encode().unwrap() == read("manifest-1.bin"));
}

#[test]
fn corrupt_twins_are_refused() {
    assert_twin(
        "snapshot-1.blob",
        |bytes| read_blob(bytes, hash(SNAPSHOT_HASH)),
        "the hash of the plain bytes",
    );
    assert_twin("delta-1.blob", |bytes| read_blob(bytes, hash(DELTA_HASH)), "the hash of the blob");
    assert_twin(
        "manifest-1.bin",
        |bytes| read_manifest(bytes, hash(MANIFEST_HASH)),
        "the hash of the manifest",
    );
}

/// Padding carries nothing and is no part of any hash; every other bit is held by one.
#[test]
fn every_flipped_bit_is_refused_or_lies_in_padding() {
    let mut bytes = read("delta-1.blob");
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(same) = read_blob(&bytes, hash(DELTA_HASH)) {
            assert_eq!(same, delta(), "bit {bit}");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let mut bytes = read("manifest-1.bin");
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(read_manifest(&bytes, hash(MANIFEST_HASH)).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_truncation_is_refused() {
    let (blob, manifest) = (read("delta-1.blob"), read("manifest-1.bin"));
    assert!((0..blob.len()).all(|length| read_blob(&blob[..length], hash(DELTA_HASH)).is_err()));
    assert!(
        (0..manifest.len()).all(|length| read_manifest(&manifest[..length], hash(MANIFEST_HASH)).is_err())
    );
}

/// Writes the files anew: only for a new format version, under new names.
#[test]
#[ignore = "writes tests/golden"]
fn write_golden_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let delta = write(&delta(), Compression::Zstd { level: 1 });
    let snapshot = write(&snapshot(), Compression::Plain);
    let manifest = manifest().encode().expect("encodes");
    let last = snapshot.len() - 1;
    for (file, bytes, damaged) in
        [("snapshot-1.blob", snapshot, last), ("delta-1.blob", delta, 100), ("manifest-1.bin", manifest, 100)]
    {
        let write = |file: &str, bytes: &[u8]| {
            let mut new = fs::File::create_new(folder.join(file)).expect("a name that is not taken");
            new.write_all(bytes).expect("writes");
        };
        write(file, &bytes);
        let mut twin = bytes;
        twin[damaged] ^= 0x10;
        write(&format!("{file}.corrupt"), &twin);
    }
}
