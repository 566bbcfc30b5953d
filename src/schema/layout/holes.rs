//! The gaps that alignment leaves.

/// Sizes are powers of two, from one bit (0) to one word (6).
pub(super) const WORD: u32 = 6;

/// Free space within the words handed out so far: at most one gap of each size from a bit to half a word.
///
/// More than one of a size cannot arise. A field takes the smallest gap that holds it, and what is left of that gap
/// falls into one gap of each size between; all of those were absent, or one of them would have been taken. Only when
/// no gap is large enough a new word is opened, and what is left of it falls apart in the same way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holes {
    /// Offset of the gap of each size, in multiples of that size. None lies at 0: there the first field went.
    offsets: [u32; WORD as usize],
}

impl Holes {
    /// Takes `2^size` bits out of the smallest gap that has them; their offset in multiples of their size.
    pub(super) fn take(&mut self, size: u32) -> Option<u32> {
        let found = self.smallest(size)?;
        let mut offset = std::mem::take(&mut self.offsets[found as usize]);
        for smaller in (size..found).rev() {
            offset *= 2;
            self.offsets[smaller as usize] = offset + 1;
        }
        Some(offset)
    }

    /// Size of the smallest gap of at least `2^size` bits.
    pub(super) fn smallest(&self, size: u32) -> Option<u32> {
        (size..WORD).find(|at| self.offsets[*at as usize] != 0)
    }

    /// Adds the gaps that lie between a field of `2^size` bits, ending at `offset`, and the end of its `2^limit` bits.
    pub(super) fn add_behind(&mut self, size: u32, mut offset: u32, limit: u32) {
        for at in size..limit {
            let gap = &mut self.offsets[at as usize];
            assert!(
                *gap == 0 && offset % 2 == 1,
                "one gap of a size, and it is the second half of a larger place"
            );
            *gap = offset;
            offset = offset.div_ceil(2);
        }
    }

    /// Grows the place at `offset` to `2^factor` times its `2^size` bits, if the gaps behind it allow that.
    pub(super) fn expand(&mut self, size: u32, offset: u32, factor: u32) -> bool {
        let steps = size..size + factor;
        let free = steps
            .clone()
            .zip(0..)
            .all(|(at, step)| at < WORD && self.offsets[at as usize] == (offset >> step) + 1);
        if free {
            steps.for_each(|at| self.offsets[at as usize] = 0);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_leaves_one_gap_of_each_size() {
        let mut holes = Holes::default();
        assert_eq!(holes.take(0), None);
        holes.add_behind(0, 1, WORD);
        assert_eq!(holes.take(5), Some(1), "the upper half of the word");
        assert_eq!(holes.take(5), None);
        assert_eq!(holes.take(0), Some(1), "the bit beside the first");
        assert_eq!(holes.take(0), Some(2), "the next pair is split");
        assert_eq!(holes.take(0), Some(3));
        assert_eq!(holes.take(2), Some(1));
    }

    #[test]
    fn a_place_grows_only_into_the_gap_behind_it() {
        let mut holes = Holes::default();
        holes.add_behind(3, 1, WORD);
        assert!(!holes.expand(3, 1, 1), "nothing is free behind the second byte");
        assert!(!holes.expand(3, 0, 4), "a word is the most");
        assert!(holes.expand(3, 0, 2), "a byte becomes four");
        assert_eq!(holes.smallest(0), Some(5));
        assert!(holes.expand(5, 0, 1));
        assert_eq!(holes.smallest(0), None);
    }
}
