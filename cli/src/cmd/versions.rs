//! `versions`: the chain.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Args;
use hollowcast::format::Manifest;
use hollowcast::identifiers::Fingerprint;
use hollowcast::log::{Hold, LogEntry, SnapshotReference, Target};
use hollowcast::replica::Chain;
use serde_json::{Map, Value, json};

use super::holds::{EVERYONE, hold_json, is_pinned, reason_name};
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, print_json, print_table, time};
use crate::session::dataset_store;

/// List the versions, newest first
///
/// In JSON a version has its parent, its epoch, whether it is a break (no delta leads to it), and the rings that are told to be at it, each with
/// what holds it there; ring "" is everyone else. A snapshot is late if it was added after the version.
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
        let store = dataset_store(&self.url)?;
        let kept = Chain::beside_retention(&store, |chain| async move {
            Ok((chain.manifests().await?, chain.entry().clone()))
        });
        let (manifests, entry, lost) = match kept.await {
            Ok((manifests, entry)) => (manifests, entry, None),
            Err(error) if error.is_loss() => {
                let chain = Chain::open(&store).await?;
                let known = chain.known_manifests().await?;
                if known.is_empty() {
                    return Err(error.into());
                }
                (known, chain.entry().clone(), Some(error))
            }
            Err(error) => return Err(error.into()),
        };
        let rows = manifests.iter().map(|(_, manifest)| Row::new(manifest, &entry));
        if common.json {
            let rows: Vec<Value> = rows.map(|row| row.json()).collect();
            print_json(&rows)?;
        } else {
            let headings =
                ["VERSION", "TIME", "RECORDS", "SNAPSHOT", "DELTA", "REVERSE", "FINGERPRINT", "", "TAGS"];
            print_table(&headings, &[0, 2, 3, 4, 5], rows.map(|row| row.cells()).collect())?;
        }
        lost.map_or(Ok(exit::DONE), |error| Err(error.into()))
    }
}

struct Row<'m> {
    manifest: &'m Manifest,
    snapshot: Option<&'m SnapshotReference>,
    /// What the log tells the rings that shall be here.
    targets: Vec<&'m Target>,
}

impl<'m> Row<'m> {
    fn new(manifest: &'m Manifest, entry: &'m LogEntry) -> Self {
        let is_here = |target: &&Target| target.version() == manifest.version;
        Self {
            manifest,
            snapshot: entry.snapshots.iter().find(|snapshot| snapshot.version == manifest.version),
            targets: entry.targets.iter().filter(is_here).collect(),
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

    fn snapshot_bytes(&self) -> Option<u64> {
        self.snapshot.map(|snapshot| snapshot.bytes)
    }

    fn delta_bytes(&self) -> Option<u64> {
        self.manifest.delta.as_ref().map(|blob| blob.length)
    }

    fn reverse_bytes(&self) -> Option<u64> {
        self.manifest.reverse_delta.as_ref().map(|blob| blob.length)
    }

    /// Whether consumers of the version before arrive by snapshot.
    fn is_break(&self) -> bool {
        self.manifest.parent.is_some() && self.manifest.is_break()
    }

    fn has_late_snapshot(&self) -> bool {
        self.snapshot.is_some_and(|snapshot| snapshot.attempt != self.manifest.attempt)
    }

    /// What the log tells everyone, if they shall be here.
    fn everyone(&self) -> Option<&Target> {
        self.targets.iter().find(|target| target.ring == EVERYONE).copied()
    }

    fn json(&self) -> Value {
        let types = self.manifest.types.iter();
        let records: Map<String, Value> =
            types.map(|summary| (summary.name.clone(), summary.records.into())).collect();
        let ring =
            |target: &&Target| json!({"ring": target.ring, "hold": target.hold.as_ref().map(hold_json)});
        json!({
            "version": self.manifest.version.0,
            "time": self.time(),
            "parent": self.manifest.parent.as_ref().map(|parent| parent.version.0),
            "epoch": self.manifest.epoch.0,
            "break": self.is_break(),
            "records": records,
            "bytes": {
                "snapshot": self.snapshot_bytes(),
                "delta": self.delta_bytes(),
                "reverse": self.reverse_bytes(),
            },
            "late_snapshot": self.has_late_snapshot(),
            "fingerprint": self.fingerprint().to_string(),
            "target": self.everyone().is_some(),
            "pinned": self.everyone().is_some_and(is_pinned),
            "rings": self.targets.iter().map(ring).collect::<Vec<_>>(),
            "tags": self.manifest.tags,
        })
    }

    fn cells(&self) -> Vec<String> {
        let size = |length: Option<u64>| length.map_or_else(|| "-".to_owned(), bytes);
        let tags: Vec<String> =
            self.manifest.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            self.manifest.version.to_string(),
            self.time(),
            self.records().to_string(),
            size(self.snapshot_bytes()),
            size(self.delta_bytes()),
            size(self.reverse_bytes()),
            self.fingerprint().to_string()[..12].to_owned(),
            self.notes().join(", "),
            tags.join(" "),
        ]
    }

    /// What is special about the version.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for target in &self.targets {
            notes.push(if target.ring == EVERYONE {
                "target".to_owned()
            } else {
                format!("ring {}", target.ring)
            });
            notes.extend(target.hold.as_ref().map(|Hold { reason, .. }| reason_name(*reason).to_owned()));
        }
        notes.extend(self.is_break().then(|| "break".to_owned()));
        notes.extend(self.has_late_snapshot().then(|| "late snapshot".to_owned()));
        notes
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use hollowcast::format::{BlobReference, ManifestReference, Tags};
    use hollowcast::identifiers::{
        Attempt, ContentHash, DatasetId, Epoch, KeySeed, Nonce, Sequence, Version,
    };
    use hollowcast::log::{self, EntryKind, HoldReason};

    use super::*;

    /// The manifest of a version whose producer made attempt 5 at it.
    fn manifest(version: u64, delta: Option<BlobReference>) -> Manifest {
        let parent = ManifestReference {
            version: Version(version - 1),
            name: "manifests/x".to_owned(),
            hash: ContentHash([0; 16]),
        };
        Manifest {
            dataset_id: DatasetId([1; 16]),
            version: Version(version),
            parent: (version > 1).then_some(parent),
            epoch: Epoch(3),
            attempt: Attempt(5),
            created_at_ms: 0,
            schema_hash: ContentHash([0; 16]),
            key_seed: KeySeed(0),
            types: Vec::new(),
            tags: Tags::new(),
            reverse_delta: delta.clone(),
            delta,
            links: Vec::new(),
        }
    }

    /// A log of three versions: everyone follows, ring "canary" is pinned at 2, for which attempt 6 made a snapshot later.
    fn entry() -> LogEntry {
        let at = |version| log::ManifestReference {
            version: Version(version),
            attempt: Attempt(5),
            hash: ContentHash([0; 16]),
        };
        let snapshot = |version, attempt| SnapshotReference {
            version: Version(version),
            attempt: Attempt(attempt),
            hash: ContentHash([0; 16]),
            bytes: 70,
            begins: false,
        };
        let target =
            |ring: &str, version, hold| Target { ring: ring.to_owned(), manifest: Some(at(version)), hold };
        let hold = Hold { reason: HoldReason::Pinned, by: "ops".to_owned(), why: "a look".to_owned() };
        LogEntry {
            dataset: DatasetId([1; 16]),
            sequence: Sequence(9),
            nonce: Nonce([0; 16]),
            at: SystemTime::UNIX_EPOCH,
            writer: String::new(),
            recent: Vec::new(),
            previous: None,
            signatures: Vec::new(),
            kind: EntryKind::Pin,
            epoch: Epoch(3),
            holder: Nonce([0; 16]),
            latest: Some(at(3)),
            targets: vec![target("", 3, None), target("canary", 2, Some(hold))],
            snapshots: vec![snapshot(1, 5), snapshot(2, 6)],
            floor: Version(0),
        }
    }

    #[test]
    fn a_version_says_who_shall_be_at_it_and_how_one_comes_there() {
        let blob = BlobReference { name: "deltas/x".to_owned(), length: 9, hash: ContentHash([0; 16]) };
        let (first, second, third) = (manifest(1, None), manifest(2, Some(blob)), manifest(3, None));
        let entry = entry();
        let row = |manifest| Row::new(manifest, &entry);
        assert_eq!(row(&first).notes(), Vec::<String>::new(), "a first version is no break");
        assert_eq!(row(&second).notes(), ["ring canary", "pinned", "late snapshot"]);
        assert_eq!(row(&third).notes(), ["target", "break"]);
        let second = row(&second).json();
        assert_eq!(second["bytes"], json!({"snapshot": 70, "delta": 9, "reverse": 9}));
        let hold = json!({"reason": "pinned", "by": "ops", "why": "a look"});
        assert_eq!(second["rings"], json!([{"ring": "canary", "hold": hold}]));
        assert_eq!([&second["target"], &second["pinned"], &second["break"]], [&json!(false); 3]);
        assert_eq!(
            (&second["parent"], &second["epoch"], &second["late_snapshot"]),
            (&json!(1), &json!(3), &json!(true))
        );
        assert_eq!(row(&first).json()["parent"], Value::Null);
        assert_eq!(row(&third).json()["rings"], json!([{"ring": "", "hold": null}]));
    }
}
