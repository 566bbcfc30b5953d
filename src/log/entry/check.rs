//! What every entry keeps to: asserted before it is written, demanded when it is read.

use super::LogEntry;
use crate::announce::MessageFault;

/// The first contradiction in `entry`.
pub(super) fn check(entry: &LogEntry) -> Result<(), MessageFault> {
    check_chain(entry)?;
    check_targets(entry)?;
    check_snapshots(entry)
}

fn check_chain(entry: &LogEntry) -> Result<(), MessageFault> {
    let Some(before) = entry.sequence.0.checked_sub(1) else {
        return Err(MessageFault::new("sequence", "1 or more", "0"));
    };
    let expected = before.min(LogEntry::RECENT as u64);
    if entry.recent.len() as u64 != expected {
        return Err(MessageFault::new(
            "recent",
            format!("{expected} nonces"),
            entry.recent.len().to_string(),
        ));
    }
    if entry.previous.is_some() != (before > 0) {
        let (expected, found) = if before > 0 { ("a hash", "none") } else { ("none", "a hash") };
        return Err(MessageFault::new("previous", expected, found));
    }
    if entry.epoch.0 == 0 {
        return Err(MessageFault::new("epoch", "1 or more", "0"));
    }
    Ok(())
}

fn check_targets(entry: &LogEntry) -> Result<(), MessageFault> {
    if entry.targets.first().is_none_or(|target| !target.ring.is_empty()) {
        return Err(MessageFault::new("targets", "ring \"\" first", "another or none"));
    }
    if !entry.targets.is_sorted_by(|left, right| left.ring < right.ring) {
        return Err(MessageFault::new("targets", "rings in ascending order, each once", "another order"));
    }
    for target in &entry.targets {
        let version = target.version();
        let show = || format!("version {version} for ring \"{}\"", target.ring);
        if target.hold.is_none() && target.manifest != entry.latest {
            let expected = format!("latest, version {}, without a hold", entry.latest_version());
            return Err(MessageFault::new("target", expected, show()));
        }
        if version > entry.latest_version() || (version < entry.floor && !version.is_none()) {
            let expected = format!("a version from {} to {}", entry.floor, entry.latest_version());
            return Err(MessageFault::new("target", expected, show()));
        }
    }
    Ok(())
}

fn check_snapshots(entry: &LogEntry) -> Result<(), MessageFault> {
    if entry.floor > entry.latest_version() {
        let expected = format!("at most latest, version {}", entry.latest_version());
        return Err(MessageFault::new("floor", expected, entry.floor.to_string()));
    }
    if !entry.snapshots.is_sorted_by(|left, right| left.version < right.version) {
        return Err(MessageFault::new(
            "snapshots",
            "versions in ascending order, each once",
            "another order",
        ));
    }
    let allowed = entry.floor..=entry.latest_version();
    match entry.snapshots.iter().find(|snapshot| !allowed.contains(&snapshot.version)) {
        Some(stray) => {
            let expected = format!("versions from {} to {}", allowed.start(), allowed.end());
            Err(MessageFault::new("snapshots", expected, stray.version.to_string()))
        }
        None => Ok(()),
    }
}
