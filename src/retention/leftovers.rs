//! What nothing needs any more.

use std::collections::HashMap;

use crate::error::Result;
use crate::identifiers::{Attempt, Version};
use crate::log::LogEntry;
use crate::replica::Chain;
use crate::store::{DatasetStore, Family, Listed, ObjectName};

/// The objects that may go by what `tail` says, ascending by version; log entries last, ascending.
pub(super) async fn find(store: &DatasetStore, tail: &LogEntry) -> Result<Vec<Listed>> {
    let (links, lost) = Chain::at(store, tail.clone()).known_links().await?;
    if let Some(error) = lost {
        tracing::warn!(%error, "what failed attempts at older versions left stays until those are given up");
    }
    let chain = links.into_iter().map(|link| (link.version, link.attempt)).collect();
    let mut objects = Vec::new();
    for family in [Family::Manifests, Family::Snapshots, Family::Deltas, Family::Reverse] {
        let listed = store.list(family, None).await?;
        objects.extend(listed.into_iter().filter(|object| may_go(&object.name, tail, &chain)));
    }
    objects.sort_unstable_by_key(|object| (owner(&object.name), object.name));
    objects.extend(entries(store, tail).await?);
    Ok(objects)
}

/// The version that an object was made for, and which try at it.
fn owner(name: &ObjectName) -> Option<(Version, Attempt)> {
    match *name {
        ObjectName::Manifest { version, attempt } | ObjectName::Snapshot { version, attempt } => {
            Some((version, attempt))
        }
        ObjectName::Delta { to, attempt, .. } => Some((to, attempt)),
        ObjectName::ReverseDelta { from, attempt, .. } => Some((from, attempt)),
        ObjectName::LogEntry(_)
        | ObjectName::AnnouncedHint
        | ObjectName::HeartbeatHint
        | ObjectName::Probe(_) => None,
    }
}

/// Below the floor everything; from there on what another attempt than the one in the chain left, which can be committed no more (rule R7). A
/// snapshot from there on stays in any case: a late one may be on its way into the log.
fn may_go(name: &ObjectName, tail: &LogEntry, chain: &HashMap<Version, Attempt>) -> bool {
    let Some((version, attempt)) = owner(name) else { return false };
    let is_snapshot = matches!(name, ObjectName::Snapshot { .. });
    let is_orphan = !is_snapshot && chain.get(&version).is_some_and(|known| *known != attempt);
    version < tail.floor || is_orphan
}

/// The entries below the highest that name none but versions below the floor.
async fn entries(store: &DatasetStore, tail: &LogEntry) -> Result<Vec<Listed>> {
    let mut listed = store.list(Family::Log, None).await?;
    listed.sort_unstable_by_key(|entry| entry.name);
    let mut given_up = Vec::new();
    for object in listed.into_iter().filter(|object| object.name < tail.name()) {
        let ObjectName::LogEntry(sequence) = object.name else { continue };
        // One that is gone already was deleted by another retention.
        let Some(bytes) = store.find(&object.name, LogEntry::LIMIT).await? else { continue };
        match LogEntry::decode(bytes, sequence) {
            Ok(stored) if stored.entry.latest_version() >= tail.floor => break,
            Ok(_) => given_up.push(object),
            // Nobody needs it, and when it may go is unknown: the next one that can be read says so.
            Err(error) => tracing::warn!(%error, "a log entry is left where it is"),
        }
    }
    Ok(given_up)
}
