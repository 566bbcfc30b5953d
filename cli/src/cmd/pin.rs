//! `pin` and `unpin`: where the fleet shall be.

use anyhow::Result;
use clap::Args;
use hollowcast::identifiers::Version;
use hollowcast::log::Target;
use hollowcast::operator::Decided;
use serde_json::json;

use super::holds::{EVERYONE, by_whom, is_pinned};
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{print, print_json};
use crate::session::operator;

/// Hold all consumers at a version, whatever is published meanwhile
///
/// They go there at once, back by reverse deltas if need be, and stay until they are released. Versions go on being published; nobody sees
/// them yet.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast pin ./data/airports 41 --why 'prices of 42 are wrong'
  hollowcast pin ./data/airports 40 --json")]
pub struct Pin {
    /// The dataset
    url: DatasetUrl,
    /// The version to hold them at
    version: u64,
    /// The reason, for whoever reads the log
    #[arg(long, default_value = "", value_name = "TEXT")]
    why: String,
}

/// Release the consumers: they go to the newest version and follow again
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast unpin ./data/airports")]
pub struct Unpin {
    /// The dataset
    url: DatasetUrl,
}

impl Pin {
    /// Pins.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let decided = operator(&self.url)?.pin(EVERYONE, Version(self.version), &self.why).await?;
        report(&decided, common, |target, is_new| {
            let already = match &target.hold {
                Some(hold) if !is_new => format!(" already {}", by_whom(hold)),
                _ => String::new(),
            };
            format!("pinned at version {}{already}; `hollowcast unpin` releases it\n", target.version())
        })
    }
}

impl Unpin {
    /// Releases.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let decided = operator(&self.url)?.unpin(EVERYONE).await?;
        report(&decided, common, |target, is_new| match is_new {
            true => format!("released; consumers go to version {}\n", target.version()),
            false => format!("nothing held it; consumers are told to be at version {}\n", target.version()),
        })
    }
}

fn report(decided: &Decided, common: &Common, words: impl Fn(&Target, bool) -> String) -> Result<u8> {
    let target = decided.entry.target(EVERYONE);
    if common.json {
        print_json(&json!({
            "changed": decided.is_new,
            "target": target.version().0,
            "pinned": is_pinned(target),
            "entry": decided.entry.sequence.0,
        }))?;
    } else {
        print(words(target, decided.is_new).as_bytes())?;
    }
    Ok(exit::DONE)
}
