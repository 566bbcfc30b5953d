//! What a publisher does about another one that is at work: gives way, waits, or takes over.

#![cfg(target_os = "linux")]

use std::io::{PipeReader, Read};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::airports::airports;
use support::standstill::{full_pipe, stands_still};
use support::{Place, Ran};

mod support;

/// A publisher that holds the dataset and has not committed yet.
struct AtWork {
    child: Child,
    words: PipeReader,
}

impl AtWork {
    fn start(place: &Place) -> Self {
        let file = place.file("slow.csv", airports(500, 1));
        let (words, full) = full_pipe();
        let mut command = place.command("publish");
        command.arg(file).args(["--log", "off,hollowcast::phase::upload=info"]);
        let mut child = command.stdout(Stdio::piped()).stderr(full).spawn().unwrap();
        stands_still(&mut child);
        Self { child, words }
    }

    /// Lets it go on to its end.
    fn finish(mut self) -> Ran {
        let mut words = Vec::new();
        self.words.read_to_end(&mut words).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = words.trim_ascii_start().to_vec();
        output.into()
    }
}

fn published() -> Place {
    let place = Place::new();
    place.publish("1.csv", &airports(500, 0), &["--type", "Airport", "--key", "icao"]).succeeds();
    place
}

#[test]
fn a_publisher_gives_way_to_one_at_work() {
    let place = published();
    let slow = AtWork::start(&place);
    let refused = place.publish("2.csv", &airports(500, 2), &[]);
    refused.fails(5, &[&format!("process {}", slow.child.id()), "--wait", "--take-over"]);
    assert_eq!(place.versions(), [1]);
    assert!(slow.finish().succeeds().out.starts_with("published version 2"));
}

#[test]
fn a_publisher_waits_no_longer_than_it_was_told_to() {
    let place = published();
    let slow = AtWork::start(&place);
    let started = Instant::now();
    let refused = place.publish("2.csv", &airports(500, 2), &["--wait=2s"]);
    refused.fails(5, &[&format!("process {}", slow.child.id())]);
    let waited = started.elapsed();
    assert!(waited > Duration::from_secs(2) && waited < Duration::from_secs(30), "{waited:?}");
    slow.finish().succeeds();
}

#[test]
fn a_publisher_that_waits_gets_on_when_the_other_is_done() {
    let place = published();
    let slow = AtWork::start(&place);
    let file = place.file("2.csv", airports(500, 2));
    let mut waiting = place.command("publish");
    waiting.arg(file).arg("--wait").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut waiting = waiting.spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    assert!(waiting.try_wait().unwrap().is_none(), "it waits");
    slow.finish().succeeds();
    let ended = Ran::from(waiting.wait_with_output().unwrap()).succeeds();
    assert!(ended.out.starts_with("published version 3"), "{ended:?}");
    assert_eq!(place.versions(), [3, 2, 1]);
}

/// Rule R3: who was fenced publishes nothing, however far it had come.
#[test]
fn a_publisher_that_takes_over_fences_the_other_r3() {
    let place = published();
    let slow = AtWork::start(&place);
    let taken = place.publish("2.csv", &airports(500, 2), &["--take-over"]).succeeds();
    assert!(taken.out.starts_with("published version 2"), "{taken:?}");
    slow.finish().fails(5, &["epoch 2 of this producer is over", "is of epoch 3"]);
    assert_eq!(place.versions(), [2, 1]);
    place.run("verify", &[]).succeeds();
}

#[test]
fn manners_contradict_each_other() {
    let place = published();
    place.publish("2.csv", &airports(10, 2), &["--wait", "--take-over"]).fails(2, &["--take-over"]);
    place.publish("2.csv", &airports(10, 2), &["--wait=soon"]).fails(2, &["--wait"]);
}
