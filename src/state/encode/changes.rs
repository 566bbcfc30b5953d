//! The changes sections of a type.

use std::sync::Arc;

use rayon::prelude::*;

use super::{EncodeError, PutRow, TableEncoder, put_row};
use crate::format::SectionKind;
use crate::format::sections::changes::{Change, Written, write_changes};
use crate::format::sections::message::SectionError;
use crate::format::sections::sharding::Sharding;
use crate::identifiers::KeyHash;
use crate::segment::Words;
use crate::state::{ChangesSince, Position, Section, Table};

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
        self.in_parts(Sharding::choose(written.chain(removed)), |parts, part| {
            let written = parts.range(&change.written, part, |written: &Written<R>| written.hash);
            let removed = parts.range(&change.removed, part, |hash| *hash);
            let (written, removed) = (&change.written[written], change.removed[removed].iter().copied());
            let hashes = written.iter().map(|written| written.hash);
            let is_added = |index: usize| written[index].added;
            write_changes(self.table.width, hashes, is_added, removed, |index, row| {
                put(&written[index].record, row)
            })
        })
    }

    /// The same for a change that brings rows of `source`.
    pub(crate) fn changes_from(
        &self,
        source: &Table,
        change: &Change<Position>,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let bytes = |_: &Position| source.bytes_of_a_row();
        self.changes(change, bytes, |position, row| put_row(source, *position, row))
    }

    /// The same for what changed in `source` since an earlier state of it.
    pub(crate) fn changes_since(
        &self,
        source: &Table,
        change: &ChangesSince,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let written = change.written().iter().map(|[hash, _]| (KeyHash(*hash), source.bytes_of_a_row()));
        let removed = change.removed().iter().map(|hash| (KeyHash(*hash), 8));
        self.in_parts(Sharding::choose(written.chain(removed)), |parts, part| {
            let written = parts.range(change.written(), part, |[hash, _]| KeyHash(*hash));
            let written = &change.written()[written];
            let removed = &change.removed()[parts.range(change.removed(), part, |hash| KeyHash(*hash))];
            let hashes = written.iter().map(|[hash, _]| KeyHash(*hash));
            let is_added = |index: usize| change.is_added(KeyHash(written[index][0]));
            let removed = removed.iter().map(|hash| KeyHash(*hash));
            write_changes(self.table.width, hashes, is_added, removed, |index, row| {
                put_row(source, Position::of_word(written[index][1]), row)
            })
        })
    }

    /// The sections that `write` makes of each part.
    fn in_parts(
        &self,
        parts: Sharding,
        write: impl Fn(Sharding, u32) -> Result<Words, SectionError> + Sync,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let sections = (0..parts.shards()).into_par_iter();
        sections.map(|part| self.keep(&write(parts, part)?, SectionKind::Changes, part, parts)).collect()
    }
}

impl Table {
    /// About as many bytes as a row takes in a changes section.
    fn bytes_of_a_row(&self) -> u64 {
        self.width.words() * 8 + 64
    }
}
