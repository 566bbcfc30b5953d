//! Hollowcast distributes read-only, in-memory datasets to fleets of services.
//!
//! A [`producer::Producer`] turns a dataset into a chain of versions (snapshots, deltas and reverse deltas) of Cap'n Proto records in an object
//! store. [`consumer::Consumer`]s follow the chain: they fetch what they lack, verify it, map it into memory and swap their whole state with
//! one pointer. A lookup then costs its cache misses: no network, no deserialization, no allocation, no lock.
//!
//! ```standalone_crate
//! # mod generated {
//! #     #![allow(warnings, clippy::all)]
//! #     pub mod movies_capnp {
//! #         include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/generated/movies_capnp.rs"));
//! #     }
//! # }
//! # use generated::movies_capnp::movie;
//! # use hollowcast::consumer::Memory;
//! # use std::sync::Arc;
//! use hollowcast::consumer::Consumer;
//! use hollowcast::producer::{Dataset, Producer};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = hollowcast::store::memory();
//! # let catalogue = [(42, "Solaris"), (43, "Stalker")];
//! // producer
//! let dataset = Dataset::builder("movies").record::<movie::Owned>().build()?; // key and names come from the schema
//! let mut producer = Producer::builder(dataset, store.clone()) // takes the epoch, restores the newest version
//! #     .memory(Memory::Heap)
//!     .start()
//!     .await?;
//! producer
//!     .cycle(|writer| {
//!         for (id, title) in catalogue {
//!             writer.add::<movie::Owned>(|mut movie| {
//!                 movie.set_id(id);
//!                 movie.set_title(title);
//!             })?;
//!         }
//!         Ok(())
//!     })
//!     .await?; // Published or Unchanged
//!
//! // consumer
//! let consumer = Consumer::builder("movies", store) // waits for a first version
//! #     .memory(Memory::Heap)
//!     .start()
//!     .await?;
//! let movies = consumer.table::<movie::Owned, u32>()?; // typed and checked once
//! let state = consumer.read(); // one version of everything; no lock, no await
//! if let Some(movie) = movies.get(&state, 42) {
//!     println!("{} in version {}", movie.get_title()?.to_str()?, state.version());
//! }
//! # assert_eq!(movies.get(&state, 43).ok_or("movie 43 is there")?.get_title()?.to_str()?, "Stalker");
//! # assert!(movies.get(&state, 44).is_none());
//! # Ok(())
//! # }
//! ```
//!
//! The programs under `examples/` go on from here: a typed dataset through a change (`movies`), references, sets and maps, and consumers of one
//! type (`catalogue`), states that are kept while versions come and go (`commerce`), a registry of devices with a rollout that is tried first
//! (`devices`), feature flags under evaluation (`flags`), what to measure (`metrics`), and a schema known only at run time (`dynamic`).
//!
//! # The words
//!
//! - A **dataset** is a name, a schema, and the records of each of its types. A type has a primary key, or is a set of records.
//! - A **version** is one content of all types. It exists from the moment one entry in the **log** is created; two producers may race, crash
//!   or wake up late, and one chain comes out.
//! - A **state** ([`state::State`]) is a version in memory. It never changes; a refresh makes a new one that shares what stayed the same.
//! - A **cycle** makes a version: a full one states every record, an incremental one what changed.
//! - An **epoch** is the time of one producer. It begins with a claim in the log, and the next claim ends it.
//! - A **ring** is a part of the fleet by name; "" is everyone else. Its **target** is the version that the log tells it to be at: the newest one,
//!   unless a **hold** keeps it elsewhere, which is a pin, or a version that is held back.
//! - The **floor** is the oldest version that is kept; what lies below it may be gone.
//! - A **break** is a version without a delta from the one before: nothing is carried over, and consumers arrive by snapshot.
//! - A table of a state is a **base**, the rows of a snapshot or of a rebase, under an **overlay**, the changes since. A **rebase** writes both anew as
//!   one, in the background.
//! - A **seal** says who verified a section in the state directory and when, so that no other process of the host has to.
//!
//! # Where to go from here
//!
//! | to | see |
//! |---|---|
//! | publish | [`producer`], [`producer::Validator`] for what must hold before a version is visible, [`producer::CycleListener`] for what goes on |
//! | follow and read | [`consumer`], [`state::TypedTable`], or [`state::Table`] and [`wire::DynamicStruct`] without generated code |
//! | go from a record to those it references, and back | [`consumer::Consumer::reference`], or [`state::State::reference`] |
//! | look into lists, sets and maps of a record | [`collections`] |
//! | declare or infer a schema | [`schema`] |
//! | choose a store | [`store`]: a local folder, memory, or whatever implements `object_store::ObjectStore` |
//! | look into a chain from outside | [`tools`] |
//! | know what an error asks for | [`ErrorKind`] |

#![deny(unsafe_code)]

pub mod announce;
pub mod cache;
pub mod collections;
pub mod consumer;
pub mod environment;
pub mod error;
pub mod format;
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, clippy::pedantic, rustdoc::all)]
#[doc(hidden)]
pub mod generated;
pub mod identifiers;
pub mod index;
mod listeners;
pub mod log;
pub mod operator;
pub mod producer;
pub mod progress;
pub mod replica;
pub mod retention;
pub mod schema;
pub mod segment;
pub mod state;
pub mod store;
pub mod tools;
pub mod wire;
mod workers;

pub use error::{Error, ErrorKind, Result};
