//! Pointer words, taken apart and put together.
//!
//! | bits | struct pointer | list pointer | tag of a list of structs |
//! |---|---|---|---|
//! | 0–1 | 0 | 1 | 0 |
//! | 2–31 | signed distance in words from the end of the pointer | the same | number of elements |
//! | 32–47 | data words | 32–34: element size; 35–63: elements, or words behind the tag | data words |
//! | 48–63 | pointer words | | pointer words |
//!
//! A word of zeros is null. Kind 2 is a far pointer, kind 3 a capability: neither occurs in a single-segment record.

use std::num::NonZeroU64;

use super::{ElementSize, WireError};

/// The pointer to an empty struct: distance −1, no words.
pub(crate) const EMPTY_STRUCT: u64 = 0xFFFF_FFFC;

/// Farthest distance that a pointer can express, in words.
const MAX_DISTANCE: i64 = (1 << 29) - 1;

/// The bits of a pointer that hold its distance.
const DISTANCE_BITS: u64 = 0xFFFF_FFFC;

/// What a pointer leads to, with all of it known to lie within the words.
///
/// Laid out for the hot path: it comes back from [`target`] in two registers, errors included, and no part of it is
/// narrower than what is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) shape: Shape,
    /// First word of a struct or of a list's elements; a tag lies before it.
    pub(crate) start: u32,
    /// Elements of a list; 0 for others.
    pub(crate) len: u32,
}

/// Kind and widths of a target: in the low byte a kind, in the upper half the widths of a struct, as in its pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape(NonZeroU64);

/// Kind of a struct.
const STRUCT: NonZeroU64 = NonZeroU64::new(0x20).unwrap();

/// Kind of a list; its element size code is added.
const LIST: NonZeroU64 = NonZeroU64::new(0x10).unwrap();

/// The bits of a pointer, tag or shape that hold a struct's widths.
const WIDTH_BITS: u64 = 0xFFFF_FFFF_0000_0000;

/// Element size code of a list of structs.
const COMPOSITE: u64 = 7;

impl Shape {
    pub(crate) const NULL: Self = Self(NonZeroU64::new(0x30).unwrap());
    /// Texts, data and other lists of bytes.
    pub(crate) const BYTES: Self = Self(NonZeroU64::new(0x12).unwrap());

    #[inline]
    fn structure(pointer: u64) -> Self {
        Self(STRUCT | (pointer & WIDTH_BITS))
    }

    #[inline]
    fn composite(tag: u64) -> Self {
        Self(LIST | COMPOSITE | (tag & WIDTH_BITS))
    }

    #[inline]
    fn list(code: u64) -> Self {
        Self(LIST | code)
    }

    #[inline]
    pub(crate) fn is_struct(self) -> bool {
        self.0.get() as u8 == 0x20
    }

    #[inline]
    pub(crate) fn is_list(self) -> bool {
        self.0.get() as u8 & 0xF0 == 0x10
    }

    #[inline]
    pub(crate) fn is_composite(self) -> bool {
        self.0.get() as u8 == 0x17
    }

    #[inline]
    pub(crate) fn is_empty_struct(self) -> bool {
        self.0 == STRUCT
    }

    /// Widths of the struct, or of the structs of a list: the upper half of a pointer.
    #[inline]
    pub(crate) fn widths(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    /// Element size code of a list.
    #[inline]
    pub(crate) fn code(self) -> u64 {
        self.0.get() & 7
    }
}

impl Target {
    const NULL: Self = Self { shape: Shape::NULL, start: 0, len: 0 };

    /// The first word that it takes, a tag included; `None` for null.
    #[inline]
    pub(crate) fn first_word(self) -> Option<u32> {
        (self.shape != Shape::NULL).then(|| self.start - u32::from(self.shape.is_composite()))
    }
}

/// A [`WireError`] out of the way: boxed, so that a [`Target`] comes back in two registers.
#[derive(Debug)]
pub(crate) struct Fault(Box<WireError>);

impl Fault {
    #[cold]
    fn new(error: WireError) -> Self {
        Self(Box::new(error))
    }
}

impl From<Fault> for WireError {
    #[cold]
    fn from(fault: Fault) -> Self {
        *fault.0
    }
}

/// Takes apart the pointer at word `at` of `words`, which is one of them.
#[inline]
pub(crate) fn target(words: &[u64], at: u32) -> Result<Target, Fault> {
    let pointer = words[at as usize];
    if pointer == 0 {
        return Ok(Target::NULL);
    }
    match pointer & 3 {
        0 => {
            let start = bounded(words, at, "struct", pointer, sum_of_widths(pointer))?;
            Ok(Target { shape: Shape::structure(pointer), start, len: 0 })
        }
        1 => list_target(words, at, pointer),
        kind => Err(wrong_kind(at, "a pointer within the segment", kind)),
    }
}

#[inline]
fn list_target(words: &[u64], at: u32, pointer: u64) -> Result<Target, Fault> {
    let (code, len) = ((pointer >> 32) & 7, (pointer >> 35) as u32);
    if code == COMPOSITE {
        return composite_target(words, at, pointer);
    }
    let size = ElementSize::words_by_code(code, len);
    let start = bounded(words, at, "list", pointer, size)?;
    Ok(Target { shape: Shape::list(code), start, len })
}

fn composite_target(words: &[u64], at: u32, pointer: u64) -> Result<Target, Fault> {
    let room = pointer >> 35;
    let tag_at = bounded(words, at, "list of structs", pointer, room + 1)?;
    let tag = words[tag_at as usize];
    if tag & 3 != 0 {
        return Err(wrong_kind(tag_at, "the tag of structs", tag & 3));
    }
    let len = (tag as u32) >> 2;
    let needed = u64::from(len) * sum_of_widths(tag);
    if needed > room {
        return Err(Fault::new(WireError::WrongTag { word: tag_at, expected: needed, found: room }));
    }
    Ok(Target { shape: Shape::composite(tag), start: tag_at + 1, len })
}

/// Words of a struct by its pointer or tag.
#[inline]
fn sum_of_widths(pointer: u64) -> u64 {
    ((pointer >> 32) & 0xFFFF) + (pointer >> 48)
}

/// Words from the end of the pointer to its target.
#[inline]
fn distance(pointer: u64) -> i64 {
    i64::from((pointer as u32).cast_signed() >> 2)
}

/// The first word of a target of `size` words, when all of it lies within `words`.
#[inline]
fn bounded(words: &[u64], at: u32, what: &'static str, pointer: u64, size: u64) -> Result<u32, Fault> {
    let start = i64::from(at) + 1 + distance(pointer);
    let end = start + size.cast_signed();
    if start < 0 || end > addressable(words) {
        return Err(Fault::new(out_of_bounds(words, at, what, start, end)));
    }
    Ok(start.cast_unsigned() as u32)
}

/// Words that a `u32` can name.
#[inline]
pub(crate) fn addressable(words: &[u64]) -> i64 {
    words.len().min(u32::MAX as usize).cast_signed() as i64
}

#[cold]
pub(crate) fn out_of_bounds(words: &[u64], word: u32, what: &'static str, start: i64, end: i64) -> WireError {
    WireError::OutOfBounds { word, what, start, end, available: words.len() as u64 }
}

#[cold]
fn wrong_kind(word: u32, expected: &'static str, kind: u64) -> Fault {
    let found = match kind {
        0 => "a struct pointer",
        1 => "a list pointer",
        2 => "a pointer to another segment",
        _ => "a capability",
    };
    Fault::new(WireError::WrongKind { word, expected, found })
}

/// The pointer to a struct, its distance still zero.
#[inline]
pub(crate) fn struct_pointer(data_words: u16, pointer_words: u16) -> u64 {
    (u64::from(data_words) << 32) | (u64::from(pointer_words) << 48)
}

/// The pointer to a list of `len` elements that are no structs, its distance still zero.
#[inline]
pub(crate) fn list_pointer(element: ElementSize, len: u32) -> u64 {
    1 | (element.code() << 32) | (u64::from(len) << 35)
}

/// The pointer to a list of structs that takes `room` words behind its tag, its distance still zero.
#[inline]
pub(crate) fn composite_pointer(room: u32) -> u64 {
    1 | (7 << 32) | (u64::from(room) << 35)
}

/// The tag word of a list of `len` structs.
#[inline]
pub(crate) fn composite_tag(len: u32, data_words: u16, pointer_words: u16) -> u64 {
    (u64::from(len) << 2) | struct_pointer(data_words, pointer_words)
}

/// Kind and size of a pointer.
#[inline]
pub(crate) fn without_distance(pointer: u64) -> u64 {
    pointer & !DISTANCE_BITS
}

/// `pointer`, which is neither null nor that of an empty struct, as it must stand in word `at` to lead to word `target`.
///
/// # Panics
///
/// When they lie farther apart than a pointer reaches (4 GiB): whoever lays out a segment bounds its size.
#[inline]
#[must_use]
pub(crate) fn relocated_pointer(pointer: u64, at: u32, target: u32) -> u64 {
    let distance = i64::from(target) - i64::from(at) - 1;
    assert!((-MAX_DISTANCE..=MAX_DISTANCE).contains(&distance), "a pointer spans {distance} words");
    without_distance(pointer) | u64::from(((distance as i32) << 2).cast_unsigned())
}

/// `pointer`, found in word `from`, as it must stand in word `to` to lead to the same place. Null and the pointer to an
/// empty struct lead nowhere and stay as they are.
#[inline]
#[must_use]
pub(crate) fn moved_pointer(pointer: u64, from: u32, to: u32) -> u64 {
    if pointer == 0 || pointer == EMPTY_STRUCT {
        return pointer;
    }
    let target = i64::from(from) + 1 + distance(pointer);
    relocated_pointer(pointer, to, target as u32)
}
