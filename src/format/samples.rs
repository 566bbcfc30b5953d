//! Blobs and manifests that tests share.

use super::{
    BlobDescription, BlobKind, BlobReference, BlobWriter, BlobWriterOptions, Compression, FinishedBlob,
    LinkedBlob, Manifest, ManifestLink, ManifestReference, SectionId, SectionKind, TypeSummary,
    TypeTransition,
};
use crate::environment::{Random, SeededRandom};
use crate::identifiers::{Attempt, ContentHash, DatasetId, Epoch, Fingerprint, KeySeed, TypeId, Version};

pub(crate) fn description(kind: BlobKind) -> BlobDescription {
    let (from, to) = match kind {
        BlobKind::Snapshot => (0, 7),
        BlobKind::Delta => (6, 7),
        BlobKind::ReverseDelta => (7, 6),
    };
    let before = if kind == BlobKind::Snapshot { 0 } else { 3 << 100 | 5 };
    BlobDescription {
        kind,
        dataset_id: DatasetId(*b"sixteen bytes id"),
        from_version: Version(from),
        to_version: Version(to),
        key_seed: KeySeed(0x5eed),
        types: ["Movie", "Actor"].iter().map(|name| transition(name, before)).collect(),
        schema: (kind == BlobKind::Snapshot).then(|| b"a schema".to_vec()),
        tags: [("build", "17"), ("source", "nightly")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
    }
}

fn transition(name: &str, before: u128) -> TypeTransition {
    TypeTransition {
        name: name.to_owned(),
        from_fingerprint: Fingerprint(before),
        to_fingerprint: Fingerprint(1 << 127 | 9),
        records: 1000,
    }
}

pub(crate) fn id(name: &str, kind: SectionKind, part: u32, parts: u32) -> SectionId {
    SectionId { type_id: TypeId::of(name), kind, part, parts }
}

/// Bytes that compress by about half, the same for a seed.
pub(crate) fn section_bytes(seed: u64, length: usize) -> Vec<u8> {
    let random = SeededRandom::new(seed);
    let words = std::iter::repeat_with(|| random.next_u64() >> 32);
    words.flat_map(u64::to_le_bytes).take(length).collect()
}

pub(crate) fn options(compression: Compression) -> BlobWriterOptions {
    BlobWriterOptions { compression, ..BlobWriterOptions::default() }
}

/// A blob of these sections, whose types are those of [`description`].
pub(crate) fn blob(
    kind: BlobKind,
    compression: Compression,
    sections: &[(SectionId, Vec<u8>)],
) -> FinishedBlob {
    let writer = BlobWriter::new(&options(compression)).expect("a writer");
    for (id, plain) in sections {
        writer.add_section(*id, plain).expect("adds");
    }
    writer.finish(&description(kind)).expect("finishes")
}

/// Two shards of movies and one of actors, with their keys.
pub(crate) fn snapshot_sections(length: usize) -> Vec<(SectionId, Vec<u8>)> {
    let ids = [
        id("Movie", SectionKind::Rows, 0, 2),
        id("Movie", SectionKind::Rows, 1, 2),
        id("Movie", SectionKind::Keys, 0, 2),
        id("Movie", SectionKind::Keys, 1, 2),
        id("Actor", SectionKind::Rows, 0, 1),
        id("Actor", SectionKind::Keys, 0, 1),
    ];
    ids.iter().enumerate().map(|(at, id)| (*id, section_bytes(at as u64, length + 100 * at))).collect()
}

pub(crate) fn bytes_of(blob: &FinishedBlob) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut blob.reader(0..blob.length()), &mut bytes).expect("reads");
    bytes
}

/// The manifest of `version`, whose ancestors are linked as far as there are any.
pub(crate) fn manifest(version: u64) -> Manifest {
    let hash = |of: &str, version: u64| ContentHash::of(format!("{of} {version}").as_bytes());
    let links = (1..version).rev().take(super::MAX_LINKS).map(|version| ManifestLink {
        version: Version(version),
        attempt: Attempt(version * 3),
        manifest_hash: hash("manifest", version),
        delta: (version > 1).then(|| LinkedBlob { length: 1000 + version, hash: hash("delta", version) }),
        reverse_delta: (version > 1)
            .then(|| LinkedBlob { length: 2000 + version, hash: hash("reverse", version) }),
    });
    let blob =
        |of: &str, length| BlobReference { name: format!("{of}/{version}"), length, hash: hash(of, version) };
    Manifest {
        dataset_id: DatasetId(*b"sixteen bytes id"),
        version: Version(version),
        parent: (version > 1).then(|| ManifestReference {
            version: Version(version - 1),
            name: format!("manifests/{}", version - 1),
            hash: hash("manifest", version - 1),
        }),
        epoch: Epoch(4),
        attempt: Attempt(0xfeed_0000_0000_0007),
        created_at_ms: 1_767_225_600_123,
        schema_hash: hash("schema", 0),
        key_seed: KeySeed(0x5eed),
        types: vec![
            TypeSummary { name: "Movie".into(), records: 5_000_000, fingerprint: Fingerprint(u128::MAX - 1) },
            TypeSummary { name: "Actor".into(), records: 0, fingerprint: Fingerprint(0) },
        ],
        tags: [("build".to_owned(), "17".to_owned())].into(),
        delta: (version > 1).then(|| blob("delta", 1000 + version)),
        reverse_delta: (version > 1).then(|| blob("reverse", 2000 + version)),
        links: links.collect(),
    }
}
