//! `snapshot`: a version that is out gets a snapshot.

use anyhow::Result;
use clap::Args;
use hollowcast::format::Compression;
use hollowcast::identifiers::Version;
use hollowcast::producer::{LateSnapshot, SnapshotBuilder};
use serde_json::json;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, print, print_json};
use crate::session::Session;

/// Add a snapshot to a version that has none
///
/// Who starts anew fetches the newest snapshot and the deltas since; `publish` adds one every 32 versions, or when these deltas outweigh half of
/// it. This adds one now, without a version, beside a live producer, from any host.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast snapshot ./data/airports
  hollowcast snapshot ./data/airports --version 41 --json")]
pub struct Snapshot {
    /// The dataset
    url: DatasetUrl,
    /// The version; without it, the newest
    #[arg(long)]
    version: Option<u64>,
}

impl Snapshot {
    /// Loads the version, writes it anew, and names it in the log.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let Session { replica, progress } = Session::open(&self.url, common)?;
        let writer = format!("hollowcast snapshot, process {}", std::process::id());
        let mut builder = SnapshotBuilder::new(replica, writer, Compression::default(), progress);
        let built = builder.build(self.version.map(Version)).await?;
        let (snapshot, is_new) = (built.snapshot(), matches!(built, LateSnapshot::Added(_)));
        if common.json {
            print_json(&json!({"version": snapshot.version.0, "added": is_new, "bytes": snapshot.bytes}))?;
        } else {
            let verb = if is_new { "has a snapshot now" } else { "has a snapshot already" };
            print(format!("version {} {verb}, {}\n", snapshot.version, bytes(snapshot.bytes)).as_bytes())?;
        }
        Ok(exit::DONE)
    }
}
