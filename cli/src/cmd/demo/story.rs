//! The tour itself, step by step.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::consumer::{Event, LOOK_UP};
use super::folder::{Tour, invert_middle_byte};
use crate::output::{bytes, print};

/// How long any step may take before the tour gives up.
const PATIENCE: Duration = Duration::from_secs(60);
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
    consumer.stop().await?;

    heading("7. What is left: an object store's content, in a folder")?;
    for (name, length) in tour.objects()? {
        say(&format!("  {:>10}  {name}", bytes(length)))?;
    }
    run(&tour, &["verify", &at(&tour)]).await?;
    farewell(&tour)
}

/// The consumer meets a damaged delta, keeps serving, and goes on when the file is right again.
async fn damage_and_repair(tour: &Tour, consumer: &mut ConsumerProcess) -> Result<()> {
    consumer.signal(Signal::STOP)?;
    say("  (the consumer is paused)")?;
    publish(tour, "04.csv.zst", &[]).await?;
    let delta = tour.delta_to(DAMAGED)?;
    let offset = invert_middle_byte(&delta)?;
    say(&format!("  (byte {offset} of {} is inverted, and the consumer goes on)", delta.display()))?;
    consumer.signal(Signal::CONT)?;
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

fn farewell(tour: &Tour) -> Result<()> {
    heading("Look around")?;
    let dataset = at(tour);
    for line in [
        format!("hollowcast versions {dataset}"),
        format!("hollowcast diff {dataset} 1 {DAMAGED} --summary"),
        format!("hollowcast get {dataset} KJFK --version 2"),
        format!("hollowcast stats {dataset}"),
        format!("hollowcast retain {dataset} --keep 1 --max-age 0s --dry-run"),
        format!("hollowcast log {dataset}"),
    ] {
        say(&format!("  {line}"))?;
    }
    Ok(())
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
struct ConsumerProcess {
    process: Child,
    orders: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
}

impl ConsumerProcess {
    fn start(folder: &Path) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--log", "off", "demo", "--consumer", "--dir"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = process.stdin.take().context("its input is a pipe")?;
        let events = BufReader::new(process.stdout.take().context("its output is a pipe")?).lines();
        Ok(Self { process, orders, events })
    }

    /// Waits until `version` is what its readers see; says how it got there.
    async fn reaches(&mut self, version: u64) -> Result<()> {
        loop {
            let event = self.next(version).await?;
            if matches!(event, Event::Refreshed { version: reached, .. } if reached == version) {
                return show(&event);
            }
        }
    }

    /// Waits until it cannot move, and says why.
    async fn refuses(&mut self) -> Result<()> {
        let event = self.next(DAMAGED).await?;
        ensure!(matches!(event, Event::Failed { .. }), "the consumer took a damaged file: {event:?}");
        show(&event)
    }

    /// Has it look records up.
    async fn look_up(&mut self) -> Result<()> {
        self.orders.write_all(format!("{LOOK_UP}\n").as_bytes()).await?;
        loop {
            let event = self.next(0).await?;
            if matches!(event, Event::LookedUp { .. }) {
                return show(&event);
            }
        }
    }

    async fn next(&mut self, version: u64) -> Result<Event> {
        let Ok(line) = tokio::time::timeout(PATIENCE, self.events.next_line()).await else {
            bail!("the consumer said nothing for {} s on its way to version {version}", PATIENCE.as_secs());
        };
        let line = line?.context("the consumer ended early")?;
        serde_json::from_str(&line).with_context(|| format!("the consumer said {line}"))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.process.id().context("the consumer ended early")?;
        let pid = Pid::from_raw(id.cast_signed()).context("a process has an id")?;
        Ok(kill_process(pid, signal)?)
    }

    async fn stop(mut self) -> Result<()> {
        drop(self.orders);
        let status = self.process.wait().await?;
        ensure!(status.success(), "the consumer ended with {status}");
        Ok(())
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
