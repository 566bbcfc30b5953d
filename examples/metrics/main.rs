//! What to measure of a producer and its consumers, and how: `cargo run --release --example metrics -- --items 100000`.
//!
//! A `Collector` listens to every cycle (`CycleListener`) and every refresh (`RefreshListener`) and counts. Beside that a consumer tells how
//! old its data may be (`confirmed_at`) and how many states readers keep from being freed (`retired`), and figures of the business come from the
//! states themselves: they are of one version each, whatever is published meanwhile.
//!
//! The program has things go wrong that do go wrong, while readers read on:
//!
//! - requests to the store fail now and then: they are tried again, and nobody notices but the store;
//! - a cycle states what a validator refuses: it fails, and is counted by the stage that it failed in;
//! - a delta is damaged in the store: it is refused, counted, and the way goes by the snapshot;
//! - an operator holds the fleet at the version before, and releases it;
//! - the store is out of reach: a refresh fails, the age of the data grows, and the old state serves on.
//!
//! After each of these a line of JSON is printed, which any collector of metrics can take; its shape is that of `export::Export`:
//!
//! ```json
//! {"after": "the damage",
//!  "cycles": {"published": 9, "unchanged": 1, "failed": {"validate": 1}, "uploaded_bytes": 81920, "changed_records": 640,
//!             "stages": {"prepare": {"count": 10, "median_us": 900, "p99_us": 2100, "longest_us": 2100}}},
//!  "refreshes": {"looks": 20, "moves": {"delta": 16, "snapshot": 4}, "failed": {}, "refused_blobs": {"Corrupt": 2}, "fetched_bytes": 65536,
//!                "rebases": 2, "rebases_failed": 0, "took": {"count": 20, "median_us": 1500, "p99_us": 90000, "longest_us": 90000}},
//!  "consumers": [{"version": 9, "age_ms": 12, "held_by": null, "pinned_to": null, "retired_states": 0, "oldest_retired_ms": null}],
//!  "business": {"version": 9, "records": 10000, "categories": {"tools": {"records": 3333, "average_cents": 5012.5, "stock": 81234}}}}
//! ```

mod business;
mod collector;
mod export;
mod readers;
mod scrape;
mod unreliable;
mod warehouse;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, Memory, RebaseThresholds};
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::producer::{ChangedRecords, CycleOptions, Dataset, Outcome, Producer};
use hollowcast::store::DatasetStore;

use collector::{Collector, Done};
use generated::stock_capnp::item;
use readers::Readers;
use unreliable::Unreliable;
use warehouse::Warehouse;

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod stock_capnp;
}

/// What the dataset is called.
const DATASET: &str = "stock";
const CONSUMERS: usize = 2;
/// Bytes of the first request for a blob: its header, and maybe the beginning of a section, which comes again with the rest.
const FIRST_REQUEST: u64 = 64 << 10;
/// How long what goes on in the background may take before the program gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Consumers look when they are told to, so that what they do can be counted.
const NEVER: Duration = Duration::from_secs(24 * 3600);

#[derive(Parser)]
#[command(about = "Metrics of a producer and its consumers, through good days and bad ones")]
struct Arguments {
    /// How many items the warehouse has
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(300..))]
    items: u32,
    /// How many versions come while all is well
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(8..))]
    versions: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    run(&Arguments::parse()).await
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut site = Site::open(arguments.items).await?;
    let readers = Readers::start(&site.consumers, arguments.items)?;
    site.good_days(arguments.versions).await?;
    site.refused_cycle().await?;
    site.damaged_delta().await?;
    site.pinned_fleet().await?;
    site.outage(&readers).await?;
    let read = readers.stop()?;
    println!("{read}");
    site.close().await
}

/// Who publishes, who follows, what counts them, and by what they are checked.
struct Site {
    store: Arc<dyn ObjectStore>,
    /// The store as consumers see it.
    network: Arc<Unreliable>,
    producer: Producer,
    consumers: Vec<Arc<Consumer>>,
    collector: Arc<Collector>,
    warehouse: Warehouse,
    /// What was done, by what came back to callers and lies in the store, and not by what listeners heard.
    done: Done,
}

impl Site {
    async fn open(items: u32) -> Result<Self> {
        let store = hollowcast::store::memory();
        let network = Arc::new(Unreliable::new(Arc::clone(&store)));
        let (collector, mut warehouse) = (Arc::new(Collector::default()), Warehouse::new(items));

        let dataset = Dataset::builder(DATASET).record::<item::Owned>().build()?;
        let priced = ChangedRecords::new("everything has a price", "Item", |changed| {
            changed.after().is_none_or(|item| item.typed::<item::Owned>().get_cents() > 0)
        });
        let producer = Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap).validator(priced);
        let mut producer = producer.listener(collector.clone()).start().await?;
        let mut done = Done::default();
        let begun = Instant::now();
        let outcome = producer.cycle(|writer| warehouse.state_all(writer)).await;
        done.cycle(&outcome, begun, warehouse.take_changed());

        let mut consumers = Vec::new();
        for _ in 0..CONSUMERS {
            let consumer = Consumer::builder(DATASET, network.clone()).memory(Memory::Heap);
            let consumer = consumer.poll(PollOptions { interval: NEVER, unprompted: NEVER });
            // So few that a short program sees a rebase; the defaults suit nearly everyone.
            let thresholds = RebaseThresholds { sections: 6, ..RebaseThresholds::default() };
            let begun = Instant::now();
            consumers.push(Arc::new(consumer.rebase(thresholds).listener(collector.clone()).start().await?));
            done.start(begun);
        }
        // What a start fetched nobody is told; only sections are counted.
        let (fetched, came) = (collector.refreshes().fetched_bytes, network.blob_bytes());
        let is_right = fetched > 0 && fetched <= came && came <= fetched + FIRST_REQUEST * CONSUMERS as u64;
        ensure!(is_right, "{fetched} bytes fetched, {came} came");
        done.fetched_bytes = fetched;
        let site = Self { store, network, producer, consumers, collector, warehouse, done };
        // One look by each when it starts, and one when it begins to follow.
        site.until("consumers follow", |site| site.collector.looks() >= 2 * CONSUMERS as u64).await?;
        Ok(site)
    }

    /// Versions come, and consumers follow. Every seventh request of theirs fails. A report holds on to an old state.
    async fn good_days(&mut self, versions: u32) -> Result<()> {
        self.network.fail_every(7);
        let report = self.consumers[0].state();
        for _ in 0..versions {
            self.warehouse.trade();
            self.publish(CycleOptions::default()).await?;
            self.refresh().await?;
        }
        let again = self.publish(CycleOptions::default()).await?;
        ensure!(matches!(again, Outcome::Unchanged(_)), "what did not change became a version");
        self.network.fail_every(0);
        ensure!(self.network.failures() > 0, "no request failed");
        println!("{} requests failed and were tried again", self.network.failures());

        self.until("a rebase", |site| site.collector.rebases() > 0).await?;
        ensure!(self.consumers[0].retired().count > 0, "a state that a report has is not counted");
        let told = self.export("good days")?;
        ensure!(scrape::number(&told["consumers"][0]["retired_states"])? > 0, "nor is it told of");
        drop(report);
        self.until("nothing retired", |site| site.consumers.iter().all(|each| each.retired().count == 0))
            .await
    }

    /// A version that must not be.
    async fn refused_cycle(&mut self) -> Result<()> {
        let before = self.producer.version();
        let begun = Instant::now();
        let refused = self.producer.incremental(Warehouse::state_without_price).await;
        self.done.cycle(&refused, begun, 0);
        println!("refused: {}", refused.err().context("an item without a price was published")?);
        ensure!(self.producer.version() == before, "a refused cycle left a version");
        self.refresh().await?;
        self.export("a refused cycle").map(drop)
    }

    /// A version whose delta is damaged before anyone has it.
    async fn damaged_delta(&mut self) -> Result<()> {
        self.warehouse.trade();
        self.publish(CycleOptions { snapshot: true, ..CycleOptions::default() }).await?;
        self.damage_newest("deltas").await?;
        let refused = self.done.refused;
        self.refresh().await?;
        ensure!(self.done.refused == refused + CONSUMERS as u64, "a damaged delta was taken");
        self.export("the damage").map(drop)
    }

    /// An operator holds the fleet at the version before.
    async fn pinned_fleet(&mut self) -> Result<()> {
        let store = DatasetStore::named(Arc::clone(&self.store), DATASET, Environment::system())?;
        let mut operator = Operator::new(store, "ops", Vec::new());
        let before = Version(self.producer.version().0 - 1);
        for held_by in [Some("ops"), None] {
            match held_by {
                Some(_) => operator.pin("", before, "prices look wrong").await?,
                None => operator.unpin("").await?,
            };
            self.refresh().await?;
            let after = if held_by.is_some() { "a pin" } else { "its release" };
            for told in self.export(after)?["consumers"].as_array().context("there are no consumers")? {
                ensure!(told["held_by"].as_str() == held_by, "{after} is not told of: {told}");
                let is_held = scrape::number(&told["version"])? == before.0;
                ensure!(is_held == held_by.is_some(), "{after} is not followed: {told}");
            }
        }
        Ok(())
    }

    /// No request of a consumer comes through, while versions are published.
    async fn outage(&mut self, readers: &Readers) -> Result<()> {
        let confirmed: Vec<SystemTime> = self.consumers.iter().map(|each| each.confirmed_at()).collect();
        let (old, lookups) = (self.consumers[0].read().version(), readers.lookups());
        let begun = Instant::now();
        self.network.set_down(true);
        for _ in 0..2 {
            self.warehouse.trade();
            self.publish(CycleOptions::default()).await?;
        }
        self.refresh().await?;
        ensure!(self.consumers[0].read().version() == old, "a version came without a store");
        ensure!(readers.lookups() > lookups, "readers had to wait");
        let stayed = self.consumers.iter().zip(&confirmed).all(|(each, at)| each.confirmed_at() == *at);
        ensure!(stayed, "data counts as fresh that nobody could confirm");
        let lasted = begun.elapsed();
        for told in self.export("an outage")?["consumers"].as_array().context("there are no consumers")? {
            let age = Duration::from_millis(scrape::number(&told["age_ms"])?);
            ensure!(
                age + Duration::from_millis(2) >= lasted,
                "an age of {age:?} after an outage of {lasted:?}"
            );
        }

        self.network.set_down(false);
        self.refresh().await?;
        let fresh = self.consumers.iter().zip(&confirmed).all(|(each, at)| each.confirmed_at() != *at);
        ensure!(fresh, "the age did not go back");
        Ok(())
    }

    /// Publishes what the warehouse has.
    async fn publish(&mut self, options: CycleOptions) -> Result<Outcome> {
        let (begun, changed) = (Instant::now(), self.warehouse.take_changed());
        let outcome = self.producer.cycle_with(options, |writer| self.warehouse.state_all(writer)).await;
        self.done.cycle(&outcome, begun, changed);
        Ok(outcome?)
    }

    /// Has every consumer look now; one that fails is noted, and no more.
    async fn refresh(&mut self) -> Result<()> {
        let begun = Instant::now();
        for refreshed in futures::future::join_all(self.consumers.iter().map(|each| each.refresh())).await {
            self.done.refresh(&refreshed, begun);
        }
        Ok(())
    }

    /// Changes a byte in the middle of the newest object of a folder.
    async fn damage_newest(&self, folder: &str) -> Result<()> {
        let newest = self.objects(folder).await?.into_iter().map(|object| object.location).max();
        let newest = newest.context("there is none")?;
        let mut bytes = self.store.get(&newest).await?.bytes().await?.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        self.store.put(&newest, bytes.into()).await?;
        Ok(())
    }

    async fn objects(&self, folder: &str) -> Result<Vec<ObjectMeta>> {
        let folder = Path::from(format!("{DATASET}/{folder}"));
        Ok(self.store.list(Some(&folder)).try_collect().await?)
    }

    /// Prints how things are, and reads it as who collects it does.
    fn export(&self, after: &str) -> Result<serde_json::Value> {
        let begun = Instant::now();
        let export = export::Export::of(after, &self.collector, &self.consumers)?;
        let line = serde_json::to_string(&export)?;
        println!("{line}");
        scrape::read(&line, begun, &self.collector, &self.consumers)
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self) {
            ensure!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Holds the counters against what was done, and the states against the warehouse.
    async fn close(mut self) -> Result<()> {
        self.export("everything")?;
        for folder in ["snapshots", "deltas", "reverse"] {
            self.done.uploaded_bytes +=
                self.objects(folder).await?.iter().map(|object| object.size).sum::<u64>();
        }
        self.collector.check(&self.done)?;
        let (fetched, came) = (self.done.fetched_bytes, self.network.blob_bytes());
        ensure!(fetched <= came, "{fetched} bytes fetched, {came} came");
        for consumer in &self.consumers {
            self.warehouse.check(&business::Figures::of(&consumer.read())?)?;
        }
        self.producer.stop().await;
        println!("checked: the counters add up with what was done: {:?}", self.done);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn runs() {
        run(&Arguments::parse_from(["metrics", "--items", "300", "--versions", "10"])).await.unwrap();
    }
}
