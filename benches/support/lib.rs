//! What measurements share: made-up records, a dataset of them, and the limits of the machine.

#![allow(missing_docs)]

pub mod dataset;
#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
pub mod flats_capnp;
pub mod generator;
pub mod lookups;
pub mod machine;
pub mod made_up;
#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
pub mod movies_capnp;
pub mod own_memory;
pub mod report;
