//! What the commands take, in time and own memory, beside `jq -c .` reading and printing the same records.
//!
//! `cargo bench -p hollowcast-cli --bench commands [records]`; a million Movies unless said otherwise. Own memory is the most that was seen of
//! the process's `RssAnon`, on Linux.

#![allow(missing_docs)]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hollowcast_measure::own_memory::own_memory;
use movies::write_movies;

#[path = "support/movies.rs"]
mod movies;

/// How often a process's memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

struct Taken {
    seconds: f64,
    own_memory: u64,
}

fn main() {
    let records = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = folder.path().join("movies.jsonl");
    write_movies(&lines, records);
    let megabytes = lines.metadata().expect("the file was written").len() / 1_000_000;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let version = jq_version();
    let jq_is = version.as_deref().unwrap_or("not installed");
    println!("{records} movies, {megabytes} MB of JSON lines; {cores} cores; jq is {jq_is}");
    println!("{:>36} {:>9} {:>12} {:>18}", "", "seconds", "of jq", "own memory, MB");

    let jq = version.map(|_| run(Command::new("jq").args(["-c", "."]).stdin(open(&lines))));
    let line = |what: &str, taken: &Taken| line(what, taken, jq.as_ref());
    jq.iter().for_each(|taken| line("jq -c .", taken));
    let hollowcast = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hollowcast"));
        command
            .arg(verb)
            .arg(folder.path().join("data/movies"))
            .arg("--state-dir")
            .arg(folder.path().join("state"));
        command
    };
    let mut first = hollowcast("publish");
    first.arg(&lines).args(["--type", "Movie", "--key", "id"]);
    line("publish, first version", &run(&mut first));
    line("publish, the same again", &run(hollowcast("publish").arg(&lines)));
    line("export", &run(&mut hollowcast("export")));
    line("export --sorted", &run(hollowcast("export").arg("--sorted")));
    line("verify", &run(&mut hollowcast("verify")));
    line("get of one key", &run(hollowcast("get").arg("1")));
    line("stats", &run(&mut hollowcast("stats")));
}

fn line(what: &str, taken: &Taken, jq: Option<&Taken>) {
    let share = jq.map_or_else(|| "-".to_owned(), |jq| format!("{:.3}", taken.seconds / jq.seconds));
    println!("{what:>36} {:9.2} {share:>12} {:18.1}", taken.seconds, taken.own_memory as f64 / 1e6);
}

/// Runs a command to its end, what it prints thrown away.
fn run(command: &mut Command) -> Taken {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
    let mut highest = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the command is a child") {
            break status;
        }
        highest = highest.max(own_memory(&child.id().to_string()).unwrap_or(0));
        std::thread::sleep(LOOK);
    };
    let seconds = started.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?} ended with {status}");
    Taken { seconds, own_memory: highest }
}

/// `None` if it is not installed.
fn jq_version() -> Option<String> {
    let output = Command::new("jq").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn open(path: &Path) -> File {
    File::open(path).expect("the file was written")
}
