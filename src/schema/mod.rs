//! Cap'n Proto schemas at run time.
//!
//! Which types a dataset has, how their records are laid out, which field is the key: everything that is read, copied,
//! hashed or printed without generated code is driven by a [`Schema`].
//!
//! A schema comes from a declaration ([`Schema::from_declaration`]) and from nowhere else: compiled schemas, generated
//! code and stored bytes are first turned into one, then laid out and checked like any other, and then compared with
//! the layout they bring. So whatever a [`Schema`] says about offsets is true, wherever its bytes came from.

mod annotations;
mod assemble;
mod collection;
mod compatibility;
#[cfg(test)]
mod compiler;
mod declare;
mod default;
mod error;
mod file;
mod identity;
pub mod infer;
mod introspect;
mod key;
mod layout;
pub mod limits;
mod literal;
mod model;
mod names;
mod nodes;
mod order;
mod path;
#[cfg(test)]
mod random;
mod redeclare;
mod references;
#[cfg(test)]
mod refusals;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, clippy::pedantic, rustdoc::all, dead_code)]
mod testdata;
mod text;
mod type_filter;
mod wrappers;

pub use annotations::ANNOTATIONS_FILE;
pub use compatibility::{BreakReason, Change, Compatibility};
pub use declare::{
    CollectionDeclaration, DeclaredType, EnumDeclaration, MemberDeclaration, SchemaDeclaration,
    StructDeclaration, TypeDeclaration,
};
pub use error::SchemaError;
pub use introspect::SchemaBuilder;
pub(crate) use introspect::node_id_of;
pub use model::{
    Collection, Default, EnumDefinition, EnumIndex, Field, FieldKind, FieldPath, RecordType, Schema,
    StructDefinition, StructIndex, Type, TypeIndex,
};
pub use type_filter::TypeFilter;
