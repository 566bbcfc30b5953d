//! Breaks by the command line: files and schemas that do not fit, and a newest version that cannot be read.

use std::fs;

use serde_json::json;

use support::{IN_THE_HEADER, Place};

mod support;

const FIRST: &str = "icao,elevation\nEDDF,364\nKJFK,13\n";
const WORDS: &str = "icao,elevation\nEDDF,high\nKJFK,low\n";

fn first() -> Place {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    place
}

/// A column of numbers becomes one of words, and the way back leads over the break too.
#[test]
fn a_column_of_another_type_is_a_break_that_has_to_be_accepted() {
    let place = first();
    place.publish("2.csv", WORDS, &[]).fails(3, &["elevation", "Int64", "--accept-break"]);
    assert_eq!(place.versions(), [1]);
    let accepted = place.publish("2.csv", WORDS, &["--accept-break"]).succeeds();
    assert!(accepted.words.contains("a break is accepted"), "{accepted:?}");
    let records = place.run("get", &["EDDF", "KJFK"]).lines();
    assert_eq!(
        records,
        [json!({"icao": "EDDF", "elevation": "high"}), json!({"icao": "KJFK", "elevation": "low"})]
    );
    let newest = &place.run("versions", &["--json"]).json()[0];
    assert_eq!((&newest["version"], &newest["break"]), (&json!(2), &json!(true)));
    assert!(newest["bytes"]["delta"].is_null() && newest["bytes"]["snapshot"].is_u64(), "{newest}");
    assert_eq!(place.publish("2.csv", WORDS, &["--json"]).json()["outcome"], "unchanged");

    place.run("rollback", &["1"]).fails(3, &["elevation", "--accept-break"]);
    place.run("rollback", &["1", "--accept-break"]).succeeds();
    assert_eq!(place.run("get", &["EDDF"]).lines(), [json!({"icao": "EDDF", "elevation": 364})]);
    let fingerprints = place.run("versions", &["--json"]).json();
    assert_eq!(fingerprints[0]["fingerprint"], fingerprints[2]["fingerprint"]);
    place.run("verify", &[]).succeeds();
}

/// What a break does not state would be gone, so that is asked for as well.
#[test]
fn a_break_of_one_type_does_not_drop_another_by_the_way() {
    let place = first();
    place.file("towns.csv", "name\nRome\n");
    let towns = format!("Town={}", place.folder().join("towns.csv").display());
    place.run("publish", &[&towns, "--key", "Town=name"]).succeeds();
    let words = format!("Airport={}", place.file("2.csv", WORDS).display());
    place.run("publish", &[&words, "--accept-break"]).fails(3, &["Town", "1 records"]);
    place.run("publish", &[&words, &towns, "--key", "Town=name", "--accept-break"]).succeeds();
    assert_eq!(place.run("export", &["--type", "Town"]).lines(), [json!({"name": "Rome"})]);
}

#[test]
fn changes_alone_make_no_break() {
    let place = first();
    let words = place.file("2.csv", WORDS);
    let words = words.to_str().unwrap();
    place.run("publish", &["--upsert", words, "--accept-break"]).fails(3, &["full cycle"]);
    assert_eq!(place.versions(), [1]);
}

#[test]
fn a_schema_that_breaks_takes_the_place_of_the_dataset_s_when_that_is_accepted() {
    let place = first();
    let text = place.run("schema", &[]).succeeds().out.replace("Int64", "Int32");
    let schema = place.file("airport.capnp", text);
    let schema = ["--schema", schema.to_str().unwrap()];
    place.publish("1.csv", FIRST, &schema).fails(3, &["elevation", "--accept-break"]);
    place.publish("1.csv", FIRST, &[&schema[..], &["--accept-break"]].concat()).succeeds();
    assert!(place.run("schema", &[]).succeeds().out.contains("Int32"));
    assert_eq!(place.versions(), [2, 1]);
}

#[test]
fn a_newest_version_that_cannot_be_read_is_gone_on_without_when_that_is_accepted() {
    let place = first();
    let second = FIRST.replace("364", "365");
    place.publish("2.csv", &second, &[]).succeeds();
    let delta = fs::read_dir(place.dataset().join("deltas")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&delta).unwrap();
    bytes[IN_THE_HEADER] ^= 1;
    fs::write(&delta, bytes).unwrap();
    fs::remove_dir_all(place.state_directory()).unwrap();

    let third = FIRST.replace("364", "366");
    place.publish("3.csv", &third, &[]).fails(7, &["deltas/"]);
    let declared = ["--type", "Airport", "--key", "icao", "--accept-break"];
    let accepted = place.publish("3.csv", &third, &declared).succeeds();
    assert!(accepted.words.contains("it is gone on without"), "{accepted:?}");
    assert_eq!(place.run("get", &["EDDF"]).lines(), [json!({"icao": "EDDF", "elevation": 366})]);
    assert_eq!(
        place.run("get", &["EDDF", "--version", "1"]).lines(),
        [json!({"icao": "EDDF", "elevation": 364})]
    );
    place.run("verify", &[]).fails(7, &["deltas/"]);
}
