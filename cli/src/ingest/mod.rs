//! From files to records.
//!
//! A [`Source`] is a CSV or JSON lines file, plain or compressed, or a stream. It is read in at most two passes, each of
//! them in parallel and in bounded memory: the reader cuts it into *chunks* of whole lines, threads take them as they come,
//! and what they find is put together in the order of the file.
//!
//! 1. [`observe`] looks at every value and returns the shape of the records, from which `hollowcast::schema::infer` makes
//!    or extends a schema, or which it holds against one that is given.
//! 2. [`encode`] makes each line a canonical record of the schema and hands it to a sink.
//!
//! Whatever is wrong is an [`InputError`] that names file, line, field, what was expected and what was found. Of several
//! wrong lines it is always the first, however the threads ran. Keeps semantics 4 (a record that does not fit the schema or
//! the limits, or has a null in its key, fails the cycle by type, key and field) for what comes from files.

mod chunks;
mod csv_rows;
mod encode;
mod error;
pub mod json_lines;
mod keys;
mod observe;
mod source;
#[cfg(test)]
mod tests;

pub use encode::{Order, encode};
pub use error::{Fault, InputError};
pub use keys::{KeyParser, read_keys};
pub use observe::observe;
pub use source::{Format, Source};

/// Told how many bytes of the files were read since it was told last; compressed ones where they are compressed.
pub type BytesRead<'a> = dyn Fn(u64) + Sync + 'a;
