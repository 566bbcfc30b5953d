//! Bytes that wait in an unlinked temporary file, appended by many threads.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::format::FormatError;

/// Bytes gathered before they are written: few enough to stay in the cache, many enough to make calls rare.
const BUFFER_LENGTH: usize = 256 << 10;

/// A range of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) length: u64,
}

/// The file; gone when the last handle is.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

impl Spool {
    /// An empty file in `folder`, or where the system keeps temporary files.
    pub(super) fn new(folder: Option<&Path>) -> Result<Self, FormatError> {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        match tempfile::tempfile_in(&folder) {
            Ok(file) => Ok(Self { file, folder, end: AtomicU64::new(0) }),
            Err(source) => Err(FormatError::Temporary { folder, source }),
        }
    }

    /// What a failure of the file means.
    pub(super) fn failed(&self, source: io::Error) -> FormatError {
        FormatError::Temporary { folder: self.folder.clone(), source }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<Extent> {
        let length = bytes.len() as u64;
        let start = self.end.fetch_add(length, Ordering::Relaxed);
        self.write_at(start, bytes)?;
        Ok(Extent { start, length })
    }

    #[cfg(unix)]
    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, start)
    }

    #[cfg(unix)]
    pub(super) fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, start)
    }

    #[cfg(windows)]
    fn write_at(&self, mut start: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = std::os::windows::fs::FileExt::seek_write(&self.file, bytes, start)?;
            if length == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            (start, bytes) = (start + length as u64, &bytes[length..]);
        }
        Ok(())
    }

    #[cfg(windows)]
    pub(super) fn read_at(&self, mut start: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = std::os::windows::fs::FileExt::seek_read(&self.file, bytes, start)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (start, bytes) = (start + length as u64, &mut bytes[length..]);
        }
        Ok(())
    }
}

/// Writes one section's bytes into the file, wherever there is room.
pub(super) struct SpoolWriter {
    spool: Arc<Spool>,
    buffer: Vec<u8>,
    extents: Vec<Extent>,
}

impl SpoolWriter {
    pub(super) fn new(spool: Arc<Spool>) -> Self {
        Self { spool, buffer: Vec::new(), extents: Vec::new() }
    }

    /// Where the bytes went, in their order.
    pub(super) fn finish(mut self) -> io::Result<Vec<Extent>> {
        self.flush()?;
        Ok(self.extents)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let extent = self.spool.append(bytes)?;
        match self.extents.last_mut() {
            Some(last) if last.start + last.length == extent.start => last.length += extent.length,
            _ => self.extents.push(extent),
        }
        Ok(())
    }
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_LENGTH {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_LENGTH {
            self.append(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            let buffer = std::mem::take(&mut self.buffer);
            self.append(&buffer)?;
            self.buffer = buffer;
            self.buffer.clear();
        }
        Ok(())
    }
}
