//! Cap'n Proto schemas at run time.
//!
//! Which types a dataset has, how their records are laid out, which field is the key: everything that is read, copied,
//! hashed or printed without generated code is driven by a [`Schema`].

mod declare;
mod model;

pub use declare::{
    DeclaredType, EnumDeclaration, MemberDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
pub use model::{
    Default, EnumDefinition, EnumIndex, Field, FieldKind, FieldPath, RecordType, Schema, StructDefinition,
    StructIndex, Type, TypeIndex,
};
