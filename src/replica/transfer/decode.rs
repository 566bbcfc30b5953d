//! Turns the pieces of a batch into sections, on a blocking thread.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

use super::error::TransferError;
use super::sink::SectionSink;
use crate::format::{SectionDecoder, SectionEntry};
use crate::progress::Progress;

/// Bytes that came with one request, and the right to have made it: given back once the bytes are gone.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

/// The row of bytes of a batch, piece by piece.
pub(super) struct Row {
    /// Where the next byte lies in the blob.
    offset: u64,
    piece: Option<Piece>,
    source: Source,
}

enum Source {
    /// Everything is in the first piece.
    Held,
    Arriving(Receiver<Piece>),
}

impl Row {
    /// The row from `offset` on that arrives through `pieces`.
    pub(super) fn arriving(offset: u64, pieces: Receiver<Piece>) -> Self {
        Self { offset, piece: None, source: Source::Arriving(pieces) }
    }

    /// The first bytes of the blob.
    pub(super) fn held(head: Bytes) -> Self {
        let piece = Piece { bytes: head, _permit: None };
        Self { offset: 0, piece: Some(piece), source: Source::Held }
    }

    /// The next bytes, at most up to `end`, and never none; `None` when no more come.
    fn next(&mut self, end: u64) -> Option<Bytes> {
        while self.piece.as_ref().is_none_or(|piece| piece.bytes.is_empty()) {
            self.piece = None;
            let Source::Arriving(pieces) = &mut self.source else { return None };
            self.piece = Some(pieces.blocking_recv()?);
        }
        let bytes = &mut self.piece.as_mut()?.bytes;
        let length = (end - self.offset).min(bytes.len() as u64);
        self.offset += length;
        Some(bytes.split_to(length as usize))
    }
}

/// Decodes `sections`, ascending by offset, from `row` into the writers of `sink`.
///
/// Fails with [`TransferError::Cancelled`] when the row ends early, as it does when nobody waits any more.
pub(super) fn decode<S: SectionSink>(
    object: &str,
    sections: &[SectionEntry],
    mut row: Row,
    sink: &S,
    progress: &dyn Progress,
) -> Result<Vec<S::Output>, TransferError> {
    sections.iter().map(|section| decode_one(object, section, &mut row, sink, progress)).collect()
}

fn decode_one<S: SectionSink>(
    object: &str,
    section: &SectionEntry,
    row: &mut Row,
    sink: &S,
    progress: &dyn Progress,
) -> Result<S::Output, TransferError> {
    let cancelled = || TransferError::Cancelled { object: object.to_owned() };
    let failed =
        |source| TransferError::Sink { object: object.to_owned(), section: section.id.to_string(), source };
    while row.offset < section.offset {
        row.next(section.offset).ok_or_else(cancelled)?;
    }
    let mut decoder = SectionDecoder::new(object, *section, sink.open(section).map_err(failed)?)?;
    while row.offset < section.end() {
        let stored = row.next(section.end()).ok_or_else(cancelled)?;
        decoder.push(&stored)?;
        progress.advance(stored.len() as u64);
    }
    sink.close(section, decoder.finish()?).map_err(failed)
}
