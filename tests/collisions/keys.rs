//! Keys whose hashes collide, and the type that they are keys of.
//!
//! xxh3-64 of 17 to 128 bytes multiplies each block of 16 bytes as two halves, the lower one combined by XOR with a word of a public secret
//! plus the seed. Where that is 0 the product is 0 whatever the upper half says, so keys that differ only there have one hash. (The function
//! is no secret: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.)

use std::collections::BTreeMap;

use hollowcast::Result;
use hollowcast::identifiers::KeySeed;
use hollowcast::producer::{ChangeWriter, Writer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::wire::Draft;

/// Bytes 16 to 24 of the secret of xxh3, which the last block of a short key meets.
const SECRET_WORD: u64 = u64::from_le_bytes([0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb]);

/// A 20-byte key that, under `seed`, has the hash of every other one of the same `group`. With the length before it the key has 24 bytes; its
/// last block of 16 begins at byte 8, its upper half at byte 16.
pub(crate) fn colliding(seed: KeySeed, group: u32, member: u64) -> Vec<u8> {
    let lower = SECRET_WORD.wrapping_add(seed.0);
    [&group.to_le_bytes()[..], &lower.to_le_bytes(), &member.to_le_bytes()].concat()
}

/// The bytes that look a key up.
pub(crate) fn key_bytes(key: &[u8]) -> Vec<u8> {
    [&(key.len() as u32).to_le_bytes(), key].concat()
}

/// One type, `Item`, of a data key and a number.
pub(crate) fn schema() -> Schema {
    let field = |name: &str, ordinal, value_type| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: Default::Zero,
    };
    let members = vec![field("key", 0, DeclaredType::Data), field("value", 1, DeclaredType::UInt64)];
    let declaration = SchemaDeclaration {
        types: vec![TypeDeclaration { name: "Item".to_owned(), key: vec!["key".to_owned()] }],
        structs: vec![StructDeclaration { id: None, name: "Item".to_owned(), members }],
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

/// An item's words.
fn item(key: &[u8], value: u64) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(1, 1).unwrap();
    draft.set_bits_at(root, 0, 64, value);
    draft.set_data(draft.pointer(root, 0), key).unwrap();
    draft.words().to_vec()
}

/// States these items as the whole dataset.
pub(crate) fn add_all(writer: &Writer, items: &BTreeMap<Vec<u8>, u64>) -> Result<()> {
    let index = writer.type_index("Item")?;
    items.iter().try_for_each(|(key, value)| writer.add_words(index, &item(key, *value)))
}

/// States one item.
pub(crate) fn upsert(writer: &ChangeWriter, key: &[u8], value: u64) -> Result<()> {
    writer.upsert_words(writer.type_index("Item")?, &item(key, value))
}

/// States that an item is gone.
pub(crate) fn delete(writer: &ChangeWriter, key: &[u8]) -> Result<()> {
    writer.delete_bytes(writer.type_index("Item")?, &key_bytes(key))
}
