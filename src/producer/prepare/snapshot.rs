//! The snapshot of a version that no delta leads to.

use rayon::prelude::*;

use super::super::error::ProducerError;
use super::super::resolve::{StripedRecord, TypeChange};
use super::super::snapshot::SnapshotContents;
use super::Preparation;
use crate::format::{BlobWriter, FinishedBlob};
use crate::identifiers::KeySeed;
use crate::state::{
    BaseRecord, Position, PutRow, Row, RowError, State, Table, TableEncoder, TypeSections, put_row,
};
use crate::wire::StructReader;

impl Preparation {
    /// A snapshot of the parent with `changes`, its keys hashed under `seed`, and the state that opens from its encoded bytes.
    pub(super) fn whole_snapshot(
        &self,
        changes: &[TypeChange],
        seed: KeySeed,
    ) -> Result<(State, FinishedBlob), ProducerError> {
        let blob = BlobWriter::new(&self.blobs)?;
        let mut types = Vec::new();
        for (table, change) in self.parent.tables().iter().zip(changes) {
            let mut killed: Vec<Position> = change.killed.iter().map(|killed| killed.position).collect();
            killed.sort_unstable();
            let carried = records_of(table, seed, |position| killed.binary_search(&position).is_err())?;
            let carried = carried.into_iter().map(|record| BaseRecord {
                hash: record.hash,
                words: record.words,
                record: Source::Carried(record.record),
            });
            let stated = stated_records(table, change, seed)?;
            let records = carried.chain(stated).collect();
            let put = |source: Source, row: PutRow<'_>| match source {
                Source::Carried(position) => put_row(table, position, row),
                Source::Stated(record) => row(change.message(record)),
            };
            let encoder = TableEncoder { table, segments: &self.segments, blob: Some(&blob) };
            types.push(TypeSections {
                name: table.name().to_owned(),
                expected: Some((change.count, change.fingerprint)),
                shards: encoder.base_of(records, put)?,
            });
        }
        let contents = SnapshotContents {
            dataset: self.parent.dataset(),
            version: self.version(),
            seed,
            schema: self.parent.schema(),
            tags: &self.options.tags,
            types,
        };
        contents.finish(blob)
    }
}

/// Where a record of a whole snapshot comes from.
#[derive(Clone, Copy)]
enum Source {
    Carried(Position),
    Stated(StripedRecord),
}

/// The live rows of `table` that are `wanted`, hashed under `seed`.
fn records_of(
    table: &Table,
    seed: KeySeed,
    wanted: impl Fn(Position) -> bool + Sync,
) -> Result<Vec<BaseRecord<Position>>, ProducerError> {
    let records = |rows: &mut dyn Iterator<Item = (Position, Row<'_>)>| {
        let record = |(position, row): (Position, Row<'_>)| {
            let hash = table.keys.hash_of(seed, row.reader())?;
            Ok(BaseRecord { hash, words: table.words_of(row.reader())?, record: position })
        };
        rows.filter(|(position, _)| wanted(*position)).map(record).collect::<Result<Vec<_>, RowError>>()
    };
    let shards = (0..table.base.shards().len()).into_par_iter();
    let base = shards.map(|shard| records(&mut table.shard_rows(shard)));
    let parts = base.chain(rayon::iter::once(()).map(|()| records(&mut table.overlay_rows())));
    let parts = parts.collect::<Result<Vec<_>, _>>();
    Ok(parts.map_err(|error| ProducerError::wire(table.name().to_owned(), error))?.concat())
}

/// The stated records of a change, hashed under `seed`.
fn stated_records(
    table: &Table,
    change: &TypeChange,
    seed: KeySeed,
) -> Result<Vec<BaseRecord<Source>>, ProducerError> {
    let same_seed = seed == table.seed;
    let written = change.forward.written.par_iter().map(|written| {
        let record = StructReader::root(change.message(written.record))?;
        let hash = if same_seed { written.hash } else { table.keys.hash_of(seed, record)? };
        Ok(BaseRecord { hash, words: table.words_of(record)?, record: Source::Stated(written.record) })
    });
    let written = written.collect::<Result<_, RowError>>();
    written.map_err(|error| ProducerError::wire(table.name().to_owned(), error))
}
