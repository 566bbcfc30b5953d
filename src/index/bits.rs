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

    /// `length` bits, those of `words` from the lowest of the first on. Costs a copy.
    ///
    /// # Panics
    /// If there are not as many words as that takes.
    #[must_use]
    pub fn of_words(length: u64, words: &[u64]) -> Self {
        assert_eq!(words.len() as u64, length.div_ceil(64), "words of {length} bits");
        let mut bits = Self::new(length);
        for (chunk, words) in bits.chunks.iter_mut().zip(words.chunks(CHUNK_WORDS)) {
            if words.iter().any(|word| *word != 0) {
                let mut copy = [0; CHUNK_WORDS];
                copy[..words.len()].copy_from_slice(words);
                *chunk = Arc::new(copy);
            }
        }
        bits
    }

    /// The words of which [`SharedBits::of_words`] makes the same bits.
    #[must_use]
    pub fn words(&self) -> impl ExactSizeIterator<Item = u64> + Clone + '_ {
        (0..self.length.div_ceil(64) as usize).map(|at| self.word(at as u64 * 64))
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

    /// The bits that are set here and were clear in `earlier`, ascending; chunks that both share are not looked at.
    pub fn set_since<'b>(&'b self, earlier: &'b Self) -> impl Iterator<Item = u64> + 'b {
        let pairs = self.chunks.iter().zip(&earlier.chunks).zip(0u64..);
        pairs.filter(|((chunk, before), _)| !Arc::ptr_eq(chunk, before)).flat_map(
            |((chunk, before), number)| {
                let words = chunk.iter().zip(&**before).zip(number * CHUNK_WORDS as u64..);
                words.flat_map(|((word, before), at)| ones(word & !before).map(move |bit| at * 64 + bit))
            },
        )
    }
}

/// Numbers of the bits that are set in `word`, ascending.
fn ones(mut word: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let lowest = (word != 0).then(|| u64::from(word.trailing_zeros()))?;
        word &= word - 1;
        Some(lowest)
    })
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

    #[test]
    fn words_make_the_same_bits() {
        for length in [0, 1, 63, 64, 65, CHUNK_BITS, 3 * CHUNK_BITS + 70] {
            let mut bits = SharedBits::new(length);
            let set: Vec<u64> = [0, 64, 2 * CHUNK_BITS + 5]
                .into_iter()
                .filter(|at| *at < length)
                .chain(length.checked_sub(1))
                .collect();
            for at in &set {
                bits.set(*at);
            }
            let words: Vec<u64> = bits.words().collect();
            let again = SharedBits::of_words(length, &words);
            assert!((0..length).all(|at| again.get(at) == set.contains(&at)), "{length}");
        }
        let again = SharedBits::of_words(3 * CHUNK_BITS, &[0; 3 * CHUNK_WORDS]);
        assert!(Arc::ptr_eq(&again.chunks[0], &again.chunks[2]), "clear chunks are shared");
    }

    #[test]
    fn bits_set_since_are_those_that_were_clear() {
        let mut earlier = SharedBits::new(3 * CHUNK_BITS);
        for at in [0, 70, CHUNK_BITS + 5] {
            earlier.set(at);
        }
        let mut later = earlier.clone();
        for at in [1, 63, 64, 70, 71, 3 * CHUNK_BITS - 1] {
            later.set(at);
        }
        let since: Vec<u64> = later.set_since(&earlier).collect();
        assert_eq!(since, [1, 63, 64, 71, 3 * CHUNK_BITS - 1]);
        assert_eq!(earlier.set_since(&later).count(), 0);
        let all: Vec<u64> = later.set_since(&SharedBits::new(3 * CHUNK_BITS)).collect();
        assert_eq!(all, [0, 1, 63, 64, 70, 71, CHUNK_BITS + 5, 3 * CHUNK_BITS - 1]);
    }
}
