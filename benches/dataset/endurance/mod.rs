//! Many small versions one after the other: what a producer and a consumer hold, and how long they take, must not grow with them.
//!
//! The consumer is a process of its own and takes turns with the cycles. Snapshots are built behind the cycles, so a cycle beside one shares its
//! processors, as it would anywhere.

mod consumer;
mod holdings;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hollowcast::environment::Environment;
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::store::DatasetStore;
use hollowcast_measure::dataset::Setup;
use hollowcast_measure::generator::Flat;
use hollowcast_measure::made_up::MadeUp;
use hollowcast_measure::report::{Report, Samples};

use super::Options;
use super::helper::Helper;
use consumer::{Rebases, Shape, Step};
use holdings::{Folder, Process};

pub use consumer::{Place, follow, start_cold};

/// Records that a version changes.
const CHANGED_RECORDS: usize = 50;
/// Versions after which a snapshot is built.
const SNAPSHOT_EVERY: u64 = 128;
/// Versions after which retention runs, and how many it keeps.
const RETAIN_EVERY: u32 = 64;
/// Times of so many cycles are looked at.
const WINDOW: u32 = 1_000;
/// Looks at what is held, evenly over the run, besides one when the first window is full.
const LOOKS: u32 = 10;
/// Cold starts of which the median counts.
const COLD_STARTS: usize = 5;

/// The run and what it shows.
struct Endurance {
    setup: Setup<Flat>,
    retention: Retention,
    follower: Helper,
    folder: PathBuf,
    cycles: Window,
    refreshes: Window,
    rebases: Rebases,
}

/// A name, a unit and a value for each figure of a look.
type Figures = Vec<(&'static str, &'static str, f64)>;

/// Publishes version after version while another process follows.
pub async fn measure(options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    Report::heading(&format!(
        "{} incremental cycles of {CHANGED_RECORDS} records; a snapshot every {SNAPSHOT_EVERY} versions, built behind the cycles; every \
         {RETAIN_EVERY} versions retention keeps as many; times over the last {WINDOW} cycles",
        options.cycles
    ));
    let mut run = Endurance::start(options.records, folder).await?;
    let cold = ColdStarts::of(folder, "at the start")?;
    let mut looks: Vec<Figures> = Vec::new();
    for cycle in 1..=options.cycles {
        run.cycle().await?;
        if cycle % RETAIN_EVERY == 0 {
            run.retention.run(&()).await?;
        }
        let is_look =
            cycle == WINDOW || cycle % options.cycles.div_ceil(LOOKS) == 0 || cycle == options.cycles;
        if is_look {
            let figures = run.look()?;
            if looks.is_empty() {
                print_row("cycle", &names(&figures));
            }
            print_row(
                &cycle.to_string(),
                &figures.iter().map(|(_, _, value)| format!("{value:.1}")).collect::<Vec<_>>(),
            );
            looks.push(figures);
        }
    }
    run.follower.stop()?;
    run.setup.producer.stop().await;
    let cold_at_the_end = ColdStarts::of(folder, "at the end")?;
    report_growth(&looks, report);
    cold_at_the_end.report(&cold, report);
    Ok(())
}

impl Endurance {
    async fn start(records: u32, folder: &Path) -> anyhow::Result<Self> {
        let adjust = |producer: hollowcast::producer::ProducerBuilder| {
            producer.snapshot_every(SNAPSHOT_EVERY).snapshots_behind(true)
        };
        let mut setup = Setup::<Flat>::with(records, folder, adjust).await?;
        setup.full().await?;
        let dataset = DatasetStore::new(setup.store.clone(), Flat::DATASET.into(), Environment::system());
        let policy = RetentionPolicy { versions: u64::from(RETAIN_EVERY), max_age: Duration::ZERO };
        let mut follower = Helper::start(&mut consumer_process("endure", folder, &folder.join("consumer"))?)?;
        follower.answer()?;
        Ok(Self {
            setup,
            retention: Retention::new(dataset, "bench", policy),
            follower,
            folder: folder.to_owned(),
            cycles: Window::default(),
            refreshes: Window::default(),
            rebases: Rebases::default(),
        })
    }

    async fn cycle(&mut self) -> anyhow::Result<()> {
        let change = self.setup.live.change_records(CHANGED_RECORDS);
        let started = Instant::now();
        self.setup.incremental(&change).await?;
        self.cycles.push(started.elapsed().as_secs_f64() * 1e3);
        let step: Step = serde_json::from_str(&self.follower.ask("refresh")?)?;
        self.refreshes.push(step.microseconds as f64 / 1e3);
        self.rebases = step.rebases;
        Ok(())
    }

    fn look(&self) -> anyhow::Result<Figures> {
        let (consumer, producer) = (Process::of(&self.follower.number())?, Process::of("self")?);
        let folder = |name| Folder::of(&self.folder.join(name));
        let (state, own, store) = (folder("consumer")?, folder("producer")?, folder("store")?);
        let (_, shape) = started_cold(&self.folder, &self.folder.join("consumer"))?;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        Ok(vec![
            ("refresh p50", "ms", self.refreshes.quantile(0.5)),
            ("refresh p99", "ms", self.refreshes.quantile(0.99)),
            ("refresh longest", "ms", self.refreshes.quantile(1.0)),
            ("cycle p50", "ms", self.cycles.quantile(0.5)),
            ("cycle p99", "ms", self.cycles.quantile(0.99)),
            ("consumer maps", "", consumer.mapped_files as f64),
            ("consumer descriptors", "", consumer.open_descriptors as f64),
            ("consumer RssAnon", "MB", megabytes(consumer.own_memory_bytes)),
            ("producer maps", "", producer.mapped_files as f64),
            ("producer descriptors", "", producer.open_descriptors as f64),
            ("producer RssAnon", "MB", megabytes(producer.own_memory_bytes)),
            ("consumer files", "", state.files as f64),
            ("consumer disk", "MB", megabytes(state.disk_bytes)),
            ("producer files", "", own.files as f64),
            ("producer disk", "MB", megabytes(own.disk_bytes)),
            ("store files", "", store.files as f64),
            ("store disk", "MB", megabytes(store.disk_bytes)),
            ("shards", "", shape.shards as f64),
            ("overlay sections", "", shape.overlay_sections as f64),
            ("applied steps", "", shape.applied_steps as f64),
            ("rebases", "", self.rebases.count as f64),
            ("all rebases", "ms", self.rebases.milliseconds),
        ])
    }
}

/// The last figures against the first.
fn report_growth(looks: &[Figures], report: &mut Report) {
    let (Some(first), Some(last)) = (looks.first(), looks.last()) else { return };
    for ((name, unit, before), (_, _, after)) in first.iter().zip(last) {
        report.add(
            &format!("{name}, at the end"),
            unit,
            &one(*after),
            Some(("at the first look", &one(*before))),
        );
    }
}

fn names(figures: &Figures) -> Vec<String> {
    figures.iter().map(|(name, unit, _)| format!("{name} {unit}").trim_end().to_owned()).collect()
}

fn print_row(first: &str, rest: &[String]) {
    println!("  {first} | {}", rest.join(" | "));
}

/// Milliseconds from the start of a process to its first answer.
struct ColdStarts {
    from_state_directory: Samples,
    from_store: Samples,
}

impl ColdStarts {
    fn of(folder: &Path, when: &str) -> anyhow::Result<Self> {
        let (mut from_state_directory, mut from_store) = (Samples::default(), Samples::default());
        for _ in 0..COLD_STARTS {
            from_state_directory.push(started_cold(folder, &folder.join("consumer"))?.0);
            let empty = folder.join("empty");
            from_store.push(started_cold(folder, &empty)?.0);
            std::fs::remove_dir_all(&empty)?;
        }
        let (local, remote) = (from_state_directory.median(), from_store.median());
        println!(
            "  cold start {when}: {local:.1} ms from the state directory, {remote:.1} ms from the store"
        );
        Ok(Self { from_state_directory, from_store })
    }

    fn report(&self, before: &Self, report: &mut Report) {
        for (name, own, before) in [
            ("cold start from the state directory", &self.from_state_directory, &before.from_state_directory),
            ("cold start from the store", &self.from_store, &before.from_store),
        ] {
            report.add(name, "ms", own, Some(("at the start", before)));
        }
    }
}

/// Starts a consumer in a fresh process: milliseconds to its first answer, and what its state is made of.
fn started_cold(folder: &Path, state: &Path) -> anyhow::Result<(f64, Shape)> {
    let mut command = consumer_process("start-cold", folder, state)?;
    let started = Instant::now();
    let mut process = Helper::start(&mut command)?;
    process.answer()?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    Ok((milliseconds, serde_json::from_str(&process.stop()?)?))
}

fn consumer_process(role: &str, folder: &Path, state: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role).args([&folder.join("store"), state]);
    Ok(command)
}

/// The last times.
#[derive(Default)]
struct Window(VecDeque<f64>);

impl Window {
    fn push(&mut self, milliseconds: f64) {
        if self.0.len() == WINDOW as usize {
            self.0.pop_front();
        }
        self.0.push_back(milliseconds);
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share).round() as usize]
    }
}

fn one(value: f64) -> Samples {
    let mut samples = Samples::default();
    samples.push(value);
    samples
}
