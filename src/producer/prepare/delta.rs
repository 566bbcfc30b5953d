//! Delta and reverse delta: encoded, then taken there and back as consumers do.

use std::sync::Arc;

use super::super::error::ProducerError;
use super::super::resolve::TypeChange;
use super::{Deltas, Preparation};
use crate::format::{BlobDescription, BlobKind, BlobWriter, FinishedBlob, Tags, TypeTransition};
use crate::identifiers::Version;
use crate::schema::Schema;
use crate::state::{State, Step, TableEncoder, Transition, TypeStep};

impl Preparation {
    /// The new state by delta, from the encoded bytes and back again (keeps semantics 8).
    pub(super) fn by_delta(&self, changes: &[TypeChange]) -> Result<(State, Deltas), ProducerError> {
        let (forward, reverse, deltas) = self.encode_both_ways(changes)?;
        Ok((there_and_back(&self.published, forward, reverse)?, deltas))
    }

    /// Encodes the sections of `changes`, both ways: the steps they make, not taken yet, and the blobs that hold them.
    pub(super) fn encode_both_ways(
        &self,
        changes: &[TypeChange],
    ) -> Result<(Step, Step, Deltas), ProducerError> {
        let (forward_blob, reverse_blob) = (BlobWriter::new(&self.blobs)?, BlobWriter::new(&self.blobs)?);
        let mut forward = Vec::new();
        let mut reverse = Vec::new();
        for (table, change) in
            self.parent.tables().iter().zip(changes).filter(|(_, change)| !change.is_empty())
        {
            let encoder = |blob| TableEncoder { table, segments: &self.segments, blob: Some(blob) };
            forward.push(TypeStep {
                name: table.name().to_owned(),
                from: table.fingerprint(),
                to: change.fingerprint,
                records: change.count,
                sections: change.encode(encoder(&forward_blob))?,
            });
            // A type that is new goes with the schema on the way back.
            if self.published.table(table.name()).is_some() {
                reverse.push(TypeStep {
                    name: table.name().to_owned(),
                    from: change.fingerprint,
                    to: table.fingerprint(),
                    records: table.len(),
                    sections: change.encode_reverse(encoder(&reverse_blob))?,
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
        Ok((forward, reverse, deltas))
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
}

/// Goes from `published` by `forward`, and back by `reverse`; the state in between.
pub(super) fn there_and_back(
    published: &State,
    forward: Step,
    reverse: Step,
) -> Result<State, ProducerError> {
    let mut there = Transition::from(published.clone());
    there.step(forward).map_err(ProducerError::SelfCheck)?;
    let state = there.finish();
    let mut back = Transition::from(state.clone());
    back.step(reverse).map_err(ProducerError::SelfCheck)?;
    let expected = published.fingerprint();
    let found = back.finish().fingerprint();
    if expected != found {
        return Err(ProducerError::NotReversible { expected, found });
    }
    Ok(state)
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
