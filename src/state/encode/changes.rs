//! The changes sections of a type.

use std::sync::Arc;

use rayon::prelude::*;

use super::{EncodeError, PutRow, TableEncoder, put_row};
use crate::format::SectionKind;
use crate::format::sections::changes::{Change, Written, write_changes};
use crate::format::sections::message::SectionError;
use crate::format::sections::sharding::Sharding;
use crate::state::{Position, Section, Table};

impl TableEncoder<'_> {
    /// `change` in as many parts as its size asks for, in parallel; `bytes` is about what a record takes.
    pub(crate) fn changes<R: Sync>(
        &self,
        change: &Change<R>,
        bytes: impl Fn(&R) -> u64,
        put: impl Fn(&R, PutRow<'_>) -> Result<(), SectionError> + Sync,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let written = change.written.iter().map(|written| (written.hash, bytes(&written.record)));
        let removed = change.removed.iter().map(|hash| (*hash, 8));
        let parts = Sharding::choose(written.chain(removed));
        let split = (0..parts.shards()).into_par_iter().map(|part| {
            let written = parts.range(&change.written, part, |written: &Written<R>| written.hash);
            let removed = parts.range(&change.removed, part, |hash| *hash);
            let (written, removed) = (&change.written[written], &change.removed[removed]);
            let framed = write_changes(self.table.width, written, removed, &put)?;
            self.keep(framed, SectionKind::Changes, part, parts)
        });
        split.collect()
    }

    /// The same for a change that brings rows of `source`.
    pub(crate) fn changes_from(
        &self,
        source: &Table,
        change: &Change<Position>,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let bytes = |_: &Position| source.width.words() * 8 + 64;
        self.changes(change, bytes, |position, row| put_row(source, *position, row))
    }
}
