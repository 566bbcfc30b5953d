//! List, set and map views over the fields of records.
//!
//! A list field is a list as it was written, unless its schema says what more it is:
//!
//! ```capnp
//! using Hollowcast = import "/hollowcast.capnp";
//!
//! struct Movie $Hollowcast.key(["id"]) {
//!   id @0 :UInt32;
//!   tags @1 :List(Text) $Hollowcast.set;
//!   titles @2 :List(Title) $Hollowcast.map("language");
//! }
//! struct Title { language @0 :Text; text @1 :Text; }
//! ```
//!
//! A `$set` has each element once; a `$map` has one entry for each value of the field that it names. Whoever adds a record states
//! them in any order: the writer puts them in order, so that equal ones have equal bytes, a record whose set was stated in another
//! order is unchanged, and a reader finds an element by bisection. Elements of a set, and keys, are numbers, bools, enums, texts or
//! data, never null and no floats, which have no exact equality. Two different entries under one key are refused.
//!
//! | view | of | finds | in |
//! |---|---|---|---|
//! | [`ListView`] | any list | [`contains`](ListView::contains) | O(n) |
//! | [`SetView`] | a `$set` | [`contains`](SetView::contains) | O(log n) |
//! | [`MapView`] | a `$map` | [`get`](MapView::get), [`contains_key`](MapView::contains_key) | O(log n) |
//!
//! Views borrow the record and allocate nothing (but the message of an error). Iterating and comparing two of them is linear.
//! An absent list and an empty one differ (keeps semantics 30): views come as an `Option`.
//!
//! Through generated code, a view is made of what `has_` and `get_` of the field say; what is looked for has the type of the elements
//! (`str` for texts, `[u8]` for data), or does not compile. That the field bears the annotation in the dataset too was checked when
//! the table was asked for: to add, drop or change one is a break.
//!
//! ```standalone_crate
//! # mod generated {
//! #     #![allow(warnings, clippy::all)]
//! #     pub mod collections_capnp {
//! #         include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/collections_capnp.rs"));
//! #     }
//! # }
//! # use generated::collections_capnp::{maps as movie_with_names, sets as movie_with_tags};
//! # fn main() {}
//! use hollowcast::collections::{MapView, SetView};
//!
//! fn is_shelved(movie: movie_with_tags::Reader<'_>) -> capnp::Result<bool> {
//!     let tags = SetView::read(movie.has_texts(), movie.get_texts())?; // None: no tags were stated, not even none
//!     tags.map_or(Ok(false), |tags| tags.contains("classic"))
//! }
//!
//! fn name<'a>(movie: movie_with_names::Reader<'a>, language: &str) -> capnp::Result<Option<capnp::text::Reader<'a>>> {
//!     let names = MapView::new(movie.get_names()?, |name| name.get_language());
//!     names.get(language)?.map(|name| name.get_text()).transpose()
//! }
//! ```
//!
//! Without generated code, the same views are made by name, and know from the schema what the field is. What is looked for is a
//! [`DynamicValue`](crate::wire::DynamicValue); one of another kind than the elements is an error that says so.
//!
//! ```
//! use hollowcast::collections::{CollectionError, MapView, SetView};
//! use hollowcast::wire::{DynamicStruct, DynamicValue};
//!
//! fn is_shelved(movie: DynamicStruct<'_>) -> Result<bool, CollectionError> {
//!     let tags = SetView::of(movie, "tags")?;
//!     tags.map_or(Ok(false), |tags| tags.contains(&DynamicValue::Text("classic")))
//! }
//!
//! fn titles(movie: DynamicStruct<'_>) -> Result<u32, CollectionError> {
//!     Ok(MapView::of(movie, "titles")?.map_or(0, |titles| titles.len()))
//! }
//! ```
//!
//! The order is part of the format (`docs/format.md`), so readers in other languages can search too. Nobody checks it on loading,
//! which would read every element of every record: words that another program wrote out of order make a lookup miss an element
//! that is there, and do no other harm.

mod alike;
mod dynamic;
mod elements;
mod error;
mod generated;
mod list;
mod map;
mod set;
mod wanted;

pub use dynamic::DynamicEntries;
pub use elements::{Elements, Holds, Keyed, Ordered};
pub use error::CollectionError;
pub use list::ListView;
pub use map::{Entries, EntryKey, MapView};
pub use set::SetView;
