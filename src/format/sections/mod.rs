//! What the sections of a blob hold: rows and keys of a shard, changes of a type.

pub mod changes;
pub mod message;
pub mod rows;
pub mod shard;
pub mod sharding;
