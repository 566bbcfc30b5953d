//! A blob that is complete and not stored yet.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::super::header::{BlobDescription, BlobHeader, SectionEntry};
use super::super::manifest::BlobReference;
use super::spool::{Extent, Spool};
use crate::identifiers::ContentHash;

/// A complete blob: its head in memory, its sections in an unlinked temporary file that goes with the last clone.
///
/// Clones are cheap and share the file; any part can be read at any time from any thread.
#[derive(Clone)]
pub struct FinishedBlob(Arc<Parts>);

struct Parts {
    header: BlobHeader,
    head: Vec<u8>,
    /// Ascending by offset. What no piece covers is padding.
    pieces: Vec<Piece>,
    spool: Arc<Spool>,
}

/// Bytes of a section, at `offset` of the blob, somewhere in the temporary file.
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) extent: Extent,
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset + self.extent.length
    }
}

impl FinishedBlob {
    /// Reads the head back the way a consumer does: what a writer accepted, every reader accepts.
    pub(super) fn new(
        head: Vec<u8>,
        blob_length: u64,
        description: &BlobDescription,
        entries: &[SectionEntry],
        pieces: Vec<Piece>,
        spool: Arc<Spool>,
    ) -> Self {
        let hash = ContentHash::of(&head);
        let reference = BlobReference { name: "a finished blob".to_owned(), length: blob_length, hash };
        let header = BlobHeader::parse(&head, &reference).expect("a written header can be read");
        assert_eq!(header.description(), description, "a description survives being written");
        assert_eq!(header.sections(), entries, "a section table survives being written");
        Self(Arc::new(Parts { header, head, pieces, spool }))
    }

    /// Hash of the blob: of its preamble and header, which hold the hashes of its sections.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        self.0.header.hash()
    }

    /// Bytes of the blob.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.header.blob_length()
    }

    /// What the blob says of itself.
    #[must_use]
    pub fn header(&self) -> &BlobHeader {
        &self.0.header
    }

    /// What a manifest or log entry says of this blob once it is stored under `name`.
    #[must_use]
    pub fn reference(&self, name: impl Into<String>) -> BlobReference {
        BlobReference { name: name.into(), length: self.length(), hash: self.hash() }
    }

    /// Fills `bytes` with those of the blob from `offset` on.
    ///
    /// Fails only when the temporary file does. Costs the copy.
    ///
    /// # Panics
    ///
    /// When the blob ends before `bytes` do.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        assert!(end <= self.length(), "a read within the blob");
        bytes.fill(0);
        let parts = &*self.0;
        let (target, source) = overlap(&(offset..end), 0, parts.head.len() as u64);
        bytes[target].copy_from_slice(&parts.head[source.start as usize..source.end as usize]);
        let first = parts.pieces.partition_point(|piece| piece.end() <= offset);
        for piece in parts.pieces[first..].iter().take_while(|piece| piece.offset < end) {
            let (target, source) = overlap(&(offset..end), piece.offset, piece.end());
            parts.spool.read_at(piece.extent.start + source.start, &mut bytes[target])?;
        }
        Ok(())
    }

    /// Reads the bytes of `range` in order; all of them when it is `0..length`.
    ///
    /// # Panics
    ///
    /// When the range does not lie in the blob.
    #[must_use]
    pub fn reader(&self, range: Range<u64>) -> BlobReader {
        assert!(range.start <= range.end && range.end <= self.length(), "a range within the blob");
        BlobReader { blob: self.clone(), range }
    }
}

impl fmt::Debug for FinishedBlob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("FinishedBlob").field(&self.0.header).finish()
    }
}

/// Where `wanted` and `start..end` overlap: counted from the begin of `wanted`, and from `start`. Empty at the begin of
/// both when they do not.
fn overlap(wanted: &Range<u64>, start: u64, end: u64) -> (Range<usize>, Range<u64>) {
    let (first, last) = (wanted.start.max(start), wanted.end.min(end));
    if first >= last {
        return (0..0, 0..0);
    }
    let target = (first - wanted.start) as usize..(last - wanted.start) as usize;
    (target, first - start..last - start)
}

/// Reads a range of a [`FinishedBlob`]; see [`FinishedBlob::reader`].
#[derive(Debug)]
pub struct BlobReader {
    blob: FinishedBlob,
    range: Range<u64>,
}

impl Read for BlobReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.range.end - self.range.start;
        let length = left.min(bytes.len() as u64);
        self.blob.read_at(self.range.start, &mut bytes[..length as usize])?;
        self.range.start += length;
        Ok(length as usize)
    }
}
