//! What a cycle came to, in words and in JSON.

use std::time::Duration;

use anyhow::Result;
use hollowcast::log::LogEntry;
use hollowcast::producer::Outcome;
use serde_json::json;

use crate::cmd::holds::{held_elsewhere_json, tell_held_elsewhere};
use crate::output::{bytes, print, print_json};

/// Says what a cycle came to, and who does not go there by what the log says in `entry`.
pub(in crate::cmd) fn report(
    outcome: &Outcome,
    entry: &LogEntry,
    elapsed: Duration,
    as_json: bool,
) -> Result<()> {
    tell_held_elsewhere(entry);
    match (outcome, as_json) {
        (Outcome::Unchanged(version), false) => print(format!("unchanged, version {version}\n").as_bytes()),
        (Outcome::Unchanged(version), true) => print_json(&json!({
            "outcome": "unchanged",
            "version": version.0,
            "held": held_elsewhere_json(entry),
            "elapsed_ms": elapsed.as_millis() as u64,
        })),
        (Outcome::Published(publication), false) => {
            let mut text = format!("published version {}", publication.version);
            for (name, records, counts) in &publication.types {
                text.push_str(&format!(
                    ", {name}: {records} records ({} added, {} removed, {} changed)",
                    counts.added, counts.removed, counts.changed
                ));
            }
            let sizes = [("snapshot", publication.bytes.snapshot), ("delta", publication.bytes.delta)];
            for (what, length) in sizes {
                if let Some(length) = length {
                    text.push_str(&format!(", {what} {}", bytes(length)));
                }
            }
            text.push_str(&format!(", {:.2} s\n", elapsed.as_secs_f64()));
            print(text.as_bytes())
        }
        (Outcome::Published(publication), true) => {
            let records: serde_json::Map<_, _> = publication
                .types
                .iter()
                .map(|(name, records, _)| (name.clone(), (*records).into()))
                .collect();
            print_json(&json!({
                "outcome": "published",
                "version": publication.version.0,
                "records": records,
                "bytes": {
                    "snapshot": publication.bytes.snapshot,
                    "delta": publication.bytes.delta,
                    "reverse": publication.bytes.reverse,
                },
                "held": held_elsewhere_json(entry),
                "elapsed_ms": elapsed.as_millis() as u64,
            }))
        }
    }
}
