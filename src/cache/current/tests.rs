use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::file::CHOICES;
use super::*;
use crate::cache::{CacheError, StateDirectory, StateDirectoryOptions};
use crate::environment::Environment;
use crate::error::{Classify, ErrorKind};
use crate::schema::TypeFilter;

fn name(byte: u8) -> SectionName {
    SectionName { hash: ContentHash([byte; 16]), length: 1000 + u64::from(byte) }
}

/// A state with a base of two shards and a delta on it, and a type without a base.
pub(in crate::cache) fn current(dataset: DatasetId) -> Current {
    let step = |from, to, fingerprint, changes: &[u8]| CurrentStep {
        from: Version(from),
        to: Version(to),
        fingerprint_after: Fingerprint(fingerprint),
        changes: changes.iter().map(|byte| name(*byte)).collect(),
        slots: None,
    };
    let gathered = CurrentStep { slots: Some(name(7)), ..step(10, 12, 5, &[5, 6]) };
    let shards =
        vec![CurrentShard { rows: name(1), keys: name(2) }, CurrentShard { rows: name(3), keys: name(4) }];
    Current {
        dataset,
        ring: String::new(),
        sequence: Sequence(17),
        version: Version(12),
        manifest: ManifestReference { name: "manifests/12-00ff".to_owned(), hash: ContentHash([9; 16]) },
        confirmed_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        key_seed: KeySeed(u64::MAX),
        schema_hash: ContentHash([8; 16]),
        schema: b"any bytes".to_vec(),
        tags: [("source", "nightly"), ("", "")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        types: vec![
            CurrentType {
                name: "Movie".to_owned(),
                record_count: 5_000_000,
                fingerprint: Fingerprint(u128::MAX - 1),
                base: shards,
                overlay: vec![gathered, step(12, 11, u128::MAX - 1, &[8])],
            },
            CurrentType {
                name: "Actor".to_owned(),
                record_count: 0,
                fingerprint: Fingerprint(0),
                base: Vec::new(),
                overlay: Vec::new(),
            },
        ],
    }
}

fn sample() -> Current {
    current(DatasetId([7; 16]))
}

fn open() -> (tempfile::TempDir, StateDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let directory =
        StateDirectory::open(folder.path(), StateDirectoryOptions::default(), Environment::system());
    (folder, directory.unwrap())
}

/// What is recorded of the dataset of [`sample`], none of it damaged.
fn served(directory: &StateDirectory) -> Vec<Current> {
    directory.currents(sample().dataset).unwrap().into_iter().map(Result::unwrap).collect()
}

fn damaged(current: &Current) -> String {
    let error = Current::decode(&current.encode().unwrap(), "current/x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    error.to_string()
}

#[test]
fn a_state_comes_back_after_a_restart_semantics_24() {
    let (_folder, directory) = open();
    let current = sample();
    assert_eq!(served(&directory), []);
    directory.write_current(&current, &TypeFilter::all()).unwrap();
    assert_eq!(served(&directory), std::slice::from_ref(&current));
    let next = Current { sequence: Sequence(18), types: Vec::new(), ..current };
    directory.write_current(&next, &TypeFilter::all()).unwrap();
    assert_eq!(served(&directory), [next]);
    assert_eq!(std::fs::read_dir(directory.temps()).unwrap().count(), 0, "the record before is gone");
}

/// Processes with other filters leave each other's records alone, and the latest of the log comes first.
#[test]
fn each_filter_has_a_record_of_its_own_semantics_22_24() {
    let (_folder, directory) = open();
    let record = |sequence| Current { sequence: Sequence(sequence), ..sample() };
    let write = |sequence, filter: TypeFilter| directory.write_current(&record(sequence), &filter).unwrap();
    write(3, TypeFilter::all());
    write(5, TypeFilter::only(["Movie"]));
    write(4, TypeFilter::only(["Movie", "Actor"]));
    assert_eq!(served(&directory), [5, 4, 3].map(record));
    write(6, TypeFilter::only(["Actor", "Movie"]));
    assert_eq!(served(&directory), [6, 5, 3].map(record));
    let other = Current { dataset: DatasetId([8; 16]), ..sample() };
    directory.write_current(&other, &TypeFilter::only(["Movie"])).unwrap();
    assert_eq!(served(&directory).len(), 3);
}

/// Nor do those of different rings.
#[test]
fn each_ring_has_a_record_of_its_own_semantics_21_24() {
    let (_folder, directory) = open();
    let record =
        |ring: &str, sequence| Current { ring: ring.to_owned(), sequence: Sequence(sequence), ..sample() };
    let all = TypeFilter::all;
    for (record, filter) in [
        (record("", 3), all()),
        (record("canary", 4), all()),
        (record("canary", 5), TypeFilter::only(["Movie"])),
        (record("", 6), TypeFilter::only(["Movie"])),
        (record("Movie", 7), all()),
    ] {
        directory.write_current(&record, &filter).unwrap();
    }
    let found: Vec<_> = served(&directory).into_iter().map(|found| (found.ring, found.sequence.0)).collect();
    let expected = [("Movie", 7), ("", 6), ("canary", 5), ("canary", 4), ("", 3)];
    assert_eq!(found, expected.map(|(ring, sequence)| (ring.to_owned(), sequence)));
}

/// A process that lags behind, and has its record late, does not take the host back.
#[test]
fn a_record_of_a_later_entry_stays_semantics_24() {
    let (_folder, directory) = open();
    let record = |sequence| Current { sequence: Sequence(sequence), ..sample() };
    for (written, stays) in [(5, 5), (4, 5), (6, 6)] {
        directory.write_current(&record(written), &TypeFilter::all()).unwrap();
        assert_eq!(served(&directory), [record(stays)]);
    }
    let same = Current { types: Vec::new(), ..record(6) };
    directory.write_current(&same, &TypeFilter::all()).unwrap();
    assert_eq!(served(&directory), [same]);
}

#[test]
fn records_by_filters_are_bounded_and_that_of_all_types_stays() {
    let (_folder, directory) = open();
    directory.write_current(&sample(), &TypeFilter::all()).unwrap();
    for number in 0..CHOICES as u64 + 3 {
        let record = Current { sequence: Sequence(100 + number), ..sample() };
        directory.write_current(&record, &TypeFilter::only([number.to_string()])).unwrap();
        // Times of change are all that says which is older, and some clocks of file systems go on every 10 ms only.
        std::thread::sleep(Duration::from_millis(20));
    }
    let found: Vec<u64> = served(&directory).iter().map(|record| record.sequence.0).collect();
    let newest = (103..103 + CHOICES as u64).rev();
    assert_eq!(found, newest.chain([17]).collect::<Vec<_>>());
}

#[test]
fn a_record_that_cannot_be_used_comes_last() {
    let (_folder, directory) = open();
    directory.write_current(&sample(), &TypeFilter::only(["Movie"])).unwrap();
    std::fs::write(directory.path().join("current").join(sample().dataset.to_string()), b"nonsense").unwrap();
    let found = directory.currents(sample().dataset).unwrap();
    assert!(matches!(&found[..], [Ok(_), Err(CacheError::DamagedCurrent { .. })]), "{found:?}");
}

#[test]
fn all_sections_of_a_state_are_named() {
    let found: Vec<_> = sample().sections().collect();
    assert_eq!(found, [1, 2, 3, 4, 5, 6, 7, 8].map(name));
}

#[test]
fn the_file_is_a_hash_and_one_message_that_any_tool_reads() {
    let bytes = sample().encode().unwrap();
    assert_eq!(bytes, sample().encode().unwrap(), "the same state, the same bytes");
    assert_eq!(ContentHash::of(&bytes[16..]).0, bytes[..16]);
    let segments_less_one = u32::from_le_bytes(bytes[16..20].try_into().unwrap());
    let table = (8 + 4 * (segments_less_one as usize + 1)) / 8 * 8;
    let words: u32 = bytes[20..]
        .chunks(4)
        .take(segments_less_one as usize + 1)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .sum();
    assert_eq!(bytes.len(), 16 + table + words as usize * 8);
}

#[test]
fn a_reader_gets_the_old_state_or_the_new_one() {
    let (_folder, directory) = open();
    let states = [10_000, 20_000].map(|length| Current { schema: vec![1; length], ..sample() });
    directory.write_current(&states[0], &TypeFilter::all()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..40 {
                directory.write_current(&states[round % 2], &TypeFilter::all()).unwrap();
            }
        });
        while !writer.is_finished() {
            let [found] = &served(&directory)[..] else { panic!("there is one") };
            assert!(states.contains(found));
        }
    });
}

#[test]
fn a_file_under_another_dataset_s_name_is_refused() {
    let (_folder, directory) = open();
    directory.write_current(&sample(), &TypeFilter::all()).unwrap();
    let other = DatasetId([8; 16]);
    let folder = directory.path().join("current");
    std::fs::rename(folder.join(sample().dataset.to_string()), folder.join(other.to_string())).unwrap();
    let error = directory.currents(other).unwrap().pop().unwrap().unwrap_err().to_string();
    assert!(error.contains(&other.to_string()) && error.contains(&sample().dataset.to_string()), "{error}");
}

#[test]
fn every_changed_or_missing_byte_is_detected() {
    let bytes = sample().encode().unwrap();
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        let error = Current::decode(&wrong, "current/x").unwrap_err();
        assert!(matches!(error, CacheError::DamagedCurrent { .. }), "byte {at}: {error}");
        assert!(Current::decode(&bytes[..at], "current/x").is_err(), "{at} bytes");
    }
}

#[test]
fn what_cannot_be_a_state_is_refused() {
    let mut three_shards = sample();
    let shard = three_shards.types[0].base[0];
    three_shards.types[0].base.push(shard);
    assert!(damaged(&three_shards).contains("power of two"));
    let mut twice = sample();
    twice.types[1].name = "Movie".to_owned();
    assert!(damaged(&twice).contains("Movie twice"));
    let mut elsewhere = sample();
    elsewhere.types[0].fingerprint = Fingerprint(1);
    assert!(damaged(&elsewhere).contains("fingerprint"));
    let mut nowhere = sample();
    nowhere.types[0].overlay[0].to = Version(10);
    assert!(damaged(&nowhere).contains("from 10 to 10"));
    let mut later = sample();
    later.types[0].overlay[1].slots = Some(name(7));
    assert!(damaged(&later).contains("version 11"));
}

#[test]
fn a_state_beyond_the_limit_is_refused_when_written() {
    let huge = Current { schema: vec![0; 16 << 20], ..sample() };
    let error = huge.encode().unwrap_err();
    assert!(matches!(error, CacheError::CurrentTooLarge { limit: 0x0100_0000, .. }), "{error}");
}

/// Puts the right hash in front of any bytes.
fn hashed(message: &[u8]) -> Vec<u8> {
    [&ContentHash::of(message).0[..], message].concat()
}

#[test]
fn a_newer_format_is_refused_by_number() {
    let mut message = sample().encode().unwrap()[16..].to_vec();
    let table_bytes = 8 * (u32::from_le_bytes(message[..4].try_into().unwrap()) as usize / 2 + 1);
    message[table_bytes + 8] = 2;
    let error = Current::decode(&hashed(&message), "current/x").unwrap_err();
    assert!(matches!(error, CacheError::UnknownCurrent { found: 2, known: 1, .. }), "{error}");
}

proptest! {
    /// Even bytes under a right hash are only believed once checked.
    #[test]
    fn no_bytes_make_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut message = sample().encode().unwrap()[16..].to_vec();
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        let _ = Current::decode(&hashed(&message), "current/x");
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Current::decode(&hashed(&bytes), "current/x");
        prop_assert!(Current::decode(&bytes, "current/x").is_err());
    }
}
