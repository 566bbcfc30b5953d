//! Publishes that are killed with -9: the dataset is as before or has the whole new version, and the next publish goes
//! on at once.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::Place;
use support::airports::airports;
use support::standstill::{full_pipe, stands_still};

mod support;

const ROWS: usize = 20_000;

/// Where a publish says that it is, in this order, and how many versions there are more if it ends there.
const PHASES: [(&str, u64); 5] =
    [("populate", 0), ("upload", 0), ("commit", 0), ("created", 1), ("published", 1)];

/// Longer than a publish needs, shorter than waiting until a heartbeat is old.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Half of them at the first instant of each phase, half at any moment. `HOLLOWCAST_KILLS` asks for more.
fn kills() -> usize {
    std::env::var("HOLLOWCAST_KILLS").map_or(10, |kills| kills.parse().unwrap())
}

/// A dataset that is published to again and again.
struct Site {
    place: Place,
    turn: usize,
    versions: u64,
}

impl Site {
    fn new() -> Self {
        let mut site = Self { place: Place::new(), turn: 0, versions: 0 };
        fs::create_dir(site.temporary()).unwrap();
        site.publish();
        site
    }

    /// Where programs put files that have no other place.
    fn temporary(&self) -> PathBuf {
        self.place.folder().join("tmp")
    }

    /// A publish of content that no version has.
    fn next(&mut self, log: &str) -> Command {
        self.turn += 1;
        let file = self.place.file("airports.csv", airports(ROWS, self.turn));
        let mut command = self.place.command("publish");
        command.env("TMPDIR", self.temporary()).arg(file);
        command.args(["--type", "Airport", "--key", "icao", "--log", log]).stdout(Stdio::null());
        command
    }

    /// Runs one to its end. Returns the time it took.
    fn publish(&mut self) -> Duration {
        let started = Instant::now();
        let ended = self.next("warn").output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        self.versions += 1;
        started.elapsed()
    }

    /// What must hold after a kill: all versions that were, whole, and perhaps the new one; and another publish at once.
    fn recovers(&mut self, phase: &str, added: Option<u64>) {
        let found = self.place.versions()[0];
        let added = added.unwrap_or_else(|| u64::from(found > self.versions));
        assert_eq!(found, self.versions + added, "killed in {phase}");
        self.versions = found;
        self.place.run("verify", &[]).succeeds();
        let took = self.publish();
        assert!(took < AT_ONCE, "the publish after a kill in {phase} took {took:?}");
        assert_eq!(self.place.versions(), (1..=self.versions).rev().collect::<Vec<u64>>());
        assert_eq!(entries(&self.temporary()), 0, "killed in {phase}");
        let temporary = self.place.state_directory().join("tmp");
        assert_eq!(entries(&temporary), 0, "killed in {phase}");
    }
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The phases as a publish tells of them.
struct Told {
    lines: Lines<BufReader<ChildStderr>>,
    phase: &'static str,
}

impl Told {
    fn by(child: &mut Child) -> Self {
        Self { lines: BufReader::new(child.stderr.take().unwrap()).lines(), phase: "start" }
    }

    /// Reads on until `phase` begins, or to the end.
    fn until(&mut self, phase: &str) {
        for line in &mut self.lines {
            let line = line.unwrap();
            let named = |name: &str| line.contains(&format!("hollowcast::phase::{name}:"));
            self.phase = PHASES.iter().map(|(name, _)| *name).find(|name| named(name)).expect("a phase");
            if self.phase == phase {
                return;
            }
        }
    }
}

/// How long each phase takes when nobody interferes.
fn lengths(site: &mut Site) -> Vec<Duration> {
    let mut child = site.next("off,hollowcast::phase=info").stderr(Stdio::piped()).spawn().unwrap();
    let mut told = Told::by(&mut child);
    let mut begun = Vec::new();
    for (phase, _) in PHASES {
        told.until(phase);
        begun.push(Instant::now());
    }
    assert!(child.wait().unwrap().success());
    site.versions += 1;
    begun.push(Instant::now());
    begun.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_publish_killed_at_the_first_instant_of_a_phase_leaves_all_or_nothing() {
    let mut site = Site::new();
    for (phase, added) in PHASES {
        for _ in 0..kills().div_ceil(2 * PHASES.len()) {
            let (unread, full) = full_pipe();
            let manifests = site.place.dataset().join("manifests");
            let uploaded = entries(&manifests);
            let log = format!("off,hollowcast::phase::{phase}=info");
            let mut child = site.next(&log).stderr(full).spawn().unwrap();
            stands_still(&mut child);
            kill(&mut child);
            drop(unread);
            let expected = usize::from(!["populate", "upload"].contains(&phase));
            assert_eq!(entries(&manifests) - uploaded, expected, "it stood elsewhere than at {phase}");
            site.recovers(phase, Some(added));
        }
    }
}

#[test]
fn a_publish_killed_at_any_moment_leaves_all_or_nothing() {
    let mut site = Site::new();
    let lengths = lengths(&mut site);
    let mut killed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tries = 0;
    while killed.values().sum::<usize>() < kills() / 2 {
        let (phase, _) = PHASES[tries % PHASES.len()];
        let length = lengths[tries % PHASES.len()];
        let mut child = site.next("off,hollowcast::phase=info").stderr(Stdio::piped()).spawn().unwrap();
        let mut told = Told::by(&mut child);
        told.until(phase);
        // Multiples of the golden ratio fall evenly into the time that the phase takes.
        tries += 1;
        sleep(length.mul_f64((tries as f64 * 0.618_034).fract()));
        let is_over = child.try_wait().unwrap().is_some();
        kill(&mut child);
        told.until("the end");
        if !is_over {
            *killed.entry(told.phase).or_default() += 1;
        }
        site.recovers(told.phase, is_over.then_some(1));
    }
    println!("killed in: {killed:?}");
}
