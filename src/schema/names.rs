//! Which names Cap'n Proto's text can carry, and the ids that follow from names.

use xxhash_rust::xxh3::xxh3_64;

use super::error::SchemaError;
use super::limits;

/// The bit that Cap'n Proto asks of every id written in text.
const ID_BIT: u64 = 1 << 63;

/// Types that the language itself names; a struct of that name would hide them.
pub(super) const BUILT_IN: [&str; 16] = [
    "Void",
    "Bool",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
    "Text",
    "Data",
    "List",
    "AnyPointer",
];

/// The node id of a struct or enum that has none of its own.
pub(super) fn derived_id(name: &str) -> u64 {
    xxh3_64(name.as_bytes()) | ID_BIT
}

/// The node id of the group at `path` within the struct with the id `parent`.
pub(super) fn group_id(parent: u64, path: &str) -> u64 {
    xxh3_64(&[&parent.to_le_bytes(), path.as_bytes()].concat()) | ID_BIT
}

/// Refuses an id that text cannot carry.
pub(super) fn check_id(name: &str, id: u64) -> Result<(), SchemaError> {
    if id & ID_BIT != 0 { Ok(()) } else { Err(SchemaError::Id { name: name.into(), id }) }
}

/// Last part of a dotted name.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

/// The name of the scope that a dotted name lies in; `None` at the top.
pub(super) fn scope_of(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(scope, _)| scope)
}

/// Checks the dotted name of a struct or enum.
pub(super) fn check_type_name(name: &str) -> Result<(), SchemaError> {
    limits::at_most(limits::NAME_BYTES, name.len(), "bytes", || format!("the name `{name:.40}…`"))?;
    let refusal = |rule| SchemaError::Name { place: "a struct or enum".into(), name: name.into(), rule };
    for part in name.split('.') {
        if !(part.starts_with(|first: char| first.is_ascii_uppercase()) && is_word(part)) {
            return Err(refusal("it begins with a capital and goes on with letters and digits"));
        }
        if BUILT_IN.contains(&part) {
            return Err(refusal("it is a type of the language itself; rename the struct"));
        }
    }
    Ok(())
}

/// Checks the name of a field, group or enumerant, which stands in `scope`.
pub(super) fn check_member_name(name: &str, scope: &str) -> Result<(), SchemaError> {
    limits::at_most(limits::NAME_BYTES, name.len(), "bytes", || format!("a name in `{scope}`"))?;
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && is_word(name) {
        return Ok(());
    }
    Err(SchemaError::Name {
        place: format!("a field or enumerant of `{scope}`"),
        name: name.into(),
        rule: "it begins with a small letter and goes on with letters and digits; `$name` can hold the original",
    })
}

/// Checks the name that a field has in files and output. Any will do, the empty one too: columns and members are called so.
pub(super) fn check_original_name(name: &str, scope: &str) -> Result<(), SchemaError> {
    limits::at_most(limits::NAME_BYTES, name.len(), "bytes", || format!("a `$name` in `{scope}`"))
}

fn is_word(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
