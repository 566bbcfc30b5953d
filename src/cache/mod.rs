//! Verified sections on a host's disk, shared by all its processes.
//!
//! A [`StateDirectory`] keeps sections as plain files named by their content, so that a consumer that starts again
//! needs no network, and many processes of a host share one copy of the bytes and of the page cache (keeps semantics
//! 19 and 24). A section's life:
//!
//! ```text
//! create ── write ── finish ── (the caller verifies its structure) ── seal ─▶ find, find, find … ─▶ evicted
//!   tmp/…   hashed     │                                                │        shared lock while mapped
//!                      ├ wrong hash or length: the temp is gone         └ segments/<hash>-<length>.seg and .seal
//!                      └ another writer was first: its file is used from here on
//! ```
//!
//! Whatever happens in between (a crash, a full disk, a kill), a file under `segments/` is complete and was verified;
//! everything else lies in `tmp/`, locked by the process that writes it, and goes when that process is gone. Bytes are
//! verified **once**: a seal says which file was verified, by which verifier, since which start of the host;
//! while that holds, opening costs microseconds. After it (the host restarted, the file was copied or touched), the
//! content hash is checked again.
//!
//! [`SegmentStore`] is what the rest of the library talks to: a state directory, or the heap, where nothing is kept.
//! [`Current`] is the small file per dataset, and per choice of its types, that says which sections make up the state served last. [`Spool`] is
//! scratch space for a producer whose records should not count as its own memory.
//!
//! ```text
//! <state directory>/            0750
//!   segments/<xxh3-128, 32 hex digits>-<bytes>.seg      0440, one section
//!            <xxh3-128, 32 hex digits>-<bytes>.seal     0440, text; its time of change is the section's last use
//!   current/<dataset id, 32 hex digits>                 0440, replaced by rename
//!           <dataset id>-<xxh3-128 of the types' names> 0440, the same of some types
//!   origins/<xxh3-128 of where a dataset lies>         0440, text; which dataset was there
//!   tmp/<process>-<16 hex digits>                       being written
//!       <xxh3-128, 32 hex digits>-<bytes>.seg           written, not sealed yet: for others that write the same
//! ```
//!
//! The directory is the trust boundary: whoever may write in it could change mapped bytes under their readers.

mod current;
mod directory;
mod error;
mod eviction;
mod offer;
mod open_files;
mod origin;
mod seal;
mod section;
mod spool;
mod store;
mod temporary;
mod writer;

pub use current::{Current, CurrentShard, CurrentStep, CurrentType, ManifestReference};
pub use directory::{StateDirectory, StateDirectoryOptions};
pub use error::CacheError;
pub use seal::VERIFIER_VERSION;
pub use section::SectionName;
pub use spool::{Spool, SpoolOffset};
pub use store::{Memory, SegmentStore};
pub use writer::{PendingSeal, SectionWriter, UnsealedSection};

#[cfg(test)]
mod tests;
