//! The shards of a base.

use rayon::prelude::*;

use super::{EncodeError, PutRow, TableEncoder, put_row};
use crate::format::SectionKind;
use crate::format::sections::message::SectionError;
use crate::format::sections::shard::write_shard;
use crate::format::sections::sharding::{SHARD_BYTES, ShardSizes, Sharding};
use crate::identifiers::KeyHash;
use crate::segment::Words;
use crate::state::{Position, Row, ShardedSections, Table};
use crate::wire::{StructReader, key_text};

/// A record that a base is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseRecord<R> {
    pub(crate) hash: KeyHash,
    /// [Words](Table::words_of) that it takes in a shard.
    pub(crate) words: u32,
    pub(crate) record: R,
}

impl TableEncoder<'_> {
    /// A base of all rows of the table. Two passes over them, shard by shard: beside a shard for each thread it takes no memory of its own.
    ///
    /// `stopped` is asked between shards whether to give up.
    pub(crate) fn base(
        &self,
        stopped: impl Fn() -> bool + Sync,
    ) -> Result<Vec<ShardedSections>, EncodeError> {
        let sharding = self.sizes()?.choose();
        let shards = (0..sharding.shards()).into_par_iter().map(|shard| {
            if stopped() {
                return Err(EncodeError::Cancelled { type_name: self.table.name().to_owned() });
            }
            let mut records = rows_of_part(self.table, sharding, shard)?;
            let records = bytemuck::cast_slice_mut::<u64, [u64; 2]>(&mut records);
            records.sort_unstable();
            let hash = |[hash, _]: &[u64; 2]| KeyHash(*hash);
            self.shard(records, hash, shard, sharding, |[_, position], row| {
                put_row(self.table, Position::of_word(*position), row)
            })
        });
        shards.collect()
    }

    /// A base of `records`, which come in any order.
    pub(crate) fn base_of<R: Copy + Sync + Send>(
        &self,
        mut records: Vec<BaseRecord<R>>,
        put: impl Fn(R, PutRow<'_>) -> Result<(), SectionError> + Sync,
    ) -> Result<Vec<ShardedSections>, EncodeError> {
        records.par_sort_unstable_by_key(|record| record.hash);
        let sharding =
            Sharding::choose(records.par_iter().map(|record| (record.hash, u64::from(record.words) * 8)));
        let shards = (0..sharding.shards()).into_par_iter().map(|shard| {
            let hash = |record: &BaseRecord<R>| record.hash;
            let records = &records[sharding.range(&records, shard, hash)];
            self.shard(records, hash, shard, sharding, |record, row| put(record.record, row))
        });
        shards.collect()
    }

    /// One shard of `records`, which come by ascending hash.
    fn shard<T>(
        &self,
        records: &[T],
        hash: impl Fn(&T) -> KeyHash,
        shard: u32,
        sharding: Sharding,
        put: impl Fn(&T, PutRow<'_>) -> Result<(), SectionError>,
    ) -> Result<ShardedSections, EncodeError> {
        if let Some(pair) = records.windows(2).find(|pair| hash(&pair[0]) == hash(&pair[1])) {
            let [first, second] = [0, 1].map(|at| key_of(self.table, &pair[at], &put));
            return Err(EncodeError::Collision { type_name: self.table.name().to_owned(), first, second });
        }
        let hashes: Vec<KeyHash> = records.iter().map(hash).collect();
        let sections =
            write_shard(self.table.width, &hashes, SHARD_BYTES, |index, row| put(&records[index], row));
        let sections = sections.map_err(|error| EncodeError::shard(self.table.name(), error))?;
        let rows = self.keep(&sections.rows, SectionKind::Rows, shard, sharding)?;
        Ok((rows, self.keep(&sections.keys, SectionKind::Keys, shard, sharding)?))
    }

    fn sizes(&self) -> Result<ShardSizes, EncodeError> {
        let table = self.table;
        let add = |mut sizes: ShardSizes, rows: &mut dyn Iterator<Item = (Position, Row<'_>)>| {
            for (_, row) in rows {
                let words = table.words_of(row.reader());
                let words = words.map_err(|error| EncodeError::record(table.name(), error))?;
                sizes.add(hash_of(table, row)?, u64::from(words) * 8);
            }
            Ok(sizes)
        };
        let shards = (0..table.base.shards().len()).into_par_iter();
        let base = shards.try_fold(ShardSizes::new, |sizes, shard| add(sizes, &mut table.shard_rows(shard)));
        let base = base.try_reduce(ShardSizes::new, |left, right| Ok(left.plus(&right)))?;
        add(base, &mut table.overlay_rows())
    }
}

/// The rows of `table` that belong to one shard of `sharding`: hash and [position](Position::to_word) of each.
fn rows_of_part(table: &Table, sharding: Sharding, shard: u32) -> Result<Words, EncodeError> {
    let mut records = Words::with_capacity(0);
    let mut add =
        |hash: KeyHash, position: Position| records.extend_from_slice(&[hash.0, position.to_word()]);
    for own in table.base.overlapping(sharding, shard) {
        for (position, row) in table.shard_rows(own) {
            let hash = hash_of(table, row)?;
            if sharding.shard(hash) == shard {
                add(hash, position);
            }
        }
    }
    let changed = table.overlay.rows_of_part(sharding, shard);
    changed.for_each(|(hash, position)| add(hash, Position::Overlay(position)));
    Ok(records)
}

fn hash_of(table: &Table, row: Row<'_>) -> Result<KeyHash, EncodeError> {
    table.key_hash(row).map_err(|error| EncodeError::record(table.name(), error))
}

/// The key of a record as people read it.
fn key_of<T>(table: &Table, record: &T, put: &impl Fn(&T, PutRow<'_>) -> Result<(), SectionError>) -> String {
    let mut key = Vec::new();
    let mut write_key = |message: &[u64]| {
        let _ = StructReader::root(message).map(|record| table.keys.write_bytes(record, &mut key));
        Ok(())
    };
    // The record was hashed by its key before, so nothing fails; if it did, the key would read as cut off.
    let _ = put(record, &mut write_key);
    key_text(table.keys.kinds(), &key)
}
