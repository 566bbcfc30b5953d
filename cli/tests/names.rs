//! What a dataset may be called, and how it is typed.

use std::path::PathBuf;

use serde_json::json;

use support::{Place, Ran, hollowcast};

mod support;

const FIRST: &str = "icao,name\nEDDF,Frankfurt\nKJFK,Kennedy\n";

/// `hollowcast <verb> <url>` in the folder of `place`.
fn run(place: &Place, verb: &str, url: &str, rest: &[&str]) -> Ran {
    let mut command = hollowcast();
    command.env("HOLLOWCAST_STATE_DIR", place.state_directory()).env_remove("RUST_LOG");
    command.args([verb, url]).args(rest).current_dir(place.folder()).output().unwrap().into()
}

fn published(place: &Place, url: &str) -> Ran {
    let file = place.file("1.csv", FIRST);
    run(place, "publish", url, &[file.to_str().unwrap(), "--type", "Airport", "--key", "icao"])
}

/// Letters beyond ASCII, and what an URL would write as an escape, are letters as others are.
#[test]
fn a_dataset_is_called_as_it_is_typed() {
    let place = Place::new();
    for name in ["Flughäfen ~1", "a#b%5B[c]", "東京*"] {
        let url = format!("./data/{name}");
        published(&place, &url).succeeds();
        assert!(place.folder().join("data").join(name).is_dir(), "{name}");
        assert_eq!(run(&place, "get", &url, &["EDDF"]).succeeds().lines()[0]["name"], "Frankfurt");
        let pinned = run(&place, "pin", &url, &["1", "--json"]).succeeds().json();
        assert_eq!(pinned["target"], json!(1), "{name}");
        run(&place, "verify", &url, &[]).succeeds();
        let watched = run(&place, "watch", &url, &["--until", "1"]).succeeds();
        assert!(watched.out.starts_with("version 1 by "), "{watched:?}");
    }
}

#[test]
fn what_is_no_name_is_refused_alike() {
    let place = Place::new();
    published(&place, "./data/a\tb").fails(3, &["cannot be the path of a dataset"]);
    for verb in ["versions", "watch", "stats"] {
        run(&place, verb, "./a\tb", &[]).fails(3, &["cannot be the path of a dataset"]);
    }
}

/// After `file://` stands a path from the root, with escapes for what an URL cannot hold.
#[test]
fn a_file_url_is_an_absolute_path() {
    let place = Place::new();
    let folder = place.folder().to_str().unwrap();
    published(&place, &format!("file://{folder}/data/Flugh%C3%A4fen%201")).succeeds();
    assert!(place.folder().join("data/Flughäfen 1").is_dir());
    run(&place, "get", "./data/Flughäfen 1", &["EDDF"]).succeeds();
    for wrong in
        ["file://localhost/data/airports", "file://data/airports", "file:///data/a?b", "file:///data/a#b"]
    {
        published(&place, wrong).fails(2, &[wrong, "file:///data/airports"]);
    }
    let made = |name: &str| place.folder().join(PathBuf::from(name)).exists();
    assert!(!made("localhost") && !made("data/airports"), "nothing was made");
}
