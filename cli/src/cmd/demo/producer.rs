//! A live producer of the tour: a process that stands by, publishes one release when it is its turn, and holds the dataset until standard input
//! ends, or until it is killed.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use hollowcast::producer::Outcome;
use serde::{Deserialize, Serialize};

use super::folder::Tour;
use crate::arguments::{Arguments, Verb};
use crate::output::print_json;

/// What a live producer says, one JSON object a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// It waits for its turn.
    StandsBy { at_version: u64 },
    /// It has the dataset, and published a version.
    Published { version: u64, epoch: u64, milliseconds: f64 },
}

/// Waits for its turn and publishes `release`.
pub(super) async fn run(folder: &Path, release: &str) -> Result<()> {
    let tour = Tour::of(folder);
    let arguments = ["hollowcast", "publish"].map(Into::into).into_iter();
    let arguments = arguments.chain([tour.dataset.into_os_string(), tour.releases.join(release).into()]);
    let state = ["--state-dir".into(), tour.producer_state.into_os_string()];
    let Arguments { common, verb } = Arguments::parse_from(arguments.chain(state));
    let Verb::Publish(publish) = verb else { bail!("`publish` is a verb") };
    let (producer, records) = publish.ready(&common).await?;
    let standby = producer.stand_by()?;
    print_json(&Event::StandsBy { at_version: standby.version().0 })?;
    let began = Instant::now();
    let mut producer = standby.take_over().await?;
    let Outcome::Published(publication) = publish.cycle(&mut producer, &records).await? else {
        bail!("the release changes nothing");
    };
    print_json(&Event::Published {
        version: publication.version.0,
        epoch: producer.epoch().0,
        milliseconds: began.elapsed().as_secs_f64() * 1e3,
    })?;
    let held = tokio::task::spawn_blocking(|| std::io::stdin().lock().read_to_end(&mut Vec::new()));
    held.await?.context("standard input cannot be read")?;
    producer.stop().await;
    Ok(())
}
