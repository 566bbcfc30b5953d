//! Changes of a type from one version to a neighbour: one section, or several for large ones.

use super::message::{SectionBuilder, SectionError, SectionReader, inconsistent};
use super::rows::{RowList, RowWidth, RowWriter};
use crate::identifiers::KeyHash;
use crate::segment::Words;

const HASHES: u16 = 0;
const RECORDS: u16 = 1;
const ADDED: u16 = 2;
const REMOVED: u16 = 3;

/// A record that a version has and its neighbour has not, or has differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<R> {
    /// Its key hash.
    pub hash: KeyHash,
    /// Whether the version that the change is applied to has no record under this hash. A record that takes over the hash of a removed one is an update.
    pub added: bool,
    /// Where its canonical message is to be had.
    pub record: R,
}

/// What becomes of one type: records written and hashes removed, each by strictly ascending hash, and disjoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<R> {
    /// Updates and additions.
    pub written: Vec<Written<R>>,
    /// Hashes of records that go.
    pub removed: Vec<KeyHash>,
}

impl<R> Default for Change<R> {
    fn default() -> Self {
        Self { written: Vec::new(), removed: Vec::new() }
    }
}

impl<R> Change<R> {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }

    /// How many records are added, removed and changed.
    #[must_use]
    pub fn counts(&self) -> ChangeCounts {
        let added = self.written.iter().filter(|written| written.added).count() as u64;
        ChangeCounts { added, removed: self.removed.len() as u64, changed: self.written.len() as u64 - added }
    }
}

/// Records added, removed and changed between two versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    /// In the newer version only.
    pub added: u64,
    /// In the older version only.
    pub removed: u64,
    /// In both, but different.
    pub changed: u64,
}

/// Writes the changes section of the records under the hashes `written`, and of the `removed` hashes, framed.
///
/// `is_added(i)` says whether record `i` is one that was not there, `message(i, row)` puts its canonical message into its row; each is asked once.
/// Cost: a copy of each record.
///
/// # Panics
/// If hashes are not strictly ascending and disjoint: the producer sorted them.
pub fn write_changes(
    width: RowWidth,
    written: impl ExactSizeIterator<Item = KeyHash> + Clone,
    is_added: impl Fn(usize) -> bool,
    removed: impl ExactSizeIterator<Item = KeyHash> + Clone,
    mut message: impl FnMut(usize, &mut dyn FnMut(&[u64]) -> Result<(), SectionError>) -> Result<(), SectionError>,
) -> Result<Words, SectionError> {
    assert!(written.clone().is_sorted_by(|before, after| before < after), "written hashes ascend");
    assert!(removed.clone().is_sorted_by(|before, after| before < after), "removed hashes ascend");
    let count = written.len();
    let expected_words = count * (2 + width.words() as usize) + removed.len();
    let mut section = SectionBuilder::new(&[], 4, expected_words);
    section.u64_list(HASHES, written.map(|hash| hash.0))?;
    let mut rows = RowWriter::new(&mut section, RECORDS, count as u32, width)?;
    let mut added = vec![0u8; count.div_ceil(8)];
    for row in 0..count {
        added[row / 8] |= u8::from(is_added(row)) << (row % 8);
        message(row, &mut |record| rows.put(&mut section, row as u32, record))?;
    }
    section.data(ADDED, &added)?;
    section.u64_list(REMOVED, removed.map(|hash| hash.0))?;
    Ok(section.finish())
}

/// What a changes section holds, found and checked once when it is opened.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The records, by ascending hash.
    pub rows: RowList,
    hashes_at: usize,
    added_at: usize,
    removed_at: usize,
    removed: usize,
}

impl Changes {
    /// Opens the changes section whose message is `words`; hashes that do not ascend or are both written and removed are refused.
    pub fn open(words: &[u64]) -> Result<Self, SectionError> {
        let changes = Self::again(words)?;
        changes.expect_order(words)?;
        Ok(changes)
    }

    /// The same of a section that was opened before and is as it was: its hashes are not looked at.
    pub fn again(words: &[u64]) -> Result<Self, SectionError> {
        let section = SectionReader::new(words)?;
        let rows = section.rows(RECORDS)?;
        let hashes = section.u64_list(HASHES)?;
        let added = section.data(ADDED)?;
        let removed = section.u64_list(REMOVED)?;
        if hashes.words.len() != rows.len() as usize {
            return Err(inconsistent("number of hashes", rows.len(), hashes.words.len()));
        }
        if added.bytes.len() != hashes.words.len().div_ceil(8) {
            return Err(inconsistent(
                "bytes of added bits",
                hashes.words.len().div_ceil(8),
                added.bytes.len(),
            ));
        }
        Ok(Self {
            rows,
            hashes_at: hashes.at,
            added_at: added.at,
            removed_at: removed.at,
            removed: removed.words.len(),
        })
    }

    fn expect_order(&self, words: &[u64]) -> Result<(), SectionError> {
        let (hashes, removed) = (self.hashes(words), self.removed(words));
        let ascend = |hashes: &[u64]| hashes.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascend(hashes) || !ascend(removed) {
            return Err(inconsistent("order of hashes", "strictly ascending", "not ascending"));
        }
        if removed.iter().any(|hash| hashes.binary_search(hash).is_ok()) {
            return Err(inconsistent("hash", "written or removed", "both"));
        }
        Ok(())
    }

    /// Hashes of the records, ascending.
    #[inline]
    #[must_use]
    pub fn hashes<'a>(&self, words: &'a [u64]) -> &'a [u64] {
        &words[self.hashes_at..self.hashes_at + self.rows.len() as usize]
    }

    /// Hashes of the records that go, ascending.
    #[must_use]
    pub fn removed<'a>(&self, words: &'a [u64]) -> &'a [u64] {
        &words[self.removed_at..self.removed_at + self.removed]
    }

    /// Whether the record of row `row` is new under its hash.
    #[must_use]
    pub fn added(&self, words: &[u64], row: u32) -> bool {
        let bytes = bytemuck::cast_slice::<u64, u8>(words);
        bytes[self.added_at + row as usize / 8] >> (row % 8) & 1 == 1
    }
}
