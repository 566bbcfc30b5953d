//! From a key to a position.
//!
//! What this module knows are key hashes, slots and positions, never records: which slot of a shard a hash belongs to
//! ([`perfect_hash`]), which of the base's slots are dead or shadowed by a delta ([`bits`]), and where in the deltas since the base a
//! hash lies ([`directory`]).

pub mod bits;
pub mod directory;
pub mod perfect_hash;
