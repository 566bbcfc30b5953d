//! `rollback`: the content of an older version becomes the next one.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use hollowcast::identifiers::Version;
use hollowcast::log::LogEntry;
use hollowcast::producer::{CycleOptions, Dataset, Outcome, Producer};
use hollowcast::schema::Schema;

use super::holds::EVERYONE;
use super::publish::report;
use crate::arguments::{Common, TowardsOthers};
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::progress::bars;
use crate::session::{Session, memory, operator, store_to_write};

/// Publish the content of an older version as the next one
///
/// Consumers are pinned at that version at once, then it is published again with a new number and a snapshot, then they are released. Consumers
/// that somebody else pinned stay where they are. If it fails or is interrupted, it is run again and goes on from there; consumers stay at the old
/// version until then.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast rollback ./data/airports 41
  hollowcast rollback ./data/airports 41 --wait=30s --json")]
pub struct Rollback {
    /// The dataset
    url: DatasetUrl,
    /// The version whose content shall come back
    version: u64,
    /// Go back over a break, or from a newest version that cannot be read: the version's schema comes back with it
    #[arg(long)]
    accept_break: bool,
    #[command(flatten)]
    manners: TowardsOthers,
}

impl Rollback {
    /// Pins, publishes, releases.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let started = Instant::now();
        let session = Session::open(&self.url, common)?;
        let mut operator = operator(&self.url)?;
        // By this reason it knows its own pin, also that of a run that was interrupted.
        let why = format!("rollback to version {}", self.version);
        let pinned = operator.pin_unless_held(EVERYONE, Version(self.version), &why).await?;
        let is_ours = is_held_for(&pinned.entry, &why);
        let published = async {
            let outcome = self.publish(common, &session).await?;
            Ok::<_, anyhow::Error>((outcome, operator.unpin_if_held(EVERYONE, &why).await?))
        };
        let (outcome, released) = published.await.inspect_err(|_| {
            if is_ours {
                eprintln!(
                    "consumers are held at version {}: run it again to go on, or `hollowcast unpin`",
                    self.version
                );
            }
        })?;
        report(&outcome, &released.entry, started.elapsed(), common.json)?;
        Ok(exit::DONE)
    }

    async fn publish(&self, common: &Common, session: &Session) -> Result<Outcome> {
        let old = session.load(Some(self.version)).await?;
        let dataset = Dataset::dynamic(self.url.name.clone(), Schema::clone(old.state.schema()));
        let producer = Producer::builder(dataset, store_to_write(&self.url)?)
            .memory(memory(common))
            .manners(self.manners.chosen())
            .break_if_unreadable(self.accept_break)
            .writer(format!("hollowcast rollback, process {}", std::process::id()))
            .progress(bars());
        let options = CycleOptions { accept_break: self.accept_break, ..CycleOptions::default() };
        let mut producer = producer.start().await?;
        let outcome = producer.rollback_with(Version(self.version), options).await;
        producer.stop().await;
        Ok(outcome?)
    }
}

/// Whether consumers are held for this reason.
fn is_held_for(entry: &LogEntry, why: &str) -> bool {
    entry.target(EVERYONE).hold.as_ref().is_some_and(|hold| hold.why == why)
}
