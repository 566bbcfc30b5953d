//! How large a schema may be. The bounds keep foreign bytes from costing much, and are far beyond what records need.

use super::error::SchemaError;

/// Record types of a dataset.
pub const TYPES: usize = 1024;
/// Structs, groups and enums of a schema.
pub const NODES: usize = 65_536;
/// Fields of a struct, those of its groups included.
pub const FIELDS: usize = 16_384;
/// Fields of all structs together.
pub const ALL_FIELDS: usize = 262_144;
/// Enumerants of an enum.
pub const ENUMERANTS: usize = 32_768;
/// Groups within groups, and lists within lists.
pub const NESTING: usize = 32;
/// Values in each other that are inferred: no record with more of them can be published. A list and the object in it are two, and take at least one
/// of the 60 pointers that may lead to a value.
pub const INFERRED_NESTING: usize = 120;
/// Bytes of a name, dotted where it is of a nested struct.
pub const NAME_BYTES: usize = 1024;
/// Fields of a key.
pub const KEY_FIELDS: usize = 64;
/// Words of one default.
pub const DEFAULT_WORDS: usize = 8192;
/// Bytes of a compiled schema.
pub const COMPILED_BYTES: usize = 64 << 20;

/// Refuses `found` beyond `limit`.
pub(super) fn at_most(
    limit: usize,
    found: usize,
    what: &'static str,
    place: impl FnOnce() -> String,
) -> Result<(), SchemaError> {
    if found <= limit {
        return Ok(());
    }
    Err(SchemaError::Limit { place: place(), what, found: found as u64, limit: limit as u64 })
}
