//! From what a cycle stated to a checked new state and its blobs: all of the CPU work, none of the network.

use std::sync::Arc;

use rayon::prelude::*;

use super::encode::{Encoder, PutRow, SnapshotRecord};
use super::error::ProducerError;
use super::options::CycleOptions;
use super::resolve::{StripedRecord, TypeChange};
use super::snapshot_policy::SnapshotDue;
use super::write_state::{Mode, WriteState};
use crate::cache::SegmentStore;
use crate::format::sections::changes::ChangeCounts;
use crate::format::sections::message::SectionError;
use crate::format::{
    BlobDescription, BlobKind, BlobWriter, BlobWriterOptions, FinishedBlob, Tags, TypeTransition,
};
use crate::identifiers::{Fingerprint, KeyHash, KeySeed, Version};
use crate::schema::Schema;
use crate::state::{Position, RowError, State, Step, Table, Transition, TypeSections, TypeStep};
use crate::wire::{StructReader, gather};

/// A version that only waits to be uploaded and committed.
pub(super) struct Prepared {
    /// The new state, read back from its encoded sections.
    pub(super) state: State,
    /// Delta and reverse delta; none for a first version and across a break of layout.
    pub(super) deltas: Option<Deltas>,
    pub(super) snapshot: Option<FinishedBlob>,
    /// What changed, by type.
    pub(super) changes: Vec<(String, ChangeCounts)>,
}

/// The two ways between a version and its parent.
pub(super) struct Deltas {
    pub(super) forward: FinishedBlob,
    pub(super) reverse: FinishedBlob,
}

/// What a version is prepared from.
pub(super) struct Preparation {
    /// The state of the version before as it is, under the schema it was published with.
    pub(super) published: Arc<State>,
    /// The same under the schema of the new version.
    pub(super) parent: Arc<State>,
    pub(super) segments: SegmentStore,
    pub(super) blobs: BlobWriterOptions,
    pub(super) mode: Mode,
    pub(super) options: CycleOptions,
    pub(super) snapshot: SnapshotDue,
    /// Seeds to try when two keys have one hash.
    pub(super) seeds: Vec<KeySeed>,
}

impl Preparation {
    /// The new version, or `None` if nothing changed (keeps semantics 2).
    pub(super) fn run(&self, stated: Vec<WriteState>) -> Result<Option<Prepared>, ProducerError> {
        let changes = self.resolve(stated)?;
        if changes.iter().all(TypeChange::is_empty) {
            return Ok(None);
        }
        self.refuse_emptied(&changes)?;
        let counts = self.parent.tables().iter().zip(&changes);
        let counts = counts.map(|(table, change)| (table.name().to_owned(), change.counts())).collect();
        let collides = changes.iter().any(|change| change.collides);
        if self.published.version().is_none() || collides {
            return self.anew(&changes, counts, collides).map(Some);
        }
        let (state, deltas) = self.by_delta(&changes)?;
        let delta_bytes = deltas.forward.length();
        let (state, snapshot) = if self.snapshot.is_due(delta_bytes) {
            let (rebased, blob) = self.snapshot_of(&state)?;
            (rebased, Some(blob))
        } else {
            (state, None)
        };
        Ok(Some(Prepared { state, deltas: Some(deltas), snapshot, changes: counts }))
    }

    fn resolve(&self, stated: Vec<WriteState>) -> Result<Vec<TypeChange>, ProducerError> {
        let tables = self.parent.tables().iter();
        let changes = stated.into_iter().zip(tables).map(|(stated, table)| {
            TypeChange::resolve(stated, table)
                .map_err(|error| ProducerError::wire(table.name().to_owned(), error))
        });
        changes.collect()
    }

    fn refuse_emptied(&self, changes: &[TypeChange]) -> Result<(), ProducerError> {
        if self.options.allow_empty {
            return Ok(());
        }
        for (table, change) in self.parent.tables().iter().zip(changes) {
            if self.mode == Mode::Full && !table.is_empty() && change.count == 0 {
                return Err(ProducerError::Emptied {
                    type_name: table.name().to_owned(),
                    records: table.len(),
                });
            }
        }
        Ok(())
    }

    /// The new state by delta, from the encoded bytes and back again (keeps semantics 8).
    fn by_delta(&self, changes: &[TypeChange]) -> Result<(State, Deltas), ProducerError> {
        let encoder = Encoder { segments: &self.segments };
        let (forward_blob, reverse_blob) = (BlobWriter::new(&self.blobs)?, BlobWriter::new(&self.blobs)?);
        let mut forward = Vec::new();
        let mut reverse = Vec::new();
        for (table, change) in
            self.parent.tables().iter().zip(changes).filter(|(_, change)| !change.is_empty())
        {
            forward.push(TypeStep {
                name: table.name().to_owned(),
                from: table.fingerprint(),
                to: change.fingerprint,
                records: change.count,
                sections: encoder.forward(table, change, &forward_blob)?,
            });
            // A type that is new goes with the schema on the way back.
            if self.published.table(table.name()).is_some() {
                reverse.push(TypeStep {
                    name: table.name().to_owned(),
                    from: change.fingerprint,
                    to: table.fingerprint(),
                    records: table.len(),
                    sections: encoder.reverse(table, change, &reverse_blob)?,
                });
            }
        }
        let evolved = !Arc::ptr_eq(self.published.schema(), self.parent.schema());
        let forward = self.step(self.version(), self.parent.schema(), evolved, &self.options.tags, forward);
        let back = self.published.version();
        let reverse = self.step(back, self.published.schema(), evolved, self.published.tags(), reverse);
        let deltas = Deltas {
            forward: finish_delta(forward_blob, BlobKind::Delta, &self.published, &forward)?,
            reverse: finish_delta(reverse_blob, BlobKind::ReverseDelta, &self.published, &reverse)?,
        };
        Ok((self.there_and_back(forward, reverse)?, deltas))
    }

    fn version(&self) -> Version {
        self.published.version().next()
    }

    fn step(
        &self,
        to: Version,
        schema: &Arc<Schema>,
        evolved: bool,
        tags: &Tags,
        types: Vec<TypeStep>,
    ) -> Step {
        let schema = evolved.then(|| Arc::clone(schema));
        Step { to, seed: self.parent.seed(), schema, tags: tags.clone(), types }
    }

    fn there_and_back(&self, forward: Step, reverse: Step) -> Result<State, ProducerError> {
        let mut there = Transition::from(State::clone(&self.published));
        there.step(forward).map_err(ProducerError::SelfCheck)?;
        let state = there.finish();
        let mut back = Transition::from(state.clone());
        back.step(reverse).map_err(ProducerError::SelfCheck)?;
        let expected = self.published.fingerprint();
        let found = back.finish().fingerprint();
        if expected != found {
            return Err(ProducerError::NotReversible { expected, found });
        }
        Ok(state)
    }

    /// A snapshot of `state`, and the state that opens from its encoded bytes.
    fn snapshot_of(&self, state: &State) -> Result<(State, FinishedBlob), ProducerError> {
        let blob = BlobWriter::new(&self.blobs)?;
        let encoder = Encoder { segments: &self.segments };
        let mut types = Vec::new();
        for table in state.tables() {
            let records = records_of(table, state.seed(), |_| true)?;
            let put = |position: Position, row: PutRow<'_>| put_row(table, position, row);
            types.push(TypeSections {
                name: table.name().to_owned(),
                expected: Some((table.len(), table.fingerprint())),
                shards: encoder.snapshot(table, records, put, &blob)?,
            });
        }
        self.open_snapshot(state.version(), state.seed(), state.schema(), state.tags(), types, blob)
    }

    /// A version without a delta: the first one, and one whose keys need another seed.
    fn anew(
        &self,
        changes: &[TypeChange],
        counts: Vec<(String, ChangeCounts)>,
        collides: bool,
    ) -> Result<Prepared, ProducerError> {
        let own = self.parent.seed();
        let seeds = if collides { &self.seeds[..] } else { std::slice::from_ref(&own) };
        let mut failure = None;
        for seed in seeds {
            match self.whole_snapshot(changes, *seed) {
                Ok((state, blob)) => {
                    return Ok(Prepared { state, deltas: None, snapshot: Some(blob), changes: counts });
                }
                Err(error) if error.is_collision() => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.expect("at least one seed was tried"))
    }

    fn whole_snapshot(
        &self,
        changes: &[TypeChange],
        seed: KeySeed,
    ) -> Result<(State, FinishedBlob), ProducerError> {
        let blob = BlobWriter::new(&self.blobs)?;
        let encoder = Encoder { segments: &self.segments };
        let mut types = Vec::new();
        for (table, change) in self.parent.tables().iter().zip(changes) {
            let mut killed: Vec<Position> = change.killed.iter().map(|killed| killed.position).collect();
            killed.sort_unstable();
            let carried = records_of(table, seed, |position| killed.binary_search(&position).is_err())?;
            let carried = carried.into_iter().map(|record| SnapshotRecord {
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
            types.push(TypeSections {
                name: table.name().to_owned(),
                expected: Some((change.count, change.fingerprint)),
                shards: encoder.snapshot(table, records, put, &blob)?,
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
) -> Result<Vec<SnapshotRecord<Position>>, ProducerError> {
    let mut scratch = Vec::new();
    let mut record = |(position, row): (Position, crate::state::Row<'_>)| {
        scratch.clear();
        gather(row.reader(), &mut scratch)?;
        let hash = table.keys.hash_of(seed, row.reader())?;
        Ok::<_, RowError>(SnapshotRecord { hash, words: scratch.len() as u32, record: position })
    };
    let named = |error| ProducerError::wire(table.name().to_owned(), error);
    let rows = table.positions().filter(|(position, _)| wanted(*position));
    rows.map(&mut record).collect::<Result<_, _>>().map_err(named)
}

/// The stated records of a change, hashed under `seed`.
fn stated_records(
    table: &Table,
    change: &TypeChange,
    seed: KeySeed,
) -> Result<Vec<SnapshotRecord<Source>>, ProducerError> {
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
        Ok(SnapshotRecord { hash, words: message.len() as u32, record: Source::Stated(written.record) })
    });
    written.collect()
}

fn put_row(table: &Table, position: Position, row: PutRow<'_>) -> Result<(), SectionError> {
    thread_local! {
        static MESSAGE: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    MESSAGE.with_borrow_mut(|message| {
        message.clear();
        gather(table.row(position).reader(), message)?;
        row(message)
    })
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

fn finish_delta(
    blob: BlobWriter,
    kind: BlobKind,
    published: &State,
    step: &Step,
) -> Result<FinishedBlob, ProducerError> {
    let transitions = step.types.iter().map(|part| TypeTransition {
        name: part.name.clone(),
        from_fingerprint: part.from,
        to_fingerprint: part.to,
        records: part.records,
    });
    let newer = published.version().next();
    let from_version = if kind == BlobKind::Delta { published.version() } else { newer };
    Ok(blob.finish(&BlobDescription {
        kind,
        dataset_id: published.dataset(),
        from_version,
        to_version: step.to,
        key_seed: step.seed,
        types: transitions.collect(),
        schema: step.schema.as_ref().map(|schema| schema.stored_bytes()),
        tags: step.tags.clone(),
    })?)
}
