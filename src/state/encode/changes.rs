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
use crate::wire::WireError;

impl TableEncoder<'_> {
    /// `change` in as many parts as its size asks for, in parallel; `words` says what a record [takes](Table::words_of).
    pub(crate) fn changes<R: Sync>(
        &self,
        change: &Change<R>,
        words: impl Fn(&R) -> Result<u32, WireError> + Sync,
        put: impl Fn(&R, PutRow<'_>) -> Result<(), SectionError> + Sync,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let written = change.written.par_iter();
        let written = written.map(|written| (written.hash, bytes_of(words(&written.record))));
        let removed = change.removed.par_iter().map(|hash| (*hash, 8));
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
        let words = |position: &Position| self.table.words_of(source.row(*position).reader());
        self.changes(change, words, |position, row| put_row(source, *position, row))
    }

    /// The same for what changed in `source` since an earlier state of it.
    pub(crate) fn changes_since(
        &self,
        source: &Table,
        change: &ChangesSince,
    ) -> Result<Vec<Arc<Section>>, EncodeError> {
        let words = |position: u64| self.table.words_of(source.row(Position::of_word(position)).reader());
        let written = change.written().par_iter();
        let written = written.map(|[hash, position]| (KeyHash(*hash), bytes_of(words(*position))));
        let removed = change.removed().par_iter().map(|hash| (KeyHash(*hash), 8));
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

/// Bytes of a record and of its hash. One that cannot be measured counts for nothing here: it is refused where it is put.
fn bytes_of(words: Result<u32, WireError>) -> u64 {
    words.map_or(0, |words| u64::from(words + 1) * 8)
}
