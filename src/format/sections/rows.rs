//! Rows: the records of a section as one Cap'n Proto list, their texts and lists behind it, equal ones stored once.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::message::{SectionBuilder, SectionError};
use crate::wire::{Child, EMPTY_STRUCT, StructReader, moved_pointer, record_parts};

/// Width of a row, in words: what the dataset's stored schema declares for the struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowWidth {
    /// Words of the data section.
    pub data_words: u16,
    /// Words of the pointer section.
    pub pointer_words: u16,
}

impl RowWidth {
    /// Words of a whole row.
    #[must_use]
    pub fn words(self) -> u64 {
        u64::from(self.data_words) + u64::from(self.pointer_words)
    }
}

/// Writes canonical records into the rows of a list and what they point to behind it.
pub(super) struct RowWriter {
    first_row: usize,
    width: RowWidth,
    pools: Vec<Pool>,
}

impl RowWriter {
    /// Adds a list of `count` zeroed rows to `section`, as pointer field `field` of its root.
    pub(super) fn new(
        section: &mut SectionBuilder,
        field: u16,
        count: u32,
        width: RowWidth,
    ) -> Result<Self, SectionError> {
        let first_row = section.struct_list(field, count, width)?;
        let pools = (0..width.pointer_words).map(|_| Pool::default()).collect();
        Ok(Self { first_row, width, pools })
    }

    /// Writes the canonical message `record` into row `row`.
    pub(super) fn put(
        &mut self,
        section: &mut SectionBuilder,
        row: u32,
        record: &[u64],
    ) -> Result<(), SectionError> {
        let parts = record_parts(record)?;
        let (data, pointers) = (parts.data(), parts.pointer_words());
        if data.len() > usize::from(self.width.data_words) || pointers > self.width.pointer_words {
            let (data_words, pointer_words) = (data.len() as u64, u64::from(pointers));
            return Err(SectionError::RecordTooWide { data_words, pointer_words, width: self.width });
        }
        let at = self.first_word(row);
        section.words_mut()[at..at + data.len()].copy_from_slice(data);
        let first_pointer = at + usize::from(self.width.data_words);
        for (index, child) in parts.children().enumerate() {
            let at = first_pointer + index;
            section.words_mut()[at] = match child? {
                Child::Null => 0,
                Child::EmptyStruct => EMPTY_STRUCT,
                Child::Subtree(subtree) => {
                    let target = self.pools[index].place(section, subtree.words())?;
                    subtree.pointer_from(at as u32, target as u32)
                }
            };
        }
        Ok(())
    }

    /// Makes row `to` read as row `from`, sharing all it points to.
    pub(super) fn repeat(&mut self, section: &mut SectionBuilder, from: u32, to: u32) {
        let width = self.width.words() as usize;
        let (from, to) = (self.first_word(from), self.first_word(to));
        let words = section.words_mut();
        words.copy_within(from..from + width, to);
        for index in usize::from(self.width.data_words)..width {
            words[to + index] =
                moved_pointer(words[from + index], (from + index) as u32, (to + index) as u32);
        }
    }

    fn first_word(&self, row: u32) -> usize {
        self.first_row + row as usize * self.width.words() as usize
    }
}

/// The subtrees that one pointer field has had so far in a section.
///
/// A field whose values hardly repeat is not pooled: once [`Pool::SAMPLE`] values are in, fewer than one hit in [`Pool::WORTHWHILE`] ends
/// it, so titles cost no table while genres and countries are stored once.
#[derive(Default)]
struct Pool {
    known: HashTable<(u32, u32)>,
    values: u32,
    hits: u32,
    given_up: bool,
}

impl Pool {
    const SAMPLE: u32 = 4096;
    const WORTHWHILE: u32 = 128;

    /// Where the words of a subtree lie in the section: an equal one written before, or a new copy at the end.
    fn place(&mut self, section: &mut SectionBuilder, subtree: &[u64]) -> Result<usize, SectionError> {
        if subtree.is_empty() || self.given_up {
            return section.append(subtree);
        }
        let hash_of = |words: &[u64]| xxh3_64(bytemuck::cast_slice(words));
        let stored = |&(start, length): &(u32, u32)| start as usize..(start + length) as usize;
        let hash = hash_of(subtree);
        self.values += 1;
        let words = section.words_mut();
        if let Some(found) = self.known.find(hash, |entry| words[stored(entry)] == *subtree) {
            self.hits += 1;
            return Ok(found.0 as usize);
        }
        let start = section.append(subtree)?;
        let words = section.words_mut();
        let entry = (start as u32, subtree.len() as u32);
        self.known.insert_unique(hash, entry, |entry| hash_of(&words[stored(entry)]));
        if self.values == Self::SAMPLE && self.hits < Self::SAMPLE / Self::WORTHWHILE {
            *self = Self { given_up: true, ..Self::default() };
        }
        Ok(start)
    }
}

/// Where the rows of a section lie, found once when the section is opened.
#[derive(Clone, Copy, Debug)]
pub struct RowList {
    field: u16,
    first_row: u32,
    count: u32,
    /// Words of a row.
    row_words: u32,
    /// As in the upper half of a struct pointer.
    widths: u32,
}

impl RowList {
    pub(super) fn new(field: u16, first_row: u32, count: u32, width: RowWidth) -> Self {
        let widths = u32::from(width.data_words) | u32::from(width.pointer_words) << 16;
        Self { field, first_row, count, row_words: width.words() as u32, widths }
    }

    /// Which pointer field of the section's root the list is.
    #[must_use]
    pub fn field(&self) -> u16 {
        self.field
    }

    /// How many rows there are, unused ones included.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Width of every row; it belongs to the section, not to the type.
    #[must_use]
    pub fn width(&self) -> RowWidth {
        RowWidth { data_words: self.widths as u16, pointer_words: (self.widths >> 16) as u16 }
    }

    /// Row `row` of the section whose message is `words`.
    ///
    /// # Panics
    /// If there is no such row, and in the reader if `words` is not the section this list was found in: both come from the
    /// state that owns them.
    #[inline]
    #[must_use]
    pub fn row<'a>(&self, words: &'a [u64], row: u32) -> StructReader<'a> {
        assert!(row < self.count, "row {row} of {}", self.count);
        StructReader::within(words, self.first_row + row * self.row_words, self.widths)
    }
}
