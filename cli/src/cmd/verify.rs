//! `verify`: everything the log reaches, fetched and checked.

use anyhow::{Context, Result};
use clap::Args;
use hollowcast::cache::{SegmentStore, StateDirectory, StateDirectoryOptions};
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use serde_json::json;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, counted, print, print_json};
use crate::session::Session;

/// Fetch and check everything: checksums, structure, fingerprints along the chain both ways
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast verify ./data/airports
  hollowcast verify ./data/airports --version 6")]
pub struct Verify {
    /// The dataset
    url: DatasetUrl,
    /// Only this version and what leads to it
    #[arg(long)]
    version: Option<u64>,
}

impl Verify {
    /// Checks, with a state directory of its own: what another process checked before proves nothing here.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let folder =
            tempfile::tempdir().context("no temporary folder can be made; free space or set TMPDIR")?;
        let options = StateDirectoryOptions { budget_bytes: 0, ..StateDirectoryOptions::default() };
        let directory = StateDirectory::open(folder.path(), options, Environment::system());
        let segments = SegmentStore::mapped(directory.map_err(hollowcast::Error::from)?);
        let session = Session::with_segments(&self.url, segments)?;
        let checked =
            hollowcast::tools::verify(&session.replica, self.version.map(Version), &session.progress).await?;
        if common.json {
            print_json(&json!({
                "clean": true,
                "log_entries": checked.entries,
                "versions": checked.versions,
                "deltas": checked.deltas,
                "snapshots": checked.snapshots,
                "bytes": checked.bytes,
            }))?;
        } else {
            let line = format!(
                "clean: {}, {}, {} and reverse deltas, {}, {}\n",
                counted(checked.entries, "log entry", "log entries"),
                counted(checked.versions, "version", "versions"),
                counted(checked.deltas, "delta", "deltas"),
                counted(checked.snapshots, "snapshot", "snapshots"),
                bytes(checked.bytes)
            );
            print(line.as_bytes())?;
        }
        Ok(exit::DONE)
    }
}
