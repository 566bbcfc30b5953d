//! Writing a section into the process's own memory.

use std::io;

#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::MmapMut;

use super::{Memory, Segment, SegmentError, WORD_BYTES, check_length};

/// Heap memory from this size on is mapped, page-aligned, with huge pages advised: a miss of the address cache costs
/// as much as a miss of the data cache.
pub(super) const HUGE_PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// Heap memory of a fixed capacity that a section is written into, front to back.
///
/// From 2 MiB on it is anonymous mapped memory with huge pages advised, and what is never written of it costs nothing.
pub struct HeapBuffer {
    pub(super) memory: WritableMemory,
    filled: usize,
    capacity: u64,
}

pub(super) enum WritableMemory {
    Words(Vec<u64>),
    Anonymous(MmapMut),
}

impl HeapBuffer {
    /// A buffer for at most `capacity` bytes.
    ///
    /// # Errors
    /// [`SegmentError::Memory`] if there is not as much.
    pub fn new(capacity: u64) -> Result<Self, SegmentError> {
        let failed = |source| SegmentError::Memory { bytes: capacity, source };
        let bytes = usize::try_from(capacity).map_err(|_| failed(io::ErrorKind::OutOfMemory.into()))?;
        let memory = if capacity < HUGE_PAGE_BYTES {
            WritableMemory::Words(vec![0; bytes.div_ceil(WORD_BYTES)])
        } else {
            let map = MmapMut::map_anon(bytes).map_err(failed)?;
            advise_huge_pages(&map);
            WritableMemory::Anonymous(map)
        };
        Ok(Self { memory, filled: 0, capacity })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.filled as u64
    }

    /// Ends writing. The memory of a large section is made read-only.
    ///
    /// # Errors
    /// [`SegmentError::Length`] and [`SegmentError::Frame`] if what was written is no section.
    pub fn into_segment(self) -> Result<Segment, SegmentError> {
        let bytes = self.filled as u64;
        check_length(bytes)?;
        Segment::new(match self.memory {
            WritableMemory::Words(mut words) => {
                words.truncate(self.filled / WORD_BYTES);
                Memory::Words(words)
            }
            WritableMemory::Anonymous(map) => {
                let map = map.make_read_only().map_err(|source| SegmentError::Memory { bytes, source })?;
                Memory::Anonymous(map, self.filled)
            }
        })
    }
}

impl io::Write for HeapBuffer {
    /// Takes all of `bytes`, or what fits; nothing when the capacity is used up.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let memory: &mut [u8] = match &mut self.memory {
            WritableMemory::Words(words) => bytemuck::cast_slice_mut(words),
            WritableMemory::Anonymous(map) => map,
        };
        let left = (self.capacity as usize - self.filled).min(bytes.len());
        memory[self.filled..self.filled + left].copy_from_slice(&bytes[..left]);
        self.filled += left;
        Ok(left)
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

/// Advice only: without huge pages lookups are slower, and nothing else.
fn advise_huge_pages(map: &MmapMut) {
    #[cfg(target_os = "linux")]
    let _ = map.advise(Advice::HugePage);
    #[cfg(not(target_os = "linux"))]
    let _ = map;
}
