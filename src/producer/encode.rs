//! From a change to sections: the delta, the reverse delta, the snapshot.
//!
//! Every section is written once, into the state directory, and read back from there by the same code that consumers run; the blob writer
//! compresses those bytes.

use std::io::Write;
use std::sync::Arc;

use rayon::prelude::*;

use super::error::ProducerError;
use super::resolve::{StripedRecord, TypeChange};
use crate::cache::{CacheError, SectionName, SegmentStore};
use crate::format::sections::changes::{Change, Written, write_changes};
use crate::format::sections::message::SectionError;
use crate::format::sections::shard::{SHARD_BYTES, Sharding, write_shard};
use crate::format::{BlobWriter, SectionId, SectionKind};
use crate::identifiers::{KeyHash, TypeId};
use crate::segment::Segment;
use crate::state::{Position, Section, ShardedSections, Table};
use crate::wire::{StructReader, gather, key_text};

/// Puts the canonical message of a record into its row.
pub(super) type PutRow<'a> = &'a mut dyn FnMut(&[u64]) -> Result<(), SectionError>;

/// Writes sections into the segment store and the blob that carries them.
pub(super) struct Encoder<'e> {
    pub(super) segments: &'e SegmentStore,
}

impl Encoder<'_> {
    /// The delta sections of a change.
    pub(super) fn forward(
        &self,
        table: &Table,
        change: &TypeChange,
        blob: &BlobWriter,
    ) -> Result<Vec<Arc<Section>>, ProducerError> {
        let bytes = |record: &StripedRecord| change.message(*record).len() as u64 * 8;
        let put = |record: &StripedRecord, row: PutRow<'_>| row(change.message(*record));
        self.changes(table, &change.forward, bytes, put, blob)
    }

    /// The reverse delta sections of a change of `parent`.
    pub(super) fn reverse(
        &self,
        parent: &Table,
        change: &TypeChange,
        blob: &BlobWriter,
    ) -> Result<Vec<Arc<Section>>, ProducerError> {
        let bytes = |_: &Position| parent.width.words() * 8 + 64;
        let put = |position: &Position, row: PutRow<'_>| {
            let mut message = Vec::new();
            gather(parent.row(*position).reader(), &mut message)?;
            row(&message)
        };
        self.changes(parent, &change.reverse(), bytes, put, blob)
    }

    /// Changes in as many parts as their size asks for, in parallel.
    fn changes<R: Sync>(
        &self,
        table: &Table,
        change: &Change<R>,
        bytes: impl Fn(&R) -> u64,
        put: impl Fn(&R, PutRow<'_>) -> Result<(), SectionError> + Sync,
        blob: &BlobWriter,
    ) -> Result<Vec<Arc<Section>>, ProducerError> {
        let written = change.written.iter().map(|written| (written.hash, bytes(&written.record)));
        let removed = change.removed.iter().map(|hash| (*hash, 8));
        let parts = Sharding::choose(written.chain(removed));
        let split = (0..parts.shards()).into_par_iter().map(|part| {
            let written = part_of(&change.written, parts, part, |written: &Written<R>| written.hash);
            let removed = part_of(&change.removed, parts, part, |hash| *hash);
            let framed = write_changes(table.width, written, removed, &put)?;
            let id = section_id(table, SectionKind::Changes, part, parts);
            self.keep(framed, id, blob)
        });
        split.collect()
    }

    /// The snapshot sections of `records`, which come in any order.
    pub(super) fn snapshot<R: Copy + Sync + Send>(
        &self,
        table: &Table,
        mut records: Vec<SnapshotRecord<R>>,
        put: impl Fn(R, PutRow<'_>) -> Result<(), SectionError> + Sync,
        blob: &BlobWriter,
    ) -> Result<Vec<ShardedSections>, ProducerError> {
        records.par_sort_unstable_by_key(|record| record.hash);
        if let Some(pair) = records.windows(2).find(|pair| pair[0].hash == pair[1].hash) {
            let [first, second] = [0, 1].map(|at| key_of(table, pair[at].record, &put));
            return Err(ProducerError::Collision { type_name: table.name().to_owned(), first, second });
        }
        let sharding =
            Sharding::choose(records.iter().map(|record| (record.hash, u64::from(record.words) * 8)));
        let shards = (0..sharding.shards()).into_par_iter().map(|shard| {
            let records = part_of(&records, sharding, shard, |record: &SnapshotRecord<R>| record.hash);
            let hashes: Vec<KeyHash> = records.iter().map(|record| record.hash).collect();
            let sections =
                write_shard(table.width, &hashes, SHARD_BYTES, |index, row| put(records[index].record, row));
            let sections = sections.map_err(|error| ProducerError::shard(table.name(), error))?;
            let rows_id = section_id(table, SectionKind::Rows, shard, sharding);
            let keys_id = section_id(table, SectionKind::Keys, shard, sharding);
            Ok((self.keep(sections.rows, rows_id, blob)?, self.keep(sections.keys, keys_id, blob)?))
        });
        shards.collect()
    }

    /// Writes a framed section to the segment store and into the blob.
    fn keep(
        &self,
        framed: Vec<u64>,
        id: SectionId,
        blob: &BlobWriter,
    ) -> Result<Arc<Section>, ProducerError> {
        let bytes = bytemuck::cast_slice::<u64, u8>(&framed);
        blob.add_section(id, bytes)?;
        let name = SectionName::of(bytes);
        let segment = match self.segments.find(&name)? {
            Some(segment) => segment,
            None => self.write(bytes, name)?,
        };
        Ok(Arc::new(Section::new(name, segment)))
    }

    /// The section is this process's own work, so it is sealed at once.
    fn write(&self, bytes: &[u8], name: SectionName) -> Result<Segment, CacheError> {
        let mut writer = self.segments.create(bytes.len() as u64)?;
        writer.write_all(bytes).map_err(CacheError::of_section)?;
        writer.finish(Some(name))?.seal()
    }
}

/// The key of a record as people read it.
fn key_of<R>(table: &Table, record: R, put: &impl Fn(R, PutRow<'_>) -> Result<(), SectionError>) -> String {
    let mut key = Vec::new();
    let mut write_key = |message: &[u64]| {
        let _ = StructReader::root(message).map(|record| table.keys.write_bytes(record, &mut key));
        Ok(())
    };
    // The record was hashed by its key before, so nothing fails; if it did, the key would read as cut off.
    let _ = put(record, &mut write_key);
    key_text(table.keys.kinds(), &key)
}

/// A record that a snapshot is to hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotRecord<R> {
    pub(super) hash: KeyHash,
    /// Length of its canonical message.
    pub(super) words: u32,
    pub(super) record: R,
}

fn section_id(table: &Table, kind: SectionKind, part: u32, parts: Sharding) -> SectionId {
    SectionId { type_id: TypeId::of(table.name()), kind, part, parts: parts.shards() }
}

/// The items whose hashes belong to `part`, of items by ascending hash.
fn part_of<T>(items: &[T], parts: Sharding, part: u32, hash: impl Fn(&T) -> KeyHash) -> &[T] {
    let begin = items.partition_point(|item| parts.shard(hash(item)) < part);
    let length = items[begin..].partition_point(|item| parts.shard(hash(item)) == part);
    &items[begin..begin + length]
}
