//! From what a cycle stated to a checked new state and its blobs: all of the CPU work, none of the network.

mod delta;
mod snapshot;

use std::sync::Arc;

use super::error::ProducerError;
use super::options::CycleOptions;
use super::publish::PublishedBytes;
use super::resolve::TypeChange;
use super::snapshot::snapshot_of;
use super::snapshot_policy::SnapshotDue;
use super::validate::Changes;
use super::write_state::{Mode, WriteState};
use crate::cache::SegmentStore;
use crate::format::sections::changes::ChangeCounts;
use crate::format::{BlobWriterOptions, FinishedBlob};
use crate::identifiers::{KeySeed, Version};
use crate::state::State;

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

impl Prepared {
    /// Bytes of the blobs.
    pub(super) fn bytes(&self) -> PublishedBytes {
        PublishedBytes {
            snapshot: self.snapshot.as_ref().map(FinishedBlob::length),
            delta: self.deltas.as_ref().map(|deltas| deltas.forward.length()),
            reverse: self.deltas.as_ref().map(|deltas| deltas.reverse.length()),
        }
    }
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
    /// The same under the schema of the new version; without records across a break.
    pub(super) parent: Arc<State>,
    /// Whether no delta can lead to the new version.
    pub(super) is_break: bool,
    /// How many records each type of the version before has, as far as that is known.
    pub(super) had: Vec<(String, u64)>,
    pub(super) segments: SegmentStore,
    pub(super) blobs: BlobWriterOptions,
    pub(super) mode: Mode,
    pub(super) options: CycleOptions,
    pub(super) snapshot: SnapshotDue,
    /// Seeds to try when two keys have one hash.
    pub(super) seeds: Vec<KeySeed>,
}

impl Preparation {
    /// The new version and the records that it changes, or `None` if nothing changed (keeps semantics 2).
    pub(super) fn run(&self, stated: Vec<WriteState>) -> Result<Option<(Prepared, Changes)>, ProducerError> {
        let changes = self.resolve(stated)?;
        if !self.is_break && changes.iter().all(TypeChange::is_empty) {
            return Ok(None);
        }
        self.refuse_emptied(&changes)?;
        let prepared = self.prepare(&changes)?;
        let (parent, had) = (Arc::clone(&self.parent), self.had.clone());
        Ok(Some((prepared, Changes { parent, had, types: changes })))
    }

    fn prepare(&self, changes: &[TypeChange]) -> Result<Prepared, ProducerError> {
        let counts = self.parent.tables().iter().zip(changes);
        let counts = counts.map(|(table, change)| (table.name().to_owned(), change.counts())).collect();
        let collides = changes.iter().any(|change| change.collides);
        if self.published.version().is_none() || self.is_break || collides {
            return self.anew(changes, counts, collides);
        }
        let (state, deltas) = self.by_delta(changes)?;
        let delta_bytes = deltas.forward.length();
        let (state, snapshot) = if self.snapshot.is_due(delta_bytes) {
            let (rebased, blob) = snapshot_of(&state, &self.segments, &self.blobs)?;
            (rebased, Some(blob))
        } else {
            (state, None)
        };
        Ok(Prepared { state, deltas: Some(deltas), snapshot, changes: counts })
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
        if self.mode == Mode::Incremental {
            return Ok(());
        }
        let after = |name: &str| {
            let types = self.parent.tables().iter().zip(changes);
            types.filter(|(table, _)| table.name() == name).map(|(_, change)| change.count).sum::<u64>()
        };
        let emptied = self.had.iter().find(|(name, records)| *records > 0 && after(name) == 0);
        if let Some((type_name, records)) = emptied {
            return Err(ProducerError::Emptied { type_name: type_name.clone(), records: *records });
        }
        if self.is_break && changes.iter().all(|change| change.count == 0) {
            return Err(ProducerError::NothingStated);
        }
        Ok(())
    }

    fn version(&self) -> Version {
        self.published.version().next()
    }

    /// A version without a delta: the first one, a break, and one whose keys need another seed.
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
}

#[cfg(test)]
mod tests;
