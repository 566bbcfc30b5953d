//! Applying the changes of one version step to a table.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::overlay::OverlaySection;
use super::row::{Row, RowError};
use super::section::Section;
use super::table::{Position, Table};
use crate::cache::SectionName;
use crate::error::{Classify, ErrorKind};
use crate::format::sections::message::SectionError;
use crate::format::sections::sharding::Sharding;
use crate::identifiers::{Fingerprint, KeyHash};

/// Rows that one task resolves.
pub(super) const BATCH: usize = 512;
/// Rows whose effects are found before any of them takes effect: what is known of them meanwhile takes 2 MB, however large a step is.
const AT_ONCE: usize = if cfg!(test) { 4 } else { 1 << 16 };

impl Table {
    /// Applies the changes `sections`, all parts of one step in their order. A table that an error came from is half changed and must be dropped.
    ///
    /// Every row that dies is found by its hash and subtracted from the fingerprint, every row that comes is hashed and added: O(changes),
    /// in parallel. The caller compares the fingerprint that comes out with the manifest's.
    pub(crate) fn apply(&mut self, sections: Vec<Arc<Section>>) -> Result<(), ApplyError> {
        let opened = sections.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let parts = opened.len();
        for (part, section) in opened.into_iter().enumerate() {
            expect_part(&section, part, parts)?;
            for rows in at_once(section.hashes().len()) {
                let effects = self.effects_of_written(&section, rows)?;
                self.take_effect(effects);
            }
            for rows in at_once(section.removed().len()) {
                let effects = self.effects_of_removed(&section.removed()[rows])?;
                self.take_effect(effects);
            }
            for hash in section.hashes() {
                self.touch(KeyHash(*hash));
            }
            self.hold(section);
        }
        Ok(())
    }

    /// What some of the rows of a section do to this table, found without changing anything.
    fn effects_of_written(
        &self,
        section: &OverlaySection,
        rows: Range<usize>,
    ) -> Result<Vec<Effect>, ApplyError> {
        let (hashes, first) = (&section.hashes()[rows.clone()], rows.start);
        let written = hashes.par_iter().enumerate().with_min_len(BATCH);
        let written = written.try_fold(Batch::default, |mut batch, (at, hash)| {
            let row = (first + at) as u32;
            if !section.added(row) {
                batch.kill(self, KeyHash(*hash))?;
            }
            batch.add(self, KeyHash(*hash), section.row(row))?;
            Ok(batch)
        });
        written.map(|batch| batch.map(|batch| batch.effect)).collect()
    }

    /// The same for hashes whose rows go.
    fn effects_of_removed(&self, removed: &[u64]) -> Result<Vec<Effect>, ApplyError> {
        let removed = removed.par_iter().with_min_len(BATCH);
        let removed = removed.try_fold(Batch::default, |mut batch, hash| {
            batch.kill(self, KeyHash(*hash))?;
            Ok(batch)
        });
        removed.map(|batch| batch.map(|batch| batch.effect)).collect()
    }

    fn take_effect(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            for position in &effect.killed {
                assert!(self.kill(*position), "a row is under one hash, and a step has a hash once");
            }
            self.count -= effect.killed.len() as u64;
            self.fingerprint = self.fingerprint.plus(effect.gained).minus(effect.lost);
        }
    }

    /// Takes the rows of a section in, whose slots are touched.
    pub(super) fn hold(&mut self, section: Arc<OverlaySection>) {
        self.count += u64::from(section.len());
        self.overlay.push(section);
    }
}

/// Numbers below `count`, so many at once.
pub(super) fn at_once(count: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(AT_ONCE).map(move |first| first..count.min(first + AT_ONCE))
}

/// Checks that part number `part` of `parts` has no hash of another part, so that the parts of a step do not touch the same rows.
fn expect_part(section: &OverlaySection, part: usize, parts: usize) -> Result<(), ApplyError> {
    let sharding = Sharding::of_parts(parts as u32).ok_or(ApplyError::Parts { parts })?;
    let ascending = [section.hashes(), section.removed()];
    let ends = ascending.iter().flat_map(|hashes| hashes.first().into_iter().chain(hashes.last()));
    let stranger = ends.copied().map(KeyHash).find(|hash| sharding.shard(*hash) as usize != part);
    stranger.map_or(Ok(()), |hash| Err(ApplyError::OtherPart { hash, part, parts }))
}

fn open(section: Arc<Section>) -> Result<Arc<OverlaySection>, ApplyError> {
    let name = section.name();
    OverlaySection::open(section).map(Arc::new).map_err(ApplyError::in_section(name))
}

/// What some rows of a section do: rows that die, and what the fingerprint gains and loses.
#[derive(Default)]
struct Effect {
    killed: Vec<Position>,
    gained: Fingerprint,
    lost: Fingerprint,
}

/// The effect of the rows of one task.
#[derive(Default)]
struct Batch {
    effect: Effect,
    scratch: Vec<u64>,
}

impl Batch {
    fn kill(&mut self, table: &Table, hash: KeyHash) -> Result<(), ApplyError> {
        let (position, row) = table.locate_hash(hash).ok_or(ApplyError::NoRecord { hash })?;
        self.effect.killed.push(position);
        self.effect.lost =
            self.effect.lost.plus(table.share_of(row, &mut self.scratch).map_err(RowError::from)?);
        Ok(())
    }

    fn add(&mut self, table: &Table, hash: KeyHash, row: Row<'_>) -> Result<(), ApplyError> {
        let found = table.key_hash(row).map_err(RowError::from)?;
        if found != hash {
            return Err(ApplyError::WrongHash { expected: hash, found });
        }
        self.effect.gained =
            self.effect.gained.plus(table.share_of(row, &mut self.scratch).map_err(RowError::from)?);
        Ok(())
    }
}

/// Changes that do not fit the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A section is malformed.
    #[error("section {section}: {error}")]
    Section {
        /// Name of the section.
        section: String,
        /// What is wrong with it.
        error: SectionError,
    },
    /// A record that should be there is not.
    #[error("changes name a record under key hash {:016x}, the version they are applied to has none", hash.0)]
    NoRecord {
        /// The hash.
        hash: KeyHash,
    },
    /// A record does not lie under its hash.
    #[error("changes name a record by key hash {:016x}, its key has {:016x}", expected.0, found.0)]
    WrongHash {
        /// The hash it is named by.
        expected: KeyHash,
        /// The hash of its key.
        found: KeyHash,
    },
    /// The number of parts is no power of two.
    #[error("changes of one type come in a power of two of sections, found {parts}")]
    Parts {
        /// How many there are.
        parts: usize,
    },
    /// A part of the changes names a record that belongs to another.
    #[error("part {part} of {parts} of the changes names the record under key hash {:016x}, which is of another part", hash.0)]
    OtherPart {
        /// The hash.
        hash: KeyHash,
        /// The part, from 0.
        part: usize,
        /// How many there are.
        parts: usize,
    },
    /// A record is malformed.
    #[error("a record is malformed: {0}")]
    Record(#[from] RowError),
}

impl ApplyError {
    /// What is wrong with the section called `name`.
    pub(super) fn in_section(name: SectionName) -> impl FnOnce(SectionError) -> Self {
        move |error| Self::Section { section: name.to_string(), error }
    }
}

impl Classify for ApplyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sections::changes::write_changes;
    use crate::segment::Segment;
    use crate::state::testing::{Items, base_of};

    /// A changes section that removes the record under `hash`.
    fn removing(table: &Table, hash: u64) -> Arc<Section> {
        let removed = [KeyHash(hash)].into_iter();
        let words =
            write_changes(table.width, std::iter::empty(), |_| false, removed, |_, _| Ok(())).unwrap();
        let name = SectionName::of(bytemuck::cast_slice(&words));
        Arc::new(Section::new(name, Segment::heap(words.to_vec()).unwrap()))
    }

    #[test]
    fn parts_do_not_touch_the_same_rows() {
        let apply = |hashes: &[u64]| {
            let mut table = Table::clone(&base_of(&Items::from([(1, 1)])).tables()[0]);
            let sections = hashes.iter().map(|hash| removing(&table, *hash)).collect();
            table.apply(sections).unwrap_err()
        };
        assert!(matches!(apply(&[0, u64::MAX]), ApplyError::NoRecord { hash: KeyHash(0) }));
        assert!(matches!(apply(&[u64::MAX, 0]), ApplyError::OtherPart { part: 0, parts: 2, .. }));
        assert!(matches!(apply(&[0, 1, 2]), ApplyError::Parts { parts: 3 }));
    }
}
