//! Applying recorded changes again, which were verified and applied to the same records before: no row is read.

use std::sync::Arc;

use rayon::prelude::*;

use super::ApplyError;
use super::apply::{BATCH, at_once};
use super::base::Slot;
use super::overlay::OverlaySection;
use super::section::Section;
use super::table::{DEAD, Position, TOUCHED, Table};
use crate::identifiers::KeyHash;
use crate::index::bits::SharedBits;

/// The dead bits in a word of slot bits.
const DEAD_BITS: u64 = u64::MAX / 0b11 * DEAD;

impl Table {
    /// Applies the changes `sections` of one step by their hashes alone. What the fingerprint comes to is left to the caller. A table that an
    /// error came from must be dropped.
    pub(super) fn replay(&mut self, sections: Vec<Arc<Section>>) -> Result<(), ApplyError> {
        for section in sections {
            let section = again(section)?;
            for rows in at_once(section.hashes().len()) {
                let places = self.places(&section.hashes()[rows.clone()]);
                for (row, (hash, slot)) in rows.zip(places) {
                    if !section.added(row as u32) {
                        self.kill_again(hash, slot)?;
                    }
                    slot.into_iter().for_each(|slot| self.touch_slot(slot));
                }
            }
            for rows in at_once(section.removed().len()) {
                for (hash, slot) in self.places(&section.removed()[rows]) {
                    self.kill_again(hash, slot)?;
                }
            }
            self.hold(section);
        }
        Ok(())
    }

    /// The same of the first step, after which the bits of the base's slots were `bits`, which are believed: no hash is looked for.
    pub(super) fn resume(&mut self, sections: Vec<Arc<Section>>, bits: &[u64]) -> Result<(), ApplyError> {
        self.slots = SharedBits::of_words(self.slots.len(), bits);
        let dead: u64 = bits.iter().map(|word| u64::from((word & DEAD_BITS).count_ones())).sum();
        self.count = self.count.saturating_sub(dead);
        for section in sections {
            self.hold(again(section)?);
        }
        Ok(())
    }

    /// Each hash with its slot of the base; those are found in parallel, as each may miss the cache.
    fn places(&self, hashes: &[u64]) -> Vec<(KeyHash, Option<Slot>)> {
        let hashes = hashes.par_iter().with_min_len(BATCH).map(|hash| KeyHash(*hash));
        hashes.map(|hash| (hash, self.base.slot(hash))).collect()
    }

    /// Marks the live row under `hash` dead, of which there must be one: in the overlay, or else in `slot` of the base. A slot that is not
    /// touched has no hash in the overlay.
    fn kill_again(&mut self, hash: KeyHash, slot: Option<Slot>) -> Result<(), ApplyError> {
        let may_be_changed = slot.is_none_or(|slot| self.slots.pair(2 * slot.0) & TOUCHED != 0);
        let changed = may_be_changed.then(|| self.overlay.find(hash, |_| true)).flatten();
        let changed = changed.map(|(at, _)| Position::Overlay(at));
        let position = changed.or(slot.map(Position::Base));
        if !position.is_some_and(|position| self.kill(position)) {
            return Err(ApplyError::NoRecord { hash });
        }
        self.count = self.count.checked_sub(1).ok_or(ApplyError::NoRecord { hash })?;
        Ok(())
    }
}

fn again(section: Arc<Section>) -> Result<Arc<OverlaySection>, ApplyError> {
    let name = section.name();
    OverlaySection::again(section).map(Arc::new).map_err(ApplyError::in_section(name))
}
