//! Bitmaps that many versions share: chunks are copied when they are first written.

use std::sync::{Arc, LazyLock};

const CHUNK_WORDS: usize = 256;
const CHUNK_BITS: u64 = CHUNK_WORDS as u64 * 64;

type Chunk = [u64; CHUNK_WORDS];

/// What every chunk is until it is written.
static CLEAR: LazyLock<Arc<Chunk>> = LazyLock::new(|| Arc::new([0; CHUNK_WORDS]));

/// A bitmap of fixed length, all clear at first.
///
/// Cloning costs a pointer for each 16,384 bits. Setting a bit copies its 2 KiB chunk if a clone still shares it, so the versions of a
/// table share all that a delta did not touch. Reading is two loads, the first of which nearly always hits the cache.
#[derive(Clone, Debug)]
pub struct SharedBits {
    chunks: Vec<Arc<Chunk>>,
    length: u64,
}

impl SharedBits {
    /// `length` clear bits. They cost a pointer for each 16,384 until they are set.
    #[must_use]
    pub fn new(length: u64) -> Self {
        Self { chunks: vec![Arc::clone(&CLEAR); length.div_ceil(CHUNK_BITS) as usize], length }
    }

    /// How many bits there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is no bit at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bit `at`; clear beyond the end.
    #[inline]
    #[must_use]
    pub fn get(&self, at: u64) -> bool {
        self.word(at) >> (at % 64) & 1 == 1
    }

    /// Bits `at` (an even number) and `at + 1` in one load, the first in the lowest place; clear beyond the end.
    #[inline]
    #[must_use]
    pub fn pair(&self, at: u64) -> u64 {
        debug_assert!(at.is_multiple_of(2));
        self.word(at) >> (at % 64) & 0b11
    }

    #[inline]
    fn word(&self, at: u64) -> u64 {
        let chunk = self.chunks.get((at / CHUNK_BITS) as usize);
        chunk.map_or(0, |chunk| chunk[(at / 64) as usize % CHUNK_WORDS])
    }

    /// Sets bit `at` and says whether it was set before.
    ///
    /// # Panics
    /// If `at` lies beyond the end: positions come from the table that made the bitmap.
    pub fn set(&mut self, at: u64) -> bool {
        assert!(at < self.length, "bit {at} of {}", self.length);
        let chunk = Arc::make_mut(&mut self.chunks[(at / CHUNK_BITS) as usize]);
        let word = &mut chunk[(at / 64) as usize % CHUNK_WORDS];
        let bit = 1 << (at % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_bits_when_the_original_is_written() {
        let mut new = SharedBits::new(200_000);
        assert!(!new.set(70_000));
        let old = new.clone();
        assert!(!new.set(70_001));
        assert!(!new.set(199_999));
        assert!(new.set(70_000), "it was set before");
        assert_eq!((old.get(70_000), old.get(70_001), old.get(199_999)), (true, false, false));
        assert_eq!((new.get(70_000), new.get(70_001), new.get(199_999)), (true, true, true));
        assert_eq!((new.pair(70_000), old.pair(70_000)), (0b11, 0b01));
    }

    #[test]
    fn bits_beyond_the_end_are_clear() {
        let bits = SharedBits::new(0);
        assert!(bits.is_empty());
        assert!(!bits.get(0) && !bits.get(u64::MAX));
        assert_eq!(bits.pair(2), 0);
    }

    #[test]
    fn untouched_chunks_are_shared() {
        let mut bits = SharedBits::new(10 * CHUNK_BITS);
        bits.set(3 * CHUNK_BITS);
        assert!(Arc::ptr_eq(&bits.chunks[0], &bits.chunks[9]));
        assert!(!Arc::ptr_eq(&bits.chunks[0], &bits.chunks[3]));
    }
}
