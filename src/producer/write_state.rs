//! What one cycle states about a type, before it is compared with the version before as a whole.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;

use super::seen::Seen;
use crate::cache::{CacheError, Spool, SpoolOffset};
use crate::identifiers::KeyHash;
use crate::state::Table;
use crate::wire::{CopyError, KeyError, KeyPlan, StructReader, WireError, row_equals};

/// Stripes by key hash: threads that add records at the same time seldom meet.
const STRIPE_BITS: u32 = 5;
/// Bytes of records that a stripe keeps in own memory before they go to a file.
const SPOOL_CHUNK_BYTES: u64 = 1 << 20;

/// Whether a cycle states the whole dataset or changes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// What is not added is removed.
    Full,
    /// Everything else is carried over.
    Incremental,
}

/// The records that a cycle states of one type; filled from many threads.
///
/// In a full cycle a record that equals the parent's is only marked as seen: memory grows with the change, not with the dataset, and what
/// does change is spooled to files. Records are told apart by key, not by key hash: whether two keys collide is decided at the end, when
/// removals are known.
pub(super) struct WriteState {
    mode: Mode,
    seen: Seen,
    stripes: Vec<Mutex<Stripe>>,
    /// Records of the parent that are not stated stay, in a full cycle too.
    is_carried_over: AtomicBool,
}

/// The last word of the cycle about one key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// It has this record.
    Put { hash: KeyHash, record: Spooled },
    /// It has none; its key bytes lie in the stripe.
    Delete { hash: KeyHash, start: u32, length: u32 },
}

impl Entry {
    pub(super) fn hash(&self) -> KeyHash {
        match self {
            Self::Put { hash, .. } | Self::Delete { hash, .. } => *hash,
        }
    }
}

/// A canonical message in the spool of a stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spooled {
    offset: SpoolOffset,
    words: u32,
}

/// The entries of the keys whose hashes begin with the same bits.
pub(super) struct Stripe {
    spool: Spool,
    pub(super) entries: Vec<Entry>,
    keys: Vec<u8>,
    by_hash: HashTable<u32>,
}

/// A record that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Spool(#[from] CacheError),
    #[error("a record with this key was added before")]
    Duplicate,
}

impl WriteState {
    pub(super) fn new(mode: Mode, parent: &Table, spool_folder: Option<&Path>) -> Self {
        let stripes = (0..1 << STRIPE_BITS).map(|_| Mutex::new(Stripe::new(spool_folder))).collect();
        let seen = if mode == Mode::Full { Seen::of(parent) } else { Seen::default() };
        Self { mode, seen, stripes, is_carried_over: AtomicBool::new(false) }
    }

    /// States that the records of the parent that the cycle does not state stay.
    pub(super) fn carry_over(&self) {
        self.is_carried_over.store(true, Ordering::Relaxed);
    }

    /// States that the key of the canonical `message` has this record. `key` is scratch and holds the key's bytes afterwards.
    pub(super) fn put(&self, parent: &Table, message: &[u64], key: &mut Vec<u8>) -> Result<(), PutError> {
        key.clear();
        parent.keys.write_bytes(StructReader::root(message)?, key)?;
        let hash = KeyPlan::hash(parent.seed, key);
        if self.mode == Mode::Incremental {
            return self.lock(hash).replace(&parent.keys, hash, key, Some(message));
        }
        let is_first = match parent.locate(hash, key) {
            Some((position, row)) => {
                let is_first = !self.seen.mark(position);
                if is_first && !row_equals(row.reader(), message) {
                    self.lock(hash).push(hash, key, Some(message))?;
                }
                is_first
            }
            None => self.lock(hash).add(&parent.keys, hash, key, message)?,
        };
        if is_first || parent.keys.is_keyless() { Ok(()) } else { Err(PutError::Duplicate) }
    }

    /// States that the key with these bytes has no record (incremental cycles).
    pub(super) fn delete(&self, parent: &Table, key: &[u8]) -> Result<(), PutError> {
        let hash = KeyPlan::hash(parent.seed, key);
        self.lock(hash).replace(&parent.keys, hash, key, None)
    }

    /// Which rows of the parent were stated again, if those that were not are removed, and the entries by stripe; hashes ascend from stripe to
    /// stripe.
    pub(super) fn finish(self) -> (Option<Seen>, Vec<Stripe>) {
        let stripes = self.stripes.into_iter();
        let stripes = stripes.map(|stripe| stripe.into_inner().unwrap_or_else(PoisonError::into_inner));
        let removes = self.mode == Mode::Full && !self.is_carried_over.into_inner();
        (removes.then_some(self.seen), stripes.collect())
    }

    fn lock(&self, hash: KeyHash) -> std::sync::MutexGuard<'_, Stripe> {
        self.stripes[stripe_of(hash)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Number of the stripe that `hash` belongs to.
pub(super) fn stripe_of(hash: KeyHash) -> usize {
    (hash.0 >> (64 - STRIPE_BITS)) as usize
}

impl Stripe {
    fn new(spool_folder: Option<&Path>) -> Self {
        let spool = Spool::new(spool_folder, SPOOL_CHUNK_BYTES);
        Self { spool, entries: Vec::new(), keys: Vec::new(), by_hash: HashTable::new() }
    }

    /// The canonical message of a spooled record.
    pub(super) fn message(&self, record: Spooled) -> &[u64] {
        self.spool.get(record.offset, record.words as usize)
    }

    /// The key bytes of a deletion.
    pub(super) fn key(&self, start: u32, length: u32) -> &[u8] {
        &self.keys[start as usize..(start + length) as usize]
    }

    /// The entry of this key.
    fn position(&self, keys: &KeyPlan, hash: KeyHash, key: &[u8]) -> Option<u32> {
        let same = |at: &u32| {
            let entry = &self.entries[*at as usize];
            entry.hash() == hash
                && match entry {
                    Entry::Put { record, .. } => StructReader::root(self.message(*record))
                        .is_ok_and(|record| keys.matches(record, key)),
                    Entry::Delete { start, length, .. } => self.key(*start, *length) == key,
                }
        };
        self.by_hash.find(hash.0, same).copied()
    }

    /// Makes this the word about the key unless there is one already; whether there was none.
    fn add(&mut self, keys: &KeyPlan, hash: KeyHash, key: &[u8], message: &[u64]) -> Result<bool, PutError> {
        let is_first = self.position(keys, hash, key).is_none();
        if is_first {
            self.push(hash, key, Some(message))?;
        }
        Ok(is_first)
    }

    /// Makes this the last word about the key, whatever was said before.
    fn replace(
        &mut self,
        keys: &KeyPlan,
        hash: KeyHash,
        key: &[u8],
        message: Option<&[u64]>,
    ) -> Result<(), PutError> {
        match self.position(keys, hash, key) {
            Some(at) => {
                self.entries[at as usize] = self.entry(hash, key, message)?;
                Ok(())
            }
            None => self.push(hash, key, message),
        }
    }

    fn push(&mut self, hash: KeyHash, key: &[u8], message: Option<&[u64]>) -> Result<(), PutError> {
        let entry = self.entry(hash, key, message)?;
        let at = self.entries.len() as u32;
        self.entries.push(entry);
        let Self { entries, by_hash, .. } = self;
        by_hash.insert_unique(hash.0, at, |at| entries[*at as usize].hash().0);
        Ok(())
    }

    fn entry(&mut self, hash: KeyHash, key: &[u8], message: Option<&[u64]>) -> Result<Entry, PutError> {
        Ok(match message {
            Some(message) => {
                let offset = self.spool.push(message)?;
                Entry::Put { hash, record: Spooled { offset, words: message.len() as u32 } }
            }
            None => {
                let start = self.keys.len() as u32;
                self.keys.extend_from_slice(key);
                Entry::Delete { hash, start, length: key.len() as u32 }
            }
        })
    }
}
