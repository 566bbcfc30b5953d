//! What lies in the object store: blobs and manifests, from plain structs to immutable bytes and back.
//!
//! A **blob** carries the bytes of a snapshot, a delta or a reverse delta:
//!
//! ```text
//! 0    preamble, 64 bytes          magic, kind, where the header ends, the header's hash   preamble
//! 64   header                      which version becomes which, section table              header
//!      section, section, …         opaque here; on a 4096 boundary when stored plain       section
//! ```
//!
//! Its name says nothing about its bytes; its hash does. The hash of a blob is the hash of preamble and header, and the
//! header holds the hashes of the sections: who knows the hash can fetch any section alone and still check every byte.
//! A [`BlobWriter`] takes sections from many threads and finishes into a [`FinishedBlob`]; a [`BlobHeader`] is parsed
//! from the first bytes of a stored blob; a [`SectionDecoder`] turns a section's stored bytes into checked plain ones.
//!
//! A **[`Manifest`]** describes one version and links to its ancestors, so that planning a way takes one request.
//!
//! Every number that is read is checked before it is used; a reader of hostile bytes gets a [`FormatError`] that names
//! object and offset, never a panic, and never memory or disk beyond the [limits](self#constants). `docs/format.md` has
//! the tables; a test holds them against this code.

mod blob;
mod error;
mod header;
mod manifest;
mod message;
mod preamble;
#[cfg(test)]
pub(crate) mod samples;
mod section;
pub mod sections;

pub use blob::{BlobReader, BlobWriter, BlobWriterOptions, Compression, FinishedBlob, SectionEncoder};
pub use error::FormatError;
pub use header::{
    BlobDescription, BlobHeader, Codec, MAX_PARTS, MAX_SECTION_LENGTH, MAX_SECTIONS, MAX_TYPES,
    SECTION_ALIGNMENT, SectionEntry, SectionId, SectionKind, TypeTransition,
};
pub use manifest::{
    BlobReference, LinkedBlob, MANIFEST_FORMAT_VERSION, MAX_LINKS, MAX_MANIFEST_LENGTH, Manifest,
    ManifestLink, ManifestReference, TypeSummary,
};
pub use message::{MAX_NAME_LENGTH, MAX_TAG_LENGTH, MAX_TAGS, Tags};
pub use preamble::{
    BLOB_FORMAT_VERSION, BlobKind, MAX_HEADER_LENGTH, PREAMBLE_LENGTH, Preamble, head_length,
};
pub use section::{SectionDecoder, decode_section};
