//! Snapshots: encoded, then opened as consumers do, every key looked up.

use std::sync::Arc;

use rayon::prelude::*;

use super::super::error::ProducerError;
use super::super::resolve::{StripedRecord, TypeChange};
use super::Preparation;
use crate::format::{BlobDescription, BlobKind, BlobWriter, FinishedBlob, Tags, TypeTransition};
use crate::identifiers::{Fingerprint, KeyHash, KeySeed, Version};
use crate::schema::Schema;
use crate::state::{
    BaseRecord, Position, PutRow, Row, RowError, State, Table, TableEncoder, TypeSections, put_row,
};
use crate::wire::{StructReader, gather};

impl Preparation {
    /// A snapshot of `state`, and the state that opens from its encoded bytes.
    pub(super) fn snapshot_of(&self, state: &State) -> Result<(State, FinishedBlob), ProducerError> {
        let blob = BlobWriter::new(&self.blobs)?;
        let mut types = Vec::new();
        for table in state.tables() {
            let encoder = TableEncoder { table, segments: &self.segments, blob: Some(&blob) };
            types.push(TypeSections {
                name: table.name().to_owned(),
                expected: Some((table.len(), table.fingerprint())),
                shards: encoder.base(|| false)?,
            });
        }
        self.open_snapshot(state.version(), state.seed(), state.schema(), state.tags(), types, blob)
    }

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
        self.open_snapshot(self.version(), seed, self.parent.schema(), &self.options.tags, types, blob)
    }

    /// Reads the sections just written as a consumer does, every key looked up, and finishes the blob (keeps semantics 8).
    fn open_snapshot(
        &self,
        version: Version,
        seed: KeySeed,
        schema: &Arc<Schema>,
        tags: &Tags,
        types: Vec<TypeSections>,
        blob: BlobWriter,
    ) -> Result<(State, FinishedBlob), ProducerError> {
        let transitions = types.iter().map(|part| {
            let (records, to_fingerprint) = part.expected.expect("what is stated is known");
            let from_fingerprint = Fingerprint::default();
            TypeTransition { name: part.name.clone(), from_fingerprint, to_fingerprint, records }
        });
        let description = BlobDescription {
            kind: BlobKind::Snapshot,
            dataset_id: self.parent.dataset(),
            from_version: Version::NONE,
            to_version: version,
            key_seed: seed,
            types: transitions.collect(),
            schema: Some(schema.stored_bytes()),
            tags: tags.clone(),
        };
        let schema = Arc::clone(schema);
        let state = State::open(self.parent.dataset(), version, seed, schema, tags.clone(), types, true)?;
        state.tables().par_iter().try_for_each(|table| look_up_every_key(table))?;
        Ok((state, blob.finish(&description)?))
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
        let mut scratch = Vec::new();
        let record = |(position, row): (Position, Row<'_>)| {
            scratch.clear();
            gather(row.reader(), &mut scratch)?;
            let hash = table.keys.hash_of(seed, row.reader())?;
            Ok(BaseRecord { hash, words: scratch.len() as u32, record: position })
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
        let message = change.message(written.record);
        let hash = if same_seed {
            written.hash
        } else {
            let record = StructReader::root(message);
            let hash =
                record.map_err(RowError::from).and_then(|record| Ok(table.keys.hash_of(seed, record)?));
            hash.map_err(|error| ProducerError::wire(table.name().to_owned(), error))?
        };
        Ok(BaseRecord { hash, words: message.len() as u32, record: Source::Stated(written.record) })
    });
    written.collect()
}

fn look_up_every_key(table: &Table) -> Result<(), ProducerError> {
    let lost = |hash: KeyHash| ProducerError::LostKey { type_name: table.name().to_owned(), hash };
    (0..table.base.shards().len()).into_par_iter().try_for_each(|shard| {
        table.shard_rows(shard).try_for_each(|(position, row)| {
            let hash =
                table.key_hash(row).map_err(|error| ProducerError::wire(table.name().to_owned(), error))?;
            let found = table.locate_hash(hash).map(|(position, _)| position);
            if found == Some(position) { Ok(()) } else { Err(lost(hash)) }
        })
    })
}
