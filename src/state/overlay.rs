//! What deltas changed since the base: their sections, and levels that find a hash in them.

use std::sync::Arc;

use rayon::prelude::*;

use super::records::Records;
use super::row::Row;
use super::section::Section;
use crate::format::sections::changes::Changes;
use crate::format::sections::message::SectionError;
use crate::format::sections::sharding::Sharding;
use crate::identifiers::KeyHash;
use crate::index::bits::SharedBits;
use crate::index::directory::{Directory, OverlayPosition, position};

/// Entries that a refresh merges itself: 3 ms of work. What is more waits for the background, where an eighth of 5 M records takes 30 ms. Few in
/// unit tests, so that they come to it.
const MERGED_AT_ONCE: usize = if cfg!(test) { 8 } else { 1 << 16 };

/// A changes section as it lies in memory.
#[derive(Debug)]
pub(crate) struct OverlaySection {
    records: Records,
    changes: Changes,
}

impl OverlaySection {
    /// Opens a changes section.
    pub(crate) fn open(section: Arc<Section>) -> Result<Self, SectionError> {
        let changes = Changes::open(section.words())?;
        Self::of(section, changes)
    }

    /// Opens one again that was opened before, whatever process did.
    pub(crate) fn again(section: Arc<Section>) -> Result<Self, SectionError> {
        let changes = Changes::again(section.words())?;
        Self::of(section, changes)
    }

    fn of(section: Arc<Section>, changes: Changes) -> Result<Self, SectionError> {
        Ok(Self { records: Records::open(section, changes.rows)?, changes })
    }

    /// The section as it lies in memory.
    pub(crate) fn section(&self) -> &Section {
        self.records.section()
    }

    /// How many rows it has.
    pub(crate) fn len(&self) -> u32 {
        self.records.len()
    }

    pub(crate) fn row(&self, row: u32) -> Row<'_> {
        self.records.row(row)
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        self.changes.hashes(self.records.words())
    }

    pub(crate) fn removed(&self) -> &[u64] {
        self.changes.removed(self.records.words())
    }

    pub(crate) fn added(&self, row: u32) -> bool {
        self.changes.added(self.records.words(), row)
    }
}

/// One level: a section as it came, sorted by hash, or the merged directory of several.
#[derive(Clone, Debug)]
enum Level {
    Section(u32),
    Merged(Arc<Directory>),
}

/// Hashes and where their rows are, by ascending hash.
type Entries<'a> = Box<dyn Iterator<Item = (u64, OverlayPosition)> + 'a>;

/// The sections since the base, which of their rows are dead, and the levels over them.
///
/// A section whose rows are all dead is dropped; its number stays taken, so that positions keep their meaning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    sections: Vec<Option<Live>>,
    levels: Vec<Level>,
}

/// A section with at least one live row.
#[derive(Clone, Debug)]
struct Live {
    section: Arc<OverlaySection>,
    dead: SharedBits,
    /// How many rows are live.
    count: u32,
}

impl Live {
    /// The numbers of its live rows.
    fn rows(&self) -> impl Iterator<Item = u32> {
        (0..self.section.len()).filter(|row| !self.dead.get(u64::from(*row)))
    }
}

impl Overlay {
    /// The live row under `hash` that `matches`, with its position. At most one row under a hash is live.
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        matches: impl Fn(Row<'_>) -> bool,
    ) -> Option<(OverlayPosition, Row<'_>)> {
        self.levels.iter().find_map(|level| match level {
            Level::Section(number) => {
                let hashes = self.sections[*number as usize].as_ref()?.section.hashes();
                let row = position(hashes.len(), hash.0, |at| hashes[at])? as u32;
                self.live(OverlayPosition { section: *number, row }).filter(|(_, row)| matches(*row))
            }
            Level::Merged(directory) => {
                directory.find(hash.0).find_map(|at| self.live(at).filter(|(_, row)| matches(*row)))
            }
        })
    }

    /// The row at `at`, unless it is dead.
    fn live(&self, at: OverlayPosition) -> Option<(OverlayPosition, Row<'_>)> {
        let live = self.sections[at.section as usize].as_ref()?;
        (!live.dead.get(u64::from(at.row))).then(|| (at, live.section.row(at.row)))
    }

    /// The row at `at`, dead or alive, of a section that is held.
    pub(crate) fn row(&self, at: OverlayPosition) -> Row<'_> {
        let live = self.sections[at.section as usize].as_ref();
        live.expect("a live row lies in a section that is held").section.row(at.row)
    }

    /// Every live row of every section.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (OverlayPosition, Row<'_>)> {
        let numbered = self.sections.iter().enumerate();
        numbered.filter_map(|(number, live)| Some((number, live.as_ref()?))).flat_map(|(number, live)| {
            let position = move |row| OverlayPosition { section: number as u32, row };
            live.rows().map(move |row| (position(row), live.section.row(row)))
        })
    }

    /// The same in parallel, without positions.
    pub(crate) fn par_rows(&self) -> impl ParallelIterator<Item = Row<'_>> {
        let held = self.sections.par_iter().flatten();
        held.flat_map_iter(|live| live.rows().map(|row| live.section.row(row)))
    }

    /// The live rows of one shard of `sharding`, with their key hashes.
    pub(crate) fn rows_of_part(
        &self,
        sharding: Sharding,
        shard: u32,
    ) -> impl Iterator<Item = (KeyHash, OverlayPosition)> {
        let numbered = (0u32..).zip(&self.sections);
        numbered.filter_map(|(section, live)| Some((section, live.as_ref()?))).flat_map(
            move |(section, live)| {
                let hashes = live.section.hashes();
                let rows = sharding.range(hashes, shard, |hash| KeyHash(*hash));
                let alive = rows.filter(|row| !live.dead.get(*row as u64));
                alive.map(move |row| (KeyHash(hashes[row]), OverlayPosition { section, row: row as u32 }))
            },
        )
    }

    /// Key hashes of the rows that were alive in `earlier`, of which this overlay came by changes, and are dead.
    pub(crate) fn died_since<'o>(&'o self, earlier: &'o Self) -> impl Iterator<Item = KeyHash> + 'o {
        let pairs = earlier.sections.iter().zip(&self.sections);
        pairs.filter_map(|(before, now)| Some((before.as_ref()?, now))).flat_map(|(before, now)| {
            let is_dead = |row| now.as_ref().is_none_or(|now| now.dead.get(row));
            let hashes = (0u64..).zip(before.section.hashes());
            let died = hashes.filter(move |(row, _)| !before.dead.get(*row) && is_dead(*row));
            died.map(|(_, hash)| KeyHash(*hash))
        })
    }

    /// How many rows are alive.
    pub(crate) fn live_rows(&self) -> u64 {
        self.sections.iter().flatten().map(|live| u64::from(live.count)).sum()
    }

    /// The number that the next section gets.
    pub(crate) fn next_number(&self) -> u32 {
        self.sections.len() as u32
    }

    /// The sections that still hold live rows.
    pub(crate) fn held(&self) -> impl Iterator<Item = &OverlaySection> {
        self.sections.iter().flatten().map(|live| &*live.section)
    }

    /// How many rows each section has, by its number; none once it was dropped.
    pub(crate) fn section_rows(&self) -> Vec<u32> {
        let rows = |live: &Option<Live>| live.as_ref().map_or(0, |live| live.section.len());
        self.sections.iter().map(rows).collect()
    }

    /// Marks a row dead, says whether it was alive; a section goes with its last live row.
    pub(crate) fn kill(&mut self, at: OverlayPosition) -> bool {
        let place = &mut self.sections[at.section as usize];
        let Some(live) = place.as_mut() else { return false };
        if live.dead.set(u64::from(at.row)) {
            return false;
        }
        live.count -= 1;
        if live.count == 0 {
            *place = None;
            self.levels.retain(|level| !matches!(level, Level::Section(number) if *number == at.section));
        }
        true
    }

    /// Adds a section as a new level, then merges levels so that each is at least twice as long as the next, as far as that is quickly done.
    pub(crate) fn push(&mut self, section: Arc<OverlaySection>) {
        let rows = section.len();
        if rows == 0 {
            return;
        }
        let number = self.next_number();
        self.sections.push(Some(Live { section, dead: SharedBits::new(u64::from(rows)), count: rows }));
        self.levels.push(Level::Section(number));
        self.merge_last(MERGED_AT_ONCE);
    }

    /// Whether levels are left to be merged that take their time.
    pub(crate) fn is_merge_due(&self) -> bool {
        self.levels.windows(2).any(|pair| self.length(&pair[0]) < 2 * self.length(&pair[1]))
    }

    /// Merges what is left to be merged. No answer changes: entries are judged by the dead bits of whoever reads them.
    pub(crate) fn merge_all(&mut self) {
        let later = self.levels.split_off(self.levels.len().min(1));
        for level in later {
            self.levels.push(level);
            self.merge_last(usize::MAX);
        }
    }

    /// Merges the last levels until the one before is twice as long, but no more than `most` entries.
    fn merge_last(&mut self, most: usize) {
        let mut from = self.levels.len() - 1;
        let mut length = self.length(&self.levels[from]);
        while let Some(before) = self.levels[..from].last().map(|level| self.length(level))
            && before < 2 * length
            && before + length <= most
        {
            length += before;
            from -= 1;
        }
        if from + 1 < self.levels.len() {
            let merged =
                Directory::merge(self.levels[from..].iter().map(|level| self.live_entries(level)), length);
            self.levels.truncate(from);
            self.levels.push(Level::Merged(Arc::new(merged)));
        }
    }

    /// What is live in a level, by ascending hash.
    fn live_entries<'a>(&'a self, level: &'a Level) -> Entries<'a> {
        let is_live = |(_, at): &(u64, OverlayPosition)| self.live(*at).is_some();
        match level {
            Level::Section(number) => {
                let section = *number;
                let live = self.sections[section as usize].iter();
                let hashes = live.flat_map(|live| live.section.hashes()).zip(0u32..);
                let entries = hashes.map(move |(hash, row)| (*hash, OverlayPosition { section, row }));
                Box::new(entries.filter(is_live))
            }
            Level::Merged(directory) => Box::new(directory.entries().filter(is_live)),
        }
    }

    fn length(&self, level: &Level) -> usize {
        match level {
            Level::Section(number) => {
                self.sections[*number as usize].as_ref().map_or(0, |live| live.section.hashes().len())
            }
            Level::Merged(directory) => directory.len(),
        }
    }
}
