//! Entries to bytes and back, and what is refused.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::error::{Classify, ErrorKind};

/// Any manifest of `version`, always the same.
pub(in crate::log) fn manifest(version: u64) -> ManifestReference {
    ManifestReference {
        version: Version(version),
        attempt: Attempt(0xa0 + version),
        hash: ContentHash([version as u8; 16]),
    }
}

pub(in crate::log) fn nonce(number: u8) -> Nonce {
    Nonce([number; 16])
}

fn snapshot(version: u64) -> SnapshotReference {
    let ManifestReference { version, attempt, hash } = manifest(version);
    SnapshotReference { version, attempt, hash, bytes: 1 << 40, begins: version.0 == 9 }
}

fn target(ring: &str, version: u64, reason: Option<HoldReason>) -> Target {
    let hold = reason.map(|reason| Hold { reason, by: "ops".to_owned(), why: "bad prices".to_owned() });
    Target { ring: ring.to_owned(), manifest: Some(manifest(version)), hold }
}

/// An entry in which everything is set, with one ring pinned and one held back.
pub(in crate::log) fn entry() -> LogEntry {
    LogEntry {
        dataset: DatasetId(*b"fedcba9876543210"),
        sequence: Sequence(4),
        nonce: nonce(b'd'),
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_123),
        writer: "host:77".to_owned(),
        recent: vec![nonce(b'c'), nonce(b'b'), nonce(b'a')],
        previous: Some(ContentHash([b'p'; 16])),
        signatures: vec![Signature { key: b"key".to_vec(), bytes: b"signed".to_vec() }],
        kind: EntryKind::Pin,
        epoch: Epoch(3),
        holder: nonce(b'a'),
        latest: Some(manifest(9)),
        targets: vec![
            target("", 9, None),
            target("canary", 8, Some(HoldReason::Pinned)),
            target("late", 7, Some(HoldReason::HeldBack)),
        ],
        snapshots: vec![snapshot(5), snapshot(9)],
        floor: Version(5),
    }
}

/// A sound entry of that number.
pub(in crate::log) fn entry_numbered(sequence: u64) -> LogEntry {
    let before = sequence - 1;
    LogEntry {
        sequence: Sequence(sequence),
        recent: (1..=before.min(LogEntry::RECENT as u64))
            .map(|back| Nonce([(before - back) as u8; 16]))
            .collect(),
        previous: (before > 0).then_some(ContentHash([b'p'; 16])),
        ..entry()
    }
}

type Spoil = fn(&mut LogEntry);

fn round_trip(entry: &LogEntry) {
    let stored = entry.clone().encode().expect("encodes");
    assert_eq!(&stored.entry, entry);
    assert_eq!(LogEntry::decode(stored.bytes.clone(), entry.sequence).expect("decodes"), stored);
}

fn refusal(entry: &[u8]) -> LogError {
    LogEntry::decode(Bytes::copy_from_slice(entry), Sequence(4)).expect_err("is refused")
}

/// `entry.bin` was made from text by `capnp encode schemas/log.capnp Entry`.
#[test]
fn an_entry_of_the_reference_tool_is_read() {
    let golden = Bytes::from_static(include_bytes!("golden/entry.bin"));
    assert_eq!(LogEntry::decode(golden, Sequence(4)).expect("decodes").entry, entry());
}

/// `capnp decode schemas/log.capnp Entry` prints the same for `written.bin` as for `entry.bin`.
#[test]
fn a_written_entry_keeps_the_bytes_that_the_reference_tool_reads() {
    let golden: &[u8] = include_bytes!("golden/written.bin");
    assert_eq!(entry().encode().expect("encodes").bytes, golden);
}

#[test]
fn the_hash_is_that_of_the_stored_bytes() {
    let stored = StoredEntry { entry: entry(), bytes: Bytes::new() };
    // XXH3_128bits of nothing, from the reference implementation's documentation and test vectors.
    assert_eq!(stored.hash().to_string(), "99aa06d3014798d86001c324468d497f");
}

#[test]
fn entries_of_every_kind_and_place_come_back_whole() {
    use EntryKind::{Claim, Commit, Floor, Pin, Snapshot, Unpin};
    for kind in [Claim, Commit, Snapshot, Pin, Unpin, Floor] {
        round_trip(&LogEntry { kind, ..entry() });
    }
    for sequence in [1, 2, 256, 257, 258, 100_000] {
        round_trip(&entry_numbered(sequence));
    }
    let empty = LogEntry {
        latest: None,
        targets: vec![Target { ring: String::new(), manifest: None, hold: None }],
        snapshots: vec![],
        signatures: vec![],
        floor: Version::NONE,
        writer: String::new(),
        ..entry_numbered(1)
    };
    round_trip(&empty);
}

#[test]
fn sizes_are_bounded_and_named() {
    let full =
        LogEntry { snapshots: (1..=64).map(snapshot).collect(), floor: Version(1), ..entry_numbered(1000) };
    let full = LogEntry { latest: Some(manifest(64)), targets: vec![target("", 64, None)], ..full };
    round_trip(&full);
    let mut over =
        LogEntry { latest: Some(manifest(65)), targets: vec![target("", 65, None)], ..full.clone() };
    over.snapshots.push(snapshot(65));
    let error = over.encode().expect_err("one snapshot too many");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("65 snapshots"), "{error}");

    let room = LogEntry::LIMIT as usize - full.clone().encode().expect("encodes").bytes.len();
    let writer = |bytes| LogEntry { writer: "w".repeat(bytes), ..full.clone() };
    round_trip(&writer(room));
    let error = writer(room + 8).encode().expect_err("a word too large");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("log/00000000000000001000"), "{error}");
}

#[test]
fn newer_formats_and_kinds_are_refused_by_name() {
    let stored = entry().encode().expect("encodes").bytes;
    let text = |found: &LogError| found.to_string();
    // The data section begins behind segment table and root pointer: format version u32, kind u16.
    let mut newer = stored.to_vec();
    assert_eq!(newer[16..20], [1, 0, 0, 0]);
    newer[16] = 2;
    let error = refusal(&newer);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        text(&error).contains("format version 2") && text(&error).contains("log/00000000000000000004"),
        "{error}"
    );
    let kind_at = (16..stored.len())
        .find(|at| {
            let mut other = stored.to_vec();
            other[*at] = 77;
            matches!(
                LogEntry::decode(other.into(), Sequence(4)),
                Err(LogError::Unknown { what: "kind", found: 77, .. })
            )
        })
        .expect("the kind is somewhere");
    assert!(kind_at < 64, "in the data section");
}

#[test]
fn an_entry_under_another_number_is_refused() {
    let stored = entry().encode().expect("encodes").bytes;
    let error = LogEntry::decode(stored, Sequence(5)).expect_err("is entry 4");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("expected 5") && error.to_string().contains("found 4"), "{error}");
}

#[test]
fn contradictions_are_refused() {
    let broken: [(&str, Spoil); 14] = [
        ("recent", |entry| entry.recent.truncate(2)),
        ("recent", |entry| entry.recent.push(nonce(1))),
        ("previous", |entry| entry.previous = None),
        ("epoch", |entry| entry.epoch = Epoch(0)),
        ("targets", |entry| entry.targets.clear()),
        ("targets", |entry| drop(entry.targets.remove(0))),
        ("targets", |entry| entry.targets.swap(1, 2)),
        ("targets", |entry| entry.targets.insert(1, entry.targets[1].clone())),
        ("target", |entry| entry.targets[1].hold = None),
        ("target", |entry| entry.targets[1].manifest = Some(manifest(10))),
        ("target", |entry| entry.targets[1].manifest = Some(manifest(4))),
        ("floor", |entry| entry.latest = None),
        ("snapshots", |entry| entry.snapshots.swap(0, 1)),
        ("snapshots", |entry| entry.floor = Version(6)),
    ];
    for (field, spoil) in broken {
        let mut spoiled = entry();
        spoil(&mut spoiled);
        let fault = check::check(&spoiled).expect_err(field);
        let is_expected = fault.field == field || (field == "floor" && fault.field == "target");
        assert!(is_expected, "{field}: {fault:?}");
    }
}

#[test]
#[should_panic(expected = "contradicts itself")]
fn a_contradiction_of_our_own_is_not_written() {
    let _ = LogEntry { epoch: Epoch(0), ..entry() }.encode();
}

#[test]
fn a_ring_without_a_target_has_everyones() {
    let entry = entry();
    assert_eq!(entry.target("canary"), &entry.targets[1]);
    assert_eq!(entry.target("unknown"), &entry.targets[0]);
}

fn any_entry() -> impl Strategy<Value = LogEntry> {
    let hold = prop_oneof![Just(HoldReason::Pinned), Just(HoldReason::HeldBack)];
    let rings = proptest::collection::btree_map("[a-zé]{1,12}", (1..50_u64, hold, ".{0,20}"), 0..8);
    (1..600_u64, 50..100_u64, rings, ".{0,40}", proptest::collection::btree_set(1..50_u64, 0..20)).prop_map(
        |(sequence, latest, rings, writer, snapshots)| {
            let others = rings.into_iter().map(|(ring, (version, reason, why))| Target {
                hold: Some(Hold { reason, by: String::new(), why }),
                ..target(&ring, version, None)
            });
            LogEntry {
                latest: Some(manifest(latest)),
                targets: std::iter::once(target("", latest, None)).chain(others).collect(),
                snapshots: snapshots.into_iter().map(snapshot).collect(),
                floor: Version(1),
                writer,
                ..entry_numbered(sequence)
            }
        },
    )
}

proptest! {
    #[test]
    fn any_entry_comes_back_whole(entry in any_entry()) {
        round_trip(&entry);
    }

    #[test]
    fn damaged_bytes_are_read_or_refused(at: prop::sample::Index, to: u8, cut: prop::sample::Index) {
        let mut bytes = entry().encode().expect("encodes").bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(read) = LogEntry::decode(bytes.clone().into(), Sequence(4)) {
            check::check(&read.entry).expect("whatever is read is sound");
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert_eq!(refusal(&bytes).kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        refusal(&bytes);
    }
}
