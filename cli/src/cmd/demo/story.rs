//! The tour itself, step by step.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail, ensure};
use rustix::process::Signal;
use tokio::process::Command;

use super::consumer::{Event, LOOK_UP};
use super::folder::{Tour, invert_middle_byte};
use super::process::Part;
use super::producer;
use crate::output::{bytes, print};

/// Version whose delta is damaged.
const DAMAGED: u64 = 4;
/// Version that has the content of an older one.
const ROLLED_BACK: u64 = 5;

/// Tells it in `folder`.
pub(super) async fn tell(folder: &Path) -> Result<()> {
    let tour = Tour::of(folder);
    tour.unpack()?;
    heading("1. A producer publishes the first release: version 1, a snapshot")?;
    publish(&tour, "01.csv.zst", &["--type", "Airport", "--key", "icao"]).await?;

    heading("2. A consumer in another process starts, and follows")?;
    let mut consumer = ConsumerProcess::start(folder)?;
    consumer.reaches(1).await?;

    heading("3. Newer releases come: only what changed travels")?;
    for (version, release) in [(2, "02.csv.zst"), (3, "03.csv.zst")] {
        publish(&tour, release, &[]).await?;
        consumer.reaches(version).await?;
    }
    publish(&tour, "03.csv.zst", &[]).await?;

    heading("4. Reading is memory speed: no network, no lock, no decoding")?;
    consumer.look_up().await?;
    run(&tour, &["get", &at(&tour), "EDDF"]).await?;

    heading("5. A file of the next version is damaged before the consumer sees it")?;
    damage_and_repair(&tour, &mut consumer).await?;

    heading("6. An operator takes the fleet back at once, and then the content")?;
    take_back(&tour, &mut consumer).await?;

    heading("7. A live producer is killed, and another one that stood by takes over")?;
    take_over(folder, &mut consumer).await?;
    consumer.0.stop().await?;

    heading("8. What is left: an object store's content, in a folder")?;
    for (name, length) in tour.objects()? {
        say(&format!("  {:>10}  {name}", bytes(length)))?;
    }
    run(&tour, &["verify", &at(&tour)]).await?;
    farewell(&tour)
}

/// The consumer meets a damaged delta, keeps serving, and goes on when the file is right again.
async fn damage_and_repair(tour: &Tour, consumer: &mut ConsumerProcess) -> Result<()> {
    consumer.0.signal(Signal::STOP)?;
    say("  (the consumer is paused)")?;
    publish(tour, "04.csv.zst", &[]).await?;
    let delta = tour.delta_to(DAMAGED)?;
    let offset = invert_middle_byte(&delta)?;
    say(&format!("  (byte {offset} of {} is inverted, and the consumer goes on)", delta.display()))?;
    consumer.0.signal(Signal::CONT)?;
    consumer.refuses().await?;
    say("  The old version keeps serving:")?;
    consumer.look_up().await?;
    invert_middle_byte(&delta)?;
    say("  (the byte is put right; the consumer looks again by itself)")?;
    consumer.reaches(DAMAGED).await
}

/// The consumer is pinned, released, and follows a rollback.
async fn take_back(tour: &Tour, consumer: &mut ConsumerProcess) -> Result<()> {
    let dataset = at(tour);
    run(tour, &["pin", &dataset, "2"]).await?;
    consumer.reaches(2).await?;
    run(tour, &["unpin", &dataset]).await?;
    consumer.reaches(DAMAGED).await?;
    run(tour, &["rollback", &dataset, "3"]).await?;
    consumer.reaches(ROLLED_BACK).await
}

/// One producer publishes and is killed; the other, which followed, goes on.
async fn take_over(folder: &Path, consumer: &mut ConsumerProcess) -> Result<()> {
    let mut live = ProducerProcess::start("live producer", "04.csv.zst", folder).await?;
    live.publishes(ROLLED_BACK + 1).await?;
    consumer.reaches(ROLLED_BACK + 1).await?;
    let mut standby = ProducerProcess::start("standby", "02.csv.zst", folder).await?;
    live.part.kill().await?;
    say("  (the live producer is killed with -9)")?;
    standby.publishes(ROLLED_BACK + 2).await?;
    consumer.reaches(ROLLED_BACK + 2).await?;
    standby.part.stop().await
}

fn farewell(tour: &Tour) -> Result<()> {
    heading("Look around")?;
    let (program, dataset) = (program()?, quoted(&at(tour)));
    for line in [
        format!("versions {dataset}"),
        format!("diff {dataset} 1 {DAMAGED} --summary"),
        format!("get {dataset} KJFK --version 2"),
        format!("stats {dataset}"),
        format!("retain {dataset} --keep 1 --max-age 0s --dry-run"),
        format!("log {dataset}"),
    ] {
        say(&format!("  {program} {line}"))?;
    }
    Ok(())
}

/// This program as a shell takes it, whatever its search path: from the working directory if it lies below.
fn program() -> Result<String> {
    let program = std::env::current_exe()?;
    let here = std::env::current_dir()?;
    let path = match program.strip_prefix(&here) {
        Ok(below) => Path::new(".").join(below),
        Err(_) => program,
    };
    Ok(quoted(&path.display().to_string()))
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

async fn publish(tour: &Tour, release: &str, options: &[&str]) -> Result<()> {
    let release = tour.releases.join(release).display().to_string();
    let dataset = at(tour);
    let mut arguments = vec!["publish", &dataset, &release];
    arguments.extend(options);
    run(tour, &arguments).await
}

/// Runs a verb as a user would and shows it with its output.
async fn run(tour: &Tour, arguments: &[&str]) -> Result<()> {
    say(&format!("$ hollowcast {}", arguments.join(" ")))?;
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg("--state-dir")
        .arg(&tour.producer_state)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    print(&output.stdout)?;
    ensure!(output.status.success(), "`hollowcast {}` ended with {}", arguments[0], output.status);
    Ok(())
}

/// The dataset as it is typed.
fn at(tour: &Tour) -> String {
    tour.dataset.display().to_string()
}

fn heading(text: &str) -> Result<()> {
    say(&format!("\n{text}"))
}

fn say(line: &str) -> Result<()> {
    print(format!("{line}\n").as_bytes())
}

/// The consumer's process, from outside.
struct ConsumerProcess(Part);

impl ConsumerProcess {
    fn start(folder: &Path) -> Result<Self> {
        Ok(Self(Part::start("consumer", &["--consumer"], folder)?))
    }

    /// Waits until `version` is what its readers see; says how it got there.
    async fn reaches(&mut self, version: u64) -> Result<()> {
        loop {
            let event = self.0.next(&format!("version {version}")).await?;
            if matches!(event, Event::Refreshed { version: reached, .. } if reached == version) {
                return show(&event);
            }
        }
    }

    /// Waits until it cannot move, and says why.
    async fn refuses(&mut self) -> Result<()> {
        let event = self.0.next("a refusal").await?;
        ensure!(matches!(event, Event::Failed { .. }), "the consumer took a damaged file: {event:?}");
        show(&event)
    }

    /// Has it look records up.
    async fn look_up(&mut self) -> Result<()> {
        self.0.order(LOOK_UP).await?;
        loop {
            let event = self.0.next("its lookups").await?;
            if matches!(event, Event::LookedUp { .. }) {
                return show(&event);
            }
        }
    }
}

/// A live producer's process, from outside.
struct ProducerProcess {
    part: Part,
    name: &'static str,
}

impl ProducerProcess {
    async fn start(name: &'static str, release: &str, folder: &Path) -> Result<Self> {
        let mut part = Part::start(name, &["--producer", release], folder)?;
        let event = part.next("its turn").await?;
        ensure!(matches!(event, producer::Event::StandsBy { .. }), "the {name} did not stand by: {event:?}");
        Ok(Self { part, name })
    }

    /// Waits until it has published `expected`.
    async fn publishes(&mut self, expected: u64) -> Result<()> {
        let event = self.part.next("its version").await?;
        let producer::Event::Published { version, epoch, milliseconds } = event else {
            bail!("the {} published nothing: {event:?}", self.name);
        };
        ensure!(version == expected, "the {} published version {version}, not {expected}", self.name);
        let name = self.name;
        say(&format!(
            "  {name}: epoch {epoch}, published version {version}, {milliseconds:.0} ms after it began to wait"
        ))
    }
}

fn show(event: &Event) -> Result<()> {
    say(&match event {
        Event::Refreshed { version, route, fetched_bytes, records, milliseconds } => format!(
            "  consumer: version {version} by {route}, {} fetched, {records} records, {milliseconds:.1} ms",
            bytes(*fetched_bytes)
        ),
        Event::Failed { error } => format!("  consumer: refused: {error}"),
        Event::LookedUp { version, lookups, p50_nanoseconds, p99_nanoseconds, timer_nanoseconds } => format!(
            "  consumer: {lookups} lookups of random airports in version {version}, each timed: \
             p50 {p50_nanoseconds} ns, p99 {p99_nanoseconds} ns (timing alone is {timer_nanoseconds} ns of it)"
        ),
    })
}
