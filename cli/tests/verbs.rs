//! Every verb and every exit status, on a local folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use support::{IN_THE_HEADER, Place, Ran};

mod support;

const FIRST: &str = "icao,name,elevation\nEDDF,Frankfurt,364.0\nKJFK,Kennedy,13\nLFPG,Paris,\n";
const SECOND: &str = "icao,name,elevation\nEDDF,Frankfurt am Main,364.0\nKJFK,Kennedy,13\nRJTT,Haneda,10.5\n";

/// Versions 1 and 2.
fn two_versions() -> Place {
    let place = Place::new();
    let first = place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao", "--tag", "month=may"]);
    assert!(first.out.starts_with("published version 1, Airport: 3 records"), "{first:?}");
    let second = place.publish("2.csv", SECOND, &[]);
    assert!(second.out.starts_with("published version 2"), "{second:?}");
    place
}

#[test]
fn a_published_file_comes_back() {
    let place = two_versions();
    let mut records = place.run("export", &["--sorted"]).lines();
    let expected = [
        json!({"icao": "EDDF", "name": "Frankfurt am Main", "elevation": 364.0}),
        json!({"icao": "KJFK", "name": "Kennedy", "elevation": 13.0}),
        json!({"icao": "RJTT", "name": "Haneda", "elevation": 10.5}),
    ];
    assert_eq!(records, expected);
    records = place.run("export", &["--version", "1", "--sorted"]).lines();
    assert_eq!(records[2], json!({"icao": "LFPG", "name": "Paris", "elevation": null}));
}

#[test]
fn the_same_file_again_is_no_version() {
    let place = two_versions();
    let again = place.publish("3.csv", SECOND, &["--json"]).json();
    assert_eq!((&again["outcome"], &again["version"]), (&json!("unchanged"), &json!(2)));
}

#[test]
fn publish_reports_in_json() {
    let place = Place::new();
    let report = place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao", "--json"]).json();
    assert_eq!((&report["outcome"], &report["version"]), (&json!("published"), &json!(1)));
    assert_eq!(report["records"], json!({"Airport": 3}));
    assert!(report["bytes"]["snapshot"].as_u64().unwrap() > 0 && report["bytes"]["delta"].is_null());
}

#[test]
fn get_prints_records_and_names_the_missing() {
    let place = two_versions();
    let found = place.run("get", &["RJTT", "EDDF"]);
    assert_eq!((found.code, found.lines().len()), (0, 2));
    let partly = place.run("get", &["LFPG", "KJFK"]);
    partly.fails(4, &["LFPG"]);
    assert_eq!(partly.lines()[0]["icao"], "KJFK");
    assert_eq!(place.run("get", &["LFPG", "--version", "1"]).code, 0);
}

#[test]
fn changes_by_key_leave_the_rest() {
    let place = two_versions();
    let upserts = place.file("upsert.jsonl", "{\"icao\":\"EGLL\",\"name\":\"Heathrow\",\"elevation\":25}\n");
    let deletes = place.file("gone.txt", "KJFK\nNOPE\n");
    let arguments = ["--upsert", upserts.to_str().unwrap(), "--delete", deletes.to_str().unwrap(), "--json"];
    assert_eq!(place.run("publish", &arguments).json()["version"], 3);
    let counts = place.run("diff", &["2", "3", "--summary", "--json"]).json();
    assert_eq!(counts, json!({"Airport": {"added": 1, "removed": 1, "changed": 0}}));
}

/// A table of changes without a column would empty that column in the records it names.
#[test]
fn changed_records_are_whole() {
    let place = two_versions();
    let change = |file: &str, content: &str, rest: &[&str]| {
        let file = place.file(file, content).display().to_string();
        place.run("publish", &[&["--upsert", &file], rest].concat())
    };
    change("part.csv", "icao,elevation\nEDDF,365\n", &[]).fails(3, &["name", "--allow-missing"]);
    assert_eq!(place.run("get", &["EDDF"]).lines()[0]["name"], "Frankfurt am Main");
    change("part.jsonl", "{\"icao\":\"EDDF\",\"elevation\":365}\n", &[]).succeeds();
    assert_eq!(place.run("get", &["EDDF"]).lines()[0]["name"], json!(null));
    change("all.csv", "icao,name,elevation\nEDDF,Frankfurt,364\n", &[]).succeeds();
    change("part.csv", "icao,elevation\nEDDF,365\n", &["--allow-missing"]).succeeds();
    assert_eq!(place.run("get", &["EDDF"]).lines()[0]["name"], json!(null));
}

#[test]
fn diff_shows_fields_with_both_values() {
    let place = two_versions();
    let lines = place.run("diff", &["1", "2", "--json"]).lines();
    let changed = lines.iter().find(|line| line["change"] == "changed").unwrap();
    assert_eq!(changed["key"], json!({"icao": "EDDF"}));
    assert_eq!(changed["fields"], json!([{"field": "name", "from": "Frankfurt", "to": "Frankfurt am Main"}]));
    let counts = place.run("diff", &["2", "1", "--summary", "--json"]).json();
    assert_eq!(counts, json!({"Airport": {"added": 1, "removed": 1, "changed": 1}}));
}

#[test]
fn diff_goes_by_key_and_ends_where_it_is_told_to() {
    let place = two_versions();
    let all =
        "~ Airport EDDF\n    name: \"Frankfurt\" -> \"Frankfurt am Main\"\n- Airport LFPG\n+ Airport RJTT\n";
    let shown = place.run("diff", &["1", "2"]).succeeds();
    assert_eq!((shown.out.as_str(), shown.words.as_str()), (all, ""));
    let first = place.run("diff", &["1", "2", "--limit", "1"]).succeeds();
    assert_eq!(first.out.lines().count(), 2);
    assert_eq!(first.words, "and 2 more records\n");
    assert_eq!(place.run("diff", &["1", "2", "--type", "Airport"]).out, all);
    place.run("diff", &["1", "2", "--type", "Port"]).fails(4, &["Port", "Airport"]);
}

#[test]
fn diff_looks_into_structs_and_shows_lists_whole() {
    let place = Place::new();
    let new = ["--type", "Item", "--key", "id"];
    let first = "{\"id\":1,\"at\":{\"x\":1,\"y\":{\"z\":0.5}},\"tags\":[\"a\",\"b\"],\"p\":0.1}\n";
    let second = "{\"id\":1,\"at\":{\"x\":2,\"y\":{\"z\":2.5}},\"tags\":[\"b\"],\"p\":1e22}\n";
    place.publish("1.jsonl", first, &new).succeeds();
    place.publish("2.jsonl", second, &[]).succeeds();
    let expected = json!([
        {"field": "at.x", "from": 1, "to": 2},
        {"field": "at.y.z", "from": 0.5, "to": 2.5},
        {"field": "tags", "from": ["a", "b"], "to": ["b"]},
        {"field": "p", "from": 0.1, "to": 1e22},
    ]);
    assert_eq!(place.run("diff", &["1", "2", "--json"]).lines()[0]["fields"], expected);
}

#[test]
fn history_tells_what_each_version_made_of_a_record() {
    let place = two_versions();
    place.publish("3.csv", FIRST, &[]).succeeds();
    let lines = place.run("history", &["EDDF", "--json"]).succeeds().lines();
    let told: Vec<_> = lines.iter().map(|line| (&line["version"], &line["change"])).collect();
    assert_eq!(
        told,
        [(&json!(3), &json!("changed")), (&json!(2), &json!("changed")), (&json!(1), &json!("added"))]
    );
    let back = json!([{"field": "name", "from": "Frankfurt am Main", "to": "Frankfurt"}]);
    assert_eq!((&lines[0]["fields"], lines[0].get("record")), (&back, None));
    assert_eq!(lines[2]["record"], json!({"icao": "EDDF", "name": "Frankfurt", "elevation": 364.0}));
    assert_eq!(members(&lines[0]), ["change", "fields", "time", "version"]);
    assert_eq!(members(&lines[2]), ["change", "record", "time", "version"]);
    let newest = place.run("history", &["EDDF", "--limit", "1"]).succeeds().out;
    assert!(newest.starts_with("version 3, ") && newest.lines().count() == 2, "{newest}");
    assert!(newest.ends_with("Z: changed\n    name: \"Frankfurt am Main\" -> \"Frankfurt\"\n"), "{newest}");
    let gone = place.run("history", &["RJTT"]).succeeds().out;
    assert!(gone.contains(": removed\n") && gone.contains(": added\n    {\"icao\":\"RJTT\""), "{gone}");
    place.run("history", &["EGLL"]).fails(4, &["EGLL"]);
    place.run("history", &["EDDF", "--type", "Port"]).fails(4, &["Port", "Airport"]);
    assert_eq!(place.run("history", &["EDDF", "--limit", "0"]).code, 2);
}

#[test]
fn versions_log_stats_and_schema_tell_what_is_there() {
    let place = two_versions();
    let versions = place.run("versions", &["--json"]).json();
    let version = |at: usize| (&versions[at]["version"], &versions[at]["target"], &versions[at]["tags"]);
    assert_eq!(version(0), (&json!(2), &json!(true), &json!({})));
    assert_eq!(version(1), (&json!(1), &json!(false), &json!({"month": "may"})));
    let log = place.run("log", &["--json"]).json();
    let kinds: Vec<&str> =
        log.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["claim", "commit", "claim", "commit"]);
    assert_eq!(place.run("stats", &["--json"]).json()["types"][0]["records"], 3);
    let schema = place.run("schema", &[]);
    assert!(schema.out.contains("struct Airport") && schema.out.contains("$key([\"icao\"])"), "{schema:?}");
}

/// Held back, a version waits for `unpin`; a version that is out gets a snapshot on request.
#[test]
fn hold_back_and_snapshot() {
    let place = two_versions();
    let target = || place.run("log", &["--limit", "1", "--json"]).json()[0]["target"].clone();
    place.publish("3.csv", FIRST, &["--hold-back=look first"]).succeeds();
    let held = &place.run("log", &["--limit", "1", "--json"]).json()[0];
    assert_eq!((&held["newest"], &held["target"]), (&json!(3), &json!(2)));
    assert_eq!((&held["hold"]["reason"], &held["hold"]["why"]), (&json!("held back"), &json!("look first")));
    let target_row = &place.run("versions", &["--json"]).json()[1];
    assert_eq!((&target_row["target"], &target_row["pinned"]), (&json!(true), &json!(false)));
    assert_eq!(target_row["rings"][0]["hold"]["reason"], "held back");
    place.run("unpin", &[]).succeeds();
    assert_eq!(target(), json!(3));

    let added = place.run("snapshot", &["--version", "2", "--json"]).json();
    assert_eq!((&added["version"], &added["added"]), (&json!(2), &json!(true)));
    assert_eq!(place.run("snapshot", &["--version", "2", "--json"]).json()["added"], json!(false));
    assert!(place.run("snapshot", &[]).succeeds().out.contains("version 3 has a snapshot now"));
    place.run("snapshot", &["--version", "4"]).fails(4, &["no version 4"]);
    place.run("verify", &[]).succeeds();
}

/// What can be read of a damaged dataset is listed all the same.
#[test]
fn versions_beside_a_lost_one_are_listed() {
    let place = two_versions();
    place.publish("3.csv", FIRST, &[]);
    let manifests = std::fs::read_dir(place.dataset().join("manifests")).unwrap().map(Result::unwrap);
    let second = format!("{:020}-", 2);
    let lost = manifests.filter(|file| file.file_name().to_str().unwrap().starts_with(&second));
    lost.for_each(|file| std::fs::remove_file(file.path()).unwrap());
    let told = place.run("versions", &["--json"]);
    told.fails(7, &[&format!("manifests/{second}")]);
    let numbers: Vec<_> = told.json().as_array().unwrap().iter().map(|one| one["version"].clone()).collect();
    assert_eq!(numbers, [3, 1]);
    place.run("verify", &[]).fails(7, &["manifests/"]);
}

/// The members of a JSON object, in alphabetical order.
fn members(object: &Value) -> Vec<&str> {
    let mut members: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

/// What programs read: a member that is missing or renamed breaks them.
#[test]
fn json_has_the_members_that_programs_rely_on() {
    let place = two_versions();
    let sizes = ["delta", "reverse", "snapshot"];
    let published = place.publish("3.csv", FIRST, &["--json"]).json();
    assert_eq!(members(&published), ["bytes", "elapsed_ms", "held", "outcome", "records", "version"]);
    assert_eq!(members(&published["bytes"]), sizes);
    let unchanged = place.publish("3.csv", FIRST, &["--json"]).json();
    assert_eq!(members(&unchanged), ["elapsed_ms", "held", "outcome", "version"]);
    let version = &place.run("versions", &["--json"]).json()[0];
    let expected = [
        "break",
        "bytes",
        "epoch",
        "fingerprint",
        "late_snapshot",
        "parent",
        "pinned",
        "records",
        "rings",
        "tags",
        "target",
        "time",
        "version",
    ];
    assert_eq!((members(version), members(&version["bytes"])), (expected.to_vec(), sizes.to_vec()));
    let entry = &place.run("log", &["--json"]).json()[0];
    let expected =
        ["entry", "epoch", "floor", "hold", "kind", "newest", "oldest", "target", "time", "writer"];
    assert_eq!(members(entry), expected);
    let planned = place.run("retain", &["--dry-run", "--json"]).json();
    assert_eq!(members(&planned), ["bytes", "dry_run", "newest", "objects", "oldest", "wanted"]);
    let pinned = place.run("pin", &["3", "--why", "a look", "--json"]).json();
    assert_eq!(members(&pinned), ["changed", "entry", "pinned", "target"]);
    let hold = &place.run("log", &["--limit", "1", "--json"]).json()[0]["hold"];
    assert_eq!((members(hold), &hold["why"]), (vec!["by", "reason", "why"], &json!("a look")));
    assert_eq!(members(&place.run("unpin", &["--json"]).json()), members(&pinned));
    let stats = place.run("stats", &["--json"]).json();
    let part = &stats["types"][0];
    let expected =
        ["bytes", "bytes_a_record", "fields", "overlay_sections", "records", "shards", "type"].to_vec();
    assert_eq!((members(&stats), members(part)), (vec!["types", "version"], expected));
    assert_eq!(members(&part["bytes"]), ["keys", "overlay", "rows"]);
    assert_eq!(members(&part["fields"][0]), ["bytes", "distinct", "field"]);
    let verified = place.run("verify", &["--json"]).json();
    assert_eq!(members(&verified), ["bytes", "clean", "deltas", "log_entries", "snapshots", "versions"]);
    let lines = place.run("diff", &["1", "2", "--json"]).lines();
    let of = |change: &str| members(lines.iter().find(|line| line["change"] == change).unwrap());
    assert_eq!(of("added"), ["change", "key", "record", "type"]);
    assert_eq!(of("removed"), ["change", "key", "record", "type"]);
    assert_eq!(of("changed"), ["change", "fields", "key", "type"]);
    let refresh = &place.run("watch", &["--until", "3", "--json"]).lines()[0];
    let expected = ["blobs", "bytes", "elapsed_ms", "from", "hold", "records", "route", "version"];
    assert_eq!(members(refresh), expected);
}

/// Several files with the last word on a key.
#[test]
fn several_files_make_one_version() {
    let place = Place::new();
    let first = place.file("a.jsonl", "{\"id\":1,\"v\":\"a\"}\n{\"id\":2,\"v\":\"b\"}\n");
    let second = place.file("b.csv", "id,v\n3,c\n");
    let files = [first.to_str().unwrap(), second.to_str().unwrap()];
    place.run("publish", &[&files[..], &["--type", "Item", "--key", "id"]].concat()).succeeds();
    let third = place.file("c.jsonl", "{\"id\":2,\"v\":\"x\"}\n{\"id\":4,\"v\":\"d\"}\n");
    let fourth = place.file("d.jsonl", "{\"id\":4,\"v\":\"y\"}\n");
    let (third, fourth) = (third.to_str().unwrap(), fourth.to_str().unwrap());
    place.run("publish", &["--upsert", third, "--upsert", fourth]).succeeds();
    let expected = [(1, "a"), (2, "x"), (3, "c"), (4, "y")].map(|(id, v)| json!({"id": id, "v": v}));
    assert_eq!(place.run("export", &["--sorted"]).lines(), expected);
    let twice = place.run("publish", &[third, fourth]);
    twice.fails(3, &["4"]);
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let place = Place::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(FIRST.as_bytes()).unwrap();
    let gzip = place.file("1.csv.gz", gzip.finish().unwrap());
    let zstd = place.file("2.csv.zst", zstd::encode_all(SECOND.as_bytes(), 1).unwrap());
    place.run("publish", &[gzip.to_str().unwrap(), "--type", "Airport", "--key", "icao"]).succeeds();
    place.run("publish", &[zstd.to_str().unwrap()]).succeeds();
    let counts = place.run("diff", &["1", "2", "--summary", "--json"]).json();
    assert_eq!(counts, json!({"Airport": {"added": 1, "removed": 1, "changed": 1}}));
    let cut = fs::read(&gzip).unwrap();
    let cut = place.file("cut.csv.gz", &cut[..cut.len() - 9]);
    place.run("publish", &[cut.to_str().unwrap()]).fails(3, &["cut.csv.gz"]);
}

#[test]
fn records_without_a_key_are_a_set() {
    let place = Place::new();
    let lines = "{\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"text\":\"one\"}\n";
    place.run_with("publish", &["-", "--type", "Motto"], lines).succeeds();
    assert_eq!(place.run("export", &[]).lines().len(), 2);
    place.run("get", &["one"]).fails(3, &["Motto", "no key"]);
    place.run("history", &["one"]).fails(3, &["Motto", "no key"]);
    let more = place.file("more.jsonl", "{\"text\":\"two\"}\n{\"text\":\"three\"}\n");
    place.run("publish", &["--upsert", more.to_str().unwrap()]).succeeds();
    assert_eq!(place.run("export", &[]).lines().len(), 3);
    let gone = place.file("gone.txt", "one\n");
    place.run("publish", &["--delete", gone.to_str().unwrap()]).fails(3, &["Motto", "no key"]);
}

#[test]
fn a_key_of_several_fields_is_one_row() {
    let place = Place::new();
    let file = "country,code,name\nDE,1,\"Ehl, Tarter\"\nFR,1,Paris\n";
    place.publish("1.csv", file, &["--type", "City", "--key", "country,code"]).succeeds();
    assert_eq!(place.run("get", &["FR,1"]).lines()[0]["name"], "Paris");
    place.run("get", &["FR"]).fails(3, &["FR"]);
    let gone = place.file("gone.txt", "FR,1\n");
    place.run("publish", &["--delete", gone.to_str().unwrap()]).succeeds();
    place.run("get", &["FR,1"]).fails(4, &["FR,1"]);
    let history = place.run("history", &["FR,1", "--json"]).lines();
    let told: Vec<_> = history.iter().map(|line| line["change"].as_str().unwrap()).collect();
    assert_eq!(told, ["removed", "added"]);
    place.run("history", &["FR"]).fails(3, &["FR"]);
}

/// What `diff` shows of a key is what `get` takes, whatever the fields are called.
#[test]
fn diff_shows_keys_as_they_are_typed() {
    let place = Place::new();
    let file = "shop,iso.code,price\n7,DE,1\n8,FR,2\n";
    place.publish("1.csv", file, &["--type", "Sale", "--key", "shop,iso.code"]).succeeds();
    place.publish("2.csv", &file.replace("DE,1", "DE,3"), &[]).succeeds();
    assert!(place.run("diff", &["1", "2"]).succeeds().out.starts_with("~ Sale 7,DE\n"));
    let line = &place.run("diff", &["1", "2", "--json"]).lines()[0];
    assert_eq!(line["key"], json!({"shop": 7, "iso.code": "DE"}));
    assert_eq!(place.run("get", &["7,DE"]).lines()[0]["price"], 3);
}

/// A wrong command line holds nobody back.
#[test]
fn a_rollback_that_cannot_begin_leaves_consumers_alone() {
    let place = two_versions();
    place.run("rollback", &["1", "--wait=soon"]).fails(2, &["--wait"]);
    let log = place.run("log", &["--json"]).json();
    let kinds: Vec<_> = log.as_array().unwrap().iter().map(|entry| entry["kind"].to_string()).collect();
    assert!(!kinds.iter().any(|kind| kind.contains("pin")), "{kinds:?}");
}

#[test]
fn watch_waits_for_a_dataset_without_making_one() {
    let place = Place::new();
    let mut command = place.command("watch");
    command.args(["--until", "1", "--poll", "50ms"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let mut words = BufReader::new(watching.stderr.take().unwrap());
    let mut first = String::new();
    words.read_line(&mut first).unwrap();
    assert!(first.starts_with("waiting"), "{first}");
    assert!(!place.dataset().parent().unwrap().exists(), "who reads makes no folders");
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    let ended = Ran::from(watching.wait_with_output().unwrap()).succeeds();
    assert!(ended.out.starts_with("version 1 by snapshot"), "{ended:?}");
}

#[test]
fn watch_follows_to_a_version() {
    let place = two_versions();
    let watched = place.run("watch", &["--until", "2", "--json"]).lines();
    assert_eq!((&watched[0]["version"], &watched[0]["route"]), (&json!(2), &json!("snapshot")));
}

/// A consumer that goes where the log says, and the verbs that tell it.
#[test]
fn a_pin_holds_consumers_until_it_is_released() {
    let place = two_versions();
    let pinned = place.run("pin", &["1", "--why", "wrong names"]).succeeds();
    assert!(pinned.out.starts_with("pinned at version 1; "), "{pinned:?}");
    assert!(place.run("pin", &["1"]).succeeds().out.contains("at version 1 already by "));
    let third = place.publish("3.csv", FIRST, &["--json"]).succeeds();
    let report = third.json();
    let held = &report["held"][0];
    assert_eq!((&report["version"], &held["version"], &held["ring"]), (&json!(3), &json!(1), &json!("")));
    assert_eq!((&held["reason"], &held["why"]), (&json!("pinned"), &json!("wrong names")));
    assert!(third.words.contains("consumers stay at version 1, pinned by"), "{third:?}");
    assert!(third.words.contains(": wrong names"), "{third:?}");
    let watched = place.run("watch", &["--until", "1", "--json"]).succeeds().lines();
    assert_eq!(watched.last().unwrap()["version"], 1);
    let versions = place.run("versions", &["--json"]).json();
    let states: Vec<_> = (0..3).map(|at| (&versions[at]["target"], &versions[at]["pinned"])).collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(states, [(no, no), (no, no), (yes, yes)]);
    let log = place.run("log", &[]).succeeds().out;
    assert!(log.contains("pinned: wrong names"), "{log}");

    let released = place.run("unpin", &[]).succeeds();
    assert_eq!(released.out, "released; consumers go to version 3\n");
    let unchanged = place.publish("3.csv", FIRST, &["--json"]);
    assert_eq!((&unchanged.json()["held"], unchanged.words.as_str()), (&json!([]), ""));
    assert!(place.run("unpin", &[]).succeeds().out.starts_with("nothing held it"));
    let watched = place.run("watch", &["--until", "3", "--json"]).succeeds().lines();
    assert_eq!(watched.last().unwrap()["version"], 3);
    for version in ["0", "4"] {
        place.run("pin", &[version]).fails(4, &["version", "from 1 to 3 are kept"]);
    }
    assert_eq!(place.run("pin", &["first"]).code, 2);
    place.run("verify", &[]).succeeds();
}

/// Kinds of the log's entries, oldest first.
fn kinds(place: &Place) -> Vec<String> {
    let log = place.run("log", &["--json"]).json();
    log.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_rollback_pins_publishes_and_releases() {
    let place = two_versions();
    let back = place.run("rollback", &["1"]).succeeds();
    assert!(back.out.starts_with("published version 3, Airport: 3 records"), "{back:?}");
    assert_eq!(kinds(&place)[4..], ["pin", "claim", "commit", "unpin"]);
    let versions = place.run("versions", &["--json"]).json();
    let fingerprints = [0, 1, 2].map(|at| versions[at]["fingerprint"].as_str().unwrap());
    assert_eq!(fingerprints[0], fingerprints[2]);
    assert_ne!(fingerprints[0], fingerprints[1]);
    assert_eq!((&versions[0]["target"], &versions[0]["pinned"]), (&json!(true), &json!(false)));
    assert_eq!(versions[0]["tags"], json!({"month": "may"}));
    assert_eq!(
        place.run("export", &["--sorted"]).out,
        place.run("export", &["--sorted", "--version", "1"]).out
    );
    let again = place.run("rollback", &["1", "--json"]).succeeds().json();
    assert_eq!((&again["outcome"], &again["version"]), (&json!("unchanged"), &json!(3)));
    place.run("rollback", &["9"]).fails(4, &["version 9", "from 1 to 3"]);
    place.run("verify", &[]).succeeds();
}

#[test]
fn a_rollback_leaves_what_others_pinned_and_resumes_its_own() {
    let place = two_versions();
    place.run("pin", &["2", "--why", "an audit"]).succeeds();
    let back = place.run("rollback", &["1"]).succeeds();
    assert!(back.out.starts_with("published version 3") && back.words.contains("an audit"), "{back:?}");
    let versions = place.run("versions", &["--json"]).json();
    assert_eq!((&versions[1]["version"], &versions[1]["pinned"]), (&json!(2), &json!(true)));
    place.run("unpin", &[]).succeeds();

    // What a rollback to version 2 leaves that was killed behind its pin.
    place.run("pin", &["2", "--why", "rollback to version 2"]).succeeds();
    let resumed = place.run("rollback", &["2"]).succeeds();
    assert!(resumed.out.starts_with("published version 4"), "{resumed:?}");
    let versions = place.run("versions", &["--json"]).json();
    assert_eq!((&versions[0]["version"], &versions[0]["target"]), (&json!(4), &json!(true)));
    assert_eq!(versions[0]["pinned"], json!(false));
}

/// A file in which every record is another one than in that of another turn, so that each version gets a snapshot.
fn all_new(turn: u32) -> String {
    let rows = (0..500).map(|row| format!("A{row:05},Airport {} of turn {turn},{row}\n", row * 7919 * turn));
    std::iter::once("icao,name,elevation\n".to_owned()).chain(rows).collect()
}

#[test]
fn retention_keeps_what_it_is_told_to() {
    let place = Place::new();
    for turn in 1..=6 {
        let file = place.file("next.csv", all_new(turn));
        let new = ["--type", "Airport", "--key", "icao"];
        place.run("publish", &[&[file.to_str().unwrap()], &new[..]].concat()).succeeds();
    }
    let help = place.run("retain", &["--help"]).out;
    assert!(help.contains("[default: 64]") && help.contains("[default: 7days]"), "{help}");
    let all = place.run("retain", &[]).succeeds();
    assert_eq!(all.out, "versions 1 to 6 are kept; nothing to delete\n");
    let options = ["--keep", "2", "--max-age", "0s"];
    let planned = place.run("retain", &[&options[..], &["--dry-run"]].concat()).succeeds();
    assert!(planned.out.contains("would go") && planned.out.contains("manifests/"), "{planned:?}");
    assert_eq!(place.versions(), [6, 5, 4, 3, 2, 1]);
    let retained = place.run("retain", &[&options[..], &["--json"]].concat()).json();
    let oldest = retained["oldest"].as_u64().unwrap();
    assert!((2..=5).contains(&oldest) && retained["newest"] == 6, "{retained}");
    for object in retained["objects"].as_array().unwrap() {
        assert!(!place.dataset().join(object.as_str().unwrap()).exists(), "{object}");
    }
    assert_eq!(place.versions(), (oldest..=6).rev().collect::<Vec<_>>());
    let gone = (oldest - 1).to_string();
    place.run("export", &["--version", &gone]).fails(4, &["are kept"]);
    place.run("pin", &[&gone]).fails(4, &["are kept"]);
    place.run("verify", &[]).succeeds();
    let file = place.file("next.csv", all_new(7));
    place.run("publish", &[file.to_str().unwrap()]).succeeds();
    assert_eq!(place.run("retain", &["--keep", "0"]).code, 2);
}

#[test]
fn retention_says_why_versions_stay_that_nothing_asks_for() {
    let place = two_versions();
    let retained = place.run("retain", &["--keep", "1", "--max-age", "0s"]).succeeds();
    assert_eq!(retained.out, "versions 1 to 2 are kept; nothing to delete\n");
    let why = "versions before 2 stay because the snapshot that it is built on is that of version 1\n";
    assert_eq!(retained.words, why);
    assert_eq!(place.run("retain", &[]).words, "");
}

#[test]
fn verify_finds_a_flipped_byte() {
    let place = two_versions();
    assert!(place.run("verify", &[]).out.starts_with("clean: 4 log entries, 2 versions"));
    let deltas = place.dataset().join("deltas");
    let delta = fs::read_dir(&deltas).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&delta).unwrap();
    bytes[IN_THE_HEADER] ^= 1;
    fs::write(&delta, bytes).unwrap();
    place.run("verify", &[]).fails(7, &["deltas/"]);
}

#[test]
fn wrong_input_names_file_line_and_field_and_publishes_nothing() {
    let place = two_versions();
    place.publish("short.csv", "icao,name,elevation\nEDDF,Frankfurt\n", &[]).fails(3, &["short.csv:2"]);
    let twice = format!("{SECOND}EDDF,Again,1\n");
    place.publish("twice.csv", &twice, &[]).fails(3, &["EDDF"]);
    place.publish("null.csv", "icao,name,elevation\n,Nowhere,1\n", &[]).fails(3, &["icao"]);
    place
        .publish("wrong.csv", "icao,name,elevation\nEDDF,F,high\n", &[])
        .fails(3, &["elevation", "wrong.csv"]);
    place.publish("lacks.csv", "icao,name\nEDDF,F\n", &[]).fails(3, &["elevation", "--allow-missing"]);
    place.publish("empty.csv", "icao,name,elevation\n", &[]).fails(3, &["Airport"]);
    assert_eq!(place.run("versions", &["--json"]).json().as_array().unwrap().len(), 2);
    assert_eq!(place.publish("lacks.csv", "icao,name\nEDDF,F\n", &["--allow-missing"]).code, 0);
    assert_eq!(place.publish("empty.csv", "icao,name,elevation\n", &["--allow-empty"]).code, 0);
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = two_versions();
    place.run("export", &["--version", "9"]).fails(4, &["version 9", "from 1 to 2"]);
    let nowhere = Place::new();
    assert_eq!(nowhere.run("versions", &[]).code, 4);
}

#[test]
fn wrong_usage_is_said_so() {
    let place = Place::new();
    place.publish("1.csv", FIRST, &[]).fails(2, &["--type"]);
    assert_eq!(place.run("publish", &[]).code, 2);
    assert_eq!(place.run("diff", &["1"]).code, 2);
}

#[test]
fn lines_may_come_by_standard_input() {
    let place = Place::new();
    let lines = "{\"id\":1,\"tags\":[\"a\",\"b\"]}\n{\"id\":2,\"tags\":[]}\n";
    assert_eq!(place.run_with("publish", &["-", "--type", "Item", "--key", "id"], lines).code, 0);
    assert_eq!(place.run("get", &["1"]).lines()[0], json!({"id": 1, "tags": ["a", "b"]}));
}

/// Figures of a dataset that is small, so that it takes no time; what they are is not looked at, but that they are.
#[test]
fn bench_gives_each_figure_beside_a_limit() {
    let mut command = support::hollowcast();
    let folder = tempfile::tempdir().unwrap();
    command.args(["bench", "--records", "2000", "--rounds", "1", "--json"]).env("TMPDIR", folder.path());
    let report = Ran::from(command.output().unwrap()).succeeds().json();
    assert_eq!(members(&report), ["bytes", "figures", "machine", "records"]);
    assert!(report["records"] == 2000 && report["bytes"].as_u64().unwrap() > 2000 * 119, "{report}");
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 8);
    for figure in figures {
        assert_eq!(members(figure), ["limit", "name", "ratio", "unit", "value"]);
        assert!(["ms", "ns"].contains(&figure["unit"].as_str().unwrap()));
        let (value, limit) = (figure["value"].as_f64().unwrap(), figure["limit"]["value"].as_f64().unwrap());
        assert!(
            value > 0.0 && (figure["ratio"].as_f64().unwrap() * limit / value - 1.0).abs() < 1e-9,
            "{figure}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is removed");
}
