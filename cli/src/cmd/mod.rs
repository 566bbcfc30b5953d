//! The verbs, one file each.

pub mod bench;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod export;
mod fields;
pub mod get;
pub mod history;
mod holds;
pub mod log;
pub mod man;
pub mod pin;
pub mod publish;
pub mod retain;
pub mod rollback;
pub mod schema;
pub mod snapshot;
pub mod stats;
pub mod verify;
pub mod versions;
pub mod watch;

use anyhow::Result;

use crate::arguments::{Arguments, Verb};
use crate::exit::Usage;

/// Runs a verb; its exit status.
pub async fn run(arguments: Arguments) -> Result<u8> {
    let Arguments { common, verb } = arguments;
    if let (true, Some(name)) = (common.json, verb.without_json()) {
        return Err(Usage(format!("`{name}` has no JSON to print: leave --json out")).into());
    }
    match verb {
        Verb::Publish(verb) => verb.run(&common).await,
        Verb::Get(verb) => verb.run(&common).await,
        Verb::Export(verb) => verb.run(&common).await,
        Verb::Watch(verb) => verb.run(&common).await,
        Verb::Versions(verb) => verb.run(&common).await,
        Verb::Log(verb) => verb.run(&common).await,
        Verb::Diff(verb) => verb.run(&common).await,
        Verb::History(verb) => verb.run(&common).await,
        Verb::Pin(verb) => verb.run(&common).await,
        Verb::Unpin(verb) => verb.run(&common).await,
        Verb::Rollback(verb) => verb.run(&common).await,
        Verb::Retain(verb) => verb.run(&common).await,
        Verb::Snapshot(verb) => verb.run(&common).await,
        Verb::Schema(verb) => verb.run(&common).await,
        Verb::Stats(verb) => verb.run(&common).await,
        Verb::Verify(verb) => verb.run(&common).await,
        Verb::Bench(verb) => verb.run(&common).await,
        Verb::Demo(verb) => verb.run(&common).await,
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    }
}
