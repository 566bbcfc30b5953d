//! What a user may rely on, rule by rule: each test names the rule of semantics or of the commit protocol that it keeps
//! from being broken.

mod breaks;
mod clock;
mod collections;
mod consumer;
mod damage;
mod filter;
mod history;
mod kept;
mod listeners;
mod operator;
mod overtaken;
mod parcels;
mod producer;
mod rebase;
mod references;
mod retention;
mod self_pin;
mod setting;
mod snapshots;
mod standby;
mod store;
mod validators;

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
#[path = "../generated"]
mod generated {
    pub(crate) mod collections_capnp;
    pub(crate) mod keys_capnp;
}
