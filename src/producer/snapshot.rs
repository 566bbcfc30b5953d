//! Snapshots: encoded, then opened as consumers do, every key looked up.

use std::sync::Arc;

use rayon::prelude::*;

use super::ProducerError;
use crate::cache::SegmentStore;
use crate::format::{
    BlobDescription, BlobKind, BlobWriter, BlobWriterOptions, FinishedBlob, Tags, TypeTransition,
};
use crate::identifiers::{DatasetId, Fingerprint, KeyHash, KeySeed, Version};
use crate::schema::Schema;
use crate::state::{State, Table, TableEncoder, TypeSections};

/// A snapshot of `state`, and the state that opens from its encoded bytes.
pub(super) fn snapshot_of(
    state: &State,
    segments: &SegmentStore,
    blobs: &BlobWriterOptions,
) -> Result<(State, FinishedBlob), ProducerError> {
    let blob = BlobWriter::new(blobs)?;
    let mut types = Vec::new();
    for table in state.tables() {
        let encoder = TableEncoder { table, segments, blob: Some(&blob) };
        types.push(TypeSections {
            name: table.name().to_owned(),
            expected: Some((table.len(), table.fingerprint())),
            shards: encoder.base(|| false)?,
        });
    }
    let contents = SnapshotContents {
        dataset: state.dataset(),
        version: state.version(),
        seed: state.seed(),
        schema: state.schema(),
        tags: state.tags(),
        types,
    };
    contents.finish(blob)
}

/// What a snapshot says, once its sections are written.
pub(super) struct SnapshotContents<'s> {
    pub(super) dataset: DatasetId,
    pub(super) version: Version,
    pub(super) seed: KeySeed,
    pub(super) schema: &'s Arc<Schema>,
    pub(super) tags: &'s Tags,
    pub(super) types: Vec<TypeSections>,
}

impl SnapshotContents<'_> {
    /// Reads the sections just written as a consumer does, every key looked up, and finishes the blob (keeps semantics 8).
    pub(super) fn finish(self, blob: BlobWriter) -> Result<(State, FinishedBlob), ProducerError> {
        let description = self.description();
        let Self { dataset, version, seed, schema, tags, types } = self;
        let state = State::open(dataset, version, seed, Arc::clone(schema), tags.clone(), types, true)?;
        state.tables().par_iter().try_for_each(|table| look_up_every_key(table))?;
        Ok((state, blob.finish(&description)?))
    }

    fn description(&self) -> BlobDescription {
        let transitions = self.types.iter().map(|part| {
            let (records, to_fingerprint) = part.expected.expect("what is stated is known");
            let from_fingerprint = Fingerprint::default();
            TypeTransition { name: part.name.clone(), from_fingerprint, to_fingerprint, records }
        });
        BlobDescription {
            kind: BlobKind::Snapshot,
            dataset_id: self.dataset,
            from_version: Version::NONE,
            to_version: self.version,
            key_seed: self.seed,
            types: transitions.collect(),
            schema: Some(self.schema.stored_bytes()),
            tags: self.tags.clone(),
        }
    }
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
