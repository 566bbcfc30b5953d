//! Lists: elements of one size, back to back.

use super::pointer::{Shape, Target};
use super::{Pointer, StructReader, WireError};

/// How wide the elements of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementSize {
    /// No bits: only the length counts.
    Void,
    /// One bit, the lowest of a byte first.
    Bit,
    /// 8 bits; also what texts and data are made of.
    Byte,
    /// 16 bits.
    TwoBytes,
    /// 32 bits.
    FourBytes,
    /// 64 bits.
    EightBytes,
    /// A pointer each.
    Pointer,
    /// A struct each, inline, all of the same widths, behind a tag word.
    Composite {
        /// Data words of each.
        data_words: u16,
        /// Pointer words of each.
        pointer_words: u16,
    },
}

impl ElementSize {
    /// The size of a list's elements by its shape.
    fn of(shape: Shape) -> Self {
        match shape.code() {
            0 => Self::Void,
            1 => Self::Bit,
            2 => Self::Byte,
            3 => Self::TwoBytes,
            4 => Self::FourBytes,
            5 => Self::EightBytes,
            6 => Self::Pointer,
            _ => Self::Composite {
                data_words: shape.widths() as u16,
                pointer_words: (shape.widths() >> 16) as u16,
            },
        }
    }

    /// Words that `len` elements take, by the size bits of a list pointer that is none of structs.
    #[inline]
    pub(crate) fn words_by_code(code: u64, len: u32) -> u64 {
        const BITS: [u64; 8] = [0, 1, 8, 16, 32, 64, 64, 0];
        (u64::from(len) * BITS[(code & 7) as usize]).div_ceil(64)
    }

    /// The size bits of a list pointer.
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::Void => 0,
            Self::Bit => 1,
            Self::Byte => 2,
            Self::TwoBytes => 3,
            Self::FourBytes => 4,
            Self::EightBytes => 5,
            Self::Pointer => 6,
            Self::Composite { .. } => 7,
        }
    }

    /// Bits an element takes.
    #[inline]
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Void => 0,
            Self::Bit => 1,
            Self::Byte => 8,
            Self::TwoBytes => 16,
            Self::FourBytes => 32,
            Self::EightBytes | Self::Pointer => 64,
            Self::Composite { data_words, pointer_words } => {
                64 * (u32::from(data_words) + u32::from(pointer_words))
            }
        }
    }

    /// Words that `len` elements take, the last filled up; a tag is not counted.
    #[inline]
    #[must_use]
    pub fn words_for(self, len: u32) -> u64 {
        (u64::from(len) * u64::from(self.bits())).div_ceil(64)
    }

    /// What errors call such elements.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Void => "void elements",
            Self::Bit => "bits",
            Self::Byte => "bytes",
            Self::TwoBytes => "2-byte elements",
            Self::FourBytes => "4-byte elements",
            Self::EightBytes => "8-byte elements",
            Self::Pointer => "pointers",
            Self::Composite { .. } => "structs",
        }
    }
}

/// A list somewhere in a slice of words, all of it known to lie within them. Copy it freely: it borrows the words only.
#[derive(Clone, Copy, Debug)]
pub struct ListReader<'a> {
    words: &'a [u64],
    start: u32,
    len: u32,
    shape: Shape,
}

impl<'a> ListReader<'a> {
    /// The list that a pointer within `words` leads to.
    #[inline]
    pub(super) fn within(words: &'a [u64], target: Target) -> Self {
        Self { words, start: target.start, len: target.len, shape: target.shape }
    }

    /// Number of elements.
    #[inline]
    #[must_use]
    pub fn len(self) -> u32 {
        self.len
    }

    /// Whether it has no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// How wide its elements are.
    #[inline]
    #[must_use]
    pub fn element(self) -> ElementSize {
        ElementSize::of(self.shape)
    }

    /// Word at which its elements begin; behind the tag, for structs.
    #[inline]
    #[must_use]
    pub fn start(self) -> u32 {
        self.start
    }

    /// The words that its elements take, without a tag.
    #[inline]
    #[must_use]
    pub fn words(self) -> &'a [u64] {
        let size = if self.shape.is_composite() {
            u64::from(self.len) * u64::from(self.stride())
        } else {
            ElementSize::words_by_code(self.shape.code(), self.len)
        };
        &self.words[self.start as usize..][..size as usize]
    }

    /// Words of each struct of a list of structs.
    #[inline]
    fn stride(self) -> u32 {
        (self.shape.widths() & 0xFFFF) + (self.shape.widths() >> 16)
    }

    /// This list, when its elements are of size `expected`; the widths of structs may be any.
    #[inline]
    pub fn expect(self, expected: ElementSize) -> Result<Self, WireError> {
        if expected.code() == self.shape.code() { Ok(self) } else { Err(self.wrong_element(expected)) }
    }

    #[cold]
    fn wrong_element(self, expected: ElementSize) -> WireError {
        WireError::WrongElement { word: self.start, expected: expected.name(), found: self.element().name() }
    }

    #[cold]
    fn no_such_element(self, index: u32) -> WireError {
        WireError::NoSuchElement { word: self.start, len: self.len, index }
    }

    /// Element `index` as stored, extended by zeros; 0 beyond the end and for elements that are pointers or structs.
    #[inline]
    #[must_use]
    pub fn bits(self, index: u32) -> u64 {
        let width = match self.element() {
            ElementSize::Void | ElementSize::Pointer | ElementSize::Composite { .. } => return 0,
            data => data.bits(),
        };
        if index >= self.len {
            return 0;
        }
        let first_bit = u64::from(index) * u64::from(width);
        let word = self.words[self.start as usize + (first_bit / 64) as usize];
        (word >> (first_bit % 64)) & (u64::MAX >> (64 - width))
    }

    /// What the pointer at `index` leads to; for a list of pointers.
    #[inline]
    pub fn pointer(self, index: u32) -> Result<Pointer<'a>, WireError> {
        self.expect(ElementSize::Pointer)?;
        if index >= self.len {
            return Err(self.no_such_element(index));
        }
        Pointer::at(self.words, self.start + index)
    }

    /// The struct at `index`; for a list of structs.
    #[inline]
    pub fn structure(self, index: u32) -> Result<StructReader<'a>, WireError> {
        if !self.shape.is_composite() {
            return Err(self.wrong_element(ElementSize::Composite { data_words: 0, pointer_words: 0 }));
        }
        if index >= self.len {
            return Err(self.no_such_element(index));
        }
        Ok(self.struct_within(index))
    }

    /// The struct at `index`, which is one of a list of structs.
    #[inline]
    pub(super) fn struct_within(self, index: u32) -> StructReader<'a> {
        StructReader::within(self.words, self.start + index * self.stride(), self.shape.widths())
    }

    /// All words of the segment it lies in.
    #[inline]
    pub(super) fn segment(self) -> &'a [u64] {
        self.words
    }

    /// Its elements as words; for elements of 8 bytes.
    #[inline]
    pub fn u64s(self) -> Result<&'a [u64], WireError> {
        self.expect(ElementSize::EightBytes)?;
        Ok(self.words())
    }

    /// Its bytes; for data, and for any other list of bytes.
    #[inline]
    pub fn data(self) -> Result<&'a [u8], WireError> {
        if self.shape != Shape::BYTES {
            return Err(self.wrong_element(ElementSize::Byte));
        }
        Ok(&bytemuck::cast_slice(&self.words[self.start as usize..])[..self.len as usize])
    }

    /// The bytes of a text, without the zero byte that must end it. Whether they are UTF-8 is not looked at.
    #[inline]
    pub fn text_bytes(self) -> Result<&'a [u8], WireError> {
        match self.data()?.split_last() {
            Some((0, text)) => Ok(text),
            last => Err(WireError::Unterminated { word: self.start, found: last.map(|(byte, _)| *byte) }),
        }
    }

    /// A text: its zero byte and its UTF-8 are checked, in 13 ns for 20 bytes.
    #[inline]
    pub fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.text_bytes()?)
            .map_err(|error| WireError::NotUtf8 { word: self.start, valid_bytes: error.valid_up_to() as u32 })
    }
}
