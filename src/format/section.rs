//! From the stored bytes of a section to its plain ones, checked on the way.
//!
//! Nothing is held but one buffer: stored bytes come in pieces of any size, plain bytes go to a writer as they arise,
//! and not one more than the section table allows. Only [`SectionDecoder::finish`] says whether they were right.

use std::io::{self, Read, Write};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;
use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::error::{Flaw, FormatError};
use super::header::{Codec, SectionEntry};
use crate::identifiers::ContentHash;

/// Plain bytes decoded at a time: what zstd calls the best size for its output.
const BUFFER_LENGTH: usize = 128 << 10;
/// Log2 of the largest window that is accepted, so that a frame cannot ask for more memory than 8 MiB.
const MAX_WINDOW_LOG: u32 = 23;

/// Decodes one section into a writer.
pub struct SectionDecoder<W: Write> {
    object: Arc<str>,
    entry: SectionEntry,
    out: W,
    frame: Option<Frame>,
    hasher: Xxh3,
    stored: u64,
    plain: u64,
}

/// A zstd frame on its way.
struct Frame {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    ended: bool,
}

impl<W: Write> SectionDecoder<W> {
    /// A decoder of the section `entry` of the blob called `object`, whose plain bytes go to `out`.
    pub fn new(object: &Arc<str>, entry: SectionEntry, out: W) -> Result<Self, FormatError> {
        let failed =
            |source| FormatError::Output { object: object.to_string(), offset: entry.offset, source };
        let frame = match entry.codec {
            Codec::Plain => None,
            Codec::Zstd => Some(Frame::new().map_err(failed)?),
        };
        Ok(Self { object: Arc::clone(object), entry, out, frame, hasher: Xxh3::new(), stored: 0, plain: 0 })
    }

    /// Takes the next stored bytes, of any number.
    ///
    /// Fails with [`FormatError::Corrupt`] as soon as there are more bytes, stored or plain, than the table says, and
    /// with [`FormatError::Output`] when the writer fails. A decoder that failed is of no more use.
    pub fn push(&mut self, stored: &[u8]) -> Result<(), FormatError> {
        self.stored += stored.len() as u64;
        if self.stored > self.entry.stored_length {
            return Err(self.corrupt(
                "the stored length",
                self.entry.stored_length,
                format!("{} or more", self.stored),
            ));
        }
        let Some(mut frame) = self.frame.take() else { return self.emit(stored) };
        let outcome = self.decode(&mut frame, stored);
        self.frame = Some(frame);
        outcome
    }

    /// Says whether the section was complete and right, and gives the writer back, not flushed.
    pub fn finish(self) -> Result<W, FormatError> {
        let SectionEntry { stored_length, plain_length, hash, .. } = self.entry;
        if self.stored != stored_length {
            return Err(self.corrupt("the stored length", stored_length, self.stored));
        }
        if self.frame.as_ref().is_some_and(|frame| !frame.ended) {
            return Err(self.corrupt("the zstd frame", "complete", "cut off"));
        }
        if self.plain != plain_length {
            return Err(self.corrupt("the plain length", plain_length, self.plain));
        }
        let found = ContentHash(self.hasher.digest128().to_be_bytes());
        if found != hash {
            return Err(self.corrupt("the hash of the plain bytes", hash, found));
        }
        Ok(self.out)
    }

    fn decode(&mut self, frame: &mut Frame, mut stored: &[u8]) -> Result<(), FormatError> {
        loop {
            if frame.ended {
                return if stored.is_empty() {
                    Ok(())
                } else {
                    Err(self.corrupt("the end of the zstd frame", "the end of the section", "more bytes"))
                };
            }
            let status = frame
                .decoder
                .run_on_buffers(stored, &mut frame.buffer)
                .map_err(|error| self.corrupt("the zstd frame", "decodable", error))?;
            stored = &stored[status.bytes_read..];
            frame.ended = status.remaining == 0;
            self.emit(&frame.buffer[..status.bytes_written])?;
            if stored.is_empty() && status.bytes_written < frame.buffer.len() {
                return Ok(());
            }
        }
    }

    fn emit(&mut self, plain: &[u8]) -> Result<(), FormatError> {
        self.plain += plain.len() as u64;
        if self.plain > self.entry.plain_length {
            return Err(self.corrupt(
                "the plain length",
                self.entry.plain_length,
                format!("{} or more", self.plain),
            ));
        }
        self.hasher.update(plain);
        self.out.write_all(plain).map_err(|source| FormatError::Output {
            object: self.object.to_string(),
            offset: self.entry.offset,
            source,
        })
    }

    fn corrupt(&self, what: &str, expected: impl ToString, found: impl ToString) -> FormatError {
        Flaw::new(format!("{what} of {}", self.entry.id), expected, found).at(&self.object, self.entry.offset)
    }
}

impl Frame {
    fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))?;
        Ok(Self { decoder, buffer: vec![0; BUFFER_LENGTH], ended: false })
    }
}

/// Decodes the section `entry` of the blob called `object` from `stored`, which is read to its end, into `out`.
///
/// Fails like [`SectionDecoder`], and with [`FormatError::Input`] when `stored` fails. Costs two buffers.
pub fn decode_section(
    object: &str,
    entry: SectionEntry,
    mut stored: impl Read,
    out: &mut impl Write,
) -> Result<(), FormatError> {
    let mut decoder = SectionDecoder::new(&Arc::from(object), entry, out)?;
    let mut buffer = vec![0; BUFFER_LENGTH];
    loop {
        match stored.read(&mut buffer) {
            Ok(0) => return decoder.finish().map(|_| ()),
            Ok(length) => decoder.push(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(FormatError::Input { object: object.to_owned(), offset: entry.offset, source });
            }
        }
    }
}

#[cfg(test)]
mod tests;
