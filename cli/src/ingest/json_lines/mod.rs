//! JSON lines: one object a line.
//!
//! A [`JsonParser`] turns a line into a [`Document`]: a flat run of tokens in buffers that are kept from line to line, so
//! parsing allocates nothing in the long run. Numbers stay text until it is known what they are to become, so that no digit
//! is lost on the way: `18446744073709551616` is not quietly a float, and a `Float32` is rounded once.

mod document;
mod parse;
#[cfg(test)]
mod tests;

pub use document::{Document, ElementIterator, Elements, Integer, MemberIterator, Members, Number, Value};
pub use parse::JsonParser;

/// Longest line, in bytes; a record's own limit is the same.
pub const MAX_LINE: usize = 64 << 20;

/// Deepest nesting of objects and lists, the record itself being the first level: that of records that were printed.
pub const MAX_DEPTH: u32 = hollowcast::tools::json::MAX_DEPTH;

/// Stack of a thread that reads lines and works on what they say: parsing goes a call or more deeper for each level.
pub const STACK_BYTES: usize = 16 << 20;
