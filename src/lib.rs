//! Hollowcast distributes read-only, in-memory datasets to fleets of services.

#![deny(unsafe_code)]

pub mod announce;
pub mod cache;
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
pub mod log;
pub mod producer;
pub mod progress;
pub mod replica;
pub mod schema;
pub mod state;
pub mod store;
pub mod tools;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
