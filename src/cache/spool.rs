//! Scratch space for more records than a process should hold as its own memory.
//!
//! A producer keeps the records of a cycle until they are written into blobs. A [`Spool`] takes them as words, one
//! after the other, and gives them back by offset. Whenever a chunk of it is full, the chunk is written to a file
//! without a name and mapped where it was: from then on its bytes are page cache, which the operating system may write
//! out and drop when memory is short, and the process's own memory stays at one chunk.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::CacheError;
use crate::segment::MappedWords;

/// The largest record there is, 64 MiB, in words; also the largest chunk.
const RECORD_LIMIT_WORDS: usize = (64 << 20) / WORD_BYTES;
const WORD_BYTES: usize = 8;
/// Bits of an offset that count words within a chunk.
const WORD_BITS: u32 = 32;

/// Where a record lies in its [`Spool`]; means nothing elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolOffset(u64);

impl SpoolOffset {
    fn new(chunk: usize, word: usize) -> Self {
        Self(((chunk as u64) << WORD_BITS) | word as u64)
    }

    fn chunk(self) -> usize {
        (self.0 >> WORD_BITS) as usize
    }

    fn word(self) -> usize {
        (self.0 & ((1 << WORD_BITS) - 1)) as usize
    }
}

/// Append-only words that spill to unnamed files. Nothing of it is left when it is dropped, or its process killed.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    chunk_words: usize,
    /// Full chunks, in order.
    spilled: Vec<MappedWords>,
    /// The chunk being filled; its index is the number of spilled ones.
    filling: Vec<u64>,
}

impl Spool {
    /// Bytes of a chunk unless somebody says otherwise: 32 MiB, so that a spool costs little memory and few mappings.
    pub const CHUNK_BYTES: u64 = 32 << 20;

    /// An empty spool with files in `folder`, or where the operating system keeps temporary files (often memory: name
    /// a folder on a disk for large spools). Memory is taken as records come.
    ///
    /// `chunk_bytes` is the process's own memory that it uses at most, rounded up to a word, up to 64 MiB.
    #[must_use]
    pub fn new(folder: Option<&Path>, chunk_bytes: u64) -> Self {
        let chunk_words = usize::try_from(chunk_bytes.div_ceil(WORD_BYTES as u64)).unwrap_or(usize::MAX);
        Self {
            folder: folder.map_or_else(std::env::temp_dir, Path::to_owned),
            chunk_words: chunk_words.clamp(1, RECORD_LIMIT_WORDS),
            spilled: Vec::new(),
            filling: Vec::new(),
        }
    }

    /// Appends a record; says where. A record larger than a chunk gets a chunk of its own. Costs a copy; every chunk
    /// once, writing it to a file.
    ///
    /// # Errors
    /// [`CacheError::RecordTooLarge`] beyond 64 MiB; [`CacheError::NoSpace`], [`CacheError::Denied`],
    /// [`CacheError::Io`] when a chunk cannot be written. The record is not in the spool then, all others are.
    pub fn push(&mut self, words: &[u64]) -> Result<SpoolOffset, CacheError> {
        if words.len() > RECORD_LIMIT_WORDS {
            let limit = RECORD_LIMIT_WORDS as u64;
            return Err(CacheError::RecordTooLarge { words: words.len() as u64, limit });
        }
        if self.filling.len() + words.len() > self.chunk_words {
            self.spill()?;
        }
        let offset = SpoolOffset::new(self.spilled.len(), self.filling.len());
        if words.len() > self.chunk_words {
            self.spilled.push(self.to_file(words)?);
        } else {
            self.filling.extend_from_slice(words);
        }
        Ok(offset)
    }

    /// The `length_words` words that were pushed at `offset`.
    ///
    /// # Panics
    /// For an offset or length that no `push` of this spool had.
    #[must_use]
    pub fn get(&self, offset: SpoolOffset, length_words: usize) -> &[u64] {
        let chunk = self.spilled.get(offset.chunk()).map_or(&*self.filling, MappedWords::words);
        assert!(offset.chunk() <= self.spilled.len(), "{offset:?} is of another spool");
        &chunk[offset.word()..][..length_words]
    }

    /// Bytes in the spool.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        let spilled: usize = self.spilled.iter().map(|chunk| chunk.words().len()).sum();
        ((spilled + self.filling.len()) * WORD_BYTES) as u64
    }

    /// Puts the chunk being filled into a file; its memory is used for the next one.
    fn spill(&mut self) -> Result<(), CacheError> {
        if !self.filling.is_empty() {
            self.spilled.push(self.to_file(&self.filling)?);
            self.filling.clear();
        }
        Ok(())
    }

    /// Writes a file without a name, and maps it. Written, not extended: a full disk is an error here and not a fault
    /// at the first reader.
    fn to_file(&self, words: &[u64]) -> Result<MappedWords, CacheError> {
        let mut file = tempfile::tempfile_in(&self.folder)
            .map_err(|source| CacheError::io("create a file in", &self.folder, source))?;
        self.write(&mut file, words)?;
        MappedWords::of_file(&file).map_err(|source| CacheError::io("map a file in", &self.folder, source))
    }

    fn write(&self, file: &mut File, words: &[u64]) -> Result<(), CacheError> {
        let written = file.write_all(bytemuck::cast_slice(words));
        written.map_err(|source| CacheError::writing(&self.folder, self.len_bytes(), source))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_spool_of_one_chunk_touches_no_disk() {
        let mut spool = Spool::new(Some(Path::new("/nowhere/at/all")), 32);
        let first = spool.push(&[1, 2]).unwrap();
        let none = spool.push(&[]).unwrap();
        let second = spool.push(&[3, 4]).unwrap();
        assert_eq!(
            (spool.get(first, 2), spool.get(none, 0), spool.get(second, 2)),
            (&[1, 2][..], &[][..], &[3, 4][..])
        );
        assert_eq!(spool.len_bytes(), 32);
        let error = spool.push(&[5]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
        assert_eq!(spool.get(second, 2), [3, 4], "what was pushed stays");
    }

    #[test]
    fn full_chunks_leave_the_memory_of_the_process() {
        let mut spool = Spool::new(None, 1024);
        for number in 0..1000 {
            spool.push(&[number; 10]).unwrap();
        }
        assert_eq!(spool.spilled.len(), 83, "1000 records of 80 bytes, 12 a chunk");
        assert!(spool.filling.capacity() <= 256);
        assert_eq!(spool.len_bytes(), 80_000);
    }

    #[test]
    fn a_record_larger_than_a_chunk_lies_alone_and_one_beyond_the_limit_nowhere() {
        let mut spool = Spool::new(None, 16);
        let small = spool.push(&[1]).unwrap();
        let large = spool.push(&[2; 100]).unwrap();
        let last = spool.push(&[3]).unwrap();
        assert_eq!(spool.get(large, 100), [2; 100]);
        assert_eq!((spool.get(small, 1), spool.get(last, 1)), (&[1][..], &[3][..]));
        let error = spool.push(&vec![0; RECORD_LIMIT_WORDS + 1]).unwrap_err();
        assert!(matches!(error, CacheError::RecordTooLarge { limit: 8_388_608, .. }), "{error}");
    }

    #[test]
    #[should_panic(expected = "another spool")]
    fn an_offset_of_another_spool_is_a_defect() {
        let mut other = Spool::new(None, 8);
        other.push(&[1]).unwrap();
        other.push(&[2]).unwrap();
        let offset = other.push(&[3]).unwrap();
        let _ = Spool::new(None, 8).get(offset, 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn every_record_comes_back(lengths in prop::collection::vec(0_usize..40, 0..100), chunk_bytes in 0_u64..200) {
            let mut spool = Spool::new(None, chunk_bytes);
            let records: Vec<Vec<u64>> = (0..).zip(&lengths).map(|(number, length)| vec![number; *length]).collect();
            let offsets: Vec<_> = records.iter().map(|record| spool.push(record).unwrap()).collect();
            for (record, offset) in records.iter().zip(offsets) {
                prop_assert_eq!(spool.get(offset, record.len()), record);
            }
        }
    }
}
