//! Opening inputs: files, compressed files, streams.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::InputError;
use super::{BytesRead, Fault};

/// Bytes asked of the system at once.
const READ_BYTES: usize = 256 << 10;

/// Size of a chunk, in bytes: large beside the cost of handing it over, small beside memory.
const CHUNK_BYTES: usize = 1 << 20;

/// Bytes looked at to tell a format.
const LOOK_BYTES: u64 = 64 << 10;

/// How records are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, RFC 4180, the first row naming the columns.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// An input that can be read from its beginning as often as is needed.
#[derive(Debug)]
pub struct Source {
    name: String,
    file: File,
    compression: Compression,
    format: Format,
    chunk_bytes: usize,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// gzip and zstd are told by their first bytes. The format is `format`, or else what the name's extension says
    /// (`.csv`; `.jsonl`, `.ndjson`, `.json`), or else JSON lines for standard input and for content that begins with `{`,
    /// and CSV for all other. What cannot be read twice (standard input, a pipe) is first kept in a temporary file.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, InputError> {
        if path == Path::new("-") {
            let file = spool("standard input", &mut io::stdin().lock())?;
            return Self::new("standard input".to_owned(), file, format.or(Some(Format::JsonLines)));
        }
        let name = path.display().to_string();
        let mut file = File::open(path).map_err(|source| unreadable(&name, source))?;
        let metadata = file.metadata().map_err(|source| unreadable(&name, source))?;
        if metadata.is_dir() {
            return Err(unreadable(&name, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if !metadata.is_file() {
            file = spool(&name, &mut file)?;
        }
        Self::new(name, file, format.or_else(|| format_of_name(path)))
    }

    /// An input whose whole content `reader` yields, kept in a temporary file; `name` is for messages.
    pub fn spooled(name: &str, reader: &mut dyn Read, format: Option<Format>) -> Result<Self, InputError> {
        Self::new(name.to_owned(), spool(name, reader)?, format)
    }

    fn new(name: String, file: File, format: Option<Format>) -> Result<Self, InputError> {
        let compression = compression_of(&file).map_err(|source| unreadable(&name, source))?;
        let mut source = Self { name, file, compression, format: Format::Csv, chunk_bytes: CHUNK_BYTES };
        source.format = match format {
            Some(format) => format,
            None => source.format_of_content()?,
        };
        Ok(source)
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its records are written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the file, compressed if it is.
    pub fn len(&self) -> Result<u64, InputError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|source| unreadable(&self.name, source))
    }

    /// Whether the file has no byte.
    pub fn is_empty(&self) -> Result<bool, InputError> {
        self.len().map(|bytes| bytes == 0)
    }

    /// How many bytes are cut into whole lines at a time.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// The same source in chunks of another size, so that a short one has many.
    #[cfg(test)]
    pub(super) fn in_chunks_of(self, chunk_bytes: usize) -> Self {
        Self { chunk_bytes, ..self }
    }

    /// Its content from the beginning, decompressed. One reader at a time: they share the file's position.
    pub(super) fn read<'a>(
        &self,
        bytes_read: &'a BytesRead<'a>,
    ) -> Result<Box<dyn Read + Send + 'a>, InputError> {
        let unreadable = |source| unreadable(&self.name, source);
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let counted = BufReader::with_capacity(READ_BYTES, Counted { file, bytes_read });
        Ok(match self.compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
            Compression::Zstd => {
                Box::new(zstd::stream::read::Decoder::with_buffer(counted).map_err(unreadable)?)
            }
        })
    }

    /// The error of a failed read after `line` lines.
    pub(super) fn read_error(&self, line: u64, source: io::Error) -> InputError {
        let compression = match self.compression {
            Compression::None => return unreadable(&self.name, source),
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        InputError::Damaged { file: self.name.clone(), line, compression, source }
    }

    /// The error of a fault at a line.
    pub(super) fn error(&self, line: u64, fault: Fault) -> InputError {
        fault.at(&self.name, line)
    }

    fn format_of_content(&self) -> Result<Format, InputError> {
        let mut beginning = Vec::new();
        let read = self.read(&|_| {})?.take(LOOK_BYTES).read_to_end(&mut beginning);
        read.map_err(|source| self.read_error(0, source))?;
        let content = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&beginning);
        let first = content.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(if first == Some(&b'{') { Format::JsonLines } else { Format::Csv })
    }
}

/// What editors on Windows put before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn format_of_name(path: &Path) -> Option<Format> {
    let is_packed = path.extension().is_some_and(|extension| extension == "gz" || extension == "zst");
    let plain = if is_packed { Path::new(path.file_stem()?) } else { path };
    match plain.extension().and_then(OsStr::to_str)?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" | "json" => Some(Format::JsonLines),
        _ => None,
    }
}

fn compression_of(mut file: &File) -> io::Result<Compression> {
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(4).read_to_end(&mut beginning)?;
    Ok(match beginning.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

/// Copies a stream to a file that has no name and goes when it is closed.
fn spool(name: &str, stream: &mut dyn Read) -> Result<File, InputError> {
    let spooled = |source| InputError::Spool {
        file: name.to_owned(),
        directory: std::env::temp_dir().display().to_string(),
        source,
    };
    let mut file = tempfile::tempfile().map_err(spooled)?;
    io::copy(stream, &mut file).map_err(spooled)?;
    Ok(file)
}

fn unreadable(name: &str, source: io::Error) -> InputError {
    InputError::Unreadable { file: name.to_owned(), source }
}

struct Counted<'a> {
    file: File,
    bytes_read: &'a BytesRead<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        (self.bytes_read)(count as u64);
        Ok(count)
    }
}
