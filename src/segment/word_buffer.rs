//! Memory for many words, which goes back to the operating system with whoever held it.

use std::io;
use std::ops::{Deref, DerefMut};

#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::MmapMut;

use super::WORD_BYTES;

/// From this size on memory is mapped. An allocator would keep what is given back, for each thread that ever had some, and the more the larger
/// it was: a consumer that replaces its levels all day would hold several times what it uses.
pub(super) const MAPPED_BYTES: usize = 128 * 1024;
/// From this size on huge pages are advised: a miss of the address cache costs as much as a miss of the data cache.
const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A fixed number of words. What is never written of many of them costs nothing.
pub struct WordBuffer(Place);

/// Where they lie.
enum Place {
    Allocated(Vec<u64>),
    Mapped(MmapMut),
}

impl WordBuffer {
    /// As many zeros.
    ///
    /// # Errors
    /// The operating system's, if it has no memory or no addresses for them.
    pub fn zeroed(words: usize) -> io::Result<Self> {
        let bytes = words.checked_mul(WORD_BYTES).ok_or(io::ErrorKind::OutOfMemory)?;
        if bytes < MAPPED_BYTES {
            return Ok(vec![0; words].into());
        }
        let map = MmapMut::map_anon(bytes)?;
        if bytes >= HUGE_PAGE_BYTES {
            advise_huge_pages(&map);
        }
        Ok(Self(Place::Mapped(map)))
    }

    /// As many zeros; where there is no memory, the process ends as it does for any list that grows.
    #[must_use]
    pub fn allocated(words: usize) -> Self {
        Self::zeroed(words).unwrap_or_else(|_| vec![0; words].into())
    }

    #[cfg(test)]
    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.0, Place::Mapped(_))
    }
}

impl From<Vec<u64>> for WordBuffer {
    fn from(words: Vec<u64>) -> Self {
        Self(Place::Allocated(words))
    }
}

impl Deref for WordBuffer {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        match &self.0 {
            Place::Allocated(words) => words,
            Place::Mapped(map) => bytemuck::cast_slice(map),
        }
    }
}

impl DerefMut for WordBuffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        match &mut self.0 {
            Place::Allocated(words) => words,
            Place::Mapped(map) => bytemuck::cast_slice_mut(map),
        }
    }
}

impl std::fmt::Debug for WordBuffer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "WordBuffer({} words)", self.len())
    }
}

/// Advice only: without huge pages lookups are slower, and nothing else.
fn advise_huge_pages(map: &MmapMut) {
    #[cfg(target_os = "linux")]
    let _ = map.advise(Advice::HugePage);
    #[cfg(not(target_os = "linux"))]
    let _ = map;
}
