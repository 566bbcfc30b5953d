//! Writing a blob: sections come from many threads in any order, and leave as one stream of bytes.
//!
//! The header stands first in a blob and is known last, so encoded sections wait in an unlinked temporary file. What is
//! stored depends on the sections and the description alone, not on the order or the threads they came from.

mod finished;
mod spool;
#[cfg(test)]
mod tests;
mod writer;

pub use finished::{BlobReader, FinishedBlob};
pub use writer::{BlobWriter, BlobWriterOptions, Compression, SectionEncoder};
