//! Why bytes are not a segment.

use std::io;

#[cfg(doc)]
use super::Segment;
use crate::error::{Classify, ErrorKind};

/// Why bytes cannot be a [`Segment`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The length is not that of any section.
    #[error(
        "a section is a whole number of 8-byte words and at least 16 bytes long, found {bytes} bytes; fetch it again"
    )]
    Length {
        /// Bytes found.
        bytes: u64,
    },
    /// The frame does not describe these bytes.
    #[error(
        "the frame at offset 0 says {segments} segments, the first of {words} words, but one segment of {expected_words} words follows; fetch the section again"
    )]
    Frame {
        /// Segments by the frame.
        segments: u64,
        /// Words of the first segment, by the frame.
        words: u32,
        /// Words that lie behind the frame.
        expected_words: u64,
    },
    /// The operating system has no memory, or no addresses, for it.
    #[error("cannot get {bytes} bytes of memory for a section; free some memory or load fewer types")]
    Memory {
        /// Bytes asked for.
        bytes: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file behind a mapping cannot be read.
    #[error("cannot read the {bytes} bytes of a mapped section; check the disk under the state directory")]
    Unreadable {
        /// Bytes of the section.
        bytes: u64,
        /// What the operating system says.
        source: io::Error,
    },
}

impl SegmentError {
    /// Whether other bytes would have made a segment.
    pub(crate) fn is_about_bytes(&self) -> bool {
        self.kind() == ErrorKind::Corrupt
    }
}

impl Classify for SegmentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Length { .. } | Self::Frame { .. } => ErrorKind::Corrupt,
            Self::Memory { .. } | Self::Unreadable { .. } => ErrorKind::Internal,
        }
    }
}
