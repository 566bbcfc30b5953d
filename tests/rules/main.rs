//! What a user may rely on, rule by rule: each test names the rule of semantics or of the commit protocol that it keeps
//! from being broken.

mod breaks;
mod consumer;
mod damage;
mod filter;
mod kept;
mod operator;
mod producer;
mod rebase;
mod retention;
mod self_pin;
mod setting;
mod snapshots;
mod standby;
mod store;
