//! Canonical copies of what generated code builds.
//!
//! A `capnp::message::Builder` keeps its message in one segment as long as its first one suffices: then the words are
//! copied where they lie. Otherwise objects are scattered over segments; they are first brought together by `capnp`
//! itself, which follows the pointers between segments, and copied from there.

use capnp::any_pointer;
use capnp::message::{Allocator, Builder, HeapAllocator, Reader, ReaderOptions, SegmentArray};

use crate::schema::StructIndex;

use super::StructReader;
use super::copy_error::{CopyError, CopyProblem, Failure};
use super::limits::{MAX_NESTING, MAX_VISITED_WORDS};
use super::plan::CopyPlans;
use super::words::words_of;

impl CopyPlans {
    /// Appends the canonical message of the record that `builder` holds to `out`, as [`CopyPlans::copy`] does.
    ///
    /// No allocation while the builder has one segment; a second copy of the record otherwise.
    pub fn copy_builder<A: Allocator>(
        &self,
        structure: StructIndex,
        builder: &Builder<A>,
        out: &mut Vec<u64>,
    ) -> Result<(), CopyError> {
        self.copy_segments(structure, &builder.get_segments_for_output(), out)
    }

    /// Appends the canonical message of the record that these segments hold to `out`, as [`CopyPlans::copy`] does.
    /// Segments are whole words at any address.
    pub fn copy_segments(
        &self,
        structure: StructIndex,
        segments: &[&[u8]],
        out: &mut Vec<u64>,
    ) -> Result<(), CopyError> {
        match segments {
            [] => self.copy_words(structure, &[], out),
            [segment] => self.copy_words(structure, &words_of(segment), out),
            _ => {
                let single = joined(segments).map_err(|problem| self.refusal(structure, problem))?;
                self.copy_segments(structure, &single.get_segments_for_output()[..1], out)
            }
        }
    }

    /// Appends the canonical message of the record whose root pointer is the first of `words` to `out`, as
    /// [`CopyPlans::copy`] does.
    pub fn copy_words(
        &self,
        structure: StructIndex,
        words: &[u64],
        out: &mut Vec<u64>,
    ) -> Result<(), CopyError> {
        let root = StructReader::root(words).map_err(|problem| self.refusal(structure, problem.into()))?;
        self.copy(structure, root, out)
    }

    fn refusal(&self, structure: StructIndex, problem: CopyProblem) -> CopyError {
        Failure::new(problem).in_type(&self.structs[structure.0 as usize].name)
    }
}

/// The same message in a single segment. It is large enough for any message whose pointers share nothing.
fn joined(segments: &[&[u8]]) -> Result<Builder<HeapAllocator>, CopyProblem> {
    let words: u64 = segments.iter().map(|segment| segment.len() as u64 / 8).sum();
    if words > MAX_VISITED_WORDS {
        return Err(CopyProblem::TooManyVisits { limit: MAX_VISITED_WORDS });
    }
    let mut options = ReaderOptions::new();
    options
        .traversal_limit_in_words(Some(MAX_VISITED_WORDS as usize))
        .nesting_limit(MAX_NESTING.cast_signed() + 1);
    let message = Reader::new(SegmentArray::new(segments), options);
    let mut single = Builder::new(HeapAllocator::new().first_segment_words((words as u32).max(1)));
    single.set_root(message.get_root::<any_pointer::Reader<'_>>()?)?;
    Ok(single)
}
