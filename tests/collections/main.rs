//! List, set and map views against `Vec`, `BTreeSet` and `BTreeMap`, through generated code and without it.

mod foreign;
mod lists;
mod maps;
mod message;
mod sets;

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    pub(crate) mod collections_capnp {
        include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/collections_capnp.rs"));
    }
}
