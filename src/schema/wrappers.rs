//! The structs that the sections of a dataset's files are: they wrap the records of a type.
//!
//! ```capnp
//! struct MovieRows { records @0 :List(Movie); populated @1 :Data; }
//! struct MovieChanges { hashes @0 :List(UInt64); records @1 :List(Movie); added @2 :Data; removed @3 :List(UInt64); }
//! struct Keys { pilots @0 :Data; constant @1 :UInt64; slots @2 :UInt32; }
//! ```
//!
//! They travel with the schema, so that any Cap'n Proto tool can read a section, but are no part of the model: nothing
//! in a record leads to them and they bear no `$key`, so reading a schema back leaves them out. A type for all of them
//! cannot be: `List(AnyPointer)` does not exist.

use super::model::{Default, Field, FieldKind, Schema, StructDefinition, StructIndex, Type};
use super::names;

/// The struct of all sections with keys.
const KEYS: &str = "Keys";

/// Names of the wrappers, which no struct or enum of the dataset may have.
pub(super) fn names_of(schema: &Schema) -> impl Iterator<Item = String> {
    let of_type = |name: &str| [format!("{name}Rows"), format!("{name}Changes")];
    schema.types.iter().flat_map(move |is| of_type(&is.name)).chain([KEYS.to_owned()])
}

/// The wrappers of all types, in the order of types.
pub(super) fn structs_of(schema: &Schema) -> Vec<StructDefinition> {
    let hashes = || Type::List(Box::new(Type::UInt64));
    let records = |structure: StructIndex| Type::List(Box::new(Type::Struct(structure)));
    let of_type = schema.types.iter().flat_map(|is| {
        let rows = [("records", records(is.structure)), ("populated", Type::Data)];
        let changes = [
            ("hashes", hashes()),
            ("records", records(is.structure)),
            ("added", Type::Data),
            ("removed", hashes()),
        ];
        [wrapper(format!("{}Rows", is.name), rows), wrapper(format!("{}Changes", is.name), changes)]
    });
    of_type.chain([keys()]).collect()
}

/// The struct of sections with keys: pilots, and the two numbers of the function.
fn keys() -> StructDefinition {
    let number = |name: &str, ordinal, offset, value_type| Field {
        name: name.into(),
        original_name: None,
        references: None,
        collection: None,
        discriminant: None,
        ordinal: Some(ordinal),
        kind: FieldKind::Slot { offset, value_type, default: Default::Zero },
    };
    let mut keys = wrapper(KEYS.into(), [("pilots", Type::Data)]);
    keys.data_words = 2;
    keys.fields.extend([number("constant", 1, 0, Type::UInt64), number("slots", 2, 2, Type::UInt32)]);
    keys
}

/// A struct of pointers only, which therefore lie in the order of their ordinals.
fn wrapper<const POINTERS: usize>(name: String, pointers: [(&str, Type); POINTERS]) -> StructDefinition {
    let fields = pointers.into_iter().zip(0..).map(|((name, value_type), ordinal)| Field {
        name: name.into(),
        original_name: None,
        references: None,
        collection: None,
        discriminant: None,
        ordinal: Some(ordinal),
        kind: FieldKind::Slot { offset: ordinal.into(), value_type, default: Default::Zero },
    });
    StructDefinition {
        id: names::derived_id(&name),
        name,
        is_group: false,
        data_words: 0,
        pointer_words: POINTERS as u16,
        discriminant_offset: None,
        fields: fields.collect(),
    }
}
