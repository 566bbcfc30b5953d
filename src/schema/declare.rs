//! What the text of a schema says, before it is laid out.

use super::model::Default;

/// A schema as its text declares it. `Schema::from_declaration` lays it out exactly as Cap'n Proto's compiler would;
/// `Schema::to_declaration` is the way back, so a field is added by appending it here and laying out again.
#[derive(Clone, Debug, PartialEq, Eq, std::default::Default)]
pub struct SchemaDeclaration {
    /// Record types; each is a struct of the same name in [`SchemaDeclaration::structs`].
    pub types: Vec<TypeDeclaration>,
    /// Every struct, nested ones too, by dotted name (`Movie.Rating`).
    pub structs: Vec<StructDeclaration>,
    /// Every enum, by dotted name.
    pub enums: Vec<EnumDeclaration>,
}

/// A record type and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDeclaration {
    /// Name of the type and of its struct.
    pub name: String,
    /// Key fields in key order, dotted where they lie in groups or structs; empty for a keyless type.
    pub key: Vec<String>,
}

/// A struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructDeclaration {
    /// Node id; `None` derives it from the name.
    pub id: Option<u64>,
    /// Dotted name.
    pub name: String,
    /// Members in code order.
    pub members: Vec<MemberDeclaration>,
}

/// A member of a struct, group or union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberDeclaration {
    /// `name @ordinal :Type = default $name("…") $references("…") $set` or `… $map("…")`
    Field {
        /// Cap'n Proto name.
        name: String,
        /// Name in files and output, where it differs.
        original_name: Option<String>,
        /// Type whose key this field holds.
        references: Option<String>,
        /// What the elements of a list are kept as, where they are in no order of their own.
        collection: Option<CollectionDeclaration>,
        /// `@n`.
        ordinal: u16,
        /// Declared type.
        value_type: DeclaredType,
        /// Declared default.
        default: Default,
    },
    /// `name :group { … }`; a named union is a group whose only member is an unnamed union.
    Group {
        /// Cap'n Proto name.
        name: String,
        /// Name in files and output, where it differs.
        original_name: Option<String>,
        /// Members in code order.
        members: Vec<MemberDeclaration>,
    },
    /// `union { … }`, unnamed; at most one in a struct or group.
    Union {
        /// Fields and groups in code order.
        members: Vec<MemberDeclaration>,
    },
}

/// What the elements of a list are kept as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionDeclaration {
    /// Each once, in order: `$set`.
    Set,
    /// One for each key, in the order of keys: `$map("…")`.
    Map {
        /// Field of the elements' struct, dotted where it lies in groups or structs.
        key: String,
    },
}

/// A type by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DeclaredType {
    Void,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Text,
    Data,
    /// Dotted name of an enum of the declaration.
    Enum(String),
    /// Dotted name of a struct of the declaration.
    Struct(String),
    List(Box<DeclaredType>),
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumDeclaration {
    /// Node id; `None` derives it from the name.
    pub id: Option<u64>,
    /// Dotted name.
    pub name: String,
    /// Names by value.
    pub enumerants: Vec<String>,
}
