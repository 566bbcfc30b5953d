//! `versions`: the chain.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Args;
use hollowcast::format::Manifest;
use hollowcast::identifiers::Fingerprint;
use hollowcast::log::LogEntry;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, print_json, print_table, time};
use crate::session::Session;

/// List the versions, newest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast versions ./data/airports
  hollowcast versions ./data/airports --json")]
pub struct Versions {
    /// The dataset
    url: DatasetUrl,
}

impl Versions {
    /// Prints the list.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?;
        let chain = session.chain().await?;
        let manifests = chain.manifests().await?;
        let rows = manifests.iter().map(|(_, manifest)| Row::new(manifest, chain.entry()));
        if common.json {
            let rows: Vec<Value> = rows.map(|row| row.json()).collect();
            print_json(&rows)?;
        } else {
            let headings =
                ["VERSION", "TIME", "RECORDS", "SNAPSHOT", "DELTA", "REVERSE", "FINGERPRINT", "", "TAGS"];
            print_table(&headings, &[0, 2, 3, 4, 5], rows.map(|row| row.cells()).collect())?;
        }
        Ok(exit::DONE)
    }
}

struct Row<'m> {
    manifest: &'m Manifest,
    snapshot: Option<u64>,
    is_target: bool,
    is_pinned: bool,
}

impl<'m> Row<'m> {
    fn new(manifest: &'m Manifest, entry: &LogEntry) -> Self {
        let snapshot = entry.snapshots.iter().find(|snapshot| snapshot.version == manifest.version);
        let target = entry.target("");
        let is_target = target.manifest.is_some_and(|target| target.version == manifest.version);
        Self {
            manifest,
            snapshot: snapshot.map(|snapshot| snapshot.bytes),
            is_target,
            is_pinned: is_target && target.hold.is_some(),
        }
    }

    fn time(&self) -> String {
        time(SystemTime::UNIX_EPOCH + Duration::from_millis(self.manifest.created_at_ms))
    }

    fn records(&self) -> u64 {
        self.manifest.types.iter().map(|summary| summary.records).sum()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.manifest.types.iter().map(|summary| summary.fingerprint).sum()
    }

    fn delta(&self) -> Option<u64> {
        self.manifest.delta.as_ref().map(|blob| blob.length)
    }

    fn reverse(&self) -> Option<u64> {
        self.manifest.reverse_delta.as_ref().map(|blob| blob.length)
    }

    fn json(&self) -> Value {
        let types: serde_json::Map<String, Value> = self
            .manifest
            .types
            .iter()
            .map(|summary| (summary.name.clone(), summary.records.into()))
            .collect();
        json!({
            "version": self.manifest.version.0,
            "time": self.time(),
            "records": types,
            "bytes": { "snapshot": self.snapshot, "delta": self.delta(), "reverse": self.reverse() },
            "fingerprint": self.fingerprint().to_string(),
            "target": self.is_target,
            "pinned": self.is_pinned,
            "tags": self.manifest.tags,
        })
    }

    fn cells(&self) -> Vec<String> {
        let size = |length: Option<u64>| length.map_or_else(|| "-".to_owned(), bytes);
        let state = match (self.is_target, self.is_pinned) {
            (true, true) => "target, pinned",
            (true, false) => "target",
            _ => "",
        };
        let tags: Vec<String> =
            self.manifest.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            self.manifest.version.to_string(),
            self.time(),
            self.records().to_string(),
            size(self.snapshot),
            size(self.delta()),
            size(self.reverse()),
            self.fingerprint().to_string()[..12].to_owned(),
            state.to_owned(),
            tags.join(" "),
        ]
    }
}
