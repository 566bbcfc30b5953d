//! What a dataset of movies costs to publish, to follow and to read, each figure beside the limit of this machine.
//!
//! `cargo bench --bench dataset -- [--records N] [--rounds N] [--only PART] [--json FILE]`, and `--only endurance [--cycles N]`, which is no
//! part of the rest because it takes long. Everything happens in a local folder under the system's
//! folder for temporary files; figures are medians of rounds that take turns, with the lowest and the highest.

#![allow(missing_docs, unreachable_pub)]

mod cycles;
mod endurance;
mod follower;
mod helper;
mod lookups;
mod pins;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use hollowcast_measure::machine;
use hollowcast_measure::report::Report;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much of what.
#[derive(clap::Args, Clone)]
struct Options {
    /// Records in the dataset
    #[arg(long, default_value_t = 1_000_000)]
    records: u32,
    /// Rounds of each figure
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Cycles of the endurance run
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..))]
    cycles: u32,
    /// The follower's state stays on its first base
    #[arg(long)]
    never_rebase: bool,
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Cycles,
    Lookups,
    Follower,
    Pins,
    Endurance,
}

#[derive(Subcommand)]
enum Role {
    /// Follows the dataset for the process that started it
    #[command(hide = true)]
    Follow(follower::Place),
    /// Follows the dataset of the endurance run
    #[command(hide = true)]
    Endure(endurance::Place),
    /// Starts on the dataset of the endurance run, and ends
    #[command(hide = true)]
    StartCold(endurance::Place),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.role {
        Some(Role::Follow(place)) => runtime.block_on(follower::follow(&place)),
        Some(Role::Endure(place)) => runtime.block_on(endurance::follow(&place)),
        Some(Role::StartCold(place)) => runtime.block_on(endurance::start_cold(&place)),
        None => runtime.block_on(measure(&arguments.options)),
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut report = Report::default();
    println!("{} records, {} rounds; {}", options.records, options.rounds, machine::description());
    let wanted = |part| options.only.is_none_or(|only| only == part);
    let folder = folder.path();
    if wanted(Part::Cycles) {
        cycles::measure(options, &folder.join("cycles"), &mut report).await?;
    }
    if wanted(Part::Lookups) {
        lookups::measure(options, &folder.join("lookups"), &mut report).await?;
    }
    if wanted(Part::Follower) {
        follower::measure(options, &folder.join("follower"), &mut report).await?;
    }
    if wanted(Part::Pins) {
        pins::measure(options, &folder.join("pins"), &mut report).await?;
    }
    if options.only == Some(Part::Endurance) {
        endurance::measure(options, &folder.join("endurance"), &mut report).await?;
    }
    if let Some(path) = &options.json {
        let figures = serde_json::to_string_pretty(&report.json(&machine::description()))?;
        std::fs::write(path, figures + "\n")?;
    }
    Ok(())
}
