//! A consumer in a process of its own follows version after version while its readers go on: what they notice, and what memory it takes.
//!
//! The two processes take turns, so that what is seen is the refresh and not the producer's work beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hollowcast::consumer::{Consumer, RebaseThresholds, Rebased, Refresh, RefreshListener, RefreshRoute};
use serde::{Deserialize, Serialize};

use super::Options;
use super::helper::Helper;
use hollowcast_measure::dataset::{CHANGED, Setup, consumer_builder, mapped_bytes};
use hollowcast_measure::generator::{Movie, Stream};
use hollowcast_measure::movies_capnp::movie;
use hollowcast_measure::own_memory::own_memory;
use hollowcast_measure::report::{Report, Samples};

/// Versions that are followed.
const CYCLES: usize = 20;
/// How long readers run before the first of them.
const FRESH_TIME: Duration = Duration::from_secs(2);
/// How long readers run undisturbed after each of them.
const IDLE_TIME: Duration = Duration::from_millis(200);
/// Threads that read all the time.
const READERS: u64 = 2;

/// What happens beside the readers: nothing, with no delta applied yet or with some; the producer's work; a refresh.
const FRESH: usize = 0;
const IDLE: usize = 1;
const PRODUCING: usize = 2;
const REFRESHING: usize = 3;
const PHASES: usize = 4;

/// Where the dataset and the consumer's state are.
#[derive(clap::Args)]
pub struct Place {
    store: PathBuf,
    state: PathBuf,
    /// Keys are below this number
    keys: u32,
    /// The state stays on its first base
    #[arg(long)]
    never_rebase: bool,
}

/// What the follower saw, in nanoseconds and bytes.
#[derive(Serialize, Deserialize)]
struct Findings {
    fresh: Latencies,
    idle: Latencies,
    refreshing: Latencies,
    refresh_milliseconds: Vec<f64>,
    rebase_milliseconds: Vec<f64>,
    own_memory_starting: u64,
    own_memory_following: u64,
    mapped: u64,
}

/// Lookups and what they took, timer included.
#[derive(Serialize, Deserialize)]
struct Latencies {
    lookups: u64,
    p50: u64,
    p99: u64,
    p999: u64,
    longest: u64,
}

/// Publishes while another process follows.
pub async fn measure(options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    Report::heading(&format!(
        "A follower of {CYCLES} incremental cycles of 1 %, {READERS} threads reading all the time, each lookup timed"
    ));
    let mut setup = Setup::<Movie>::new(options.records, folder, u64::MAX).await?;
    setup.full().await?;
    let mut follower = Helper::start(
        Command::new(std::env::current_exe()?)
            .arg("follow")
            .args([folder.join("store"), folder.join("consumer")])
            .arg(options.records.to_string())
            .args(options.never_rebase.then_some("--never-rebase")),
    )?;
    follower.answer()?;
    for _ in 0..CYCLES {
        let change = setup.live.change(CHANGED);
        setup.incremental(&change).await?;
        follower.ask("refresh")?;
    }
    let findings: Findings = serde_json::from_str(&follower.stop()?)?;
    setup.producer.stop().await;
    findings.report(report);
    Ok(())
}

impl Findings {
    fn report(&self, report: &mut Report) {
        let one = |value: f64| {
            let mut samples = Samples::default();
            samples.push(value);
            samples
        };
        let (fresh, idle, refreshing) = (&self.fresh, &self.idle, &self.refreshing);
        for (when, latencies, beside, limit) in
            [("idle", idle, "before the first delta", fresh), ("during refreshes", refreshing, "idle", idle)]
        {
            for (figure, value, limit) in [
                ("p50", latencies.p50, limit.p50),
                ("p99", latencies.p99, limit.p99),
                ("p99.9", latencies.p999, limit.p999),
                ("longest", latencies.longest, limit.longest),
            ] {
                report.add(
                    &format!("lookup {figure} {when}"),
                    "ns",
                    &one(value as f64),
                    Some((beside, &one(limit as f64))),
                );
            }
            report.add(&format!("lookups timed {when}"), "", &one(latencies.lookups as f64), None);
        }
        let mut refreshes = Samples::default();
        self.refresh_milliseconds.iter().for_each(|milliseconds| refreshes.push(*milliseconds));
        report.add("refresh, 1 %", "ms", &refreshes, None);
        let mut rebases = Samples::default();
        self.rebase_milliseconds.iter().for_each(|milliseconds| rebases.push(*milliseconds));
        if !self.rebase_milliseconds.is_empty() {
            report.add("rebase, in the background", "ms", &rebases, None);
        }
        let megabytes = |bytes: u64| one(bytes as f64 / 1e6);
        let mapped = megabytes(self.mapped);
        for (when, own) in [("starting", self.own_memory_starting), ("following", self.own_memory_following)]
        {
            let figure = format!("own memory (RssAnon) while {when}, highest");
            report.add(&figure, "MB", &megabytes(own), Some(("the dataset", &mapped)));
        }
    }
}

/// The follower's own side.
pub async fn follow(place: &Place) -> anyhow::Result<()> {
    let store = hollowcast::store::existing_local(&place.store)?;
    let memory = MemoryWatch::start();
    let rebases = Arc::new(Rebases::default());
    let mut builder = consumer_builder::<Movie>(&store, &place.state).listener(Arc::clone(&rebases) as _);
    if place.never_rebase {
        let never = RebaseThresholds {
            base_share: 0,
            sections: usize::MAX,
            steps: usize::MAX,
            files: usize::MAX,
            ..Default::default()
        };
        builder = builder.rebase(never);
    }
    let consumer = Arc::new(builder.start().await?);
    let own_memory_starting = memory.highest();
    let readers = Readers::start(&consumer, place.keys);
    tokio::time::sleep(FRESH_TIME).await;
    readers.phase.store(PRODUCING, Ordering::Relaxed);
    println!("ready");
    let mut refresh_milliseconds = Vec::new();
    for order in std::io::stdin().lines() {
        anyhow::ensure!(order? == "refresh", "the only order is to refresh");
        let started = Instant::now();
        readers.phase.store(REFRESHING, Ordering::Relaxed);
        let refresh = consumer.refresh().await?;
        readers.phase.store(IDLE, Ordering::Relaxed);
        refresh_milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(refresh.route == Some(RefreshRoute::Delta), "a neighbour is reached by delta");
        tokio::time::sleep(IDLE_TIME).await;
        readers.phase.store(PRODUCING, Ordering::Relaxed);
        println!("refreshed");
    }
    let own_memory_following = memory.highest();
    let [fresh, idle, refreshing] = readers.stop()?;
    let mapped = mapped_bytes(&consumer.read())?;
    let findings = Findings {
        fresh,
        idle,
        refreshing,
        refresh_milliseconds,
        rebase_milliseconds: rebases.0.lock().expect("no listener panicked").clone(),
        own_memory_starting,
        own_memory_following,
        mapped,
    };
    println!("{}", serde_json::to_string(&findings)?);
    Ok(())
}

/// How long each rebase took, in milliseconds.
#[derive(Default)]
struct Rebases(Mutex<Vec<f64>>);

impl RefreshListener for Rebases {
    fn refreshed(&self, _: &Refresh) {}

    fn failed(&self, _: &hollowcast::Error) {}

    fn rebased(&self, rebased: &Rebased) {
        self.0.lock().expect("no listener panicked").push(rebased.elapsed.as_secs_f64() * 1e3);
    }
}

/// A thread that looks at this process's memory all the time.
struct MemoryWatch {
    highest: Arc<AtomicU64>,
}

impl MemoryWatch {
    fn start() -> Self {
        let highest = Arc::new(AtomicU64::new(0));
        let weak = Arc::downgrade(&highest);
        std::thread::spawn(move || {
            while let Some(highest) = weak.upgrade() {
                highest.fetch_max(own_memory("self").unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { highest }
    }

    /// The most there was since it was asked last.
    fn highest(&self) -> u64 {
        self.highest.swap(0, Ordering::Relaxed)
    }
}

/// Threads that look keys up until they are told to stop.
struct Readers {
    phase: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<[Histogram<u64>; PHASES]>>,
}

impl Readers {
    fn start(consumer: &Arc<Consumer>, keys: u32) -> Self {
        let (phase, stop) = (Arc::new(AtomicUsize::new(FRESH)), Arc::new(AtomicBool::new(false)));
        let threads = (0..READERS).map(|seed| {
            let (consumer, phase, stop) = (Arc::clone(consumer), Arc::clone(&phase), Arc::clone(&stop));
            std::thread::spawn(move || read(&consumer, Stream::new(seed), keys, &phase, &stop))
        });
        let threads = threads.collect();
        Self { phase, stop, threads }
    }

    /// What they saw: fresh, idle, refreshing.
    fn stop(self) -> anyhow::Result<[Latencies; 3]> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all: [_; PHASES] = std::array::from_fn(|_| histogram());
        for thread in self.threads {
            let phases = thread.join().map_err(|_| anyhow::anyhow!("a reader panicked"))?;
            for (all, own) in all.iter_mut().zip(phases) {
                all.add(own)?;
            }
        }
        Ok([FRESH, IDLE, REFRESHING].map(|phase| Latencies::of(&all[phase])))
    }
}

/// Looks random keys up, some of which a delta may have removed: latencies by phase.
fn read(
    consumer: &Consumer,
    mut stream: Stream,
    keys: u32,
    phase: &AtomicUsize,
    stop: &AtomicBool,
) -> [Histogram<u64>; PHASES] {
    let mut phases = std::array::from_fn(|_| histogram());
    let movies = consumer.table::<movie::Owned, u32>().expect("the dataset has movies keyed by number");
    while !stop.load(Ordering::Relaxed) {
        let key = stream.below(u64::from(keys)) as u32;
        let phase = phase.load(Ordering::Relaxed);
        let started = Instant::now();
        let state = consumer.read();
        std::hint::black_box(movies.get(&state, key).map(movie::Reader::get_year));
        let elapsed = started.elapsed().as_nanos() as u64;
        drop(state);
        phases[phase].saturating_record(elapsed);
    }
    phases
}

impl Latencies {
    fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            lookups: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            longest: histogram.max(),
        }
    }
}

/// A second at most, two digits, so that these counters are no part of the memory that is looked at (three took 1.4 MB).
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1_000_000_000, 2).expect("these bounds are valid")
}
