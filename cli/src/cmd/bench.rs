//! `bench`: what publishing, following and reading take on this machine, beside what the machine itself takes.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use hollowcast::progress::{Stage, Unit};
use hollowcast::state::TypedTable;
use hollowcast_measure::dataset::{CHANGED, Setup, consumer, mapped_bytes};
use hollowcast_measure::generator::{Movie, Stream};
use hollowcast_measure::lookups::sum_of_answers;
use hollowcast_measure::machine::{self, DependentLoads};
use hollowcast_measure::movies_capnp::movie;
use hollowcast_measure::report::Samples;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::exit;
use crate::output::{bytes, print, print_json, print_table};
use crate::progress::bars;

/// Lookups of one figure in one round.
const LOOKUPS: u64 = 500_000;

/// Measure publishing, following and reading on this machine
///
/// With made-up movies of about 119 bytes, in a temporary folder that is removed again: what a first version takes, a full and an incremental cycle of
/// which 1 % changed, a refresh, cold starts, and lookups, with the key known before the last answer ("in a loop") and only then ("isolated"). Each figure
/// stands beside a limit of the machine that was measured in the same run. Times are medians of the rounds.
///
/// With --json {"machine", "records", "bytes", "figures": [{"name", "unit": "ms" or "ns", "value", "limit": {"name", "value"}, "ratio"}]}.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast bench
  hollowcast bench --records 5000000 --rounds 5 --json")]
pub struct Bench {
    /// Movies in the dataset
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1000..=50_000_000))]
    records: u32,
    /// Rounds of each figure, each on a dataset of its own
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

impl Bench {
    /// Measures and prints the figures.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        if cfg!(debug_assertions) {
            eprintln!("this program was built without optimisation: the figures say little");
        }
        let folder =
            tempfile::tempdir().context("no temporary folder can be made; free space or set TMPDIR")?;
        let progress = bars();
        let mut figures = Figures::default();
        let mut mapped = 0;
        for round in 1..=self.rounds {
            let name = format!("round {round} of {}", self.rounds);
            progress.stage(Stage { name: &name, unit: Unit::Records, total: None });
            let place = folder.path().join(round.to_string());
            mapped = figures.round(self.records, &place).await?;
            std::fs::remove_dir_all(&place)?;
        }
        drop(progress);
        if common.json {
            print_json(&json!({
                "machine": machine::description(),
                "records": self.records,
                "bytes": mapped,
                "figures": figures.0.iter().map(Figure::json).collect::<Vec<_>>(),
            }))?;
        } else {
            let (machine, mapped) = (machine::description(), bytes(mapped));
            print(format!("{machine}; {} movies, {mapped} mapped\n", self.records).as_bytes())?;
            let headings = ["WHAT", "TIME", "RATIO", "LIMIT", "OF THE MACHINE"];
            print_table(&headings, &[1, 2, 3], figures.0.iter().map(Figure::cells).collect())?;
        }
        Ok(exit::DONE)
    }
}

/// What was measured, beside a limit in the same unit.
struct Figure {
    name: &'static str,
    unit: &'static str,
    limit_name: &'static str,
    values: Samples,
    limits: Samples,
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.values.median() / self.limits.median()
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "value": self.values.median(),
            "limit": {"name": self.limit_name, "value": self.limits.median()},
            "ratio": self.ratio(),
        })
    }

    fn cells(&self) -> Vec<String> {
        let time = |samples: &Samples| format!("{:.1} {}", samples.median(), self.unit);
        vec![
            self.name.to_owned(),
            time(&self.values),
            format!("{:.2}", self.ratio()),
            time(&self.limits),
            self.limit_name.to_owned(),
        ]
    }
}

/// The figures in the order in which they were first measured.
#[derive(Default)]
struct Figures(Vec<Figure>);

impl Figures {
    fn add(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: f64,
        (limit_name, limit): (&'static str, f64),
    ) {
        let at = self.0.iter().position(|figure| figure.name == name).unwrap_or_else(|| {
            let (values, limits) = Default::default();
            self.0.push(Figure { name, unit, limit_name, values, limits });
            self.0.len() - 1
        });
        self.0[at].values.push(value);
        self.0[at].limits.push(limit);
    }

    /// Publishes, follows and reads a dataset in `folder`; how many bytes of it a consumer maps.
    async fn round(&mut self, records: u32, folder: &Path) -> Result<u64> {
        let mut setup = Setup::<Movie>::new(records, folder, u64::MAX).await?;
        let started = Instant::now();
        let first = setup.full().await?;
        let first_ms = milliseconds(started);
        let snapshot = first.bytes.snapshot.context("a first version has a snapshot")?;

        let state_directory = folder.join("consumer");
        let started = Instant::now();
        drop(consumer(&setup.store, &state_directory).await?);
        let from_store_ms = milliseconds(started);
        let started = Instant::now();
        let follower = consumer(&setup.store, &state_directory).await?;
        let from_disk_ms = milliseconds(started);

        setup.live.change(CHANGED);
        let started = Instant::now();
        setup.full().await?;
        let full_ms = milliseconds(started);
        follower.refresh().await?;
        let change = setup.live.change(CHANGED);
        let started = Instant::now();
        let third = setup.incremental(&change).await?;
        let incremental_ms = milliseconds(started);
        let delta = third.bytes.delta.context("a cycle on a version has a delta")?;
        let started = Instant::now();
        follower.refresh().await?;
        let refresh_ms = milliseconds(started);

        let state = follower.state();
        let mapped = mapped_bytes(&state)?;
        let snapshot_written =
            ("writing the snapshot to disk", 1e3 * machine::durable_write_seconds(folder, snapshot)?);
        let snapshot_read = ("reading the snapshot's file", 1e3 * machine::read_seconds(folder, snapshot)?);
        let delta_written =
            ("writing the delta to disk", 1e3 * machine::durable_write_seconds(folder, delta)?);
        let copied = ("memcpy of the dataset", 1e3 * machine::copy_seconds(mapped));
        self.add("publish the first version", "ms", first_ms, snapshot_written);
        self.add("full cycle, 1 % changed", "ms", full_ms, copied);
        self.add("incremental cycle, 1 %", "ms", incremental_ms, delta_written);
        self.add("refresh by a delta of 1 %", "ms", refresh_ms, delta_written);
        self.add("cold start from the store", "ms", from_store_ms, snapshot_read);
        self.add("cold start from the state directory", "ms", from_disk_ms, snapshot_read);

        let movies: TypedTable<movie::Owned, u32> = follower.table()?;
        let (ids, mut stream) = (setup.live.ids(), Stream::new(7));
        let keys: Vec<u32> = (0..LOOKUPS).map(|_| ids[stream.below(ids.len() as u64) as usize]).collect();
        let year = |key| movies.get(&state, key).map_or(0, |movie| u64::from(movie.get_year()));
        let nanoseconds = |depend| {
            let started = Instant::now();
            std::hint::black_box(sum_of_answers(&keys, depend, year));
            started.elapsed().as_nanos() as f64 / keys.len() as f64
        };
        let loads = DependentLoads::new(&folder.join("limit"), mapped)?;
        let load = ("a load that waits for the one before", loads.nanoseconds(LOOKUPS));
        let independent = ("a load that waits for none", loads.independent_nanoseconds(LOOKUPS));
        self.add("lookup, isolated", "ns", nanoseconds(true), load);
        self.add("lookup, in a loop", "ns", nanoseconds(false), independent);
        setup.producer.stop().await;
        Ok(mapped)
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
