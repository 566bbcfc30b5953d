//! Publish, then export: what was said is said again, by files nobody would write and by a thousand that nobody did; and what is exported makes the same
//! dataset elsewhere.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use corpus::corpus;
use generated::Generated;
use meaning::{meanings, read};
use support::Place;

mod corpus;
mod generated;
mod meaning;
#[path = "../support/mod.rs"]
mod support;

/// Datasets that are generated; `HOLLOWCAST_DATASETS` asks for more or fewer.
fn datasets() -> u64 {
    std::env::var("HOLLOWCAST_DATASETS").map_or(1000, |datasets| datasets.parse().unwrap())
}

/// One dataset in so many also goes to another one: a compiler and four more runs.
const ELSEWHERE_EVERY: u64 = 5;

/// Publishes `content` and holds the export against `rows`.
#[track_caller]
fn comes_back(place: &Place, name: &str, file: &str, content: &str, key: &str, rows: &[Value]) {
    let mut arguments = vec!["--type", "Record"];
    if !key.is_empty() {
        arguments.extend(["--key", key]);
    }
    let published = place.publish(file, content, &arguments);
    assert_eq!(published.code, 0, "{name}: {published:?}\n{content}");
    let exported = place.run("export", &[]);
    assert_eq!(exported.code, 0, "{name}: {exported:?}");
    let exported: Vec<Value> = exported.out.lines().map(read).collect();
    let (expected, found) = (meanings(rows), meanings(&exported));
    assert_eq!(found.len(), expected.len(), "{name}: as many came back as were published\n{content}");
    for (record, count) in &expected {
        let back = found.get(record).unwrap_or_else(|| panic!("{name}: {record} is not among\n{found:#?}"));
        // Without a key records are a set, in which two of one meaning may differ by what means nothing.
        assert!(key.is_empty() || back == count, "{name}: {record} came {back} times, expected {count}");
    }
}

/// Publishes the export into another dataset by the text of the schema: the same content, by fingerprint.
#[track_caller]
fn goes_elsewhere(place: &Place, name: &str) {
    let schema = place.file("own.capnp", place.run("schema", &[]).succeeds().out);
    let records = place.file("export.jsonl", place.run("export", &[]).succeeds().out);
    let other = Place::new();
    let arguments = [records.to_str().unwrap(), "--schema", schema.to_str().unwrap()];
    let published = other.run("publish", &arguments);
    assert_eq!(published.code, 0, "{name}: {published:?}");
    let fingerprint = |place: &Place| place.run("versions", &["--json"]).json()[0]["fingerprint"].clone();
    assert_eq!(fingerprint(&other), fingerprint(place), "{name}");
}

#[test]
fn awkward_datasets_come_back() {
    for (name, key, lines) in corpus() {
        let said = lines.iter().map(|line| line.trim_start_matches('\u{feff}').trim());
        let rows: Vec<Value> = said.filter(|line| !line.is_empty()).map(read).collect();
        let place = Place::new();
        comes_back(&place, name, "records.jsonl", &lines.join("\n"), key, &rows);
        goes_elsewhere(&place, name);
    }
}

#[test]
fn generated_datasets_come_back() {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        let mut tally: BTreeMap<&'static str, u64> = BTreeMap::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= datasets() {
                return tally;
            }
            let dataset = Generated::new(seed);
            let place = Place::new();
            for version in &dataset.versions {
                let name = format!("seed {seed}");
                comes_back(&place, &name, dataset.file, &version.content, &dataset.key, &version.rows);
                *tally.entry(dataset.kind).or_default() += 1;
            }
            if seed.is_multiple_of(ELSEWHERE_EVERY) {
                goes_elsewhere(&place, &format!("seed {seed}"));
            }
        }
    };
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut total: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in tallies.into_iter().flatten() {
        *total.entry(kind).or_default() += count;
    }
    println!("versions that came back: {total:?}");
}
