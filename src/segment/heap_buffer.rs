//! Writing a section into the process's own memory.

use std::io;

use super::{Memory, Segment, SegmentError, WORD_BYTES, WordBuffer, check_length};

/// Heap memory of a fixed capacity that a section is written into, front to back.
pub struct HeapBuffer {
    pub(super) words: WordBuffer,
    filled: usize,
    capacity: usize,
}

impl HeapBuffer {
    /// A buffer for at most `capacity` bytes.
    ///
    /// # Errors
    /// [`SegmentError::Memory`] if there is not as much.
    pub fn new(capacity: u64) -> Result<Self, SegmentError> {
        let failed = |source| SegmentError::Memory { bytes: capacity, source };
        let capacity = usize::try_from(capacity).map_err(|_| failed(io::ErrorKind::OutOfMemory.into()))?;
        let words = WordBuffer::zeroed(capacity.div_ceil(WORD_BYTES)).map_err(failed)?;
        Ok(Self { words, filled: 0, capacity })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.filled as u64
    }

    /// Ends writing.
    ///
    /// # Errors
    /// [`SegmentError::Length`] and [`SegmentError::Frame`] if what was written is no section.
    pub fn into_segment(self) -> Result<Segment, SegmentError> {
        check_length(self.filled as u64)?;
        Segment::new(Memory::Heap(self.words, self.filled / WORD_BYTES))
    }
}

impl io::Write for HeapBuffer {
    /// Takes all of `bytes`, or what fits; nothing when the capacity is used up.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = (self.capacity - self.filled).min(bytes.len());
        let memory: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        memory[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for HeapBuffer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "HeapBuffer({} of {} bytes)", self.filled, self.capacity)
    }
}
