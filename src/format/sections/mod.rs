//! What sections hold: in a blob rows and keys of a shard and changes of a type, in a state directory the bits of slots as well.

pub mod changes;
pub mod message;
pub mod rows;
pub mod shard;
pub mod sharding;
pub mod slots;
