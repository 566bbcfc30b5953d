//! What a watcher says while it cannot go on.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use support::{Place, Ran};

mod support;

const FIRST: &str = "icao,name\nEDDF,Frankfurt\n";

/// A watcher at work, and the lines that it says.
struct Watching {
    child: Child,
    words: Receiver<String>,
}

impl Watching {
    fn start(place: &Place) -> Self {
        let mut command = place.command("watch");
        command.args(["--heap", "--poll", "50ms", "--until", "2"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, words) = channel();
        let lines: Lines<BufReader<ChildStderr>> = BufReader::new(child.stderr.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, words }
    }

    fn says(&self) -> String {
        self.words.recv_timeout(Duration::from_secs(30)).expect("it says why it stays")
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name with a mistake in it looks like a dataset that is yet to come.
#[test]
fn a_dataset_that_is_not_there_is_waited_for_in_words_and_once() {
    let place = Place::new();
    fs::create_dir(place.dataset().parent().unwrap()).unwrap();
    let mut watching = Watching::start(&place);
    let first = watching.says();
    assert!(first.starts_with("waiting: ") && first.contains("airports"), "{first}");
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    place.publish("2.csv", "icao,name\nKJFK,Kennedy\n", &[]).succeeds();
    assert!(watching.child.wait().unwrap().success());
    assert_eq!(watching.words.iter().collect::<Vec<_>>(), Vec::<String>::new());
}

/// As in `hollowcast watch ./data/airports | head -1`.
#[test]
fn it_ends_when_nobody_reads_any_more() {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    let mut command = place.command("watch");
    let mut child = command.args(["--heap", "--poll", "50ms"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("version 1 "), "{line}");
    place.publish("2.csv", "icao,name\nKJFK,Kennedy\n", &[]).succeeds();
    let deadline = Instant::now() + Duration::from_secs(30);
    let ended = loop {
        match child.try_wait().unwrap() {
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            ended => break ended,
        }
    };
    let _ = child.kill();
    assert!(ended.expect("it goes on for nobody").success());
}

/// Several times, because the last line and the end come at once.
#[test]
#[cfg(target_os = "linux")]
fn a_last_line_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    for _ in 0..8 {
        let mut command = place.command("watch");
        command
            .args(["--heap", "--until", "1"])
            .stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        Ran::from(command.output().unwrap()).fails(1, &["standard output", "No space left"]);
    }
}

#[test]
fn a_type_that_there_is_not_is_told_once() {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    let watched = place.run("watch", &["--type", "Port"]);
    assert_eq!(watched.words.matches("Port").count(), 1, "{watched:?}");
    watched.fails(4, &["Port"]);
}

#[test]
fn a_manifest_that_is_lost_is_told() {
    let place = Place::new();
    place.publish("1.csv", FIRST, &["--type", "Airport", "--key", "icao"]).succeeds();
    fs::remove_dir_all(place.dataset().join("manifests")).unwrap();
    let said = Watching::start(&place).says();
    assert!(said.starts_with("staying: ") && said.contains("manifests/"), "{said}");
}
