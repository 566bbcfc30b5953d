//! Feature flags: evaluated for many users a second while an operator flips them: `cargo run --release --example flags -- --flips 100`.
//!
//! A flag is a record: the share of users that see the feature, by a stable hash of the user; segments of users that always see it (a `$set`); single
//! users for whom somebody decided (a `$map`). Threads evaluate flags in passes. A pass takes one state by `consumer.read()` and answers
//! everything from it, so two flags that were changed together are never seen apart: of `checkout-old` and `checkout-new` every user has exactly
//! one, in each version, and each pass checks that.
//!
//! Four things that an operator does:
//!
//! - **flip**: an incremental version; a bus of this process tells consumers, and the time until the first evaluation with it is measured;
//! - **err**: a change that no flag may make is refused by a validator, and there is no such version;
//! - **kill**: a feature breaks, and the fleet is pinned to the version before, at once. The consumer still has that state: nothing is fetched. The
//!   mended flag is published meanwhile, and a release brings everyone to it;
//! - **roll back**: the content of an older version becomes the next one.

mod evaluators;
mod flag;
mod listeners;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use hollowcast::announce::InProcessBus;
use hollowcast::consumer::{Consumer, Memory, RefreshRoute};
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::producer::{ChangedRecord, ChangedRecords, Dataset, Producer};
use hollowcast::state::TypedTable;
use hollowcast::store::DatasetStore;

use evaluators::Evaluators;
use flag::Flags;
use generated::flags_capnp::flag as record;
use listeners::{Moves, Releases};

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod flags_capnp;
}

/// What the dataset is called.
const DATASET: &str = "flags";
/// How long a version may take to the evaluators before the program gives up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
#[command(about = "Feature flags, flipped while they are evaluated")]
struct Arguments {
    /// How often flags are flipped
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    flips: u32,
    /// How many users there are
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    users: u64,
    /// How many threads evaluate
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    threads: u8,
}

#[tokio::main]
async fn main() -> Result<()> {
    run(&Arguments::parse()).await
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut desk = Desk::open(arguments).await?;
    desk.flip(arguments.flips).await?;
    desk.err().await?;
    desk.kill().await?;
    desk.check_exposure(arguments.users)?;
    desk.roll_back(Version(1)).await?;
    desk.check_exposure(arguments.users)?;
    desk.close().await
}

/// An operator's desk: who publishes, who decides, who evaluates, and the flags as a plain list.
struct Desk {
    producer: Producer,
    operator: Operator,
    consumer: Arc<Consumer>,
    table: TypedTable<record::Owned, String>,
    evaluators: Evaluators,
    releases: Arc<Releases>,
    moves: Arc<Moves>,
    flags: Flags,
}

impl Desk {
    async fn open(arguments: &Arguments) -> Result<Self> {
        let (store, bus) = (hollowcast::store::memory(), InProcessBus::new());
        let (releases, moves) = (Arc::new(Releases::default()), Arc::new(Moves::default()));
        let flags = Flags::first();

        let dataset = Dataset::builder(DATASET).record::<record::Owned>().build()?;
        let producer = Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap);
        let producer = producer.announcer(bus.clone()).listener(releases.clone());
        let gradual = ChangedRecords::new("no flag goes from 0 to 100 % at once", "Flag", is_gradual);
        let mut producer = producer.validator(gradual).start().await?;
        producer.cycle(|writer| flags.state_all(writer)).await?;

        let consumer = Consumer::builder(DATASET, Arc::clone(&store)).memory(Memory::Heap);
        let consumer = consumer.watcher(bus.watcher(DATASET)).listener(moves.clone());
        let consumer = Arc::new(consumer.start().await?);
        let table = consumer.table()?;
        let evaluators = Evaluators::start(&consumer, &table, arguments.threads, arguments.users);
        let store = DatasetStore::new(store, DATASET.into(), Environment::system());
        let operator = Operator::new(store, "release desk", vec![Arc::new(bus)]);
        Ok(Self { producer, operator, consumer, table, evaluators, releases, moves, flags })
    }

    /// Gives the new checkout to many users or to few, in turn, and decides for a user by name.
    async fn flip(&mut self, flips: u32) -> Result<()> {
        for flip in 1..=flips {
            self.flags.share_checkout(if flip % 2 == 1 { 80 } else { 20 });
            self.flags.get_mut("dark-mode").overrides.insert(u64::from(flip), flip % 2 == 0);
            let version = self.publish().await?;
            self.reach(version).await?;
        }
        println!("{flips} flips, the last is version {}", self.producer.version());
        Ok(())
    }

    /// What no flag may do is refused before anyone sees it.
    async fn err(&mut self) -> Result<()> {
        let before = self.producer.version();
        let good = self.flags.clone();
        self.flags.get_mut("one-click").percents = 0..100;
        let refused = self.publish().await.err().context("a flag went from 0 to 100 % at once")?;
        self.flags = good;
        ensure!(self.producer.version() == before, "a refused version is there");
        println!("refused: {refused}");
        Ok(())
    }

    /// A feature breaks for those who see it: everyone goes back at once, and forward again when it is mended.
    async fn kill(&mut self) -> Result<()> {
        let before = self.producer.version();
        self.flags.get_mut("search-v2").percents = 0..60;
        let broken = self.publish().await?;
        self.reach(broken).await?;

        let begun = Instant::now();
        self.operator.pin("", before, "search-v2 breaks").await?;
        self.reach(before).await?;
        let took = begun.elapsed();
        let back = self.moves.last_to(before).context("nobody heard of the way back")?;
        ensure!(
            back.route == Some(RefreshRoute::Kept) && back.fetched_bytes == 0,
            "it was fetched: {back:?}"
        );

        self.flags.get_mut("search-v2").percents = 0..0;
        let mended = self.publish().await?;
        self.consumer.refresh().await?;
        ensure!(self.consumer.read().version() == before, "a pin holds whatever is published");
        self.operator.unpin("").await?;
        self.reach(mended).await?;
        println!(
            "version {broken} killed: back at {before} after {took:.1?}, by a state that was kept; then {mended}"
        );
        Ok(())
    }

    /// Makes the content of `version` the newest.
    async fn roll_back(&mut self, version: Version) -> Result<()> {
        let again = self.producer.rollback(version).await?.version();
        self.reach(again).await?;
        self.flags = Flags::first();
        println!("version {again} has the content of version {version}");
        Ok(())
    }

    /// Publishes the flags as they are on the list; what did not change is found out.
    async fn publish(&mut self) -> Result<Version> {
        Ok(self.producer.incremental(|writer| self.flags.state_changes(writer)).await?.version())
    }

    /// Waits until an evaluation used `version`, which nobody but the bus told the consumer of.
    async fn reach(&self, version: Version) -> Result<()> {
        let begun = Instant::now();
        // One of the threads may have ended a pass that it began long before.
        while self.evaluators.last_version() != version || self.consumer.read().version() != version {
            ensure!(begun.elapsed() < PATIENCE, "nobody evaluates with version {version}");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Ok(())
    }

    /// Evaluates each flag for every user, and compares how many have it with what the list promises.
    fn check_exposure(&self, users: u64) -> Result<()> {
        let state = self.consumer.read();
        self.flags.check(&self.table, &state)?;
        println!("exposure in version {}:", state.version());
        for flag in self.flags.iter() {
            let exposure =
                flag.exposure(self.table.get(&state, flag.name).context("a flag is gone")?, users)?;
            println!("  {:14} {exposure}", flag.name);
            ensure!(exposure.is_as_expected(), "{} is not", flag.name);
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        let Self { producer, evaluators, releases, .. } = self;
        let seen = evaluators.stop()?;
        let latencies = releases.until(seen.first_uses())?;
        println!("{seen}");
        println!(
            "from the log to the first evaluation: median {:.1?}, longest {:.1?} of {} versions",
            Duration::from_micros(latencies.value_at_quantile(0.5)),
            Duration::from_micros(latencies.max()),
            latencies.len()
        );
        producer.stop().await;
        seen.check()
    }
}

/// Whether a flag may change like this. New ones may begin anywhere.
fn is_gradual(changed: &ChangedRecord<'_>) -> bool {
    let (Some(before), Some(after)) = (changed.before(), changed.after()) else { return true };
    let percent = |flag: record::Reader<'_>| flag.get_to_percent().saturating_sub(flag.get_from_percent());
    (percent(before.typed::<record::Owned>()), percent(after.typed::<record::Owned>())) != (0, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn runs() {
        run(&Arguments::parse_from(["flags", "--flips", "5", "--users", "5000", "--threads", "1"]))
            .await
            .unwrap();
    }
}
