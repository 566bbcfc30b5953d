//! A dataset of made-up records in a folder: who publishes it and who follows.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, Wait};
use hollowcast::environment::Environment;
use hollowcast::producer::{Dataset, Outcome, Producer, ProducerBuilder, Publication};
use hollowcast::state::State;
use hollowcast::tools::TypeStats;
use object_store::ObjectStore;
use rayon::prelude::*;

use crate::generator::{Change, Live, Movie};
use crate::made_up::MadeUp;

/// Share of the records that a version changes.
pub const CHANGED: f64 = 0.01;

/// A producer of made-up records and a place for its consumers, all in one folder.
pub struct Setup<R> {
    pub store: Arc<dyn ObjectStore>,
    pub producer: Producer,
    pub live: Live,
    made_up: PhantomData<R>,
}

impl<R: MadeUp> Setup<R> {
    /// Nothing published yet; `snapshot_every` so many versions.
    pub async fn new(records: u32, folder: &Path, snapshot_every: u64) -> anyhow::Result<Self> {
        Self::with(records, folder, |producer| producer.snapshot_every(snapshot_every)).await
    }

    /// Nothing published yet; the producer as `adjust` will have it.
    pub async fn with(
        records: u32,
        folder: &Path,
        adjust: impl FnOnce(ProducerBuilder) -> ProducerBuilder,
    ) -> anyhow::Result<Self> {
        let store = hollowcast::store::local(folder.join("store"), &Environment::system())?;
        let dataset = Dataset::builder(R::DATASET).record::<R::Record>().build()?;
        let builder = Producer::builder(dataset, Arc::clone(&store))
            .memory(Memory::Mapped(Some(folder.join("producer"))));
        let producer = adjust(builder).start().await?;
        Ok(Self { store, producer, live: Live::new(records), made_up: PhantomData })
    }

    /// States every live record, from all cores.
    pub async fn full(&mut self) -> anyhow::Result<Publication> {
        let records: Vec<(u32, u32)> = self.live.records().collect();
        let outcome = self.producer.cycle(|writer| {
            let add = |(id, version): &(u32, u32)| writer.add::<R::Record>(|to| R::write(*id, *version, to));
            records.par_iter().try_for_each(add)
        });
        published(outcome.await?)
    }

    /// States what changed.
    pub async fn incremental(&mut self, change: &Change) -> anyhow::Result<Publication> {
        let outcome = self.producer.incremental(|writer| {
            let upsert =
                |(id, version): &(u32, u32)| writer.upsert::<R::Record>(|to| R::write(*id, *version, to));
            change.upserts.par_iter().try_for_each(upsert)?;
            change.removed.iter().try_for_each(|id| R::remove(*id, writer))
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

/// A consumer of movies that looks only when it is told to.
pub async fn consumer(store: &Arc<dyn ObjectStore>, state: &Path) -> anyhow::Result<Consumer> {
    Ok(consumer_builder::<Movie>(store, state).start().await?)
}

/// A consumer of made-up records that will look only when it is told to.
pub fn consumer_builder<R: MadeUp>(store: &Arc<dyn ObjectStore>, state: &Path) -> ConsumerBuilder {
    let never = Duration::from_secs(3600);
    Consumer::builder(R::DATASET, Arc::clone(store))
        .memory(Memory::Mapped(Some(state.to_path_buf())))
        .poll(PollOptions { interval: never, unprompted: never })
        .wait(Wait::Never)
}

/// Bytes of the snapshot's sections, as they are mapped.
pub fn mapped_bytes(state: &State) -> anyhow::Result<u64> {
    let stats = TypeStats::of_state(state)?;
    Ok(stats.iter().map(|stats| stats.rows_bytes + stats.keys_bytes).sum())
}
