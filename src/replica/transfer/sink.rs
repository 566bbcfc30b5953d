//! Where decoded sections go.

use std::io::Write;

use crate::format::SectionEntry;

/// Keeps the sections of a blob. Its methods are called on threads that may block for a while, for several sections at
/// once.
pub trait SectionSink: Send + Sync + 'static {
    /// Takes the plain bytes of one section. Dropped without [`SectionSink::close`], it leaves nothing behind.
    type Writer: Write + Send + 'static;
    /// What a section becomes.
    type Output: Send + 'static;

    /// A writer for `section`, which will be given up to [`SectionEntry::plain_length`] bytes that nobody vouches for.
    fn open(&self, section: &SectionEntry) -> crate::Result<Self::Writer>;

    /// Keeps what was written: length and hash of the plain bytes were those of `section`.
    fn close(&self, section: &SectionEntry, writer: Self::Writer) -> crate::Result<Self::Output>;
}
