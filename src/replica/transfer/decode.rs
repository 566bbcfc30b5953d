//! Turns the bytes of a batch into sections, piece by piece.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::OwnedSemaphorePermit;

use super::error::TransferError;
use super::sink::SectionSink;
use crate::format::{SectionDecoder, SectionEntry};
use crate::progress::Progress;

/// Bytes that came with one request, and the right to have made it: given back once the bytes are gone.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

/// The sections of a batch on their way into a sink.
pub(super) struct BatchDecoder<S: SectionSink> {
    object: Arc<str>,
    /// Ascending by offset.
    sections: Vec<SectionEntry>,
    sink: Arc<S>,
    progress: Arc<dyn Progress>,
    /// Where the next byte lies in the blob.
    offset: u64,
    /// The section that has begun.
    current: Option<SectionDecoder<S::Writer>>,
    /// What the sections before it became.
    outputs: Vec<S::Output>,
}

impl<S: SectionSink> BatchDecoder<S> {
    /// Of the blob called `object` from `offset` on; `sections` ascend by offset.
    pub(super) fn new(
        object: Arc<str>,
        offset: u64,
        sections: Vec<SectionEntry>,
        sink: Arc<S>,
        progress: Arc<dyn Progress>,
    ) -> Self {
        Self { object, sections, sink, progress, offset, current: None, outputs: Vec::new() }
    }

    /// Takes the next bytes of the blob; what belongs to no section is skipped.
    pub(super) fn push(&mut self, mut bytes: Bytes) -> Result<(), TransferError> {
        while let Some(section) = self.sections.get(self.outputs.len()).copied() {
            let padding = section.offset.saturating_sub(self.offset).min(bytes.len() as u64);
            bytes.advance(padding as usize);
            self.offset += padding;
            if self.offset < section.offset {
                break;
            }
            let mut decoder = match self.current.take() {
                Some(decoder) => decoder,
                None => self.begin(&section)?,
            };
            let length = (section.end() - self.offset).min(bytes.len() as u64);
            decoder.push(&bytes.split_to(length as usize))?;
            self.offset += length;
            self.progress.advance(length);
            if self.offset < section.end() {
                self.current = Some(decoder);
                break;
            }
            let output = self.sink.close(&section, decoder.finish()?);
            self.outputs.push(output.map_err(|source| self.failed(&section, source))?);
        }
        Ok(())
    }

    /// What the sections became, in their order; [`TransferError::Cancelled`] if bytes are missing.
    pub(super) fn finish(self) -> Result<Vec<S::Output>, TransferError> {
        if self.outputs.len() < self.sections.len() {
            return Err(TransferError::Cancelled { object: self.object.to_string() });
        }
        Ok(self.outputs)
    }

    fn begin(&self, section: &SectionEntry) -> Result<SectionDecoder<S::Writer>, TransferError> {
        let writer = self.sink.open(section).map_err(|source| self.failed(section, source))?;
        Ok(SectionDecoder::new(&self.object, *section, writer)?)
    }

    fn failed(&self, section: &SectionEntry, source: crate::Error) -> TransferError {
        TransferError::Sink { object: self.object.to_string(), section: section.id.to_string(), source }
    }
}
