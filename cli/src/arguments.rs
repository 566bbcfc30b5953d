//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
  0 done                     4 not found (dataset, version, key)
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
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Verb {
    Publish(cmd::publish::Publish),
    Get(cmd::get::Get),
    Export(cmd::export::Export),
    Watch(cmd::watch::Watch),
    Versions(cmd::versions::Versions),
    Log(cmd::log::Log),
    Diff(cmd::diff::Diff),
    Pin(cmd::pin::Pin),
    Unpin(cmd::pin::Unpin),
    Retain(cmd::retain::Retain),
    Schema(cmd::schema::SchemaVerb),
    Stats(cmd::stats::Stats),
    Verify(cmd::verify::Verify),
    Demo(cmd::demo::Demo),
}
