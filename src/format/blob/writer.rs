//! Takes sections, and a description at the end.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use super::super::error::{Flaw, FormatError, ensure};
use super::super::header::{
    self, BlobDescription, Codec, MAX_SECTION_LENGTH, SECTION_ALIGNMENT, SectionEntry, SectionId,
};
use super::super::preamble::{MAX_HEADER_LENGTH, PREAMBLE_LENGTH, Preamble};
use super::finished::{FinishedBlob, Piece};
use super::spool::{Extent, Spool, SpoolWriter};
use crate::identifiers::{ContentHash, TypeId};

/// Bytes hashed and compressed at a time: they are still in the cache when they are touched the second time.
const STEP: usize = 256 << 10;

/// How sections are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    Plain,
    /// By zstd at `level`, 1 to 19: higher ones need windows that readers refuse.
    Zstd {
        /// Level 1 halves records at about half a gigabyte a second and core; level 3 gains next to nothing more.
        level: i32,
    },
}

impl Default for Compression {
    /// zstd level 1.
    fn default() -> Self {
        Self::Zstd { level: 1 }
    }
}

/// How a [`BlobWriter`] works.
#[derive(Clone, Debug, Default)]
pub struct BlobWriterOptions {
    /// How sections are stored. Default: zstd level 1, the fastest, as higher levels hardly gain on records.
    pub compression: Compression,
    /// Where the unlinked temporary file lies, which grows to the size of the blob. Default: the system's folder.
    pub temporary_folder: Option<PathBuf>,
}

/// Gathers the sections of a blob. `&self` methods may be called from many threads at once.
#[derive(Debug)]
pub struct BlobWriter {
    compression: Compression,
    spool: Arc<Spool>,
    sections: Mutex<Vec<SpooledSection>>,
}

/// An encoded section, not placed yet: its offset is zero.
#[derive(Debug)]
struct SpooledSection {
    entry: SectionEntry,
    extents: Vec<Extent>,
}

impl BlobWriter {
    /// A writer without sections.
    ///
    /// Fails with [`FormatError::Refused`] on a level that zstd or readers do not know, and with
    /// [`FormatError::Temporary`] when the temporary file cannot be made.
    pub fn new(options: &BlobWriterOptions) -> Result<Self, FormatError> {
        if let Compression::Zstd { level } = options.compression {
            ensure((1..=19).contains(&level), || Flaw::new("with this zstd level", "1 to 19", level))
                .map_err(Flaw::refused)?;
        }
        let spool = Spool::new(options.temporary_folder.as_deref())?;
        Ok(Self { compression: options.compression, spool: Arc::new(spool), sections: Mutex::default() })
    }

    /// Adds the section `id` whose plain bytes are `plain`; of words, take `bytemuck::cast_slice`.
    ///
    /// Costs one pass for hash and compression, a buffer, and a write of the stored bytes.
    pub fn add_section(&self, id: SectionId, plain: &[u8]) -> Result<(), FormatError> {
        check_length(id, plain.len() as u64)?;
        let mut encoder = self.encode(id, Some(plain.len() as u64))?;
        encoder.write_all(plain).map_err(|error| self.spool.failed(error))?;
        encoder.finish()
    }

    /// Begins the section `id`, for bytes that come in pieces. It is part of the blob once its encoder is finished; a
    /// dropped one leaves nothing in the blob.
    pub fn begin_section(&self, id: SectionId) -> Result<SectionEncoder<'_>, FormatError> {
        self.encode(id, None)
    }

    /// Lays the sections out and puts `description` before them.
    ///
    /// The description comes last because fingerprints and counts are known when the sections are. Sections lie in the
    /// order of the description's types, then by kind and part. Fails with [`FormatError::Refused`] when description
    /// and sections do not fit together or exceed a limit of the format.
    ///
    /// # Panics
    ///
    /// Never, but for a defect of this module: what was written is read back.
    pub fn finish(self, description: &BlobDescription) -> Result<FinishedBlob, FormatError> {
        let mut sections = self.sections.into_inner().unwrap_or_else(PoisonError::into_inner);
        sort(&mut sections, description);
        let mut entries: Vec<SectionEntry> = sections.iter().map(|section| section.entry).collect();
        header::check(description, &entries)?;
        let header_length = header::encode(description, &entries).len() as u64;
        ensure(header_length <= MAX_HEADER_LENGTH, || {
            Flaw::new("a header", format!("at most {MAX_HEADER_LENGTH} bytes"), header_length)
        })
        .map_err(Flaw::refused)?;
        let blob_length = place(&mut entries, PREAMBLE_LENGTH as u64 + header_length);
        let encoded = header::encode(description, &entries);
        assert_eq!(
            encoded.len() as u64,
            header_length,
            "placing sections does not change the length of a header"
        );
        let preamble = Preamble::of(description.kind, &encoded);
        let head = [&preamble.encode(), encoded.as_slice()].concat();
        Ok(FinishedBlob::new(
            head,
            blob_length,
            description,
            &entries,
            pieces(&sections, &entries),
            self.spool,
        ))
    }

    fn encode(&self, id: SectionId, plain_length: Option<u64>) -> Result<SectionEncoder<'_>, FormatError> {
        let spooled = SpoolWriter::new(Arc::clone(&self.spool));
        let sink = match self.compression {
            Compression::Plain => Sink::Plain(spooled),
            Compression::Zstd { level } => {
                Sink::zstd(spooled, level, plain_length).map_err(|error| self.spool.failed(error))?
            }
        };
        Ok(SectionEncoder { writer: self, id, hasher: Xxh3::new(), plain_length: 0, sink })
    }
}

/// Takes the plain bytes of one section. A blob's section ends with [`SectionEncoder::finish`].
pub struct SectionEncoder<'a> {
    writer: &'a BlobWriter,
    id: SectionId,
    hasher: Xxh3,
    plain_length: u64,
    sink: Sink,
}

enum Sink {
    Plain(SpoolWriter),
    Zstd(Box<zstd::stream::write::Encoder<'static, SpoolWriter>>),
}

impl Sink {
    fn zstd(spooled: SpoolWriter, level: i32, plain_length: Option<u64>) -> io::Result<Self> {
        let mut encoder = zstd::stream::write::Encoder::new(spooled, level)?;
        encoder.set_pledged_src_size(plain_length)?;
        Ok(Self::Zstd(Box::new(encoder)))
    }

    fn finish(self) -> io::Result<Vec<Extent>> {
        match self {
            Self::Plain(spooled) => spooled.finish(),
            Self::Zstd(encoder) => encoder.finish()?.finish(),
        }
    }
}

impl SectionEncoder<'_> {
    /// As if so many bytes had been written.
    #[cfg(test)]
    pub(super) fn pretend_length(&mut self, plain_length: u64) {
        self.plain_length = plain_length;
    }

    /// Makes the section part of the blob.
    pub fn finish(self) -> Result<(), FormatError> {
        let Self { writer, id, hasher, plain_length, sink } = self;
        check_length(id, plain_length)?;
        let extents = sink.finish().map_err(|error| writer.spool.failed(error))?;
        let entry = SectionEntry {
            id,
            codec: match writer.compression {
                Compression::Plain => Codec::Plain,
                Compression::Zstd { .. } => Codec::Zstd,
            },
            offset: 0,
            stored_length: extents.iter().map(|extent| extent.length).sum(),
            plain_length,
            hash: ContentHash(hasher.digest128().to_be_bytes()),
        };
        writer
            .sections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(SpooledSection { entry, extents });
        Ok(())
    }
}

impl Write for SectionEncoder<'_> {
    /// Takes up to a quarter of a mebibyte at a time.
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let step = &plain[..plain.len().min(STEP)];
        self.plain_length += step.len() as u64;
        check_length(self.id, self.plain_length).map_err(io::Error::other)?;
        self.hasher.update(step);
        match &mut self.sink {
            Sink::Plain(spooled) => spooled.write_all(step)?,
            Sink::Zstd(encoder) => encoder.write_all(step)?,
        }
        Ok(step.len())
    }

    /// Nothing: a flush in the middle of a frame would only lengthen it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn check_length(id: SectionId, plain_length: u64) -> Result<(), FormatError> {
    ensure(plain_length <= MAX_SECTION_LENGTH, || {
        Flaw::new(id, format!("at most {MAX_SECTION_LENGTH} bytes"), format!("{plain_length} or more"))
    })
    .map_err(Flaw::refused)
}

/// By the description's order of types, then kind and part; sections of a type it does not have are refused later.
fn sort(sections: &mut [SpooledSection], description: &BlobDescription) {
    let ids = description.types.iter().map(|transition| TypeId::of(&transition.name));
    let places: HashMap<TypeId, usize> = ids.zip(0..).collect();
    sections.sort_by_key(|section| {
        let id = section.entry.id;
        (places.get(&id.type_id), id.kind, id.part)
    });
}

/// Gives each section its offset behind the header; returns the length of the blob.
fn place(entries: &mut [SectionEntry], header_end: u64) -> u64 {
    let mut end = header_end;
    for entry in entries {
        entry.offset = match entry.codec {
            Codec::Plain => end.next_multiple_of(SECTION_ALIGNMENT),
            Codec::Zstd => end,
        };
        end = entry.end();
    }
    end
}

/// Where the bytes of the placed sections lie in the temporary file.
fn pieces(sections: &[SpooledSection], entries: &[SectionEntry]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (section, entry) in sections.iter().zip(entries) {
        let mut offset = entry.offset;
        for extent in &section.extents {
            pieces.push(Piece { offset, extent: *extent });
            offset += extent.length;
        }
    }
    pieces
}
