//! Bytes between blobs and the store.
//!
//! **Up**: [`upload`] stores a [`FinishedBlob`](crate::format::FinishedBlob) with one request, or in parts when it is
//! large; [`upload_manifest`] stores the manifest that names it.
//!
//! **Down**: [`RemoteBlob::open`] fetches and verifies preamble and header with the first request, which is the only
//! one where the blob is small; [`RemoteBlob::fetch`] then fetches sections by ranges, neighbours together and large
//! ones in pieces, several requests at a time ([`Requests`], which blobs share), and decodes each on a thread for such
//! work into the writer that a [`SectionSink`] gives for it. What arrives is checked against the hash that the manifest names, all the way.
//!
//! Memory is bounded by [`TransferOptions`] whatever the size of a blob. Requests that fail are repeated with jittered
//! backoff (semantics 20); each future stops when it is dropped, at any await, and leaves nothing behind but what the
//! writers of the sink clean up themselves when they are dropped.

mod decode;
mod download;
mod error;
mod manifest;
mod plan;
mod requests;
mod sink;
#[cfg(test)]
mod tests;
mod upload;

pub use download::RemoteBlob;
pub use error::TransferError;
pub use manifest::{fetch_manifest, upload_manifest};
pub use requests::Requests;
pub use sink::SectionSink;
pub use upload::upload;

/// How much is moved at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferOptions {
    /// Requests under way at a time for one blob that goes up, or for all blobs of one way down, at least 1. Default 8:
    /// one request to a cloud store moves some 50–100 MB/s, so this fills a 5 Gbit/s link.
    pub requests: usize,
    /// Bytes of one request at most, at least 1; a larger section is fetched in pieces, and a larger blob stored in
    /// parts. Default 8 MiB, above what stores ask of a part (5 MiB).
    ///
    /// What is in transfer takes up to `requests * range_length` bytes of memory.
    pub range_length: u64,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self { requests: 8, range_length: 8 << 20 }
    }
}
