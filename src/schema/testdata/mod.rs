//! Generated from `films.capnp` by `cargo run -p xtask -- generate`.

pub mod films_capnp;
