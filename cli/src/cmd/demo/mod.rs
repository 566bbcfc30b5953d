//! `demo`: a guided tour on real data, with nothing made up.
//!
//! The tour runs the verbs a user would type, each in a process of its own, follows with a consumer in another process (`consumer`), and lets one live
//! producer take over from another (`producer`). Every figure it prints was measured there and then.

mod consumer;
mod folder;
mod process;
mod producer;
mod story;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::arguments::Common;
use crate::exit::{self, Usage};

/// Take a guided tour: publish, follow, look up, survive a damaged file, go back, take over
///
/// Publishes four releases of the world's airports into a new folder while a consumer in another process follows them, and leaves the folder
/// for you to look around in. Takes some fifteen seconds.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast demo
  hollowcast demo --dir ./tour")]
pub struct Demo {
    /// The folder, new or empty [default: a new one among the system's temporary files]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Be the consumer of this tour
    #[arg(long, hide = true)]
    consumer: bool,
    /// Be a live producer of this release in the tour
    #[arg(long, hide = true, value_name = "RELEASE")]
    producer: Option<String>,
}

impl Demo {
    /// Tells the story.
    pub async fn run(&self, _common: &Common) -> Result<u8> {
        let folder = self.folder()?;
        match &self.producer {
            Some(release) => producer::run(&folder, release).await?,
            None if self.consumer => consumer::run(&folder).await?,
            None => story::tell(&folder).await?,
        }
        Ok(exit::DONE)
    }

    fn folder(&self) -> Result<PathBuf> {
        let Some(folder) = &self.dir else {
            return Ok(tempfile::Builder::new().prefix("hollowcast-demo-").tempdir()?.keep());
        };
        let cannot = || format!("cannot use the folder {}", folder.display());
        std::fs::create_dir_all(folder).with_context(cannot)?;
        let is_part = self.consumer || self.producer.is_some();
        if !is_part && std::fs::read_dir(folder).with_context(cannot)?.next().is_some() {
            let advice = "name one that is empty or not there yet";
            return Err(Usage(format!("the folder {} is not empty: {advice}", folder.display())).into());
        }
        Ok(folder.clone())
    }
}
