//! Subtrees: what a pointer leads to, as words that can be moved.
//!
//! In preorder and without gaps, a struct or list is followed by all that it leads to and by nothing else. So the whole of
//! it is one run of words, its own pointers are right wherever the run is moved to, and where the run ends is found by
//! following the last pointers only: the last child of the last child ends last.

use super::ElementSize;
use super::WireError;
use super::limits::{MAX_NESTING, MAX_RECORD_WORDS};
use super::pointer::{Target, relocated_pointer, target, without_distance};

/// What a pointer of a canonical message, or of a row, leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child<'a> {
    /// Nothing.
    Null,
    /// A struct of no words, which needs no place: its pointer is always `0xFFFF_FFFC`.
    EmptyStruct,
    /// A run of words; none for an empty list.
    Subtree(Subtree<'a>),
}

/// A struct or list with all that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree<'a> {
    /// Tells kind and size; its distance is zero.
    pointer: u64,
    words: &'a [u64],
}

impl<'a> Subtree<'a> {
    pub(super) fn new(pointer: u64, words: &'a [u64]) -> Self {
        Self { pointer: without_distance(pointer), words }
    }

    /// Its words. Subtrees with equal words may still differ in kind: only with the pointer they mean something.
    #[must_use]
    pub fn words(&self) -> &'a [u64] {
        self.words
    }

    /// The pointer that must stand in word `at` when the subtree begins at word `target`.
    ///
    /// # Panics
    ///
    /// When they lie farther apart than a pointer reaches (4 GiB): whoever lays out a segment bounds its size.
    #[must_use]
    pub fn pointer_from(&self, at: u32, target: u32) -> u64 {
        relocated_pointer(self.pointer, at, target)
    }
}

/// What the pointer in word `at` of `words` leads to; that must be canonical and may lie anywhere. Costs a step for each
/// level of nesting and for each null behind a last pointer, and never more than the largest record has words.
///
/// # Panics
///
/// When there is no word `at`.
pub fn subtree(words: &[u64], at: u32) -> Result<Child<'_>, WireError> {
    let root = target(words, at)?;
    let Some(first) = root.first_word() else { return Ok(Child::Null) };
    if root.shape.is_empty_struct() {
        return Ok(Child::EmptyStruct);
    }
    let end = end_of(words, at, root)?;
    Ok(Child::Subtree(Subtree::new(words[at as usize], &words[first as usize..end as usize])))
}

/// The word behind the subtree that begins with `root`, which the pointer at `at` leads to.
fn end_of(words: &[u64], at: u32, root: Target) -> Result<u64, WireError> {
    let first = root.first_word().map_or(0, u64::from);
    let mut object = root;
    for _ in 0..MAX_NESTING {
        let body = Body::of(object);
        if body.end - first > MAX_RECORD_WORDS {
            return Err(WireError::TooLarge { word: at, found: body.end - first, limit: MAX_RECORD_WORDS });
        }
        let Some(last) = body.last_pointer(words) else { return Ok(body.end) };
        object = target(words, last)?;
        let found = object.first_word().map_or(0, u64::from);
        if found < body.end {
            return Err(WireError::Misplaced { word: last, expected: body.end, found });
        }
    }
    Err(WireError::TooDeep { word: at, limit: MAX_NESTING })
}

/// The words of a single object and where among them its pointers are: `pointers` of them at the end of each of `count`
/// strides.
struct Body {
    start: u64,
    end: u64,
    count: u64,
    stride: u64,
    pointers: u64,
}

impl Body {
    fn of(target: Target) -> Self {
        let (shape, start) = (target.shape, u64::from(target.start));
        let (data, pointers) = (u64::from(shape.widths() & 0xFFFF), u64::from(shape.widths() >> 16));
        let (count, stride, pointers) = if shape.is_struct() {
            (1, data + pointers, pointers)
        } else if shape.is_composite() {
            (u64::from(target.len), data + pointers, pointers)
        } else if shape.is_list() && shape.code() == ElementSize::Pointer.code() {
            (u64::from(target.len), 1, 1)
        } else {
            let size = ElementSize::words_by_code(shape.code(), target.len);
            return Self { start, end: start + size, count: 0, stride: 0, pointers: 0 };
        };
        Self { start, end: start + count * stride, count, stride, pointers }
    }

    /// The last of its pointers that leads to words of their own or to an empty list.
    fn last_pointer(&self, words: &[u64]) -> Option<u32> {
        if self.pointers == 0 {
            return None;
        }
        (0..self.count).rev().find_map(|index| {
            let end = self.start + (index + 1) * self.stride;
            (end - self.pointers..end).rev().find(|at| has_target(words[*at as usize])).map(|at| at as u32)
        })
    }
}

/// Whether a pointer is neither null nor that of an empty struct.
fn has_target(pointer: u64) -> bool {
    pointer & 3 != 0 || pointer >> 32 != 0
}
