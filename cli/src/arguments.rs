//! What can be typed.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use hollowcast::log::politeness::Manners;

use crate::cmd;

/// Distributes read-only, in-memory datasets to fleets of services.
#[derive(Debug, Parser)]
#[command(name = "hollowcast", version, max_term_width = 110, after_help = EXIT_STATUS)]
pub struct Arguments {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_STATUS: &str = "Exit status:
  0 done                     4 not found (dataset, version, type, key)
  2 wrong usage              5 another producer was first, or is live
  3 invalid input            6 store unavailable, after retries
  1 anything else            7 stored data is damaged or missing

Examples:
  hollowcast demo
  hollowcast publish ./data/airports airports.csv --type Airport --key icao
  hollowcast get ./data/airports EDDF
  hollowcast watch ./data/airports";

/// What every verb takes.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Folder for verified sections, shared by all processes of the host [default: hollowcast in the user's cache folder]
    #[arg(long, global = true, env = "HOLLOWCAST_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What to log to standard error: error, warn, info, debug, trace, or a filter such as hollowcast=debug
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", default_value = "warn")]
    pub log: String,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What a producer does about another that is live.
#[derive(Args, Clone, Debug)]
pub struct TowardsOthers {
    /// Wait for a live producer to finish, at most so long if a time is given
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = FOREVER, conflicts_with = "take_over")]
    wait: Option<Patience>,
    /// Fence a live producer
    #[arg(long)]
    take_over: bool,
}

impl TowardsOthers {
    /// What was asked for; without a word, giving way.
    #[must_use]
    pub fn chosen(&self) -> Manners {
        match self.wait {
            _ if self.take_over => Manners::TakeOver,
            None => Manners::Refuse,
            Some(Patience(time)) => Manners::Wait(time),
        }
    }
}

const FOREVER: &str = "forever";

/// How long to wait; without a time, for as long as it takes.
#[derive(Clone, Copy, Debug)]
struct Patience(Option<Duration>);

impl FromStr for Patience {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = (text != FOREVER).then(|| humantime::parse_duration(text));
        Ok(Self(time.transpose()?))
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Verb {
    Publish(Box<cmd::publish::Publish>),
    Get(cmd::get::Get),
    Export(cmd::export::Export),
    Watch(cmd::watch::Watch),
    Versions(cmd::versions::Versions),
    Log(cmd::log::Log),
    Diff(cmd::diff::Diff),
    History(cmd::history::History),
    Pin(cmd::pin::Pin),
    Unpin(cmd::pin::Unpin),
    Rollback(cmd::rollback::Rollback),
    Retain(cmd::retain::Retain),
    Snapshot(cmd::snapshot::Snapshot),
    Schema(cmd::schema::SchemaVerb),
    Stats(cmd::stats::Stats),
    Verify(cmd::verify::Verify),
    Bench(cmd::bench::Bench),
    Demo(cmd::demo::Demo),
    Completions(cmd::completions::Completions),
    Man(cmd::man::ManPage),
}

impl Verb {
    /// What it is called, if it has no JSON to print.
    #[must_use]
    pub fn without_json(&self) -> Option<&'static str> {
        match self {
            Self::Schema(_) => Some("schema"),
            Self::Demo(_) => Some("demo"),
            Self::Completions(_) => Some("completions"),
            Self::Man(_) => Some("man"),
            _ => None,
        }
    }
}
