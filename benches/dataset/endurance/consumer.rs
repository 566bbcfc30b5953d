//! The consumers of the endurance run, each a process of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context;
use hollowcast::Error;
use hollowcast::consumer::{Rebased, Refresh, RefreshListener, RefreshRoute};
use hollowcast::tools::TypeStats;
use hollowcast_measure::dataset::consumer_builder;
use hollowcast_measure::flats_capnp::flat;
use hollowcast_measure::generator::Flat;
use serde::{Deserialize, Serialize};

/// Where the dataset and a consumer's state are.
#[derive(clap::Args)]
pub struct Place {
    pub store: PathBuf,
    pub state: PathBuf,
}

/// One refresh, and the rebases until then.
#[derive(Serialize, Deserialize)]
pub struct Step {
    pub microseconds: u64,
    pub rebases: Rebases,
}

/// How many, and how long they took together.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Rebases {
    pub count: u64,
    pub milliseconds: f64,
}

/// What a state is made of that a process has just started with.
#[derive(Serialize, Deserialize)]
pub struct Shape {
    pub shards: u64,
    pub overlay_sections: u64,
    pub applied_steps: u64,
}

/// Refreshes when it is told to, and answers with a [`Step`].
pub async fn follow(place: &Place) -> anyhow::Result<()> {
    let store = hollowcast::store::existing_local(&place.store)?;
    let watch = Arc::new(Watch::default());
    let builder = consumer_builder::<Flat>(&store, &place.state).listener(Arc::clone(&watch) as _);
    let consumer = builder.start().await?;
    println!("ready");
    for order in std::io::stdin().lines() {
        anyhow::ensure!(order? == "refresh", "the only order is to refresh");
        let started = Instant::now();
        let refresh = consumer.refresh().await?;
        let microseconds = started.elapsed().as_micros() as u64;
        anyhow::ensure!(refresh.route == Some(RefreshRoute::Delta), "a neighbour is reached by delta");
        println!("{}", serde_json::to_string(&Step { microseconds, rebases: watch.rebases()? })?);
    }
    Ok(())
}

/// Starts, looks a record up, says so; then, when it is told to go on, what [`Shape`] its state has.
pub async fn start_cold(place: &Place) -> anyhow::Result<()> {
    let store = hollowcast::store::existing_local(&place.store)?;
    let consumer = consumer_builder::<Flat>(&store, &place.state).start().await?;
    let flats = consumer.table::<flat::Owned, u64>()?;
    println!("{:?}", flats.get(&consumer.read(), 7).map(flat::Reader::get_a));
    std::io::stdin().read_line(&mut String::new())?;
    let types = TypeStats::of_state(&consumer.read())?;
    let of_flats = types.first().context("the dataset has a type")?;
    let shape = Shape {
        shards: of_flats.shards,
        overlay_sections: of_flats.overlay_sections,
        applied_steps: of_flats.applied_steps,
    };
    println!("{}", serde_json::to_string(&shape)?);
    Ok(())
}

/// Counts rebases, and keeps the last failure of one.
#[derive(Default)]
struct Watch {
    rebases: Mutex<Rebases>,
    failure: Mutex<Option<String>>,
}

impl Watch {
    fn rebases(&self) -> anyhow::Result<Rebases> {
        match &*self.failure.lock().expect("no listener panicked") {
            Some(failure) => anyhow::bail!("a rebase failed: {failure}"),
            None => Ok(*self.rebases.lock().expect("no listener panicked")),
        }
    }
}

impl RefreshListener for Watch {
    fn refreshed(&self, _: &Refresh) {}

    fn failed(&self, _: &Error) {}

    fn rebased(&self, rebased: &Rebased) {
        let mut rebases = self.rebases.lock().expect("no listener panicked");
        rebases.count += 1;
        rebases.milliseconds += rebased.elapsed.as_secs_f64() * 1e3;
    }

    fn rebase_failed(&self, error: &Error) {
        *self.failure.lock().expect("no listener panicked") = Some(error.to_string());
    }
}
