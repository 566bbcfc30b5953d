//! Applying the changes of one version step to a table.

use std::sync::Arc;

use rayon::prelude::*;

use super::overlay::OverlaySection;
use super::row::{Row, RowError};
use super::section::Section;
use super::table::{Position, Table};
use crate::error::{Classify, ErrorKind};
use crate::format::sections::message::SectionError;
use crate::identifiers::{Fingerprint, KeyHash};

/// Rows that one task resolves.
const BATCH: usize = 512;

impl Table {
    /// Applies the changes `sections` (all parts of one step). A table that an error came from is half changed and must be dropped.
    ///
    /// Every row that dies is found by its hash and subtracted from the fingerprint, every row that comes is hashed and added: O(changes),
    /// in parallel. The caller compares the fingerprint that comes out with the manifest's.
    pub(crate) fn apply(&mut self, sections: Vec<Arc<Section>>) -> Result<(), ApplyError> {
        let opened = sections.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let effects = opened.iter().map(|section| self.effects(section)).collect::<Result<Vec<_>, _>>()?;
        for (section, effects) in opened.into_iter().zip(effects) {
            self.install(section, effects)?;
        }
        Ok(())
    }

    /// Applies the changes `sections` again, which were verified and applied to the same records before: by hashes alone, no row is read. What
    /// the fingerprint comes to is left to the caller. A table that an error came from must be dropped.
    pub(super) fn replay(&mut self, sections: Vec<Arc<Section>>) -> Result<(), ApplyError> {
        for section in sections {
            let section = open(section)?;
            let written = (0..).zip(section.hashes());
            let replaced = written.filter(|(row, _)| !section.added(*row)).map(|(_, hash)| hash);
            for hash in replaced.chain(section.removed()).map(|hash| KeyHash(*hash)) {
                let position = self.position_of(hash).ok_or(ApplyError::NoRecord { hash })?;
                if !self.kill(position) {
                    return Err(ApplyError::NoRecord { hash });
                }
                self.count -= 1;
            }
            self.hold(section);
        }
        Ok(())
    }

    /// What a section does to this table, found without changing anything.
    fn effects(&self, section: &OverlaySection) -> Result<Vec<Effect>, ApplyError> {
        let hashes = section.hashes();
        let written = hashes.par_iter().enumerate().with_min_len(BATCH);
        let written = written.try_fold(Batch::default, |mut batch, (row, hash)| {
            if !section.added(row as u32) {
                batch.kill(self, KeyHash(*hash))?;
            }
            batch.add(self, KeyHash(*hash), section.row(row as u32))?;
            Ok(batch)
        });
        let removed = section.removed().par_iter().with_min_len(BATCH);
        let removed = removed.try_fold(Batch::default, |mut batch, hash| {
            batch.kill(self, KeyHash(*hash))?;
            Ok(batch)
        });
        written.chain(removed).map(|batch| batch.map(|batch| batch.effect)).collect()
    }

    fn install(&mut self, section: Arc<OverlaySection>, effects: Vec<Effect>) -> Result<(), ApplyError> {
        for effect in effects {
            for (hash, position) in &effect.killed {
                if !self.kill(*position) {
                    return Err(ApplyError::Twice { hash: *hash });
                }
            }
            self.count -= effect.killed.len() as u64;
            self.fingerprint = self.fingerprint.plus(effect.gained).minus(effect.lost);
        }
        self.hold(section);
        Ok(())
    }

    /// Takes the rows of a section in.
    fn hold(&mut self, section: Arc<OverlaySection>) {
        self.count += u64::from(section.len());
        for hash in section.hashes() {
            self.touch(KeyHash(*hash));
        }
        self.overlay.push(section);
    }
}

fn open(section: Arc<Section>) -> Result<Arc<OverlaySection>, ApplyError> {
    let name = section.name();
    let opened = OverlaySection::open(section);
    opened.map(Arc::new).map_err(|error| ApplyError::Section { section: name.to_string(), error })
}

/// What some rows of a section do: rows that die, and what the fingerprint gains and loses.
#[derive(Default)]
struct Effect {
    killed: Vec<(KeyHash, Position)>,
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
        self.effect.killed.push((hash, position));
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
    #[error("changes section {section}: {error}")]
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
    /// Two parts of the changes name the same record.
    #[error("changes name the record under key hash {:016x} twice", hash.0)]
    Twice {
        /// The hash.
        hash: KeyHash,
    },
    /// A record is malformed.
    #[error("a record is malformed: {0}")]
    Record(#[from] RowError),
}

impl Classify for ApplyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
