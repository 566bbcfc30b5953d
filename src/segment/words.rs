//! Words one after the other, as many as they come to.

use std::ops::{Deref, DerefMut};

use super::WordBuffer;

/// A list of words that grows, in memory that goes back to the operating system with it (see [`WordBuffer`]): for what is large, and needed
/// for a moment.
#[derive(Debug)]
pub struct Words {
    /// Zeros from `length` on.
    buffer: WordBuffer,
    length: usize,
}

impl Words {
    /// An empty list with room for so many. What is never written of much room costs nothing.
    #[must_use]
    pub fn with_capacity(words: usize) -> Self {
        Self { buffer: WordBuffer::allocated(words), length: 0 }
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, word: u64) {
        self.extend_from_slice(&[word]);
    }

    /// Adds `words`.
    #[inline]
    pub fn extend_from_slice(&mut self, words: &[u64]) {
        let begin = self.length;
        self.extend_zeros(words.len());
        self.buffer[begin..self.length].copy_from_slice(words);
    }

    /// Adds so many zeros.
    #[inline]
    pub fn extend_zeros(&mut self, count: usize) {
        let length = self.length + count;
        if length > self.buffer.len() {
            self.grow(length);
        }
        self.length = length;
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let mut buffer = WordBuffer::allocated(needed.max(2 * self.buffer.len()));
        buffer[..self.length].copy_from_slice(self);
        self.buffer = buffer;
    }
}

impl Deref for Words {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        &self.buffer[..self.length]
    }
}

impl DerefMut for Words {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.buffer[..self.length]
    }
}

impl Extend<u64> for Words {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, words: I) {
        words.into_iter().for_each(|word| self.push(word));
    }
}

impl FromIterator<u64> for Words {
    fn from_iter<I: IntoIterator<Item = u64>>(words: I) -> Self {
        let words = words.into_iter();
        let mut all = Self::with_capacity(words.size_hint().0);
        all.extend(words);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::word_buffer::MAPPED_BYTES;

    #[test]
    fn words_are_what_was_added_however_often_they_moved() {
        let mut words = Words::with_capacity(0);
        let mut expected = Vec::new();
        for round in 1..2_000 {
            words.push(round);
            words.extend_from_slice(&[round, 7]);
            words.extend_zeros(round as usize % 40);
            expected.extend([round, round, 7]);
            expected.resize(expected.len() + round as usize % 40, 0);
        }
        assert!(expected.len() * 8 > 2 * MAPPED_BYTES, "it came to lie in mapped memory");
        assert_eq!(*words, *expected);
        words[3] = 99;
        assert_eq!(words[3], 99);
        assert_eq!(*(0..1000).collect::<Words>(), *(0..1000).collect::<Vec<u64>>());
    }
}
