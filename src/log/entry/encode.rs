//! An entry to its bytes.

use bytes::Bytes;
use capnp::message::{Builder, HeapAllocator};
use capnp::serialize::write_message_to_words;

use super::check::check;
use super::{EntryKind, Hold, HoldReason, LogEntry, ManifestReference, StoredEntry};
use crate::environment::milliseconds;
use crate::generated::log_capnp::{self as schema, entry};
use crate::identifiers::ContentHash;
use crate::log::error::LogError;

pub(super) fn encode(entry: LogEntry) -> Result<StoredEntry, LogError> {
    let (found, limit) = (entry.snapshots.len(), LogEntry::SNAPSHOTS);
    if found > limit {
        return Err(LogError::TooMany { object: entry.name(), what: "snapshots", found, limit });
    }
    if let Err(fault) = check(&entry) {
        panic!("{} contradicts itself: {fault:?}", entry.name());
    }
    let bytes = write(&entry);
    let (found, limit) = (bytes.len() as u64, LogEntry::LIMIT);
    if found > limit {
        return Err(LogError::TooLarge { object: entry.name(), found, limit });
    }
    Ok(StoredEntry { entry, bytes: Bytes::from(bytes) })
}

fn write(entry: &LogEntry) -> Vec<u8> {
    // One segment for any entry within the limit, so that equal entries have equal bytes.
    let allocator = HeapAllocator::new().first_segment_words((LogEntry::LIMIT / 8) as u32);
    let mut message = Builder::new(allocator);
    let mut root = message.init_root::<entry::Builder<'_>>();
    write_chain(root.reborrow(), entry);
    write_state(root, entry);
    write_message_to_words(&message)
}

fn write_chain(mut root: entry::Builder<'_>, entry: &LogEntry) {
    root.set_format_version(LogEntry::FORMAT_VERSION);
    root.set_dataset(&entry.dataset.0);
    root.set_sequence(entry.sequence.0);
    root.set_nonce(&entry.nonce.0);
    root.set_at_ms(milliseconds(entry.at));
    root.set_writer(&entry.writer);
    root.set_recent(&entry.recent.iter().flat_map(|nonce| nonce.0).collect::<Vec<_>>());
    if let Some(previous) = entry.previous {
        write_hash(root.reborrow().init_previous(), previous);
    }
    if !entry.signatures.is_empty() {
        let mut signatures = root.init_signatures(entry.signatures.len() as u32);
        for (at, signature) in (0..).zip(&entry.signatures) {
            let mut slot = signatures.reborrow().get(at);
            slot.set_key(&signature.key);
            slot.set_bytes(&signature.bytes);
        }
    }
}

fn write_state(mut root: entry::Builder<'_>, entry: &LogEntry) {
    root.set_kind(match entry.kind {
        EntryKind::Claim => schema::Kind::Claim,
        EntryKind::Commit => schema::Kind::Commit,
        EntryKind::Snapshot => schema::Kind::Snapshot,
        EntryKind::Pin => schema::Kind::Pin,
        EntryKind::Unpin => schema::Kind::Unpin,
        EntryKind::Floor => schema::Kind::Floor,
    });
    root.set_epoch(entry.epoch.0);
    root.set_holder(&entry.holder.0);
    root.set_floor(entry.floor.0);
    if let Some(latest) = &entry.latest {
        write_manifest(root.reborrow().init_latest(), latest);
    }
    write_targets(root.reborrow(), entry);
    write_snapshots(root, entry);
}

fn write_targets(root: entry::Builder<'_>, entry: &LogEntry) {
    let mut targets = root.init_targets(entry.targets.len() as u32);
    for (at, target) in (0..).zip(&entry.targets) {
        let mut slot = targets.reborrow().get(at);
        slot.set_ring(&target.ring);
        if let Some(manifest) = &target.manifest {
            write_manifest(slot.reborrow().init_manifest(), manifest);
        }
        if let Some(hold) = &target.hold {
            write_hold(slot, hold);
        }
    }
}

fn write_hold(mut slot: schema::target::Builder<'_>, hold: &Hold) {
    slot.set_hold(match hold.reason {
        HoldReason::Pinned => schema::Hold::Pinned,
        HoldReason::HeldBack => schema::Hold::HeldBack,
    });
    slot.set_by(&hold.by);
    slot.set_why(&hold.why);
}

fn write_snapshots(root: entry::Builder<'_>, entry: &LogEntry) {
    let mut snapshots = root.init_snapshots(entry.snapshots.len() as u32);
    for (at, snapshot) in (0..).zip(&entry.snapshots) {
        let mut slot = snapshots.reborrow().get(at);
        slot.set_version(snapshot.version.0);
        slot.set_name(snapshot.name().to_string());
        write_hash(slot.reborrow().init_hash(), snapshot.hash);
        slot.set_bytes(snapshot.bytes);
        slot.set_begins(snapshot.begins);
    }
}

fn write_manifest(mut slot: schema::manifest::Builder<'_>, manifest: &ManifestReference) {
    slot.set_version(manifest.version.0);
    slot.set_name(manifest.name().to_string());
    write_hash(slot.init_hash(), manifest.hash);
}

fn write_hash(mut slot: schema::hash::Builder<'_>, hash: ContentHash) {
    slot.set_algorithm(schema::Algorithm::Xxh3x128);
    slot.set_bytes(&hash.0);
}
