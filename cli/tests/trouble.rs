//! Full disks, missing rights, places that are none, damaged objects: a clear error with its exit status, and the dataset as before.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::airports::airports;
use support::{IN_THE_HEADER, Place, Ran, hollowcast};

mod support;

const NEW: [&str; 4] = ["--type", "Airport", "--key", "icao"];

/// A place with version 1 of a thousand airports.
fn published() -> Place {
    let place = Place::new();
    place.publish("1.csv", &airports(1000, 1), &NEW).succeeds();
    place
}

/// Every file of the dataset and its length, but for the hints, which say nothing.
fn listing(place: &Place) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for family in ["log", "manifests", "snapshots", "deltas", "reverse"] {
        let Ok(entries) = fs::read_dir(place.dataset().join(family)) else { continue };
        files.extend(entries.map(|entry| {
            let entry = entry.unwrap();
            (entry.path(), entry.metadata().unwrap().len())
        }));
    }
    files.sort();
    files
}

/// The same command where no file may grow beyond so many bytes: what a full disk is like.
fn with_full_disk(command: &Command, bytes: u64) -> Ran {
    let limited = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(limited).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        value.map(|value| shell.env(name, value));
    }
    shell.output().unwrap().into()
}

#[test]
fn a_full_disk_is_said_so_and_nothing_is_published() {
    let place = published();
    let file = place.file("2.csv", airports(20_000, 2));
    let log = place.dataset().join("log");
    for bytes in [2 << 10, 16 << 10, 64 << 10, 256 << 10] {
        let mut command = place.command("publish");
        command.arg(&file);
        let full = with_full_disk(&command, bytes);
        full.fails(6, &["File too large", "space"]);
        assert_eq!(place.versions(), [1], "at {bytes} bytes");
        assert_eq!(fs::read_dir(place.state_directory().join("tmp")).unwrap().count(), 0, "at {bytes} bytes");
        place.run("verify", &[]).succeeds();
    }
    let claims = fs::read_dir(&log).unwrap().count();
    place.publish("2.csv", &airports(20_000, 2), &[]).succeeds();
    assert_eq!(place.versions(), [2, 1]);
    assert_eq!(fs::read_dir(&log).unwrap().count(), claims + 2);
}

#[test]
fn a_full_disk_under_a_reader_is_said_so() {
    let place = published();
    let file = place.file("2.csv", airports(20_000, 2));
    place.run("publish", &[file.to_str().unwrap()]).succeeds();
    fs::remove_dir_all(place.state_directory()).unwrap();
    with_full_disk(&place.command("export"), 64 << 10).fails(6, &["File too large", "state/tmp"]);
    assert_eq!(place.run("export", &[]).succeeds().lines().len(), 20_000);
}

#[test]
fn results_that_cannot_be_written_are_an_error() {
    let place = published();
    for verb in ["export", "versions", "log", "schema", "stats", "verify"] {
        let has_json = verb != "schema";
        for json in [&[][..], &["--json"]].into_iter().filter(|json| has_json || json.is_empty()) {
            let mut command = place.command(verb);
            command.args(json).stdout(File::options().write(true).open("/dev/full").unwrap());
            Ran::from(command.output().unwrap()).fails(1, &["standard output", "No space left"]);
        }
    }
}

#[test]
fn an_export_that_cannot_be_written_leaves_the_file_that_was_there() {
    let place = published();
    let folder = place.folder().join("out");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("Airport.jsonl");
    fs::write(&file, "of yesterday").unwrap();
    let mut command = place.command("export");
    command.arg("--out").arg(&folder).arg("--force");
    with_full_disk(&command, 16 << 10).fails(1, &["Airport.jsonl", "File too large"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "of yesterday");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing half written is left");
    command.status().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1000);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = published();
    for verb in ["export", "log", "versions", "schema"] {
        let mut command = place.command(verb);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.words.as_str()), (0, ""), "{verb}");
    }
}

/// The program as a user without rights runs it.
fn as_nobody(place: &Place) -> Command {
    if !rustix::process::geteuid().is_root() {
        return hollowcast();
    }
    // Nobody may look into the folder that a build lies in.
    let program = place.folder().join("hollowcast");
    if !program.exists() {
        // By a process of its own: a file that this one has open for writing cannot be run.
        let copied = Command::new("cp").arg(hollowcast().get_program()).arg(&program).status().unwrap();
        assert!(copied.success());
    }
    let mut command = Command::new(program);
    command.uid(65_534).gid(65_534);
    command
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn missing_rights_are_named_with_the_place() {
    let place = published();
    let before = listing(&place);
    let file = place.file("2.csv", airports(1000, 2));
    allow(place.folder(), 0o755);
    let states = place.folder().join("states");
    fs::create_dir(&states).unwrap();
    allow(&states, 0o777);
    let run = |verb: &str, rest: &[&str]| -> Ran {
        let mut command = as_nobody(&place);
        command.arg(verb).arg(place.dataset()).args(rest).arg("--state-dir").arg(states.join("nobody"));
        command.current_dir("/").output().unwrap().into()
    };
    allow(&place.dataset(), 0o555);
    allow(&place.folder().join("data"), 0o555);
    for family in ["log", "hints", "manifests", "snapshots"] {
        allow(&place.dataset().join(family), 0o555);
    }
    run("versions", &[]).succeeds();
    run("export", &[]).succeeds();
    run("publish", &[file.to_str().unwrap()]).fails(3, &["data", "ermission denied"]);
    allow(&place.dataset().join("log"), 0o000);
    run("versions", &[]).fails(3, &["log", "ermission denied"]);
    allow(&place.dataset().join("log"), 0o755);
    allow(&place.folder().join("data"), 0o755);
    allow(&place.dataset(), 0o755);
    assert_eq!(listing(&place), before);
    let unreadable = place.file("3.csv", airports(10, 3));
    allow(&unreadable, 0o000);
    run("publish", &[unreadable.to_str().unwrap()]).fails(3, &["3.csv", "ermission denied"]);
    let mut command = as_nobody(&place);
    command.args(["stats", "--state-dir", "/state"]).arg(place.dataset()).current_dir("/");
    Ran::from(command.output().unwrap()).fails(3, &["/state", "ermission denied"]);
}

#[test]
fn places_that_are_none_are_named() {
    let place = Place::new();
    let file = place.file("1.csv", airports(10, 1));
    let file = file.to_str().unwrap();
    let verbs = [
        "versions", "export", "log", "stats", "schema", "verify", "get", "diff", "pin", "unpin", "retain",
        "rollback", "snapshot",
    ];
    for verb in verbs {
        let keys: &[&str] = match verb {
            "get" => &["A"],
            "pin" | "rollback" => &["1"],
            "diff" => &["1", "2"],
            _ => &[],
        };
        place.run(verb, keys).fails(4, &["data"]);
    }
    assert!(!place.folder().join("data").exists(), "who reads makes no folders");
    place.run("publish", &[&["/no/such.csv"], &NEW[..]].concat()).fails(3, &["/no/such.csv"]);
    place.run("publish", &[&["/"], &NEW[..]].concat()).fails(3, &["directory"]);
    assert!(!place.folder().join("data").exists(), "what cannot be read makes no folders");
    place.run("publish", &[&[file], &NEW[..], &["--state-dir", file]].concat()).fails(3, &["1.csv"]);
    fs::write(place.folder().join("data"), "a file").unwrap();
    place.run("publish", &[&[file], &NEW[..]].concat()).fails(3, &["data", "a file, not a folder"]);
    place.run("versions", &[]).fails(3, &["data", "not a folder"]);
}

/// What each object of a dataset is needed for, and that its loss or damage is told by its name, with nothing published.
#[test]
fn damaged_and_missing_objects_are_named() {
    let place = published();
    let second = place.file("2.csv", airports(1000, 2));
    place.run("publish", &[second.to_str().unwrap()]).succeeds();
    let third = place.file("3.csv", airports(1000, 3));
    let cases: [(&str, &[&str]); 4] = [
        ("manifests", &["export", "get", "versions", "stats", "schema", "diff", "publish", "verify"]),
        ("snapshots", &["export", "get", "stats", "schema", "diff", "publish", "verify"]),
        ("deltas", &["export", "get", "stats", "schema", "diff", "publish", "verify"]),
        ("reverse", &["verify"]),
    ];
    for (family, verbs) in cases {
        let objects = fs::read_dir(place.dataset().join(family)).unwrap();
        let object = objects.map(|entry| entry.unwrap().path()).max().unwrap();
        let whole = fs::read(&object).unwrap();
        let mut flipped = whole.clone();
        flipped[IN_THE_HEADER] ^= 4;
        for damage in [None, Some(flipped), Some(whole[..whole.len() / 2].to_vec()), Some(Vec::new())] {
            match &damage {
                None => fs::remove_file(&object).unwrap(),
                Some(bytes) => fs::write(&object, bytes).unwrap(),
            }
            for verb in verbs {
                let rest: &[&str] = match *verb {
                    "get" => &["A00001"],
                    "diff" => &["1", "2"],
                    "publish" => &[third.to_str().unwrap()],
                    _ => &[],
                };
                let fresh = tempfile::tempdir().unwrap();
                let failed =
                    place.run(verb, &[rest, &["--state-dir", fresh.path().to_str().unwrap()]].concat());
                failed.fails(7, &[family, object.file_name().unwrap().to_str().unwrap()]);
                assert_eq!(failed.out, "", "{verb}");
            }
            fs::write(&object, &whole).unwrap();
        }
    }
    assert_eq!(place.versions(), [2, 1]);
    place.run("verify", &[]).succeeds();
}
