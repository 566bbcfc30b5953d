//! Sorted key hashes: finding one of them, and merging the levels of an overlay.

use std::iter::Peekable;

use crate::segment::WordBuffer;

/// How many entries interpolation may still leave to bisection in one jump before it is worth no more.
const SHORT: usize = 8;
/// Interpolation steps before bisection takes over: hashes that are no hashes (crafted keys) cost logarithmic time at worst.
const INTERPOLATIONS: usize = 4;

/// Finds `hash` among `length` strictly ascending hashes read through `at`.
///
/// Interpolation search (Peterson 1957; Perl, Itai and Avni 1978): hashes are uniform, so a guess by proportion lands within about √n entries
/// and four guesses suffice for millions; what they leave is bisected.
#[inline]
pub fn position(length: usize, hash: u64, at: impl Fn(usize) -> u64) -> Option<usize> {
    let (mut low, mut high) = (0, length);
    let (mut below, mut above) = (0, u64::MAX);
    for _ in 0..INTERPOLATIONS {
        if high - low <= SHORT || hash < below || hash > above {
            break;
        }
        // In floating point, as a division of 128 bits is a function call; what it rounds away is far below one entry.
        let share = (hash - below) as f64 / (above - below) as f64 * (high - low) as f64;
        let guess = low + (share as usize).min(high - low - 1);
        let found = at(guess);
        match found.cmp(&hash) {
            std::cmp::Ordering::Equal => return Some(guess),
            std::cmp::Ordering::Less => (low, below) = (guess + 1, found),
            std::cmp::Ordering::Greater => (high, above) = (guess, found),
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle).cmp(&hash) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// Where an overlay keeps a row: its section and the row within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OverlayPosition {
    /// Number of the section within the overlay.
    pub section: u32,
    /// Row within the section.
    pub row: u32,
}

impl OverlayPosition {
    /// Both in one word; words are in the order of positions.
    #[inline]
    #[must_use]
    pub fn to_word(self) -> u64 {
        u64::from(self.section) << 32 | u64::from(self.row)
    }

    /// What [`OverlayPosition::to_word`] made `word` of.
    #[inline]
    #[must_use]
    pub fn of_word(word: u64) -> Self {
        Self { section: (word >> 32) as u32, row: word as u32 }
    }
}

/// One merged level of an overlay: which row of which section a hash had when the level was built.
///
/// A hash may occur more than once when rows died after the level was built; whoever reads it judges each entry by the dead bits of their
/// own state, so a merge never changes an answer. Takes 16 bytes an entry.
#[derive(Debug)]
pub struct Directory {
    /// Half of them hashes, then half of them positions; the first `length` of each are entries.
    words: WordBuffer,
    length: usize,
}

impl Directory {
    /// The entries of `runs`, each by ascending hash; at most `capacity` in all. O(entries x runs), and no memory but its own.
    ///
    /// # Panics
    /// If there are more entries than `capacity`.
    #[must_use]
    pub fn merge<'r>(
        runs: impl Iterator<Item = Box<dyn Iterator<Item = (u64, OverlayPosition)> + 'r>>,
        capacity: usize,
    ) -> Self {
        let mut runs: Vec<_> = runs.map(Iterator::peekable).collect();
        let mut words = WordBuffer::allocated(2 * capacity);
        let (hashes, positions) = words.split_at_mut(capacity);
        let mut length = 0;
        let next_hash = |run: &mut Peekable<_>| run.peek().map(|(hash, _)| *hash);
        while let Some((_, run)) =
            runs.iter_mut().filter_map(|run| Some((next_hash(run)?, run))).min_by_key(|next| next.0)
            && let Some((hash, position)) = run.next()
        {
            hashes[length] = hash;
            positions[length] = position.to_word();
            length += 1;
        }
        Self { words, length }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Every entry under `hash`.
    #[inline]
    pub fn find(&self, hash: u64) -> impl Iterator<Item = OverlayPosition> + '_ {
        let (hashes, positions) = self.halves();
        let any = position(hashes.len(), hash, |at| hashes[at]);
        let range = any.map_or(0..0, |any| {
            let first = hashes[..any].iter().rev().take_while(|is| **is == hash).count();
            let rest = hashes[any..].iter().take_while(|is| **is == hash).count();
            any - first..any + rest
        });
        positions[range].iter().map(|word| OverlayPosition::of_word(*word))
    }

    /// Every entry, by ascending hash.
    pub fn entries(&self) -> impl Iterator<Item = (u64, OverlayPosition)> + '_ {
        let (hashes, positions) = self.halves();
        hashes.iter().copied().zip(positions.iter().map(|word| OverlayPosition::of_word(*word)))
    }

    /// The hashes and positions of all entries.
    #[inline]
    fn halves(&self) -> (&[u64], &[u64]) {
        let (hashes, positions) = self.words.split_at(self.words.len() / 2);
        (&hashes[..self.length], &positions[..self.length])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_set_finds(mut hashes: Vec<u64>, asked: Vec<u64>, shift in 0u32..60) {
            hashes.iter_mut().for_each(|hash| *hash >>= shift);
            hashes.sort_unstable();
            hashes.dedup();
            for hash in asked.iter().map(|hash| hash >> shift).chain(hashes.iter().copied()).chain([0, u64::MAX]) {
                let found = position(hashes.len(), hash, |at| hashes[at]);
                prop_assert_eq!(found, hashes.binary_search(&hash).ok());
            }
        }
    }

    #[test]
    fn four_guesses_and_a_short_bisection_suffice_for_uniform_hashes() {
        let hashes: Vec<u64> = (0..1_000_000u64).map(|i| i * (u64::MAX / 1_000_000)).collect();
        let reads = std::cell::Cell::new(0);
        for i in (0..1_000_000).step_by(997) {
            reads.set(0);
            let read = |at: usize| {
                reads.set(reads.get() + 1);
                hashes[at]
            };
            assert_eq!(position(hashes.len(), hashes[i], read), Some(i));
            assert!(reads.get() <= INTERPOLATIONS + 5, "{} reads", reads.get());
        }
    }

    /// With room for more entries than there are, of a size that is mapped.
    #[test]
    fn a_large_directory_holds_what_was_merged() {
        let at = |row| OverlayPosition { section: u32::MAX, row };
        let run = |first: u32| {
            let rows = (first..100_000).step_by(3);
            Box::new(rows.map(move |row| (u64::from(row) << 40, at(row)))) as Box<dyn Iterator<Item = _>>
        };
        let directory = Directory::merge([run(0), run(1)].into_iter(), 100_000);
        assert_eq!(directory.len(), 66_667);
        for row in 0..100_000 {
            let found: Vec<_> = directory.find(u64::from(row) << 40).collect();
            assert_eq!(found, if row % 3 < 2 { vec![at(row)] } else { vec![] }, "{row}");
        }
    }

    #[test]
    fn a_directory_returns_every_entry_of_a_hash() {
        let at = |section, row| OverlayPosition { section, row };
        let runs = [vec![(7, at(0, 1))], vec![(3, at(1, 0)), (7, at(2, 5)), (u64::MAX, at(9, 9))], vec![]];
        let directory = Directory::merge(runs.into_iter().map(|run| Box::new(run.into_iter()) as _), 4);
        assert_eq!(directory.entries().map(|(hash, _)| hash).collect::<Vec<_>>(), [3, 7, 7, u64::MAX]);
        let mut sevens: Vec<_> = directory.find(7).map(|is| is.section).collect();
        sevens.sort_unstable();
        assert_eq!(sevens, [0, 2]);
        assert_eq!(directory.find(4).count(), 0);
        assert_eq!(directory.find(u64::MAX).collect::<Vec<_>>(), [at(9, 9)]);
        let nothing = Directory::merge(std::iter::empty(), 0);
        assert!(nothing.is_empty() && nothing.find(0).next().is_none());
    }
}
