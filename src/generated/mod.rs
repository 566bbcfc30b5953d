//! Written by `cargo run -p xtask -- generate` from `schemas/`.

pub mod announcement_capnp;
pub mod blob_capnp;
pub mod current_capnp;
pub mod hash_capnp;
pub mod log_capnp;
pub mod manifest_capnp;
pub mod tag_capnp;
pub mod hollowcast_capnp;
