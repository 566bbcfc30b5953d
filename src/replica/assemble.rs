//! From a blob's header and its sections to a state.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Classify, ErrorKind};
use crate::format::sections::message::SectionError;
use crate::format::{BlobDescription, BlobHeader, SectionId, SectionKind};
use crate::identifiers::TypeId;
use crate::schema::{Schema, SchemaError, TypeFilter};
use crate::state::{OpenError, Section, State, Step, StepError, Transition, TypeSections, TypeStep};

/// A blob whose sections are in memory, but for those of types that are filtered out.
#[derive(Debug)]
pub(crate) struct Assembled {
    header: Arc<BlobHeader>,
    filter: TypeFilter,
    sections: HashMap<SectionId, Arc<Section>>,
    /// Whether every section was verified before, when it was written to disk and sealed.
    sealed: bool,
}

impl Assembled {
    /// All `sections` of the header's table that are of types of `filter`.
    pub(crate) fn new(
        header: Arc<BlobHeader>,
        filter: TypeFilter,
        sections: HashMap<SectionId, Arc<Section>>,
        sealed: bool,
    ) -> Self {
        Self { header, filter, sections, sealed }
    }

    /// The state of a snapshot. CPU work of one pass over its bytes unless they are sealed.
    pub(crate) fn open(&self) -> Result<State, AssembleError> {
        let description = self.header.description();
        let schema = schema_of(description)?.ok_or(AssembleError::NoSchema)?;
        let types = description.types.iter().filter(|transition| self.filter.has(&transition.name));
        let types = types.map(|transition| {
            let rows = self.parts(&transition.name, SectionKind::Rows);
            let keys = self.parts(&transition.name, SectionKind::Keys);
            if rows.len() != keys.len() {
                return Err(AssembleError::Shards { name: transition.name.clone() });
            }
            Ok(TypeSections {
                name: transition.name.clone(),
                expected: Some((transition.records, transition.to_fingerprint)),
                shards: rows.into_iter().zip(keys).collect(),
            })
        });
        let types = types.collect::<Result<Vec<_>, _>>()?;
        let state = State::open(
            description.dataset_id,
            description.to_version,
            description.key_seed,
            Arc::new(schema),
            description.tags.clone(),
            types,
            !self.sealed,
        );
        Ok(state?.narrowed(&self.filter))
    }

    /// Takes `transition` the step of a delta or reverse delta.
    pub(crate) fn step(&self, transition: &mut Transition) -> Result<(), AssembleError> {
        let description = self.header.description();
        let types = description.types.iter().map(|change| TypeStep {
            name: change.name.clone(),
            from: change.from_fingerprint,
            to: change.to_fingerprint,
            records: change.records,
            sections: self.parts(&change.name, SectionKind::Changes),
        });
        let step = Step {
            to: description.to_version,
            seed: description.key_seed,
            schema: schema_of(description)?.map(Arc::new),
            tags: description.tags.clone(),
            types: types.collect(),
        };
        Ok(transition.step(step)?)
    }

    /// The sections of one kind and type, by part; the header was checked to hold all of them or none.
    fn parts(&self, name: &str, kind: SectionKind) -> Vec<Arc<Section>> {
        let type_id = TypeId::of(name);
        let of_kind = self.sections.iter().filter(|(id, _)| id.kind == kind && id.type_id == type_id);
        let mut parts: Vec<_> = of_kind.map(|(id, section)| (id.part, Arc::clone(section))).collect();
        parts.sort_unstable_by_key(|(part, _)| *part);
        parts.into_iter().map(|(_, section)| section).collect()
    }
}

pub(super) fn schema_of(description: &BlobDescription) -> Result<Option<Schema>, AssembleError> {
    Ok(description.schema.as_deref().map(Schema::from_stored_bytes).transpose()?)
}

/// A blob whose sections do not make the state that it promises.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// A snapshot must bring its schema.
    #[error("the snapshot has no schema")]
    NoSchema,
    /// Rows and keys are of different shards.
    #[error("type {name} has another number of rows sections than of keys sections")]
    Shards {
        /// The type.
        name: String,
    },
    /// The schema cannot be read.
    #[error("the schema in the blob cannot be used: {0}")]
    Schema(#[from] SchemaError),
    /// A section is not what its kind says.
    #[error("a section of changes cannot be used: {0}")]
    Section(#[from] SectionError),
    /// The sections do not form the snapshot.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The changes do not fit.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl Classify for AssembleError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
