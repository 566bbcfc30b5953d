//! Writing a section: hashed on the way, refused when it is another, visible only once it is sealed.

use std::fs::Metadata;
use std::io::{self, Write};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::offer::CompleteFile;
use super::temporary::TemporaryFile;
use super::{CacheError, SectionName, StateDirectory};
use crate::identifiers::ContentHash;
use crate::segment::{HeapBuffer, Segment};

/// Writes one section, front to back, and hashes it meanwhile. Dropping it leaves nothing behind.
///
/// Every write goes to the file at once: write pieces of some KiB, or through a [`std::io::BufWriter`]. Errors of
/// [`Write`] hold a [`CacheError`] ([`CacheError::from_write`]); after one the section is incomplete, and the writer is
/// there to be dropped.
pub struct SectionWriter {
    sink: Sink,
    hasher: Box<Xxh3Default>,
    written: u64,
    expected_length: u64,
}

enum Sink {
    Disk(StateDirectory, TemporaryFile),
    Heap(HeapBuffer),
}

impl SectionWriter {
    pub(super) fn to_disk(directory: StateDirectory, file: TemporaryFile, expected_length: u64) -> Self {
        Self::new(Sink::Disk(directory, file), expected_length)
    }

    pub(super) fn to_heap(expected_length: u64) -> Result<Self, CacheError> {
        let buffer = HeapBuffer::new(expected_length).map_err(CacheError::Memory)?;
        Ok(Self::new(Sink::Heap(buffer), expected_length))
    }

    fn new(sink: Sink, expected_length: u64) -> Self {
        Self { sink, hasher: Box::default(), written: 0, expected_length }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends writing and maps the section. Without `expected`, whatever was written is the section. Where another writer of
    /// it was first, that one's file is mapped and what was written is gone, so that there is one copy on disk and in memory.
    ///
    /// # Errors
    /// [`CacheError::Mismatch`] if hash or length are not the expected ones, [`CacheError::Segment`] if the bytes are
    /// no section at all. What was written is gone then.
    pub fn finish(self, expected: Option<SectionName>) -> Result<UnsealedSection, CacheError> {
        let hash = ContentHash(self.hasher.digest128().to_be_bytes());
        let found = SectionName { hash, length: self.written };
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(CacheError::Mismatch { expected, found });
        }
        match self.sink {
            Sink::Disk(directory, file) => UnsealedSection::written(directory, file, found),
            Sink::Heap(buffer) => {
                let segment =
                    buffer.into_segment().map_err(|source| CacheError::Segment { section: found, source })?;
                Ok(UnsealedSection { name: found, segment, place: Place::Settled })
            }
        }
    }
}

impl Write for SectionWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.expected_length - self.written {
            return Err(CacheError::TooLong { expected: self.expected_length }.into_io());
        }
        let taken = match &mut self.sink {
            Sink::Disk(_, file) => file.write(bytes)?,
            Sink::Heap(buffer) => buffer.write(bytes)?,
        };
        self.hasher.update(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for SectionWriter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { written, expected_length, .. } = self;
        write!(out, "SectionWriter({written} of {expected_length} bytes)")
    }
}

/// A section whose bytes are what its name says, and whose structure nobody has verified yet.
///
/// Dropped, it is gone as if it had never been written (a section that was here before stays).
#[derive(Debug)]
pub struct UnsealedSection {
    name: SectionName,
    segment: Segment,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In `tmp`, to be moved.
    Temporary(StateDirectory, CompleteFile),
    /// Under its name already.
    Named(StateDirectory, Metadata),
    /// On the heap, or sealed by another writer.
    Settled,
}

impl UnsealedSection {
    fn written(
        directory: StateDirectory,
        file: TemporaryFile,
        name: SectionName,
    ) -> Result<Self, CacheError> {
        directory.publish(&file)?;
        let TemporaryFile { path, file, .. } = file;
        let metadata = file.metadata().map_err(|source| CacheError::io("look at", path.as_path(), source))?;
        let segment =
            Segment::mapped(file).map_err(|source| CacheError::Segment { section: name, source })?;
        let (segment, file) = directory.share(name, segment, CompleteFile::new(path, metadata))?;
        let place = file.map_or(Place::Settled, |file| Place::Temporary(directory, file));
        Ok(Self { name, segment, place })
    }

    pub(super) fn in_place(
        directory: StateDirectory,
        name: SectionName,
        segment: Segment,
        metadata: Metadata,
    ) -> Self {
        Self { name, segment, place: Place::Named(directory, metadata) }
    }

    /// What the bytes are called.
    #[must_use]
    pub fn name(&self) -> SectionName {
        self.name
    }

    /// The section, for its structure to be verified.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The section, and what seals it once its structure was verified.
    #[must_use]
    pub fn split(self) -> (Segment, PendingSeal) {
        (self.segment, PendingSeal { name: self.name, place: self.place })
    }

    /// Seals a section whose structure needs no further look; see [`PendingSeal::seal`].
    ///
    /// # Errors
    /// As [`PendingSeal::seal`].
    pub fn seal(self) -> Result<Segment, CacheError> {
        let (segment, pending) = self.split();
        pending.seal()?;
        Ok(segment)
    }
}

/// The way of a written section to its name. Dropped, the section is gone as if it had never been written (one that was
/// here before stays); whoever still has it in memory keeps it there.
#[derive(Debug)]
pub struct PendingSeal {
    name: SectionName,
    place: Place,
}

impl PendingSeal {
    /// Says that the structure was verified: from now on every process of the host finds the section. Costs a small
    /// file and two renames; nothing on the heap.
    ///
    /// The seal comes first, so a section is never seen without one. If another process sealed the same section meanwhile,
    /// its file stays: mostly it is the same one.
    ///
    /// # Errors
    /// [`CacheError::Denied`], [`CacheError::NoSpace`], [`CacheError::Io`]; a section just written is gone then.
    pub fn seal(self) -> Result<(), CacheError> {
        match self.place {
            Place::Settled => Ok(()),
            Place::Named(directory, metadata) => directory.write_seal(self.name, &metadata),
            Place::Temporary(directory, file) => directory.settle(self.name, file),
        }
    }
}

impl CacheError {
    /// The error behind what writing `path` returned.
    pub(super) fn of_write(error: io::Error, path: &Path) -> Self {
        Self::from_write(error).unwrap_or_else(|source| Self::writing(path, 0, source))
    }
}
