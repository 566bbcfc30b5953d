//! Shorthand for declarations in tests.

use super::{
    CollectionDeclaration, DeclaredType, Default, EnumDeclaration, MemberDeclaration, Schema,
    SchemaDeclaration, StructDeclaration, TypeDeclaration,
};

/// Nothing.
pub(crate) fn empty() -> SchemaDeclaration {
    SchemaDeclaration::default()
}

/// `name @ordinal :value_type`
pub(crate) fn field(name: &str, ordinal: u16, value_type: DeclaredType) -> MemberDeclaration {
    with_default(name, ordinal, value_type, Default::Zero)
}

/// `name @ordinal :value_type = default`
pub(crate) fn with_default(
    name: &str,
    ordinal: u16,
    value_type: DeclaredType,
    default: Default,
) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.into(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default,
    }
}

/// `name @ordinal :value_type $name("original")`
pub(crate) fn named(name: &str, ordinal: u16, value_type: DeclaredType, original: &str) -> MemberDeclaration {
    let (name, original_name, references, default) =
        (name.into(), Some(original.into()), None, Default::Zero);
    MemberDeclaration::Field {
        name,
        original_name,
        references,
        collection: None,
        ordinal,
        value_type,
        default,
    }
}

/// `name @ordinal :value_type $references("target")`
pub(crate) fn reference(
    name: &str,
    ordinal: u16,
    value_type: DeclaredType,
    target: &str,
) -> MemberDeclaration {
    let (name, original_name, references, default) = (name.into(), None, Some(target.into()), Default::Zero);
    MemberDeclaration::Field {
        name,
        original_name,
        references,
        collection: None,
        ordinal,
        value_type,
        default,
    }
}

/// `name @ordinal :value_type $set` or `… $map("key")`
pub(crate) fn collection(
    name: &str,
    ordinal: u16,
    value_type: DeclaredType,
    collection: CollectionDeclaration,
) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.into(),
        original_name: None,
        references: None,
        collection: Some(collection),
        ordinal,
        value_type,
        default: Default::Zero,
    }
}

/// `name :group { members }`
pub(crate) fn group(name: &str, members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Group { name: name.into(), original_name: None, members }
}

/// `union { members }`
pub(crate) fn union(members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Union { members }
}

/// `name :group { union { none @ordinal :Void; value @ordinal+1 :value_type; } }`
pub(crate) fn optional(name: &str, ordinal: u16, value_type: DeclaredType) -> MemberDeclaration {
    let arms = vec![field("none", ordinal, DeclaredType::Void), field("value", ordinal + 1, value_type)];
    group(name, vec![union(arms)])
}

/// Adds a struct.
pub(crate) fn add_struct(declaration: &mut SchemaDeclaration, name: &str, members: Vec<MemberDeclaration>) {
    declaration.structs.push(StructDeclaration { id: None, name: name.into(), members });
}

/// Adds an enum.
pub(crate) fn add_enum(declaration: &mut SchemaDeclaration, name: &str, enumerants: &[&str]) {
    let enumerants = enumerants.iter().map(|&name| name.into()).collect();
    declaration.enums.push(EnumDeclaration { id: None, name: name.into(), enumerants });
}

/// Adds a record type and its struct.
pub(crate) fn add_type(
    declaration: &mut SchemaDeclaration,
    name: &str,
    key: &[&str],
    members: Vec<MemberDeclaration>,
) {
    let key = key.iter().map(|&field| field.into()).collect();
    declaration.types.push(TypeDeclaration { name: name.into(), key });
    add_struct(declaration, name, members);
}

/// A schema of one record type, `Movie`.
pub(crate) fn movie(key: &[&str], members: Vec<MemberDeclaration>) -> Result<Schema, super::SchemaError> {
    let mut declaration = empty();
    add_type(&mut declaration, "Movie", key, members);
    Schema::from_declaration(&declaration)
}
