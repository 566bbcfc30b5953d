//! A registry of devices, the gateways that look them up, and firmware that is tried before everyone gets it:
//! `cargo run --release --example devices -- --devices 100000`.
//!
//! Devices are known by tenant and serial number, a composite key; each references the firmware that it shall run, has tags (a `$set`) and
//! settings (a `$map`). Gateways are consumers: for every message they look its device up, check its token and find out where the message goes.
//! Meanwhile devices come, go and get other firmware, version after version.
//!
//! Then a firmware goes to the whole fleet, which is a version like any other, and therefore looked at first:
//!
//! 1. The version is published and held back (`CycleOptions::hold_back`): it is there, and no gateway moves.
//! 2. An operator pins the ring `canary` to it (`Operator::pin`). One gateway is in that ring, and tries the firmware on devices of its own.
//! 3. If they fail, the canary goes back to the state that it still has, and the producer publishes the content of before as the next version
//!    (`Producer::rollback`). If they do well, or after that, everyone is released (`Operator::unpin`).
//!
//! All gateways of this process share one state directory: the dataset lies on disk and in memory once.

mod gateway;
mod registry;
mod rollout;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use hollowcast::announce::InProcessBus;
use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::producer::{DanglingReferences, Dataset, Producer};
use hollowcast::store::DatasetStore;

use gateway::{Gateway, Traffic};
use generated::devices_capnp::{device, firmware};
use registry::Registry;

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod devices_capnp;
}

/// What the dataset is called.
const DATASET: &str = "devices";
/// The ring of the gateway that sees versions first.
const CANARY: &str = "canary";
/// How long gateways may take to a version before the program gives up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
#[command(about = "A device registry, its gateways, and a rollout that is tried first")]
struct Arguments {
    /// How many devices there are at first
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    devices: u64,
    /// How many gateways there are besides the canary
    #[arg(long, default_value_t = 2)]
    gateways: usize,
    /// How many versions of registrations come before the rollout, and as many after it
    #[arg(long, default_value_t = 20)]
    versions: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    run(&Arguments::parse()).await
}

async fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut site = Site::open(folder.path(), arguments).await?;
    site.register(arguments.versions).await?;
    let hasty = rollout::roll_out(&mut site, |_| true).await?;
    println!("to all boards: {hasty}");
    site.register(arguments.versions).await?;
    let careful = rollout::roll_out(&mut site, |device| device.board >= 2).await?;
    println!("to boards from revision 2 on: {careful}");
    ensure!(!hasty.is_released() && careful.is_released(), "the canary took a bad build for a good one");
    site.close().await
}

/// Everything there is: who publishes, who decides, who reads, and the plain map that they are checked by.
struct Site {
    producer: Producer,
    operator: Operator,
    registry: Registry,
    canary: Gateway,
    gateways: Vec<Gateway>,
}

impl Site {
    async fn open(folder: &Path, arguments: &Arguments) -> Result<Self> {
        let environment = Environment::system();
        let store = hollowcast::store::local(folder.join("store"), &environment)?;
        let memory = Memory::Mapped(Some(folder.join("state")));
        let bus = InProcessBus::new();
        let registry = Registry::new(arguments.devices);

        let dataset =
            Dataset::builder(DATASET).record::<device::Owned>().record::<firmware::Owned>().build()?;
        let producer = Producer::builder(dataset, Arc::clone(&store)).memory(memory.clone());
        // No device may be told to run what there is not.
        let producer = producer.validator(DanglingReferences::default()).announcer(bus.clone());
        let mut producer = producer.start().await?;
        producer.cycle(|writer| registry.state_all(writer)).await?;

        let start = |ring| Gateway::start(Arc::clone(&store), memory.clone(), &bus, ring, arguments.devices);
        let canary = start(CANARY).await?;
        let mut gateways = Vec::new();
        for _ in 0..arguments.gateways {
            gateways.push(start("").await?);
        }
        let store = DatasetStore::new(store, DATASET.into(), environment);
        let operator = Operator::new(store, "fleet operations", vec![Arc::new(bus)]);
        println!("{} devices, {} gateways and a canary", registry.len(), gateways.len());
        Ok(Self { producer, operator, registry, canary, gateways })
    }

    /// Publishes some days of a fleet's life: devices come and go, some get other firmware.
    async fn register(&mut self, versions: u64) -> Result<()> {
        for _ in 0..versions {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let changes = self.registry.next_changes();
            self.producer.incremental(|writer| registry::state_changes(writer, &changes)).await?;
        }
        let took = self.everyone_at(self.producer.version()).await?;
        println!(
            "version {}: {} devices, all gateways have it {took:.1?} later",
            self.producer.version(),
            self.registry.len()
        );
        Ok(())
    }

    /// Waits until every gateway, the canary too, is at `version`. How long that took.
    async fn everyone_at(&self, version: Version) -> Result<Duration> {
        let begun = Instant::now();
        for gateway in self.gateways.iter().chain([&self.canary]) {
            gateway.reach(version).await?;
        }
        Ok(begun.elapsed())
    }

    /// Ends the traffic, says what came of it, and holds every gateway against the plain map.
    async fn close(self) -> Result<()> {
        for gateway in self.gateways.iter().chain([&self.canary]) {
            self.registry
                .check(&gateway.consumer().read())
                .context("a gateway differs from the plain map")?;
        }
        let mut traffic = Traffic::default();
        for gateway in self.gateways.into_iter().chain([self.canary]) {
            traffic.add(&gateway.stop()?);
        }
        self.producer.stop().await;
        println!("{traffic}");
        traffic.check()?;
        println!(
            "checked: every gateway has the {} devices of the plain map, field by field",
            self.registry.len()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn runs() {
        let arguments = ["devices", "--devices", "2000", "--gateways", "1", "--versions", "3"];
        run(&Arguments::parse_from(arguments)).await.unwrap();
    }
}
