//! A dataset of movies in a folder: who publishes it and who follows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, Wait};
use hollowcast::environment::Environment;
use hollowcast::producer::{Dataset, Outcome, Producer, Publication};
use hollowcast::state::State;
use hollowcast::tools::TypeStats;
use object_store::ObjectStore;
use rayon::prelude::*;

use crate::fill;
use crate::generator::{Change, Live, Movie};
use crate::movies_capnp::movie;

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
