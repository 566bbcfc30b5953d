//! Building a record without generated code.
//!
//! A [`Draft`] is one growing slice of words and hands out *positions*, plain numbers without lifetimes, so that a parser
//! can keep them on its own stack. It is loose: values may be set in any order, set again, or left in a union arm that
//! is not the chosen one. What was replaced stays behind as unreachable words until the record is copied into its
//! canonical form by [`CopyPlans`](super::CopyPlans), which is also where it is judged by the schema.
//!
//! ```
//! use hollowcast::wire::{Draft, ElementSize};
//!
//! let mut draft = Draft::new();
//! let movie = draft.root(1, 2)?;
//! draft.set_bits_at(movie, 0, 32, 42);
//! draft.set_text(draft.pointer(movie, 0), "Alien")?;
//! let genres = draft.init_list(draft.pointer(movie, 1), ElementSize::Pointer, 2)?;
//! draft.set_text(draft.element_pointer(genres, 0), "Horror")?;
//! draft.set_text(draft.element_pointer(genres, 1), "Sci-Fi")?;
//! assert_eq!(draft.reader().text(0)?, Some("Alien"));
//! # Ok::<(), hollowcast::Error>(())
//! ```

use crate::error::{Classify, ErrorKind};
use crate::schema::{Default as Stored, Field, FieldKind, StructDefinition};

use super::limits::{MAX_VALUE_BYTES, MAX_VISITED_WORDS};
use super::pointer::{EMPTY_STRUCT, composite_pointer, composite_tag, list_pointer, struct_pointer};
use super::slot::data_bits;
use super::{ElementSize, StructReader, relocated_pointer};

/// Most elements that the encoding can count.
const MAX_ELEMENTS: u32 = (1 << 29) - 1;

/// A record under construction; reuse one for many records.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    words: Vec<u64>,
}

/// A struct of a [`Draft`], until its next [`Draft::root`].
#[derive(Clone, Copy, Debug)]
pub struct StructPosition {
    data: u32,
    data_words: u16,
    pointer_words: u16,
}

/// A list of a [`Draft`], until its next [`Draft::root`].
#[derive(Clone, Copy, Debug)]
pub struct ListPosition {
    start: u32,
    len: u32,
    element: ElementSize,
}

/// A pointer of a [`Draft`], until its next [`Draft::root`].
#[derive(Clone, Copy, Debug)]
pub struct PointerPosition(u32);

/// A value that does not fit a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The record, with all that was replaced in it, is too large.
    #[error(
        "the record would take {found} bytes before it is made canonical, but {limit} are the most: split it into several"
    )]
    RecordTooLarge {
        /// Bytes it would take.
        found: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// A text or data value is too large.
    #[error(
        "a value takes {found} bytes, but {limit} are the most: store it elsewhere and keep its name here"
    )]
    ValueTooLarge {
        /// Bytes it takes.
        found: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// A list has more elements than the encoding can count.
    #[error("a list has {found} elements, but {limit} are the most: split it into several")]
    TooManyElements {
        /// Elements it has.
        found: u64,
        /// Elements it may have.
        limit: u64,
    },
}

impl Classify for DraftError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

impl Draft {
    /// A draft without a record yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a new record whose root struct has these widths, all zero and null; the record before is gone.
    pub fn root(&mut self, data_words: u16, pointer_words: u16) -> Result<StructPosition, DraftError> {
        self.words.clear();
        self.words.push(0);
        self.init_struct(PointerPosition(0), data_words, pointer_words)
    }

    /// The record as a single-segment message, root pointer in word 0; not canonical. Empty before the first record.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The root struct.
    ///
    /// # Panics
    ///
    /// Before the first [`Draft::root`].
    #[must_use]
    pub fn reader(&self) -> StructReader<'_> {
        StructReader::root(&self.words).expect("a draft has a root struct")
    }

    /// Sets the data of `width` bits (1, 8, 16, 32 or 64) at `offset`, counted in units of `width`, as they are stored.
    ///
    /// # Panics
    ///
    /// When they lie beyond the data section, or `bits` needs more than `width` bits.
    pub fn set_bits_at(&mut self, structure: StructPosition, offset: u32, width: u32, bits: u64) {
        let first_bit = u64::from(offset) * u64::from(width);
        assert!(first_bit / 64 < u64::from(structure.data_words), "a field lies within its struct");
        self.write_bits(structure.data, first_bit, width, bits);
    }

    /// Sets a data field to the value whose bits are `bits`: the field's default is combined with it by XOR. `Void` takes none.
    ///
    /// # Panics
    ///
    /// When the field is a pointer or a group, does not lie in this struct, or is narrower than `bits`.
    pub fn set_bits(&mut self, structure: StructPosition, field: &Field, bits: u64) {
        let FieldKind::Slot { offset, value_type, default } = &field.kind else {
            unreachable!("a group has no bits of its own")
        };
        let width = data_bits(value_type).expect("a pointer field is set through its pointer");
        let default = if let Stored::Bits(default) = default { *default } else { 0 };
        if width > 0 {
            self.set_bits_at(structure, *offset, width, bits ^ default);
        }
    }

    /// Makes `field` the member of its union that counts; without effect for a field outside a union. `definition` is
    /// the struct or group that declares the field. Other arms keep their bits; the canonical copy leaves them out.
    ///
    /// # Panics
    ///
    /// When the union does not lie in this struct.
    pub fn select_arm(&mut self, structure: StructPosition, definition: &StructDefinition, field: &Field) {
        if let Some(discriminant) = field.discriminant {
            let offset = definition.discriminant_offset.expect("a struct with a union has a discriminant");
            self.set_bits_at(structure, offset, 16, u64::from(discriminant));
        }
    }

    /// Pointer `index` of a struct.
    ///
    /// # Panics
    ///
    /// When the struct has no such pointer.
    #[must_use]
    pub fn pointer(&self, structure: StructPosition, index: u32) -> PointerPosition {
        assert!(index < u32::from(structure.pointer_words), "a pointer lies within its struct");
        PointerPosition(structure.data + u32::from(structure.data_words) + index)
    }

    /// Makes a value absent.
    pub fn set_null(&mut self, pointer: PointerPosition) {
        self.words[pointer.0 as usize] = 0;
    }

    /// Sets a text of at most [`MAX_VALUE_BYTES`].
    pub fn set_text(&mut self, pointer: PointerPosition, text: &str) -> Result<(), DraftError> {
        self.set_bytes(pointer, text.as_bytes(), 1)
    }

    /// Sets data of at most [`MAX_VALUE_BYTES`].
    pub fn set_data(&mut self, pointer: PointerPosition, data: &[u8]) -> Result<(), DraftError> {
        self.set_bytes(pointer, data, 0)
    }

    fn set_bytes(&mut self, pointer: PointerPosition, bytes: &[u8], zeros: u32) -> Result<(), DraftError> {
        if bytes.len() > MAX_VALUE_BYTES as usize {
            let limit = u64::from(MAX_VALUE_BYTES);
            return Err(DraftError::ValueTooLarge { found: bytes.len() as u64, limit });
        }
        let list = self.init_list(pointer, ElementSize::Byte, bytes.len() as u32 + zeros)?;
        bytemuck::cast_slice_mut(&mut self.words[list.start as usize..])[..bytes.len()]
            .copy_from_slice(bytes);
        Ok(())
    }

    /// Puts a struct of these widths, all zero and null, behind a pointer.
    pub fn init_struct(
        &mut self,
        pointer: PointerPosition,
        data_words: u16,
        pointer_words: u16,
    ) -> Result<StructPosition, DraftError> {
        let data = self.allocate(u64::from(data_words) + u64::from(pointer_words))?;
        self.words[pointer.0 as usize] = match struct_pointer(data_words, pointer_words) {
            0 => EMPTY_STRUCT,
            sized => relocated_pointer(sized, pointer.0, data),
        };
        Ok(StructPosition { data, data_words, pointer_words })
    }

    /// Puts a list of `len` elements, all zero and null, behind a pointer.
    pub fn init_list(
        &mut self,
        pointer: PointerPosition,
        element: ElementSize,
        len: u32,
    ) -> Result<ListPosition, DraftError> {
        if len > MAX_ELEMENTS {
            return Err(DraftError::TooManyElements { found: len.into(), limit: MAX_ELEMENTS.into() });
        }
        let room = element.words_for(len);
        let ElementSize::Composite { data_words, pointer_words } = element else {
            let start = self.allocate(room)?;
            self.words[pointer.0 as usize] = relocated_pointer(list_pointer(element, len), pointer.0, start);
            return Ok(ListPosition { start, len, element });
        };
        let tag = self.allocate(room + 1)?;
        self.words[tag as usize] = composite_tag(len, data_words, pointer_words);
        self.words[pointer.0 as usize] = relocated_pointer(composite_pointer(room as u32), pointer.0, tag);
        Ok(ListPosition { start: tag + 1, len, element })
    }

    /// Sets element `index` of a list of data to `bits`, as they are stored. Elements without bits take none.
    ///
    /// # Panics
    ///
    /// When there is no such element, the elements are pointers or structs, or `bits` does not fit.
    pub fn set_element(&mut self, list: ListPosition, index: u32, bits: u64) {
        assert!(index < list.len, "an element lies within its list");
        assert!(!matches!(list.element, ElementSize::Pointer | ElementSize::Composite { .. }));
        let width = list.element.bits();
        if width > 0 {
            self.write_bits(list.start, u64::from(index) * u64::from(width), width, bits);
        }
    }

    /// Pointer `index` of a list of pointers.
    ///
    /// # Panics
    ///
    /// When there is no such element, or the elements are no pointers.
    #[must_use]
    pub fn element_pointer(&self, list: ListPosition, index: u32) -> PointerPosition {
        assert!(list.element == ElementSize::Pointer && index < list.len, "an element lies within its list");
        PointerPosition(list.start + index)
    }

    /// Struct `index` of a list of structs.
    ///
    /// # Panics
    ///
    /// When there is no such element, or the elements are no structs.
    #[must_use]
    pub fn element_struct(&self, list: ListPosition, index: u32) -> StructPosition {
        let ElementSize::Composite { data_words, pointer_words } = list.element else {
            unreachable!("the elements of this list are no structs")
        };
        assert!(index < list.len, "an element lies within its list");
        let data = list.start + index * (u32::from(data_words) + u32::from(pointer_words));
        StructPosition { data, data_words, pointer_words }
    }

    fn write_bits(&mut self, section: u32, first_bit: u64, width: u32, bits: u64) {
        let mask = u64::MAX >> (64 - width);
        assert!(bits & !mask == 0, "a value fits its field");
        let word = &mut self.words[section as usize + (first_bit / 64) as usize];
        let shift = first_bit % 64;
        *word = *word & !(mask << shift) | bits << shift;
    }

    fn allocate(&mut self, words: u64) -> Result<u32, DraftError> {
        let start = self.words.len();
        let end = start as u64 + words;
        if end > MAX_VISITED_WORDS {
            return Err(DraftError::RecordTooLarge { found: end * 8, limit: MAX_VISITED_WORDS * 8 });
        }
        self.words.resize(end as usize, 0);
        Ok(start as u32)
    }
}
