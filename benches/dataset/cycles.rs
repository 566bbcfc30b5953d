//! Publishing and following: full and incremental cycles, refreshes, cold starts.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use hollowcast::consumer::{Consumer, RefreshRoute};
use hollowcast_measure::dataset::{CHANGED, Setup, consumer, mapped_bytes};
use hollowcast_measure::generator::{MOVIE_RAW_BYTES, Movie};
use hollowcast_measure::machine;
use hollowcast_measure::movies_capnp::movie;
use hollowcast_measure::report::{Report, Samples};
use object_store::ObjectStore;
use rayon::prelude::*;

use super::Options;

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
        let mut setup = Setup::<Movie>::new(records, folder, u64::MAX).await?;
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
        let mut setup = Setup::<Movie>::new(records, folder, 1).await?;
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
