//! What can go wrong with files on a host's disk.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{SectionName, open_files};
use crate::error::{Classify, ErrorKind};
use crate::segment::SegmentError;

/// An error of the state directory, or of a spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Nobody said where the state directory is.
    #[error(
        "no place for the state directory: neither XDG_CACHE_HOME nor HOME is an absolute path; name a state directory"
    )]
    NoDefaultPath,
    /// Something else lies where the directory should be.
    #[error("{path} is not a directory; remove it or name another state directory")]
    NotADirectory {
        /// What was found.
        path: PathBuf,
    },
    /// Permissions, or a file system mounted read-only.
    #[error(
        "this process may not {action} {path}: {source}; give the state directory to its user or group, or name another"
    )]
    Denied {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The directory's group cannot be set.
    #[error(
        "cannot give {path} to group {group}: {source}; run as a member of that group or configure another"
    )]
    Group {
        /// The file or directory.
        path: PathBuf,
        /// Group id from the options.
        group: u32,
        /// What the operating system says.
        source: io::Error,
    },
    /// Disk, quota or limit of file sizes used up.
    #[error(
        "no space left for {path}: {source} after {written} bytes; free some space or lower the budget of the directory"
    )]
    NoSpace {
        /// The file that was written.
        path: PathBuf,
        /// Bytes of it that were written before.
        written: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// This process has as many files open as it may.
    #[error(
        "cannot {action} {path}: {source}; this process may have {limit} files open, and each section in use is one: \
         raise its limit (`ulimit -n`, `LimitNOFILE=` in a systemd unit) or load fewer types"
    )]
    TooManyFiles {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// How many files the process may have open.
        limit: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// The processes of the host have as many files open as they may together.
    #[error(
        "cannot {action} {path}: {source}; raise the host's limit (`sysctl fs.file-max` on Linux) or end what has many \
         files open"
    )]
    TooManyFilesOfHost {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Any other answer of the operating system.
    #[error("cannot {action} {path}: {source}; check the disk")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The bytes written are not the section that was asked for.
    #[error("expected section {expected}, found {found}; fetch it again, or by another route")]
    Mismatch {
        /// The section asked for.
        expected: SectionName,
        /// The section the bytes are.
        found: SectionName,
    },
    /// More bytes than a section was announced to have.
    #[error(
        "expected a section of at most {expected} bytes, found more; fetch it again, or by another route"
    )]
    TooLong {
        /// Length announced, in bytes.
        expected: u64,
    },
    /// The bytes are no section, or there is no memory for them.
    #[error("section {section}: {source}")]
    Segment {
        /// The section.
        section: SectionName,
        /// What is wrong.
        source: SegmentError,
    },
    /// There is no heap memory for a section.
    #[error(transparent)]
    Memory(SegmentError),
    /// A file's bytes are wrong and it cannot be removed.
    #[error("{path} is damaged and cannot be removed: {source}; remove it by hand")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why it cannot be removed.
        source: io::Error,
    },
    /// A file of `current/` cannot be what was written.
    #[error(
        "{object} is damaged: {field} should be {expected}, found {found}; remove the file and start from the store"
    )]
    DamagedCurrent {
        /// The file.
        object: String,
        /// Which part of it.
        field: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file of `current/` was written by a newer Hollowcast.
    #[error("{object} has format version {found}, this release knows {known}; remove the file or upgrade")]
    UnknownCurrent {
        /// The file.
        object: String,
        /// Its format version.
        found: u32,
        /// The format version this release writes.
        known: u32,
    },
    /// A state too large to be described in one file.
    #[error(
        "the description of dataset {dataset} takes {bytes} bytes, at most {limit} are allowed; rebase, or use fewer types"
    )]
    CurrentTooLarge {
        /// The dataset.
        dataset: String,
        /// Bytes it takes.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A record too large for a spool.
    #[error("a record of {words} words is larger than a spool takes, {limit} words; split the record")]
    RecordTooLarge {
        /// Words of the record.
        words: u64,
        /// Words allowed.
        limit: u64,
    },
}

impl CacheError {
    /// The error that says best what `source` means for `path`.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match Errno::from_io_error(&source) {
            Some(Errno::MFILE) => {
                return Self::TooManyFiles { action, path, limit: open_files::limit(), source };
            }
            Some(Errno::NFILE) => return Self::TooManyFilesOfHost { action, path, source },
            _ => (),
        }
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { action, path, source }
            }
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace { path, written: 0, source }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// As [`CacheError::io`], for writing `path` after `written` bytes.
    pub(super) fn writing(path: &Path, written: u64, source: io::Error) -> Self {
        match Self::io("write", path, source) {
            Self::NoSpace { path, source, .. } => Self::NoSpace { path, written, source },
            other => other,
        }
    }

    /// As what [`std::io::Write`] can return. [`CacheError::from_write`] is the way back.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::NoSpace { source, .. } | Self::Denied { source, .. } | Self::Io { source, .. } => {
                source.kind()
            }
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }

    /// The error behind what a [`SectionWriter`](super::SectionWriter) returned as [`std::io::Write`]; `Err` gives
    /// `error` back if it came from elsewhere.
    ///
    /// # Errors
    /// `error` itself.
    pub fn from_write(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }
}

impl CacheError {
    /// The error behind what a [`SectionWriter`](super::SectionWriter) returned, which has no other errors.
    pub(crate) fn of_section(error: io::Error) -> Self {
        Self::from_write(error)
            .unwrap_or_else(|source| Self::io("write a section in", Path::new("memory"), source))
    }
}

impl Classify for CacheError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoDefaultPath
            | Self::NotADirectory { .. }
            | Self::Denied { .. }
            | Self::Group { .. }
            | Self::TooManyFiles { .. }
            | Self::UnknownCurrent { .. }
            | Self::CurrentTooLarge { .. }
            | Self::RecordTooLarge { .. } => ErrorKind::Invalid,
            Self::NoSpace { .. } | Self::TooManyFilesOfHost { .. } => ErrorKind::Unavailable,
            Self::Mismatch { .. }
            | Self::TooLong { .. }
            | Self::Damaged { .. }
            | Self::DamagedCurrent { .. } => ErrorKind::Corrupt,
            Self::Segment { source, .. } | Self::Memory(source) => source.kind(),
            Self::Io { .. } => ErrorKind::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_open_files_are_told_apart() {
        let error = |errno: Errno| CacheError::io("open", Path::new("/state/segments/1.seg"), errno.into());
        let (process, host) = (error(Errno::MFILE), error(Errno::NFILE));
        assert!(matches!(process, CacheError::TooManyFiles { .. }), "{process:?}");
        assert_eq!(process.kind(), ErrorKind::Invalid);
        assert!(process.to_string().contains("cannot open /state/segments/1.seg"), "{process}");
        assert!(matches!(host, CacheError::TooManyFilesOfHost { .. }), "{host:?}");
        assert_eq!(host.kind(), ErrorKind::Unavailable, "it passes when others close theirs");
        assert!(host.to_string().contains("fs.file-max"), "{host}");
    }
}
