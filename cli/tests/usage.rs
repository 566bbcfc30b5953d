//! Command lines that make no sense or name what is not there: said at once, with the exit status of each.

use std::fs;

use support::{Place, Ran, hollowcast};

mod support;

const FIRST: &str = "icao,name\nEDDF,Frankfurt\nKJFK,Kennedy\n";

fn published() -> Place {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    place.publish("2.csv", &FIRST.replace("Kennedy", "JFK"), &[]).succeeds();
    place
}

/// Not when the files have been read: of this one nothing is.
#[test]
fn a_time_to_wait_is_looked_at_first() {
    let place = Place::new();
    let refused = place.run("publish", &["nowhere.csv", "--type", "Airport", "--wait=abc"]);
    refused.fails(2, &["--wait", "abc"]);
    assert!(!refused.words.contains("nowhere.csv"), "{refused:?}");
    place.run("rollback", &["1", "--wait=abc"]).fails(2, &["--wait", "abc"]);
}

#[test]
fn a_type_that_there_is_not_is_not_found() {
    let place = published();
    for (verb, rest) in [
        ("get", &["EDDF"][..]),
        ("export", &[]),
        ("diff", &["1", "2"]),
        ("diff", &["1", "2", "--summary"]),
        ("history", &["EDDF"]),
        ("watch", &["--until", "2"]),
    ] {
        let refused = place.run(verb, &[rest, &["--type", "Port"]].concat());
        refused.fails(4, &["the dataset has no type Port", "it has Airport"]);
    }
    place.run("publish", &["--delete", "Port=2.csv"]).fails(2, &["no type Port"]);
}

#[test]
fn verbs_without_json_say_so() {
    let place = published();
    place.run("schema", &["--json"]).fails(2, &["schema", "--json"]);
    let folder = place.folder().join("tour");
    let tour = folder.to_str().unwrap();
    for line in [&["demo", "--dir", tour][..], &["completions", "bash"], &["man"]] {
        let refused = Ran::from(hollowcast().args(line).arg("--json").output().unwrap());
        refused.fails(2, &[line[0], "--json"]);
        assert_eq!(refused.out, "");
    }
    assert!(!folder.exists());
}

/// Whoever cannot be logged as asked hears where that was asked for.
#[test]
fn a_filter_that_is_none_is_refused_by_where_it_stands() {
    let place = published();
    let refused = place.run("versions", &["--log", "hollowcast=loud"]);
    refused.fails(2, &["--log hollowcast=loud"]);
    assert_eq!(refused.out, "");
    let by_environment = |rest: &[&str]| -> Ran {
        place.command("versions").env("RUST_LOG", "hollowcast=loud").args(rest).output().unwrap().into()
    };
    by_environment(&[]).fails(2, &["RUST_LOG=hollowcast=loud"]);
    by_environment(&["--log", "info"]).succeeds();
    assert!(place.run("versions", &["--help"]).out.contains("[default: warn]"));
}

/// Bytes of all files below `folder`.
fn bytes_below(folder: &std::path::Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let lengths = entries.map(|entry| {
        let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
        if metadata.is_dir() { bytes_below(&path) } else { metadata.len() }
    });
    lengths.sum()
}

/// A record whose text no compressor shortens, of two types, of which one is larger by far; versions 1 and 2.
fn large_and_small() -> Place {
    let place = Place::new();
    let rows = |changed: u64| {
        let text =
            |row: u64| format!("{:032x}", u128::from(row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_0C83));
        let rows =
            (0..5000).map(|row| format!("{row},{}\n", text(row + if row < 500 { changed } else { 0 })));
        std::iter::once("id,text\n".to_owned()).chain(rows).collect::<String>()
    };
    let small = place.file("small.csv", "id,text\n1,a\n");
    let small = format!("Small={}", small.display());
    for (version, changed) in [(1, 0), (2, 7777)] {
        let large = place.file("large.csv", rows(changed));
        let large = format!("Large={}", large.display());
        let keys = ["--key", "Large=id", "--key", "Small=id"];
        let keys = if version == 1 { &keys[..] } else { &[] };
        place.run("publish", &[&[large.as_str(), small.as_str()], keys].concat()).succeeds();
    }
    place
}

/// What a verb leaves in a state directory of its own.
fn left_by(place: &Place, verb: &str, rest: &[&str]) -> u64 {
    let state = tempfile::tempdir().unwrap();
    let mut command = place.command(verb);
    Ran::from(command.args(rest).arg("--state-dir").arg(state.path()).output().unwrap()).succeeds();
    bytes_below(state.path())
}

#[test]
fn verbs_load_no_more_than_they_tell_of() {
    let place = large_and_small();
    let all = left_by(&place, "diff", &["1", "2", "--summary"]);
    assert!(all > 100_000, "{all} bytes");
    let small = ["--type", "Small"];
    for (verb, rest) in [
        ("schema", vec![]),
        ("get", [&["1"][..], &small].concat()),
        ("diff", [&["1", "2", "--summary"][..], &small].concat()),
        ("history", [&["1"][..], &small].concat()),
    ] {
        let left = left_by(&place, verb, &rest);
        assert!(left < all / 10, "{verb} left {left} bytes, everything is {all}");
    }
    assert!(place.run("schema", &[]).out.contains("struct Large"));
}
