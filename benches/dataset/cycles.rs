//! Publishing and following: full and incremental cycles, refreshes, cold starts.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, RefreshRoute, Wait};
use hollowcast::environment::Environment;
use hollowcast::producer::{Dataset, Outcome, Producer, Publication};
use hollowcast::state::State;
use hollowcast::tools::TypeStats;
use object_store::ObjectStore;
use rayon::prelude::*;

use super::Options;
use super::support::fill;
use super::support::generator::{Change, Live, MOVIE_RAW_BYTES, Movie};
use super::support::machine;
use super::support::movies_capnp::movie;
use super::support::report::{Report, Samples};

/// Share of the records that a version changes.
pub const CHANGED: f64 = 0.01;

/// A producer of movies and a place for its consumers, all in one folder.
pub struct Setup {
    pub store: Arc<dyn ObjectStore>,
    pub producer: Producer,
    pub live: Live,
}

impl Setup {
    /// Nothing published yet; `snapshot_every` so many versions.
    pub async fn new(records: u32, folder: &Path, snapshot_every: u64) -> anyhow::Result<Self> {
        let store = hollowcast::store::local(folder.join("store"), &Environment::system())?;
        let dataset = Dataset::builder("movies").record::<movie::Owned>().build()?;
        let producer = Producer::builder(dataset, Arc::clone(&store))
            .memory(Memory::Mapped(Some(folder.join("producer"))))
            .snapshot_every(snapshot_every)
            .start()
            .await?;
        Ok(Self { store, producer, live: Live::new(records) })
    }

    /// States every live record, from all cores.
    pub async fn full(&mut self) -> anyhow::Result<Publication> {
        let records: Vec<(u32, u32)> = self.live.records().collect();
        let outcome = self.producer.cycle(|writer| {
            records.par_iter().try_for_each(|(id, version)| {
                let movie = Movie::new(*id, *version);
                writer.add::<movie::Owned>(|builder| fill(&movie, builder))
            })
        });
        published(outcome.await?)
    }

    /// States what changed.
    pub async fn incremental(&mut self, change: &Change) -> anyhow::Result<Publication> {
        let outcome = self.producer.incremental(|writer| {
            change.upserts.par_iter().try_for_each(|(id, version)| {
                let movie = Movie::new(*id, *version);
                writer.upsert::<movie::Owned>(|builder| fill(&movie, builder))
            })?;
            change.removed.iter().try_for_each(|id| writer.delete::<movie::Owned, u32>(*id))
        });
        published(outcome.await?)
    }
}

fn published(outcome: Outcome) -> anyhow::Result<Publication> {
    match outcome {
        Outcome::Published(publication) => Ok(*publication),
        Outcome::Unchanged(version) => anyhow::bail!("nothing changed since version {version}"),
    }
}

/// A consumer that looks only when it is told to.
pub async fn consumer(store: &Arc<dyn ObjectStore>, state: &Path) -> anyhow::Result<Consumer> {
    Ok(consumer_builder(store, state).start().await?)
}

/// The same before it starts.
pub fn consumer_builder(store: &Arc<dyn ObjectStore>, state: &Path) -> ConsumerBuilder {
    let never = Duration::from_secs(3600);
    Consumer::builder("movies", Arc::clone(store))
        .memory(Memory::Mapped(Some(state.to_path_buf())))
        .poll(PollOptions { interval: never, unprompted: never })
        .wait(Wait::Never)
}

/// Bytes of the snapshot's sections, as they are mapped.
pub fn mapped_bytes(state: &State) -> anyhow::Result<u64> {
    let stats = TypeStats::of_state(state)?;
    Ok(stats.iter().map(|stats| stats.rows_bytes + stats.keys_bytes).sum())
}

/// All figures of this file, in milliseconds.
#[derive(Default)]
struct Figures {
    generation: Samples,
    first: Samples,
    full: Samples,
    incremental: Samples,
    with_snapshot: Samples,
    snapshot: Samples,
    refresh: Samples,
    start_from_store: Samples,
    start_from_disk: Samples,
    copy_dataset: Samples,
    write_snapshot: Samples,
    write_delta: Samples,
    read_snapshot: Samples,
}

/// What a round leaves for the figures that are no times.
struct Sizes {
    mapped: u64,
    snapshot: u64,
    delta: u64,
}

/// Measures a number of rounds, each on a dataset of its own.
pub async fn measure(options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    Report::heading("Publishing and following");
    let mut figures = Figures::default();
    let mut sizes = None;
    for round in 0..options.rounds {
        let folder = folder.join(round.to_string());
        sizes = Some(figures.round(options.records, &folder).await?);
        std::fs::remove_dir_all(&folder)?;
    }
    let sizes = sizes.context("at least one round is needed")?;
    figures.report(report);
    Report::heading("Bytes a record");
    let records = f64::from(options.records);
    let mut bytes = |name: &str, bytes: u64| {
        let (mut own, mut raw) = (Samples::default(), Samples::default());
        own.push(bytes as f64 / records);
        raw.push(MOVIE_RAW_BYTES as f64);
        report.add(name, "B", &own, Some(("raw", &raw)));
    };
    bytes("mapped, rows and keys", sizes.mapped);
    bytes("snapshot in the store", sizes.snapshot);
    bytes("delta of 1 % in the store, over all records", sizes.delta);
    Ok(())
}

impl Figures {
    async fn round(&mut self, records: u32, folder: &Path) -> anyhow::Result<Sizes> {
        let mut setup = Setup::new(records, folder, u64::MAX).await?;
        let all: Vec<(u32, u32)> = setup.live.records().collect();
        time(&mut self.generation, || {
            all.par_iter().for_each(|(id, version)| {
                std::hint::black_box(Movie::new(*id, *version));
            });
        });
        let started = Instant::now();
        let first = setup.full().await?;
        self.first.push(milliseconds(started));
        let state = folder.join("consumer");
        let consumer = self.cold_starts(&setup.store, &state).await?;

        setup.live.change(CHANGED);
        let started = Instant::now();
        setup.full().await?;
        self.full.push(milliseconds(started));
        self.refreshed(&consumer).await?;

        let change = setup.live.change(CHANGED);
        let started = Instant::now();
        let second = setup.incremental(&change).await?;
        let incremental = milliseconds(started);
        self.incremental.push(incremental);
        self.refreshed(&consumer).await?;

        let sizes = Sizes {
            mapped: mapped_bytes(&consumer.read())?,
            snapshot: first.bytes.snapshot.context("a first version has a snapshot")?,
            delta: second.bytes.delta.context("an incremental cycle has a delta")?,
        };
        drop(consumer);
        setup.producer.stop().await;
        self.snapshot_alone(records, folder, incremental).await?;
        self.limits(folder, &sizes)?;
        Ok(sizes)
    }

    /// An incremental cycle that is due to make a snapshot, and what that adds.
    async fn snapshot_alone(&mut self, records: u32, folder: &Path, without: f64) -> anyhow::Result<()> {
        let mut setup = Setup::new(records, folder, 1).await?;
        (0..2).for_each(|_| drop(setup.live.change(CHANGED)));
        let change = setup.live.change(CHANGED);
        let started = Instant::now();
        let publication = setup.incremental(&change).await?;
        let elapsed = milliseconds(started);
        anyhow::ensure!(publication.bytes.snapshot.is_some(), "a snapshot was due");
        self.with_snapshot.push(elapsed);
        self.snapshot.push(elapsed - without);
        setup.producer.stop().await;
        Ok(())
    }

    /// Starts from the store, then from what that left on disk; both end with a first answer.
    async fn cold_starts(&mut self, store: &Arc<dyn ObjectStore>, state: &Path) -> anyhow::Result<Consumer> {
        for figure in [&mut self.start_from_store, &mut self.start_from_disk] {
            let started = Instant::now();
            let consumer = consumer(store, state).await?;
            let movies = consumer.table::<movie::Owned, u32>()?;
            let year = movies.get(&consumer.read(), 7).context("movie 7 is there")?.get_year();
            figure.push(milliseconds(started));
            anyhow::ensure!(year == Movie::new(7, 0).year, "movie 7 is from another year");
        }
        consumer(store, state).await
    }

    async fn refreshed(&mut self, consumer: &Consumer) -> anyhow::Result<()> {
        let started = Instant::now();
        let refresh = consumer.refresh().await?;
        self.refresh.push(milliseconds(started));
        anyhow::ensure!(refresh.route == Some(RefreshRoute::Delta), "a neighbour is reached by delta");
        Ok(())
    }

    fn limits(&mut self, folder: &Path, sizes: &Sizes) -> anyhow::Result<()> {
        self.copy_dataset.push(1e3 * machine::copy_seconds(sizes.mapped));
        self.write_snapshot.push(1e3 * machine::durable_write_seconds(folder, sizes.snapshot)?);
        self.write_delta.push(1e3 * machine::durable_write_seconds(folder, sizes.delta)?);
        self.read_snapshot.push(1e3 * machine::read_seconds(folder, sizes.snapshot)?);
        Ok(())
    }

    fn report(&self, report: &mut Report) {
        let written = Some(("writing the snapshot, fdatasync", &self.write_snapshot));
        let delta_written = Some(("writing the delta, fdatasync", &self.write_delta));
        let read = Some(("reading the snapshot", &self.read_snapshot));
        let mut add = |name, samples, limit| report.add(name, "ms", samples, limit);
        add("generating the records, all cores", &self.generation, None);
        add("full cycle, first version with snapshot", &self.first, written);
        add("full cycle, 1 % changed", &self.full, Some(("generating", &self.generation)));
        add("incremental cycle, 1 %", &self.incremental, delta_written);
        add("incremental cycle, 1 %, snapshot due", &self.with_snapshot, written);
        add(
            "snapshot alone (difference)",
            &self.snapshot,
            Some(("memcpy of the dataset", &self.copy_dataset)),
        );
        add("refresh, 1 %, from the store", &self.refresh, delta_written);
        add("cold start from the store to an answer", &self.start_from_store, read);
        add("cold start from the state directory", &self.start_from_disk, read);
    }
}

fn time(samples: &mut Samples, work: impl FnOnce()) {
    let started = Instant::now();
    work();
    samples.push(milliseconds(started));
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
