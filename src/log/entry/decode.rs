//! Bytes to an entry. Anyone may have written them.

use bytes::Bytes;

use super::check::check;
use super::{
    EntryKind, Hold, HoldReason, LogEntry, ManifestReference, Signature, SnapshotReference, StoredEntry,
    Target,
};
use crate::announce::{MessageFault, read_message};
use crate::environment::time_of;
use crate::generated::log_capnp::{self as schema, entry};
use crate::identifiers::{Attempt, ContentHash, DatasetId, Epoch, Nonce, Sequence, Version};
use crate::log::error::LogError;
use crate::store::ObjectName;

pub(super) fn decode(bytes: Bytes, sequence: Sequence) -> Result<StoredEntry, LogError> {
    let object = ObjectName::LogEntry(sequence);
    let entry = read(&bytes, sequence).map_err(|fault| match fault {
        Fault::Malformed(MessageFault { field, expected, found }) => {
            LogError::Malformed { object, field, expected, found }
        }
        Fault::Unknown { what, found } => LogError::Unknown { object, what, found },
    })?;
    Ok(StoredEntry { entry, bytes })
}

/// Why bytes are no entry.
enum Fault {
    /// Nobody should have written them.
    Malformed(MessageFault),
    /// A newer release may have written them.
    Unknown { what: &'static str, found: u64 },
}

impl From<MessageFault> for Fault {
    fn from(fault: MessageFault) -> Self {
        Self::Malformed(fault)
    }
}

impl From<capnp::Error> for Fault {
    fn from(error: capnp::Error) -> Self {
        Self::Malformed(MessageFault::new("structure", "a log entry", error.to_string()))
    }
}

fn read(bytes: &[u8], sequence: Sequence) -> Result<LogEntry, Fault> {
    let message = read_message(bytes, LogEntry::LIMIT as usize)?;
    let root = message.get_root::<entry::Reader<'_>>()?;
    let format_version = root.get_format_version();
    if format_version != LogEntry::FORMAT_VERSION {
        return Err(Fault::Unknown { what: "format version", found: format_version.into() });
    }
    if root.get_sequence() != sequence.0 {
        let found = root.get_sequence().to_string();
        return Err(MessageFault::new("sequence", format!("{sequence}, as its name says"), found).into());
    }
    let at = time_of(root.get_at_ms());
    let entry = LogEntry {
        dataset: DatasetId(sixteen("dataset", root.get_dataset()?)?),
        sequence,
        nonce: Nonce(sixteen("nonce", root.get_nonce()?)?),
        at: at.ok_or_else(|| MessageFault::new("time", "a time in reach", root.get_at_ms().to_string()))?,
        writer: text("writer", root.get_writer()?)?,
        recent: read_recent(root.get_recent()?)?,
        previous: root.has_previous().then(|| read_hash(root.get_previous()?)).transpose()?,
        signatures: root.get_signatures()?.iter().map(read_signature).collect::<Result<_, _>>()?,
        kind: read_kind(root.get_kind())?,
        epoch: Epoch(root.get_epoch()),
        holder: Nonce(sixteen("holder", root.get_holder()?)?),
        latest: root.has_latest().then(|| read_manifest(root.get_latest()?)).transpose()?,
        targets: root.get_targets()?.iter().map(read_target).collect::<Result<_, _>>()?,
        snapshots: read_snapshots(root)?,
        floor: Version(root.get_floor()),
    };
    check(&entry)?;
    Ok(entry)
}

fn read_kind(kind: Result<schema::Kind, capnp::NotInSchema>) -> Result<EntryKind, Fault> {
    Ok(match kind.map_err(|unknown| Fault::Unknown { what: "kind", found: unknown.0.into() })? {
        schema::Kind::Claim => EntryKind::Claim,
        schema::Kind::Commit => EntryKind::Commit,
        schema::Kind::Snapshot => EntryKind::Snapshot,
        schema::Kind::Pin => EntryKind::Pin,
        schema::Kind::Unpin => EntryKind::Unpin,
        schema::Kind::Floor => EntryKind::Floor,
    })
}

fn read_recent(bytes: &[u8]) -> Result<Vec<Nonce>, Fault> {
    let (nonces, rest) = bytes.as_chunks::<16>();
    if rest.is_empty() {
        return Ok(nonces.iter().copied().map(Nonce).collect());
    }
    Err(MessageFault::new("recent", "nonces of 16 bytes each", format!("{} bytes", bytes.len())).into())
}

fn read_signature(slot: schema::signature::Reader<'_>) -> Result<Signature, Fault> {
    Ok(Signature { key: slot.get_key()?.to_vec(), bytes: slot.get_bytes()?.to_vec() })
}

fn read_target(slot: schema::target::Reader<'_>) -> Result<Target, Fault> {
    Ok(Target {
        ring: text("ring", slot.get_ring()?)?,
        manifest: slot.has_manifest().then(|| read_manifest(slot.get_manifest()?)).transpose()?,
        hold: read_hold(slot)?,
    })
}

fn read_hold(slot: schema::target::Reader<'_>) -> Result<Option<Hold>, Fault> {
    let hold = slot.get_hold().map_err(|unknown| Fault::Unknown { what: "hold", found: unknown.0.into() })?;
    let reason = match hold {
        schema::Hold::None => return Ok(None),
        schema::Hold::Pinned => HoldReason::Pinned,
        schema::Hold::HeldBack => HoldReason::HeldBack,
    };
    Ok(Some(Hold { reason, by: text("by", slot.get_by()?)?, why: text("why", slot.get_why()?)? }))
}

fn read_manifest(slot: schema::manifest::Reader<'_>) -> Result<ManifestReference, Fault> {
    let version = Version(slot.get_version());
    let name = |attempt| ObjectName::Manifest { version, attempt };
    Ok(ManifestReference {
        version,
        attempt: read_attempt(slot.get_name()?, name)?,
        hash: read_hash(slot.get_hash()?)?,
    })
}

fn read_snapshots(root: entry::Reader<'_>) -> Result<Vec<SnapshotReference>, Fault> {
    let snapshots = root.get_snapshots()?;
    if snapshots.len() as usize > LogEntry::SNAPSHOTS {
        let expected = format!("at most {}", LogEntry::SNAPSHOTS);
        return Err(MessageFault::new("snapshots", expected, snapshots.len().to_string()).into());
    }
    snapshots.iter().map(read_snapshot).collect()
}

fn read_snapshot(slot: schema::snapshot::Reader<'_>) -> Result<SnapshotReference, Fault> {
    let version = Version(slot.get_version());
    let name = |attempt| ObjectName::Snapshot { version, attempt };
    Ok(SnapshotReference {
        version,
        attempt: read_attempt(slot.get_name()?, name)?,
        hash: read_hash(slot.get_hash()?)?,
        bytes: slot.get_bytes(),
        begins: slot.get_begins(),
    })
}

/// The attempt in a name that, for some attempt, is `name` of it; `name` holds the version that stands beside it.
fn read_attempt(
    found: capnp::text::Reader<'_>,
    name: impl Fn(Attempt) -> ObjectName,
) -> Result<Attempt, Fault> {
    let found = text("name", found)?;
    let attempt = match ObjectName::parse(&found) {
        Some(ObjectName::Manifest { attempt, .. } | ObjectName::Snapshot { attempt, .. }) => Some(attempt),
        _ => None,
    };
    match attempt.filter(|attempt| name(*attempt).to_string() == found) {
        Some(attempt) => Ok(attempt),
        None => Err(MessageFault::new("name", format!("a name like {}", name(Attempt(0))), found).into()),
    }
}

fn read_hash(slot: schema::hash::Reader<'_>) -> Result<ContentHash, Fault> {
    let unknown =
        |unknown: capnp::NotInSchema| Fault::Unknown { what: "hash algorithm", found: unknown.0.into() };
    match slot.get_algorithm().map_err(unknown)? {
        schema::Algorithm::Xxh3x128 => Ok(ContentHash(sixteen("hash", slot.get_bytes()?)?)),
    }
}

fn sixteen(field: &'static str, bytes: &[u8]) -> Result<[u8; 16], Fault> {
    let found = || MessageFault::new(field, "16 bytes", format!("{} bytes", bytes.len()));
    bytes.try_into().map_err(|_| found().into())
}

fn text(field: &'static str, text: capnp::text::Reader<'_>) -> Result<String, Fault> {
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(MessageFault::new(field, "UTF-8 text", error.to_string()).into()),
    }
}
