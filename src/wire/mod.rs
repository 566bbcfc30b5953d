//! Cap'n Proto words: reading, canonical copying and hashing of records.
//!
//! Everything here is a pure function on a slice of words, one segment without a stream frame. There is no arena, no
//! allocation on reads and no counter that threads would share: a row that is read ten million times a second is read
//! from its words. Bytes that arrive from outside are never trusted: each pointer is checked against the slice when it
//! is followed, and nothing goes deeper than [`MAX_NESTING`].
//!
//! A **record** has two forms:
//!
//! * a *canonical message*: the root pointer in word 0, then the struct, then all that its pointers lead to, in preorder
//!   and without gaps, trailing zero words and null pointers cut. Equal records have equal words, so this is what is
//!   hashed, compared and published;
//! * a *row*: a struct inside a segment, as wide as all rows of that segment, whose pointers lead to canonical subtrees
//!   anywhere in it, possibly shared with other rows.
//!
//! | from | to | by |
//! |---|---|---|
//! | values without generated code | words | [`Draft`] |
//! | words of any shape | canonical message, as the schema says | [`CopyPlans`] |
//! | canonical message | row | [`record_parts`] |
//! | row | canonical message, without a schema | [`gather`] |
//! | canonical message | its hash | [`record_hash`] |
//! | record | the bytes and the hash of its key | [`KeyPlan`] |
//! | words | fields, when their place is known | [`StructReader`] |
//! | words | values, when only the schema is known | [`DynamicStruct`] |
//!
//! The encoding itself: <https://capnproto.org/encoding.html>.

#[cfg(target_endian = "big")]
compile_error!("words are read in place, and the format is little-endian");

mod arrange;
mod builder;
mod canonical;
mod copy_error;
mod draft;
mod dynamic;
mod dynamic_value;
mod equal;
mod error;
mod gather;
mod hash;
mod key;
mod key_bytes;
mod key_text;
mod limits;
mod list;
mod measure;
pub(crate) mod order;
mod place;
mod plan;
mod pointer;
mod reader;
mod reference;
mod route;
mod slot;
mod subtree;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub use copy_error::{CopyError, CopyProblem};
pub use draft::{Draft, DraftError, ListPosition, PointerPosition, StructPosition};
pub use dynamic::DynamicStruct;
pub use dynamic_value::{DynamicList, DynamicValue, EnumValue};
pub(crate) use equal::{lists_equal, structs_equal};
pub use error::WireError;
pub use gather::{gather, row_equals, words_behind};
pub use hash::record_hash;
pub use key::{KeyError, KeyKind, KeyPlan};
pub use key_bytes::KeyBytes;
pub use key_text::key_text;
pub use limits::{MAX_NESTING, MAX_RECORD_BYTES, MAX_VALUE_BYTES, MAX_VISITED_WORDS};
pub use list::{ElementSize, ListReader};
pub use place::{RecordParts, record_parts};
pub use plan::CopyPlans;
pub(crate) use pointer::{EMPTY_STRUCT, moved_pointer, relocated_pointer};
pub use reader::{Pointer, StructReader};
pub(crate) use reference::{HeldKey, ReferencePlan};
pub use slot::element_size;
pub use subtree::{Child, Subtree, subtree};
