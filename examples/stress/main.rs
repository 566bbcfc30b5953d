//! Many producers and consumers on one folder, killed, stopped and woken, and a check of everything they did:
//! `cargo run --release --example stress -- --seconds 60`.
//!
//! Two live producers stand by for each other; one after the other is killed or stopped for a while. Six processes publish now and then,
//! politely or not. Retention runs every second; an operator pins, unpins and rolls back. Ten consumers follow, three of which start anew again
//! and again. An auditor reads every entry of the log. The records are accounts between which money moves: in every state that a consumer
//! sees, their sum has to be the same.
//!
//! `-- --takeovers 20` measures how soon a standby goes on instead.

mod auditor;
mod consumers;
mod ledger;
mod operator;
mod producers;
mod report;
mod takeover;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use object_store::ObjectStore;

use hollowcast::environment::Environment;
use hollowcast::store::DatasetStore;

use auditor::Auditor;
use report::Report;

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod ledger_capnp;
}

/// How long stragglers may take at the end: a look at the log without a hint, with its jitter, and a move.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Parser)]
#[command(about = "Producers and consumers under stress, checked")]
struct Arguments {
    /// How long
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Takes over so often from a holder that is killed, and from one that is stopped and woken, instead
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    takeovers: Option<u32>,
    /// The folder; without it, one that goes afterwards
    #[arg(long)]
    folder: Option<PathBuf>,
    /// What a process of its own does
    #[arg(long, value_enum, hide = true)]
    role: Option<producers::Role>,
}

/// Where everything lies.
#[derive(Clone)]
struct Place {
    store: Arc<dyn ObjectStore>,
    dataset: DatasetStore,
    folder: PathBuf,
}

impl Place {
    fn new(folder: &Path) -> Result<Self> {
        let environment = Environment::system();
        let store = hollowcast::store::local(folder.join("store"), &environment)?;
        let dataset = DatasetStore::new(Arc::clone(&store), ledger::DATASET.into(), environment);
        Ok(Self { store, dataset, folder: folder.to_owned() })
    }

    /// Where verified data lies, for all processes.
    fn state_directory(&self) -> PathBuf {
        self.folder.join("state")
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let place = Place::new(arguments.folder.as_deref().unwrap_or(temporary.path()))?;
    if let Some(role) = arguments.role {
        return producers::run(role, &place).await;
    }
    producers::open_accounts(&place).await?;
    match arguments.takeovers {
        Some(rounds) => takeover::run(&place, rounds).await,
        None => stress(&place, Duration::from_secs(arguments.seconds)).await,
    }
}

async fn stress(place: &Place, duration: Duration) -> Result<()> {
    let report = Arc::new(Report::default());
    let auditor = Auditor::new(place.dataset.clone());
    let fleet = consumers::Fleet::start(place, &report).await?;
    let processes = producers::Processes::start(place, &report);
    let operator = operator::start(place, &report);
    let (folder, begun) = (place.folder.join("store"), std::time::Instant::now());
    while begun.elapsed() < duration {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.check();
        report.note_disk(begun.elapsed(), &folder);
        report.print_minutes(begun.elapsed());
    }
    processes.stop().await;
    operator.stop().await;
    tokio::time::sleep(SETTLE).await;
    let audit = auditor.finish().await?;
    fleet.check();
    fleet.finish(&audit);
    operator::tidy_up(place, &report).await?;
    report.print(&audit, duration)
}
