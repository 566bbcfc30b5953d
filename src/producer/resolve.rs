//! From what a cycle stated to what it changes.

use rayon::prelude::*;

use super::seen::Seen;
use super::write_state::{Entry, Spooled, Stripe, WriteState, stripe_of};
use crate::format::sections::changes::{Change, ChangeCounts, Written};
use crate::identifiers::{Fingerprint, KeyHash};
use crate::state::{Position, RowError, Table};
use crate::wire::{StructReader, record_hash, row_equals};

/// What a cycle changes in one type, against the parent's table.
pub(super) struct TypeChange {
    stripes: Vec<Stripe>,
    /// Forward: records to write, hashes to remove.
    pub(super) forward: Change<StripedRecord>,
    /// Rows of the parent that the change updates or removes, by ascending hash.
    pub(super) killed: Vec<Killed>,
    /// Records afterwards.
    pub(super) count: u64,
    /// Fingerprint afterwards, summed up from what was stated; what is encoded is held against it.
    pub(super) fingerprint: Fingerprint,
    /// Whether two records' keys have one hash: the change cannot be told by hash then.
    pub(super) collides: bool,
}

/// A spooled record and whose spool it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StripedRecord {
    stripe: u32,
    record: Spooled,
}

/// A row of the parent that dies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed {
    pub(super) hash: KeyHash,
    pub(super) position: Position,
    /// Whether its hash is free afterwards; otherwise another record has it.
    pub(super) removed: bool,
}

impl TypeChange {
    /// Compares what was stated with `parent`.
    pub(super) fn resolve(stated: WriteState, parent: &Table) -> Result<Self, RowError> {
        let (seen, stripes) = stated.finish();
        let mut unseen = vec![Vec::new(); stripes.len()];
        if let Some(seen) = seen {
            for (hash, position) in unseen_rows(parent, &seen)? {
                unseen[stripe_of(hash)].push((hash, position));
            }
        }
        let parts = stripes.par_iter().zip(unseen).enumerate();
        let parts =
            parts.map(|(number, (stripe, unseen))| Part::resolve(number as u32, stripe, unseen, parent));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(Self::join(parts, stripes, parent))
    }

    fn join(parts: Vec<Part>, stripes: Vec<Stripe>, parent: &Table) -> Self {
        let mut change = Self {
            stripes,
            forward: Change::default(),
            killed: Vec::new(),
            count: parent.count,
            fingerprint: parent.fingerprint,
            collides: false,
        };
        for part in parts {
            change.count = change.count + part.written.len() as u64 - part.killed.len() as u64;
            change.fingerprint = change.fingerprint.plus(part.gained).minus(part.lost);
            change.collides |= part.collides;
            let removed = part.killed.iter().filter(|killed| killed.removed);
            change.forward.removed.extend(removed.map(|killed| killed.hash));
            change.forward.written.extend(part.written);
            change.killed.extend(part.killed);
        }
        change
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.forward.is_empty()
    }

    pub(super) fn counts(&self) -> ChangeCounts {
        self.forward.counts()
    }

    /// The canonical message of a stated record.
    pub(super) fn message(&self, record: StripedRecord) -> &[u64] {
        self.stripes[record.stripe as usize].message(record.record)
    }

    /// The way back: what this change killed is written, what it added is removed.
    pub(super) fn reverse(&self) -> Change<Position> {
        let restored =
            |killed: &Killed| Written { hash: killed.hash, added: killed.removed, record: killed.position };
        let added = self.forward.written.iter().filter(|written| written.added);
        Change {
            written: self.killed.iter().map(restored).collect(),
            removed: added.map(|written| written.hash).collect(),
        }
    }
}

/// Rows of the parent that a full cycle did not state again, with their hashes.
fn unseen_rows(parent: &Table, seen: &Seen) -> Result<Vec<(KeyHash, Position)>, RowError> {
    let unseen = |(position, row)| match seen.is_marked(position) {
        true => None,
        false => Some(parent.key_hash(row).map(|hash| (hash, position)).map_err(RowError::from)),
    };
    let shards = (0..parent.base.shards().len()).into_par_iter();
    let shards =
        shards.map(|shard| parent.shard_rows(shard).filter_map(unseen).collect::<Result<Vec<_>, _>>());
    let mut rows = shards.collect::<Result<Vec<_>, _>>()?.concat();
    for row in parent.overlay_rows().filter_map(unseen) {
        rows.push(row?);
    }
    Ok(rows)
}

/// The change of one stripe.
#[derive(Default)]
struct Part {
    written: Vec<Written<StripedRecord>>,
    killed: Vec<Killed>,
    gained: Fingerprint,
    lost: Fingerprint,
    collides: bool,
}

impl Part {
    fn resolve(
        number: u32,
        stripe: &Stripe,
        unseen: Vec<(KeyHash, Position)>,
        parent: &Table,
    ) -> Result<Self, RowError> {
        let mut part = Self::default();
        let removed = |(hash, position)| Killed { hash, position, removed: true };
        part.killed.extend(unseen.into_iter().map(removed));
        let mut scratch = Scratch::default();
        for entry in &stripe.entries {
            part.take(number, stripe, *entry, parent, &mut scratch)?;
        }
        part.written.sort_unstable_by_key(|written| written.hash);
        part.killed.sort_unstable_by_key(|killed| killed.hash);
        part.settle_hashes(parent);
        for killed in &part.killed {
            let share = parent.share_of(parent.row(killed.position), &mut scratch.gathered)?;
            part.lost = part.lost.plus(share);
        }
        Ok(part)
    }

    fn take(
        &mut self,
        number: u32,
        stripe: &Stripe,
        entry: Entry,
        parent: &Table,
        scratch: &mut Scratch,
    ) -> Result<(), RowError> {
        let hash = entry.hash();
        match entry {
            Entry::Delete { start, length, .. } => {
                let key = stripe.key(start, length);
                if let Some((position, _)) = parent.locate(hash, key) {
                    self.killed.push(Killed { hash, position, removed: true });
                }
            }
            Entry::Put { record, .. } => {
                let message = stripe.message(record);
                let known = scratch.find(parent, hash, message)?;
                if let Some((position, row)) = known {
                    if row_equals(row.reader(), message) {
                        return Ok(());
                    }
                    self.killed.push(Killed { hash, position, removed: false });
                }
                self.gained = self.gained.plus(parent.share_of_message(record_hash(message)));
                let record = StripedRecord { stripe: number, record };
                self.written.push(Written { hash, added: known.is_none(), record });
            }
        }
        Ok(())
    }

    /// Lets a new record take over the hash of a removed one as an update, and finds hashes that two records would share.
    fn settle_hashes(&mut self, parent: &Table) {
        for pair in self.written.windows(2) {
            if pair[0].hash == pair[1].hash {
                self.collides = true;
            }
        }
        for written in self.written.iter_mut().filter(|written| written.added) {
            if parent.locate_hash(written.hash).is_none() {
                continue;
            }
            match self.killed.binary_search_by_key(&written.hash, |killed| killed.hash) {
                Ok(at) if self.killed[at].removed => {
                    self.killed[at].removed = false;
                    written.added = false;
                }
                _ => self.collides = true,
            }
        }
    }
}

/// Buffers of one task.
#[derive(Default)]
struct Scratch {
    key: Vec<u8>,
    gathered: Vec<u64>,
}

impl Scratch {
    /// The parent's record with the key of `message`.
    fn find<'t>(
        &mut self,
        parent: &'t Table,
        hash: KeyHash,
        message: &[u64],
    ) -> Result<Option<(Position, crate::state::Row<'t>)>, RowError> {
        if parent.is_empty() {
            return Ok(None);
        }
        self.key.clear();
        parent.keys.write_bytes(StructReader::root(message)?, &mut self.key)?;
        Ok(parent.locate(hash, &self.key))
    }
}
