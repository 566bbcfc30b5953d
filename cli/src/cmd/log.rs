//! `log`: who decided what and when.

use anyhow::Result;
use clap::Args;
use hollowcast::identifiers::Sequence;
use hollowcast::log::{EntryKind, LogEntry};
use hollowcast::replica::Chain;
use hollowcast::store::{DatasetStore, Family, ObjectName};
use serde_json::json;

use super::holds::{EVERYONE, hold_json, reason_name};
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{print_json, print_table, time};
use crate::session::dataset_store;

/// Print the control log: who decided what and when, newest last
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast log ./data/airports
  hollowcast log ./data/airports --limit 20")]
pub struct Log {
    /// The dataset
    url: DatasetUrl,
    /// At most so many entries, the newest ones
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Log {
    /// Prints the entries.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let store = dataset_store(&self.url)?;
        Chain::open(&store).await?;
        let entries = self.entries(&store).await?;
        if common.json {
            let entries: Vec<_> = entries.iter().map(json_of).collect();
            print_json(&entries)?;
        } else {
            let headings = ["ENTRY", "TIME", "WHAT", "EPOCH", "OLDEST", "NEWEST", "TARGET", "", "BY"];
            print_table(&headings, &[0, 3, 4, 5, 6], entries.iter().map(cells_of).collect())?;
        }
        Ok(exit::DONE)
    }

    async fn entries(&self, store: &DatasetStore) -> Result<Vec<LogEntry>> {
        let listed = store.list(Family::Log, None).await.map_err(hollowcast::Error::from)?;
        let numbers = listed.into_iter().filter_map(|listed| match listed.name {
            ObjectName::LogEntry(sequence) => Some(sequence),
            _ => None,
        });
        let mut numbers: Vec<Sequence> = numbers.collect();
        numbers.sort_unstable();
        let first = numbers.len().saturating_sub(self.limit.map_or(usize::MAX, |limit| limit as usize));
        let mut entries = Vec::new();
        for sequence in &numbers[first..] {
            let name = ObjectName::LogEntry(*sequence);
            // One that went since it was listed was given up.
            let found = store.find(&name, LogEntry::LIMIT).await.map_err(hollowcast::Error::from)?;
            let Some(bytes) = found else { continue };
            entries.push(LogEntry::decode(bytes, *sequence).map_err(hollowcast::Error::from)?.entry);
        }
        Ok(entries)
    }
}

fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Claim => "claim",
        EntryKind::Commit => "commit",
        EntryKind::Snapshot => "snapshot",
        EntryKind::Pin => "pin",
        EntryKind::Unpin => "unpin",
        EntryKind::Floor => "floor",
    }
}

fn json_of(entry: &LogEntry) -> serde_json::Value {
    json!({
        "entry": entry.sequence.0,
        "time": time(entry.at),
        "kind": kind_name(entry.kind),
        "epoch": entry.epoch.0,
        "oldest": entry.oldest_version().0,
        "newest": entry.latest_version().0,
        "target": entry.target(EVERYONE).version().0,
        "hold": entry.target(EVERYONE).hold.as_ref().map(hold_json),
        "floor": entry.floor.0,
        "writer": entry.writer,
    })
}

fn cells_of(entry: &LogEntry) -> Vec<String> {
    let hold = entry.target(EVERYONE).hold.as_ref().map(|hold| match hold.why.as_str() {
        "" => reason_name(hold.reason).to_owned(),
        why => format!("{}: {why}", reason_name(hold.reason)),
    });
    vec![
        entry.sequence.to_string(),
        time(entry.at),
        kind_name(entry.kind).to_owned(),
        entry.epoch.to_string(),
        entry.oldest_version().to_string(),
        entry.latest_version().to_string(),
        entry.target(EVERYONE).version().to_string(),
        hold.unwrap_or_default(),
        entry.writer.clone(),
    ]
}
