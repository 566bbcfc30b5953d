//! A state as the state directory records it, and back: a restart needs no network (keeps semantics 24).

use std::sync::Arc;
use std::time::SystemTime;

use super::open::TypeSections;
use super::table::AppliedStep;
use super::{ApplyError, Section, State};
use crate::cache::{Current, CurrentShard, CurrentStep, CurrentType, ManifestReference, SectionName};
use crate::error::{Classify, ErrorKind};
use crate::format::Tags;
use crate::format::sections::slots::slots_bits;
use crate::identifiers::{ContentHash, Sequence};
use crate::schema::{Schema, SchemaError, TypeFilter};

impl State {
    /// What to record: the sections this state is made of, as of log entry `sequence`, to which it was the target of `ring`.
    pub(crate) fn record(
        &self,
        ring: String,
        sequence: Sequence,
        manifest: ManifestReference,
        confirmed_at: SystemTime,
    ) -> Current {
        let schema = self.schema.stored_bytes();
        let types = self.tables.iter().map(|table| CurrentType {
            name: table.name().to_owned(),
            record_count: table.len(),
            fingerprint: table.fingerprint(),
            base: table
                .base
                .shards()
                .iter()
                .map(|shard| CurrentShard {
                    rows: shard.records.section().name(),
                    keys: shard.keys_section.name(),
                })
                .collect(),
            overlay: table
                .applied
                .iter()
                .map(|step| CurrentStep {
                    from: step.from,
                    to: step.to,
                    fingerprint_after: step.fingerprint,
                    changes: step.sections.clone(),
                    slots: step.slots.as_ref().map(|section| section.name()),
                })
                .collect(),
        });
        Current {
            dataset: self.dataset,
            ring,
            sequence,
            version: self.version,
            manifest,
            confirmed_at,
            key_seed: self.seed,
            schema_hash: ContentHash::of(&schema),
            schema,
            tags: Tags::clone(&self.tags),
            types: types.collect(),
        }
    }

    /// The types of `filter` of the state that was recorded, from sections that were verified and sealed when they were written; `find` has one
    /// for each name, in their order. The record may have more types, not fewer.
    pub(crate) fn reopen(
        current: &Current,
        filter: &TypeFilter,
        find: impl Fn(&[SectionName]) -> Result<Vec<Arc<Section>>, crate::Error>,
    ) -> Result<Self, crate::Error> {
        let schema = Arc::new(Schema::from_stored_bytes(&current.schema).map_err(ReopenError::Schema)?);
        let present = current.types.iter().map(|part| part.name.as_str()).collect();
        if let Some(name) = filter.missing_from(&present, &schema) {
            return Err(ReopenError::Narrower { name: name.to_owned() }.into());
        }
        let wanted = || current.types.iter().filter(|part| filter.has(&part.name));
        let of_bases = wanted().flat_map(|part| &part.base).flat_map(|shard| [shard.rows, shard.keys]);
        let of_steps = wanted().flat_map(|part| &part.overlay).flat_map(|step| step.changes.iter().copied());
        let names: Vec<SectionName> = of_bases.chain(of_steps).collect();
        let mut sections = find(&names)?.into_iter();
        let mut next = || sections.next().expect("a section for each name");
        let types = wanted().filter(|part| !part.base.is_empty()).map(|part| TypeSections {
            name: part.name.clone(),
            expected: None,
            shards: part.base.iter().map(|_| (next(), next())).collect(),
        });
        let mut state = Self::open(
            current.dataset,
            current.version,
            current.key_seed,
            schema,
            current.tags.clone(),
            types.collect(),
            false,
        )?
        .narrowed(filter);
        for part in wanted() {
            state.replay(part, &mut next, |name| find(&[name]).ok()?.pop())?;
        }
        Ok(state)
    }

    fn replay(
        &mut self,
        part: &CurrentType,
        next: &mut impl FnMut() -> Arc<Section>,
        find_slots: impl Fn(SectionName) -> Option<Arc<Section>>,
    ) -> Result<(), crate::Error> {
        let unknown = || ReopenError::UnknownType { name: part.name.clone() };
        let table = self.tables.iter_mut().find(|table| table.name() == part.name).ok_or_else(unknown)?;
        let table = Arc::make_mut(table);
        for step in &part.overlay {
            let sections: Vec<_> = step.changes.iter().map(|_| next()).collect();
            let slots = step.slots.and_then(&find_slots);
            let bits = slots.as_ref().and_then(|slots| slots_bits(slots.words(), table.base.slots()).ok());
            let replayed = match bits {
                Some(bits) => table.resume(sections.clone(), bits),
                None => table.replay(sections.clone()),
            };
            replayed.map_err(ReopenError::Apply)?;
            let applied = AppliedStep::new((step.from, step.to), step.fingerprint_after, sections);
            table.applied.push(Arc::new(applied.with_slots(slots)));
        }
        table.fingerprint = part.fingerprint;
        if table.count != part.record_count {
            let (name, expected, found) = (part.name.clone(), part.record_count, table.count);
            return Err(ReopenError::Count { name, expected, found }.into());
        }
        Ok(())
    }
}

/// A record that no state can be made from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReopenError {
    /// The schema cannot be read.
    #[error("the recorded schema cannot be used: {0}")]
    Schema(SchemaError),
    /// A type that is wanted was not loaded.
    #[error("the record is of a state without type {name}")]
    Narrower {
        /// The type.
        name: String,
    },
    /// A type that the schema does not have.
    #[error("the record names type {name}, which its schema does not have")]
    UnknownType {
        /// The type.
        name: String,
    },
    /// The recorded changes do not fit the recorded base.
    #[error("the recorded changes do not fit: {0}")]
    Apply(ApplyError),
    /// Another number of records.
    #[error("type {name} has {found} records, {expected} are recorded")]
    Count {
        /// The type.
        name: String,
        /// What the record says.
        expected: u64,
        /// What the sections hold.
        found: u64,
    },
}

impl Classify for ReopenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Narrower { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Corrupt,
        }
    }
}
