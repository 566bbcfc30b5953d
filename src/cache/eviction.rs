//! Keeping the state directory within its budget, of bytes and of sections.
//!
//! What goes first: sections that no dataset's current state names, then the others; among each, the one whose last
//! use is the longest ago. What a process has mapped is locked and stays. To look at every file for every new section
//! would cost more than to write it, so a process counts what it adds and looks again when that exceeds the budget, or
//! a minute after it last did, because others add as well. Names say how long sections are; seals, which know their last
//! use, are looked at only when something has to go.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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
    limit: Amount,
    known: Mutex<Option<Usage>>,
}

/// So much is there, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) bytes: u64,
    pub(super) sections: u64,
}

impl Amount {
    /// With one section more.
    fn with(self, bytes: u64) -> Self {
        Self { bytes: self.bytes.saturating_add(bytes), sections: self.sections.saturating_add(1) }
    }

    /// With one section less.
    fn without(self, bytes: u64) -> Self {
        Self { bytes: self.bytes.saturating_sub(bytes), sections: self.sections.saturating_sub(1) }
    }

    fn is_within(self, limit: Self) -> bool {
        self.bytes <= limit.bytes && self.sections <= limit.sections
    }

    /// Less the share that eviction frees beyond need.
    fn less_slack(self) -> Self {
        Self {
            bytes: self.bytes - self.bytes / SLACK_SHARE,
            sections: self.sections - self.sections / SLACK_SHARE,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    amount: Amount,
    counted_at: Duration,
    /// Whether eviction found too little that it could remove.
    crowded: bool,
}

impl Budget {
    pub(super) fn new(limit: Amount) -> Self {
        Self { limit, known: Mutex::new(None) }
    }

    /// Evicts what has to go for `incoming` bytes more, and counts them. The first time, forgotten seals go as well: not when the directory is
    /// opened, because a start would take longer the more files there are.
    pub(super) fn make_room(&self, directory: &StateDirectory, incoming: u64) -> Result<(), CacheError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = directory.environment().clock.monotonic();
        let usage = match *known {
            Some(usage) if !self.must_count(usage, incoming, now) => usage,
            _ => {
                if known.is_none() {
                    remove_orphaned_seals(directory)?;
                }
                let amount = evict(directory, self.limit, incoming)?;
                Usage { amount, counted_at: now, crowded: !amount.with(incoming).is_within(self.limit) }
            }
        };
        *known = Some(Usage { amount: usage.amount.with(incoming), ..usage });
        Ok(())
    }

    fn must_count(&self, usage: Usage, incoming: u64, now: Duration) -> bool {
        let age = now.saturating_sub(usage.counted_at);
        let exceeds = !usage.amount.with(incoming).is_within(self.limit);
        age >= COUNT_INTERVAL || exceeds && (!usage.crowded || age >= CROWDED_INTERVAL)
    }
}

/// A section on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    name: SectionName,
    last_used: SystemTime,
}

/// In which order sections go. Pure.
fn order(mut stored: Vec<Stored>, named: &HashSet<SectionName>) -> Vec<Stored> {
    stored.sort_by_key(|section| (named.contains(&section.name), section.last_used, section.name));
    stored
}

/// Removes sections until one of `incoming` bytes fits into `limit`, or only locked ones are left. Returns what is left.
fn evict(directory: &StateDirectory, limit: Amount, incoming: u64) -> Result<Amount, CacheError> {
    let names = sections(directory)?;
    let written = Amount { bytes: bytes_being_written(directory)?, sections: 0 };
    let mut left = names.iter().fold(written, |amount, name| amount.with(name.length));
    if left.with(incoming).is_within(limit) {
        return Ok(left);
    }
    let stored = names.into_iter().map(|name| Stored { name, last_used: last_used(directory, name) });
    for Stored { name, .. } in order(stored.collect(), &directory.sections_of_current_states()?) {
        if left.with(incoming).is_within(limit.less_slack()) {
            return Ok(left);
        }
        if remove(directory, name)? {
            left = left.without(name.length);
            tracing::debug!(section = %name, "evicted a section");
        }
    }
    if !left.with(incoming).is_within(limit) {
        tracing::info!(
            bytes = left.bytes,
            sections = left.sections,
            incoming,
            budget_bytes = limit.bytes,
            budget_sections = limit.sections,
            "the sections in use exceed the budget of the state directory"
        );
    }
    Ok(left)
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

fn sections(directory: &StateDirectory) -> Result<Vec<SectionName>, CacheError> {
    Ok(file_names(directory)?.iter().filter_map(|file| SectionName::of_segment_file(file)).collect())
}

/// When the seal says; long ago where there is none.
fn last_used(directory: &StateDirectory, name: SectionName) -> SystemTime {
    let sealed = fs::metadata(directory.seal_path(name)).and_then(|seal| seal.modified());
    sealed.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A file with several paths, that of a section with several writers, counts once.
fn bytes_being_written(directory: &StateDirectory) -> Result<u64, CacheError> {
    let folder = directory.temps();
    let failed = |source| CacheError::io("list", &folder, source);
    let mut files = HashMap::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        if let Some(file) = look_at(&entry.map_err(failed)?.path())? {
            files.insert(file.ino(), file.len());
        }
    }
    Ok(files.values().sum())
}

fn look_at(path: &Path) -> Result<Option<Metadata>, CacheError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
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

/// Removes seals whose section went another way than by eviction. Costs a list, and a look at each of those.
fn remove_orphaned_seals(directory: &StateDirectory) -> Result<(), CacheError> {
    let now = directory.environment().clock.now();
    let files = file_names(directory)?;
    let sections: HashSet<_> = files.iter().filter_map(|file| SectionName::of_segment_file(file)).collect();
    let seals = files.iter().filter_map(|file| SectionName::of_seal_file(file));
    for name in seals.filter(|name| !sections.contains(name)) {
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
        Stored { name, last_used: SystemTime::UNIX_EPOCH + Duration::from_secs(last_used) }
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
        let budget = Budget::new(Amount { bytes: 1000, sections: 7 });
        let amount = Amount { bytes: 600, sections: 6 };
        let usage = Usage { amount, counted_at: Duration::from_secs(100), crowded: false };
        let crowded = Usage { crowded: true, ..usage };
        let at = |seconds| Duration::from_secs_f64(100.0 + seconds);
        assert!(!budget.must_count(usage, 400, at(59.9)), "fits, counted lately");
        assert!(budget.must_count(usage, 400, at(60.0)), "others may have added");
        assert!(budget.must_count(usage, 401, at(0.0)), "does not fit");
        let full = Usage { amount: Amount { sections: 7, ..amount }, ..usage };
        assert!(budget.must_count(full, 1, at(0.0)), "one section too many");
        assert!(!budget.must_count(crowded, u64::MAX, at(0.9)), "nothing could be removed a moment ago");
        assert!(budget.must_count(crowded, u64::MAX, at(1.0)));
    }
}
