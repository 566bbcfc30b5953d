//! Keeping the state directory within its budget.
//!
//! What goes first: sections that no dataset's current state names, then the others; among each, the one whose last
//! use is the longest ago. What a process has mapped is locked and stays. To look at every file for every new section
//! would cost more than to write it, so a process counts what it adds and looks again when that exceeds the budget, or
//! a minute after it last did, because others add as well.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::temporary::remove_unlocked;
use super::{CacheError, SectionName, StateDirectory};

/// After this, what other processes added is counted anew.
const COUNT_INTERVAL: Duration = Duration::from_secs(60);
/// A directory full of mapped sections is not counted more often than this.
const CROWDED_INTERVAL: Duration = Duration::from_secs(1);
/// Eviction frees a little more than it must, so that the next section finds room: this share of the budget.
const SLACK_SHARE: u64 = 16;
/// A seal without a section is one about to be moved beside it, or, after this, forgotten.
const ORPHAN_AGE: Duration = Duration::from_secs(3600);

/// How much a state directory holds, as far as this process knows.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    known: Mutex<Option<Usage>>,
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    bytes: u64,
    counted_at: Duration,
    /// Whether eviction found too little that it could remove.
    crowded: bool,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes, known: Mutex::new(None) }
    }

    /// Evicts what has to go for `incoming` bytes more, and counts them.
    pub(super) fn make_room(&self, directory: &StateDirectory, incoming: u64) -> Result<(), CacheError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = directory.environment().clock.monotonic();
        let usage = match *known {
            Some(usage) if !self.must_count(usage, incoming, now) => usage,
            _ => {
                let bytes = evict(directory, self.bytes, incoming)?;
                Usage { bytes, counted_at: now, crowded: bytes.saturating_add(incoming) > self.bytes }
            }
        };
        *known = Some(Usage { bytes: usage.bytes.saturating_add(incoming), ..usage });
        Ok(())
    }

    fn must_count(&self, usage: Usage, incoming: u64, now: Duration) -> bool {
        let age = now.saturating_sub(usage.counted_at);
        let exceeds = usage.bytes.saturating_add(incoming) > self.bytes;
        age >= COUNT_INTERVAL || exceeds && (!usage.crowded || age >= CROWDED_INTERVAL)
    }
}

/// A section on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    name: SectionName,
    bytes: u64,
    last_used: SystemTime,
}

/// In which order sections go. Pure.
fn order(mut stored: Vec<Stored>, named: &HashSet<SectionName>) -> Vec<Stored> {
    stored.sort_by_key(|section| (named.contains(&section.name), section.last_used, section.name));
    stored
}

/// Removes sections until `incoming` bytes fit into `budget`, or only locked ones are left. Returns the bytes left.
fn evict(directory: &StateDirectory, budget: u64, incoming: u64) -> Result<u64, CacheError> {
    let stored = list(directory)?;
    let mut bytes = stored.iter().map(|section| section.bytes).sum::<u64>() + bytes_being_written(directory)?;
    if bytes.saturating_add(incoming) <= budget {
        return Ok(bytes);
    }
    let goal = (budget - budget / SLACK_SHARE).saturating_sub(incoming);
    for section in order(stored, &directory.sections_of_current_states()?) {
        if bytes <= goal {
            return Ok(bytes);
        }
        if remove(directory, section.name)? {
            bytes -= section.bytes;
            tracing::debug!(section = %section.name, "evicted a section");
        }
    }
    if bytes.saturating_add(incoming) > budget {
        tracing::info!(
            bytes,
            incoming,
            budget,
            "the sections in use exceed the budget of the state directory"
        );
    }
    Ok(bytes)
}

/// Removes a section that nobody has locked, then its seal.
fn remove(directory: &StateDirectory, name: SectionName) -> Result<bool, CacheError> {
    let path = directory.segment_path(name);
    let removed = remove_unlocked(&path).map_err(|source| CacheError::io("remove", &path, source))?;
    if removed {
        let _ = fs::remove_file(directory.seal_path(name));
    }
    Ok(removed)
}

fn list(directory: &StateDirectory) -> Result<Vec<Stored>, CacheError> {
    let mut stored = Vec::new();
    for file in file_names(directory)? {
        let Some(name) = SectionName::of_segment_file(&file) else { continue };
        let Some(bytes) = length_of(&directory.segment_path(name))? else { continue };
        let sealed = fs::metadata(directory.seal_path(name)).and_then(|seal| seal.modified());
        stored.push(Stored { name, bytes, last_used: sealed.unwrap_or(SystemTime::UNIX_EPOCH) });
    }
    Ok(stored)
}

fn bytes_being_written(directory: &StateDirectory) -> Result<u64, CacheError> {
    let folder = directory.temps();
    let failed = |source| CacheError::io("list", &folder, source);
    let mut bytes = 0;
    for entry in fs::read_dir(&folder).map_err(failed)? {
        bytes += length_of(&entry.map_err(failed)?.path())?.unwrap_or(0);
    }
    Ok(bytes)
}

fn length_of(path: &std::path::Path) -> Result<Option<u64>, CacheError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CacheError::io("look at", path, source)),
    }
}

fn file_names(directory: &StateDirectory) -> Result<Vec<String>, CacheError> {
    let folder = directory.segments();
    let failed = |source| CacheError::io("list", &folder, source);
    let entries = fs::read_dir(&folder).map_err(failed)?.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Removes seals whose section went another way than by eviction.
pub(super) fn remove_orphaned_seals(directory: &StateDirectory) -> Result<(), CacheError> {
    let now = directory.environment().clock.now();
    for name in file_names(directory)?.iter().filter_map(|file| SectionName::of_seal_file(file)) {
        let path = directory.seal_path(name);
        let age = fs::metadata(&path)
            .and_then(|seal| seal.modified())
            .ok()
            .and_then(|at| now.duration_since(at).ok());
        if age.is_some_and(|age| age > ORPHAN_AGE) && !directory.segment_path(name).exists() {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::ContentHash;

    fn stored(hash: u8, last_used: u64) -> Stored {
        let name = SectionName { hash: ContentHash([hash; 16]), length: 100 };
        Stored { name, bytes: 100, last_used: SystemTime::UNIX_EPOCH + Duration::from_secs(last_used) }
    }

    #[test]
    fn the_least_recently_used_goes_first_and_what_a_state_names_last() {
        let sections = vec![stored(1, 30), stored(2, 10), stored(3, 20), stored(4, 5), stored(5, 10)];
        let named = [stored(4, 0).name, stored(2, 0).name].into();
        let went: Vec<_> = order(sections, &named).iter().map(|section| section.name.hash.0[0]).collect();
        assert_eq!(went, [5, 3, 1, 4, 2]);
    }

    #[test]
    fn a_process_looks_again_only_when_it_must() {
        let budget = Budget::new(1000);
        let usage = Usage { bytes: 600, counted_at: Duration::from_secs(100), crowded: false };
        let crowded = Usage { crowded: true, ..usage };
        let at = |seconds| Duration::from_secs_f64(100.0 + seconds);
        assert!(!budget.must_count(usage, 400, at(59.9)), "fits, counted lately");
        assert!(budget.must_count(usage, 400, at(60.0)), "others may have added");
        assert!(budget.must_count(usage, 401, at(0.0)), "does not fit");
        assert!(!budget.must_count(crowded, u64::MAX, at(0.9)), "nothing could be removed a moment ago");
        assert!(budget.must_count(crowded, u64::MAX, at(1.0)));
    }
}
