//! A section in memory, and the only unsafe code of the library.
//!
//! A **section** is one Cap'n Proto message with one segment, in stream framing: word 0 is the frame
//! `{u32 0, u32 words}`, then the message, whose first word is the root pointer. A [`Segment`] is such a section in
//! memory: mapped from a file or on the heap, which nobody who reads it needs to know. It never changes, so it is
//! shared between threads without a lock.
//!
//! There are two ways to read one. [`Segment::words`] is the message as plain words: a pointer and a length, for
//! accessors that do their own checked arithmetic. [`RecordList`] finds the list of records once, then gives Cap'n Proto
//! readers for the price of arithmetic; no read limiter stands in between, because its counter would be shared by all
//! threads.
//!
//! # What safety rests on
//!
//! **No reader trusts the bytes.** Every pointer is checked against the bounds of the message when it is followed, so
//! wrong bytes give an error or a wrong value, never a read outside of the memory. Cycles end at the nesting limit.
//!
//! **The memory does not change while a segment lives.** Heap memory is owned by the segment. A mapped file is written
//! before it is mapped, unlinked but never rewritten or truncated afterwards, by anyone who uses the state directory.
//! Whoever else may write that directory could change mapped bytes under us: the directory is the trust boundary, and
//! is made with permissions that keep others out.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use capnp::private::arena::ReaderArena;
use capnp::private::layout::PointerReader;
use capnp::struct_list;
use capnp::traits::{FromPointerReader, IntoInternalStructReader, OwnedStruct};
use memmap2::{Advice, Mmap};

#[forbid(unsafe_code)]
mod error;
#[forbid(unsafe_code)]
mod heap_buffer;
#[forbid(unsafe_code)]
mod word_buffer;
#[forbid(unsafe_code)]
mod words;

pub use error::SegmentError;
pub use heap_buffer::HeapBuffer;
pub use word_buffer::WordBuffer;
pub use words::Words;

#[cfg(target_endian = "big")]
compile_error!("sections are little-endian and read where they lie: big-endian machines are not supported");

/// Bytes of a word.
const WORD_BYTES: usize = 8;
/// The frame and a root pointer: the shortest section.
const SHORTEST_SECTION_BYTES: u64 = 16;
/// Smallest page of any machine we run on.
const PAGE_BYTES: usize = 4096;
/// How deep readers follow pointers: records nest at most 60 deep, their list and its struct come on top.
const NESTING_LIMIT: i32 = 64;

/// Keeps the words of a segment where they are.
enum Memory {
    /// Heap memory, of which the first `usize` words are the section.
    Heap(WordBuffer, usize),
    /// A mapped file. The file stays open, because its shared lock ends when it is closed.
    File(Mmap, #[expect(dead_code, reason = "held for its lock")] File),
}

impl Memory {
    fn words(&self) -> &[u64] {
        match self {
            Self::Heap(words, used) => &words[..*used],
            Self::File(map, _) => bytemuck::cast_slice(map),
        }
    }
}

/// An immutable section in memory. Cheap to move, not to clone: share it in an [`Arc`].
///
/// Dropping it unmaps or frees its memory (milliseconds for a gigabyte) and gives up the lock of its file.
pub struct Segment {
    /// First word of the message, behind the frame.
    start: NonNull<u64>,
    /// Words of the message, at least 1.
    length: u32,
    memory: Memory,
}

// SAFETY: a segment owns its memory and nothing writes it after construction (see the module's documentation), so
// reading it from any thread, and dropping it on any thread, is sound.
unsafe impl Send for Segment {}
// SAFETY: as above; no method changes anything through `&Segment`.
unsafe impl Sync for Segment {}

impl Segment {
    /// A section on the heap, from the words of frame and message. Costs nothing: the words stay where they are. Large
    /// sections are better written into a [`HeapBuffer`], which asks for huge pages.
    ///
    /// # Errors
    /// [`SegmentError::Length`] and [`SegmentError::Frame`].
    pub fn heap(words: Vec<u64>) -> Result<Self, SegmentError> {
        let used = words.len();
        Self::new(Memory::Heap(words.into(), used))
    }

    /// Maps a whole file, and keeps it open: a shared lock on it lasts as long as the segment. Costs microseconds; no
    /// byte but the frame is read.
    ///
    /// The file must never be written or truncated again: the caller has it from a state directory, or has just
    /// written it and given up writing.
    ///
    /// # Errors
    /// [`SegmentError::Length`] and [`SegmentError::Frame`] for what is no section, [`SegmentError::Memory`] when it
    /// cannot be mapped.
    pub(crate) fn mapped(file: File) -> Result<Self, SegmentError> {
        let bytes = file.metadata().map_err(|source| SegmentError::Unreadable { bytes: 0, source })?.len();
        check_length(bytes)?;
        let map = map_file(&file).map_err(|source| SegmentError::Memory { bytes, source })?;
        check_length(map.len() as u64)?;
        Self::new(Memory::File(map, file))
    }

    fn new(memory: Memory) -> Result<Self, SegmentError> {
        let section = memory.words();
        check_length(section.len() as u64 * WORD_BYTES as u64)?;
        let (frame, message) = (section[0], &section[1..]);
        let (segments, words) = ((frame & 0xFFFF_FFFF) + 1, (frame >> 32) as u32);
        if segments != 1 || u64::from(words) != message.len() as u64 {
            return Err(SegmentError::Frame { segments, words, expected_words: message.len() as u64 });
        }
        let start = NonNull::from(message).cast::<u64>();
        Ok(Self { start, length: words, memory })
    }

    /// The words of the message, root pointer first, without the frame. A pointer and a length: no branch.
    #[must_use]
    #[inline]
    pub fn words(&self) -> &[u64] {
        // SAFETY: `start` and `length` are those of a slice that `new` took from `memory`. Moving `memory` moves
        // neither the words of a `WordBuffer` nor a mapping, nothing writes either, and `memory` lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length as usize) }
    }

    /// The same as bytes.
    #[must_use]
    #[inline]
    pub fn message_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self.words())
    }

    /// Frame and message: the bytes whose hash names the section.
    #[must_use]
    pub fn section_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self.memory.words())
    }

    /// Whether it is a file that is mapped.
    #[must_use]
    pub fn is_mapped_file(&self) -> bool {
        matches!(self.memory, Memory::File(..))
    }

    /// Length of the section in bytes, frame included.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        (u64::from(self.length) + 1) * WORD_BYTES as u64
    }

    /// Brings a mapped section into memory and maps its pages, so that no reader waits for the disk (some 350 µs a
    /// page). Costs the time to read what is not in the page cache yet, and about 10 ms a gigabyte when all of it is.
    /// Does nothing for the heap.
    ///
    /// # Errors
    /// [`SegmentError::Unreadable`] if the disk fails.
    pub fn prefault(&self) -> Result<(), SegmentError> {
        let Memory::File(map, _) = &self.memory else { return Ok(()) };
        match populate(map) {
            Ok(()) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::InvalidInput => {
                touch(self.words());
                Ok(())
            }
            Err(source) => Err(SegmentError::Unreadable { bytes: self.len_bytes(), source }),
        }
    }

    /// The list in pointer field `field` of the root struct.
    fn list(&self, field: u16) -> capnp::Result<struct_list::Reader<'_, AnyRecord>> {
        let root = PointerReader::get_root_from_arena(self)?.get_struct(None)?;
        FromPointerReader::get_from_pointer(&root.get_pointer_field(usize::from(field)), None)
    }

    /// Byte offset of `address` from the start of the message; beyond the end for any address before the start.
    #[inline]
    fn offset_of(&self, address: *const u8) -> usize {
        address.addr().wrapping_sub(self.start.as_ptr().addr())
    }

    #[inline]
    fn message_length_bytes(&self) -> usize {
        self.length as usize * WORD_BYTES
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let memory = match self.memory {
            Memory::Heap(..) => "heap",
            Memory::File(..) => "mapped",
        };
        out.debug_struct("Segment")
            .field("bytes", &self.len_bytes())
            .field("memory", &memory)
            .finish_non_exhaustive()
    }
}

#[cold]
fn out_of_bounds() -> capnp::Error {
    capnp::Error::from_kind(capnp::ErrorKind::MessageContainsOutOfBoundsPointer)
}

#[cold]
fn no_such_segment(id: u32) -> capnp::Error {
    capnp::Error::from_kind(capnp::ErrorKind::InvalidSegmentId(id))
}

// SAFETY: the contract, as capnp's own readers rely on it: `get_segment` returns memory that is readable and constant
// for the life of `&self`, 8-byte aligned; `check_offset` and `contains_interval` say `Ok` only for addresses within
// it (or one past its end, for an offset). Segment ids other than 0 are refused everywhere, so a far pointer can lead
// to segment 0 only. Both checks compute with integers, and wrap only towards values that they then refuse.
unsafe impl ReaderArena for Segment {
    #[inline]
    fn get_segment(&self, id: u32) -> capnp::Result<(*const u8, u32)> {
        if id == 0 { Ok((self.start.as_ptr().cast(), self.length)) } else { Err(no_such_segment(id)) }
    }

    #[inline]
    unsafe fn check_offset(
        &self,
        id: u32,
        start: *const u8,
        offset_in_words: i32,
    ) -> capnp::Result<*const u8> {
        let offset_bytes = offset_in_words as isize * WORD_BYTES.cast_signed();
        let target = self.offset_of(start).wrapping_add_signed(offset_bytes);
        if id == 0 && target <= self.message_length_bytes() {
            Ok(start.wrapping_offset(offset_bytes))
        } else {
            Err(out_of_bounds())
        }
    }

    #[inline]
    fn contains_interval(&self, id: u32, start: *const u8, size_in_words: usize) -> capnp::Result<()> {
        let (offset, length) = (self.offset_of(start), self.message_length_bytes());
        if id == 0 && offset <= length && size_in_words <= (length - offset) / WORD_BYTES {
            Ok(())
        } else {
            Err(out_of_bounds())
        }
    }

    /// Nothing is counted: a counter would be written by every reader of every thread.
    #[inline]
    fn amplified_read(&self, _virtual_amount: u64) -> capnp::Result<()> {
        Ok(())
    }

    #[inline]
    fn nesting_limit(&self) -> i32 {
        NESTING_LIMIT
    }

    #[inline]
    fn size_in_words(&self) -> usize {
        self.length as usize
    }
}

/// Stands for whatever struct a list holds: only the untyped reader inside is ever taken from it.
type AnyRecord = capnp::schema_capnp::field::Owned;

/// The records of one list of a segment, found and checked once, so that a record costs arithmetic only.
///
/// Holds the segment, so a reader from [`RecordList::get`] lives as long as the borrow of the list.
pub struct RecordList {
    /// Borrows `segment`. `MaybeUninit`, because a plain reference in here would be one to freed memory at the moment
    /// when dropping `self` frees the segment, and references must not dangle even unused.
    list: MaybeUninit<struct_list::Reader<'static, AnyRecord>>,
    rows: u32,
    segment: Arc<Segment>,
}

// SAFETY: besides the `Arc<Segment>`, which is `Send` and `Sync`, there is only a reader: addresses within the
// immutable memory of that segment, and its arena, which is that segment again and `Sync`.
unsafe impl Send for RecordList {}
// SAFETY: as above; no method changes anything through `&RecordList`.
unsafe impl Sync for RecordList {}

impl RecordList {
    /// The list in pointer field `list_field` of the segment's root struct; an absent field is a list without rows.
    ///
    /// # Errors
    /// Cap'n Proto's, when a pointer leads out of the message or to no list of structs.
    pub fn new(segment: Arc<Segment>, list_field: u16) -> capnp::Result<Self> {
        // SAFETY: the reference is used below for a reader that is kept beside the `Arc` and handed out only for as
        // long as `&self` is borrowed, that is, while the `Arc` keeps the segment where it is. Nobody gets a
        // `&mut Segment` out of an `Arc` that is shared or private in here.
        let pinned: &'static Segment = unsafe { &*Arc::as_ptr(&segment) };
        let list = pinned.list(list_field)?;
        Ok(Self { list: MaybeUninit::new(list), rows: list.len(), segment })
    }

    /// Number of rows, unused slots included.
    #[must_use]
    #[inline]
    pub fn len(&self) -> u32 {
        self.rows
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The segment these records lie in.
    #[must_use]
    #[inline]
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Row `row` as `T`'s generated reader; `None` beyond the end. Reads no memory but this struct's own, follows no
    /// pointer, allocates nothing.
    #[must_use]
    #[inline]
    pub fn get<T: OwnedStruct>(&self, row: u32) -> Option<T::Reader<'_>> {
        // SAFETY: `new` initialises `list`, and nothing writes it again.
        let list: struct_list::Reader<'_, AnyRecord> = unsafe { self.list.assume_init() };
        Some(list.try_get(row)?.into_internal_struct_reader().into())
    }
}

impl std::fmt::Debug for RecordList {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RecordList")
            .field("rows", &self.rows)
            .field("segment", &self.segment)
            .finish_non_exhaustive()
    }
}

/// Bytes of a segment that are read on every lookup: a pointer and a length, without a branch and without a way through the segment.
pub(crate) struct SegmentBytes {
    start: NonNull<u8>,
    length: usize,
    segment: Arc<Segment>,
}

// SAFETY: besides the `Arc<Segment>`, which is `Send` and `Sync`, there is only an address within the immutable memory
// of that segment.
unsafe impl Send for SegmentBytes {}
// SAFETY: as above; no method changes anything through `&SegmentBytes`.
unsafe impl Sync for SegmentBytes {}

impl SegmentBytes {
    /// The bytes at `range` of the segment's message; `None` beyond its end.
    pub(crate) fn new(segment: Arc<Segment>, range: std::ops::Range<usize>) -> Option<Self> {
        let bytes = segment.message_bytes().get(range)?;
        Some(Self { start: NonNull::from(bytes).cast(), length: bytes.len(), segment })
    }

    /// The bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `start` and `length` are those of a slice of the segment's message. `segment` is held as long as
        // `self`, keeps that memory where it is, and nothing writes it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl std::fmt::Debug for SegmentBytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SegmentBytes")
            .field("length", &self.length)
            .field("segment", &self.segment)
            .finish_non_exhaustive()
    }
}

/// Words of a private scratch file, mapped: they count as page cache, not as the process's own memory.
#[derive(Debug)]
pub(crate) struct MappedWords(Mmap);

impl MappedWords {
    /// Maps the whole file, a number of words, which must never be written or truncated again: the caller has just
    /// written it, and nobody else can open it.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        let map = map_file(file)?;
        if map.len().is_multiple_of(WORD_BYTES) {
            Ok(Self(map))
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    /// The words.
    pub(crate) fn words(&self) -> &[u64] {
        bytemuck::cast_slice(&self.0)
    }
}

fn check_length(bytes: u64) -> Result<(), SegmentError> {
    let whole = bytes.is_multiple_of(WORD_BYTES as u64) && bytes >= SHORTEST_SECTION_BYTES;
    if whole { Ok(()) } else { Err(SegmentError::Length { bytes }) }
}

fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: a mapping is sound while nobody writes or truncates the file. The callers' contracts say that this file
    // is complete and never changed again; the module's documentation names the trust boundary.
    unsafe { Mmap::map(file) }
}

/// `InvalidInput` where the operating system does not know how to populate a mapping.
fn populate(map: &Mmap) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return map.advise(Advice::PopulateRead);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = map.advise(Advice::WillNeed);
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Reads a word of every page.
fn touch(words: &[u64]) {
    for word in words.iter().step_by(PAGE_BYTES / WORD_BYTES) {
        std::hint::black_box(*word);
    }
}

#[cfg(test)]
mod tests;
