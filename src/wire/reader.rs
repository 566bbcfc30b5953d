//! Structs and pointers, read in place.
//!
//! A reader is a few numbers beside the borrowed words; a data field costs a comparison and a load. Fields beyond the
//! width of a struct read as zero or null: rows that were written before a field was added have no room for it, and
//! zero combined with the default by XOR is the default.

use super::pointer::{addressable, out_of_bounds, target};
use super::{ListReader, WireError};

/// What a pointer leads to.
#[derive(Clone, Copy, Debug)]
pub enum Pointer<'a> {
    /// Nothing: the value is absent.
    Null,
    /// A struct.
    Struct(StructReader<'a>),
    /// A list, text or data.
    List(ListReader<'a>),
}

impl<'a> Pointer<'a> {
    /// Follows the pointer in word `at`. Far pointers and capabilities are errors.
    #[inline]
    pub fn at(words: &'a [u64], at: u32) -> Result<Self, WireError> {
        if i64::from(at) >= addressable(words) {
            return Err(out_of_bounds(words, at, "pointer", i64::from(at), i64::from(at) + 1));
        }
        Self::within(words, at)
    }

    /// Follows the pointer in word `at`, which is one of `words`.
    #[inline]
    fn within(words: &'a [u64], at: u32) -> Result<Self, WireError> {
        let target = target(words, at)?;
        Ok(if target.shape.is_struct() {
            Self::Struct(StructReader::within(words, target.start, target.shape.widths()))
        } else if target.shape.is_list() {
            Self::List(ListReader::within(words, target))
        } else {
            Self::Null
        })
    }

    /// The struct it leads to; `None` for null.
    #[inline]
    pub fn structure(self) -> Result<Option<StructReader<'a>>, WireError> {
        match self {
            Self::Null => Ok(None),
            Self::Struct(structure) => Ok(Some(structure)),
            Self::List(list) => Err(wrong_kind(list.start(), "a struct", "a list")),
        }
    }

    /// The list it leads to; `None` for null.
    #[inline]
    pub fn list(self) -> Result<Option<ListReader<'a>>, WireError> {
        match self {
            Self::Null => Ok(None),
            Self::List(list) => Ok(Some(list)),
            Self::Struct(structure) => Err(wrong_kind(structure.start(), "a list", "a struct")),
        }
    }

    /// The text it leads to, its zero byte and UTF-8 checked; `None` for null, which differs from an empty text.
    #[inline]
    pub fn text(self) -> Result<Option<&'a str>, WireError> {
        self.list()?.map(ListReader::text).transpose()
    }

    /// The data it leads to; `None` for null, which differs from empty data.
    #[inline]
    pub fn data(self) -> Result<Option<&'a [u8]>, WireError> {
        self.list()?.map(ListReader::data).transpose()
    }
}

#[cold]
fn wrong_kind(word: u32, expected: &'static str, found: &'static str) -> WireError {
    WireError::WrongKind { word, expected, found }
}

/// A struct somewhere in a slice of words, all of it known to lie within them. Copy it freely: it borrows the words only.
#[derive(Clone, Copy, Debug)]
pub struct StructReader<'a> {
    words: &'a [u64],
    data: u32,
    /// As in the upper half of a struct pointer.
    widths: u32,
}

impl<'a> StructReader<'a> {
    /// The root struct of a message whose root pointer is word 0. A null root is an error.
    #[inline]
    pub fn root(words: &'a [u64]) -> Result<Self, WireError> {
        Pointer::at(words, 0)?.structure()?.ok_or_else(|| wrong_kind(0, "a pointer to a struct", "null"))
    }

    /// The struct whose data section begins at word `data` and is followed by its pointer section, as rows of a
    /// segment lie.
    #[inline]
    pub fn at(words: &'a [u64], data: u32, data_words: u16, pointer_words: u16) -> Result<Self, WireError> {
        let end = i64::from(data) + i64::from(data_words) + i64::from(pointer_words);
        if end > addressable(words) {
            return Err(out_of_bounds(words, data, "struct", i64::from(data), end));
        }
        Ok(Self::within(words, data, u32::from(data_words) | u32::from(pointer_words) << 16))
    }

    /// A struct that is known to lie within `words`, its widths as in the upper half of a struct pointer.
    #[inline]
    pub(crate) fn within(words: &'a [u64], data: u32, widths: u32) -> Self {
        Self { words, data, widths }
    }

    /// Width of its data section, in words.
    #[inline]
    #[must_use]
    pub fn data_words(self) -> u16 {
        self.widths as u16
    }

    /// Width of its pointer section, in words.
    #[inline]
    #[must_use]
    pub fn pointer_words(self) -> u16 {
        (self.widths >> 16) as u16
    }

    /// Word at which its data section begins.
    #[inline]
    #[must_use]
    pub fn start(self) -> u32 {
        self.data
    }

    /// All words of the segment it lies in.
    #[inline]
    pub(crate) fn segment(self) -> &'a [u64] {
        self.words
    }

    /// Its data section.
    #[inline]
    #[must_use]
    pub fn data_section(self) -> &'a [u64] {
        &self.words[self.data as usize..][..usize::from(self.data_words())]
    }

    /// Its pointer section, undecoded.
    #[inline]
    #[must_use]
    pub fn pointer_section(self) -> &'a [u64] {
        &self.words[self.data as usize + usize::from(self.data_words())..]
            [..usize::from(self.pointer_words())]
    }

    /// Word `index` of the data section; 0 beyond its width.
    #[inline]
    #[must_use]
    pub fn data_word(self, index: u32) -> u64 {
        if index < (self.widths & 0xFFFF) { self.words[(self.data + index) as usize] } else { 0 }
    }

    /// The 64 bits at `offset`, in units of 8 bytes; 0 beyond the width.
    #[inline]
    #[must_use]
    pub fn u64(self, offset: u32) -> u64 {
        self.data_word(offset)
    }

    /// The 32 bits at `offset`, in units of 4 bytes; 0 beyond the width.
    #[inline]
    #[must_use]
    pub fn u32(self, offset: u32) -> u32 {
        (self.data_word(offset / 2) >> (offset % 2 * 32)) as u32
    }

    /// The 16 bits at `offset`, in units of 2 bytes; 0 beyond the width.
    #[inline]
    #[must_use]
    pub fn u16(self, offset: u32) -> u16 {
        (self.data_word(offset / 4) >> (offset % 4 * 16)) as u16
    }

    /// The byte at `offset`; 0 beyond the width.
    #[inline]
    #[must_use]
    pub fn u8(self, offset: u32) -> u8 {
        (self.data_word(offset / 8) >> (offset % 8 * 8)) as u8
    }

    /// The bit at `offset`, in bits; `false` beyond the width.
    #[inline]
    #[must_use]
    pub fn bool(self, offset: u32) -> bool {
        self.data_word(offset / 64) >> (offset % 64) & 1 == 1
    }

    /// The `width` bits (1, 8, 16, 32 or 64) at `offset`, in units of `width`; 0 beyond the width of the struct.
    #[inline]
    #[must_use]
    pub fn bits(self, offset: u32, width: u32) -> u64 {
        let first_bit = u64::from(offset) * u64::from(width);
        (self.data_word((first_bit / 64) as u32) >> (first_bit % 64)) & (u64::MAX >> (64 - width))
    }

    /// What pointer `index` leads to; null beyond the width.
    #[inline]
    pub fn pointer(self, index: u32) -> Result<Pointer<'a>, WireError> {
        if index >= (self.widths >> 16) {
            return Ok(Pointer::Null);
        }
        Pointer::within(self.words, self.pointer_at(index))
    }

    /// The word that holds pointer `index`.
    #[inline]
    pub(crate) fn pointer_at(self, index: u32) -> u32 {
        self.data + (self.widths & 0xFFFF) + index
    }

    /// The struct that pointer `index` leads to; `None` for null.
    #[inline]
    pub fn structure(self, index: u32) -> Result<Option<StructReader<'a>>, WireError> {
        self.pointer(index)?.structure()
    }

    /// The list that pointer `index` leads to; `None` for null.
    #[inline]
    pub fn list(self, index: u32) -> Result<Option<ListReader<'a>>, WireError> {
        self.pointer(index)?.list()
    }

    /// The text that pointer `index` leads to; `None` for null, which differs from an empty text.
    #[inline]
    pub fn text(self, index: u32) -> Result<Option<&'a str>, WireError> {
        self.pointer(index)?.text()
    }

    /// The bytes of the text that pointer `index` leads to, without its zero byte and unchecked for UTF-8.
    #[inline]
    pub fn text_bytes(self, index: u32) -> Result<Option<&'a [u8]>, WireError> {
        self.list(index)?.map(ListReader::text_bytes).transpose()
    }

    /// The data that pointer `index` leads to; `None` for null, which differs from empty data.
    #[inline]
    pub fn data(self, index: u32) -> Result<Option<&'a [u8]>, WireError> {
        self.pointer(index)?.data()
    }
}
