//! The directory stays within its budget, at the cost of what nobody uses.

use super::*;
use crate::identifiers::{ContentHash, DatasetId};
use crate::schema::TypeFilter;

/// Ten sections of 1000 bytes, each used ten seconds after the one before.
fn ten(host: &Host) -> Vec<SectionName> {
    (0..10)
        .map(|fill| {
            host.clock.advance(10);
            host.add(&section(1000, fill))
        })
        .collect()
}

fn left(host: &Host, names: &[SectionName]) -> Vec<usize> {
    (0..names.len()).filter(|index| host.has(names[*index])).collect()
}

#[test]
fn the_sections_unused_for_longest_go_first_with_their_seals() {
    let host = Host::with_budget(10_000);
    let names = ten(&host);
    assert_eq!(left(&host, &names).len(), 10, "exactly the budget fits");
    host.clock.advance(10);
    assert!(host.directory.find(&names[0]).unwrap().is_some());
    let writer = host.directory.create(1000).unwrap();
    assert_eq!(left(&host, &names), [0, 3, 4, 5, 6, 7, 8, 9], "1000 bytes, and a sixteenth of the budget");
    assert_eq!(host.files("segments").len(), 16);
    drop(writer);
}

/// Deltas of a few records: bytes that hardly count, and files that do.
#[test]
fn small_sections_go_when_they_are_many() {
    let options = StateDirectoryOptions { budget_sections: 32, ..StateDirectoryOptions::default() };
    let host = Host::with_options(options);
    let mut names = Vec::new();
    for number in 0..200 {
        host.clock.advance(1);
        names.push(host.add(&section(16 + 8 * number, 7)));
        assert!(host.files("segments").len() <= 2 * 32, "a section and its seal, of 32 sections");
    }
    let left = left(&host, &names);
    assert_eq!(*left, (200 - left.len()..200).collect::<Vec<_>>(), "the last ones");
    assert!(left.len() >= 30, "{} are left: a sixteenth goes at a time", left.len());
}

#[test]
fn what_is_mapped_stays_even_beyond_the_budget() {
    let host = Host::with_budget(10_000);
    let names = ten(&host);
    let held: Vec<_> = names[..5].iter().map(|name| host.directory.find(name).unwrap().unwrap()).collect();
    host.clock.advance(60);
    drop(host.directory.create(9_000).unwrap());
    assert_eq!(left(&host, &names), [0, 1, 2, 3, 4]);
    let larger = add(&host.directory, &section(20_000, 99)).unwrap();
    assert_eq!(larger.len_bytes(), 20_000);
    assert_eq!(left(&host, &names), [0, 1, 2, 3, 4]);
    drop(held);
    host.clock.advance(60);
    drop(host.directory.create(8).unwrap());
    assert_eq!(left(&host, &names), [0_usize; 0]);
}

#[test]
fn what_a_restart_would_need_goes_last() {
    let host = Host::with_budget(10_000);
    let names = ten(&host);
    let current = Current {
        dataset: DatasetId([1; 16]),
        ring: String::new(),
        sequence: crate::identifiers::Sequence(1),
        version: crate::identifiers::Version(1),
        manifest: ManifestReference { name: "manifests/1".to_owned(), hash: ContentHash([2; 16]) },
        confirmed_at: SystemTime::UNIX_EPOCH,
        key_seed: crate::identifiers::KeySeed(0),
        schema_hash: ContentHash([3; 16]),
        schema: Vec::new(),
        tags: std::collections::BTreeMap::new(),
        types: vec![CurrentType {
            name: "Movie".to_owned(),
            record_count: 0,
            fingerprint: crate::identifiers::Fingerprint::default(),
            base: vec![CurrentShard { rows: names[0], keys: names[2] }],
            overlay: Vec::new(),
        }],
    };
    host.directory.write_current(&current, &TypeFilter::all()).unwrap();
    fs::write(host.directory.current().join("damaged"), "x").unwrap();
    drop(host.directory.create(6_000).unwrap());
    assert_eq!(left(&host, &names), [0, 2, 9]);
    host.clock.advance(60);
    drop(host.directory.create(10_000).unwrap());
    assert_eq!(left(&host, &names), [0_usize; 0], "an old state does not hold the budget for ever");
}

#[test]
fn what_other_processes_write_counts_after_a_minute() {
    let host = Host::with_budget(10_000);
    let names = ten(&host);
    add(&host.reopen(), &section(5_000, 77)).unwrap();
    host.clock.advance(61);
    drop(host.directory.create(8).unwrap());
    assert!(left(&host, &names).len() < 5);
}

/// Many threads as processes: every section found or written is the right one, while others evict it.
#[test]
fn eviction_and_opening_race_without_harm() {
    let host = Host::with_budget(3_000);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let directory = open(host.directory.path(), budget(3_000), host.clock.clone());
            scope.spawn(move || {
                for round in 0..150_u32 {
                    let bytes = section(1000, ((round * 7 + thread * 3) % 6) as u8);
                    let name = SectionName::of(&bytes);
                    let segment = match directory.find(&name).unwrap() {
                        Some(segment) => segment,
                        None => add(&directory, &bytes).unwrap(),
                    };
                    assert_eq!(segment.section_bytes(), bytes);
                }
            });
        }
    });
    assert_eq!(host.files("tmp"), [""; 0]);
}
