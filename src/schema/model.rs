//! The model of a schema: record types, and every struct and enum they reach.

use crate::identifiers::TypeId;

/// Place of a struct or group in [`Schema::structs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StructIndex(pub u32);

/// Place of an enum in [`Schema::enums`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumIndex(pub u32);

/// Place of a record type in [`Schema::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub u32);

/// The schema of a dataset.
///
/// Immutable once made; every constructor checks it (see `SchemaError`), so code that walks a schema may index freely.
/// Two schemas are equal, and hash alike, when they declare the same types whatever the order of their declarations.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) types: Vec<RecordType>,
    pub(crate) structs: Vec<StructDefinition>,
    pub(crate) enums: Vec<EnumDefinition>,
}

/// A type of record: one struct of the dataset, published under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordType {
    /// The name users see: the last part of the struct's display name, `Movie`.
    pub name: String,
    /// Hash of the name.
    pub id: TypeId,
    /// The struct its records are.
    pub structure: StructIndex,
    /// The fields that make up its primary key, in key order; empty for a keyless type (a set of records).
    pub key: Vec<FieldPath>,
}

/// The way from a record to one of its fields: field positions, each within the struct or group that the one before
/// leads to. All but the last are groups or structs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath(pub Vec<u16>);

/// A struct or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructDefinition {
    /// Cap'n Proto node id.
    pub id: u64,
    /// Declared name, dotted where nested (`Movie.Rating`).
    pub name: String,
    /// Whether it is a group: it then lies within its parent's sections and its widths are the parent's.
    pub is_group: bool,
    /// Width of the data section, in words.
    pub data_words: u16,
    /// Width of the pointer section, in words.
    pub pointer_words: u16,
    /// Where the discriminant of the union lies, in 16-bit units of the data section; `None` without a union.
    pub discriminant_offset: Option<u32>,
    /// Fields in code order.
    pub fields: Vec<Field>,
}

/// A field of a struct or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the schema, `icaoCode`.
    pub name: String,
    /// The name it has in files and output, from `$name`: `icao_code`. Without one it is [`Field::name`].
    pub original_name: Option<String>,
    /// The type whose key this field holds, from `$references`.
    pub references: Option<String>,
    /// What the elements of a list are kept as, from `$set` or `$map`; `None` for a plain list.
    pub collection: Option<Collection>,
    /// Discriminant value that selects it, for a member of a union.
    pub discriminant: Option<u16>,
    /// `@n` of a slot; `None` for a group.
    pub ordinal: Option<u16>,
    /// What it is.
    pub kind: FieldKind,
}

impl Field {
    /// Type of a slot; `None` for a group.
    #[must_use]
    pub fn value_type(&self) -> Option<&Type> {
        match &self.kind {
            FieldKind::Slot { value_type, .. } => Some(value_type),
            FieldKind::Group(_) => None,
        }
    }

    /// The name that files and outputs use.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.original_name.as_deref().unwrap_or(&self.name)
    }
}

/// How a writer keeps the elements of a list, so that readers find one by bisection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Collection {
    /// Each once, in order.
    Set,
    /// One for each key, in the order of keys.
    Map {
        /// The key, from the struct of the elements.
        key: FieldPath,
    },
}

/// A field is a slot of its own or a group of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A value in the data or pointer section.
    Slot {
        /// In units of the type's own size: bits for `Bool`, bytes for `Int8`, pointers for pointer types.
        offset: u32,
        /// Type of the value.
        value_type: Type,
        /// Value that an all-zero slot means.
        default: Default,
    },
    /// Fields grouped under a name, laid out in the same struct.
    Group(StructIndex),
}

/// The type of a slot or of a list's elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Type {
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
    Enum(EnumIndex),
    Struct(StructIndex),
    List(Box<Type>),
}

/// The default of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Default {
    /// All zero bits, or a null pointer.
    Zero,
    /// Bits that stored values are combined with by exclusive or.
    Bits(u64),
    /// Canonical message whose root pointer is the value of an absent pointer.
    Pointer(Vec<u64>),
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumDefinition {
    /// Cap'n Proto node id.
    pub id: u64,
    /// Declared name, dotted where nested.
    pub name: String,
    /// Names by value.
    pub enumerants: Vec<String>,
}

impl Schema {
    /// Record types in topological order: a type comes after the types that it references.
    #[must_use]
    pub fn types(&self) -> &[RecordType] {
        &self.types
    }

    /// The record type called `name`.
    #[must_use]
    pub fn find_type(&self, name: &str) -> Option<TypeIndex> {
        self.types.iter().position(|is| is.name == name).map(|at| TypeIndex(at as u32))
    }

    /// The record type at `index`.
    #[must_use]
    pub fn record_type(&self, index: TypeIndex) -> &RecordType {
        &self.types[index.0 as usize]
    }

    /// Every struct and group that a record reaches.
    #[must_use]
    pub fn structs(&self) -> &[StructDefinition] {
        &self.structs
    }

    /// The struct or group at `index`.
    #[must_use]
    pub fn structure(&self, index: StructIndex) -> &StructDefinition {
        &self.structs[index.0 as usize]
    }

    /// Every enum that a record reaches.
    #[must_use]
    pub fn enums(&self) -> &[EnumDefinition] {
        &self.enums
    }

    /// The enum at `index`.
    #[must_use]
    pub fn enumeration(&self, index: EnumIndex) -> &EnumDefinition {
        &self.enums[index.0 as usize]
    }

    /// The field that `path` leads to from a record of `structure`.
    ///
    /// # Panics
    ///
    /// If `path` is none of this struct: it comes from [`Schema::field_path`] or [`RecordType::key`].
    #[must_use]
    pub fn field(&self, structure: StructIndex, path: &FieldPath) -> &Field {
        let (last, way) = path.0.split_last().expect("a field path has at least one step");
        let parent = way.iter().fold(structure, |at, step| {
            match &self.structure(at).fields[usize::from(*step)].kind {
                FieldKind::Group(group) => *group,
                FieldKind::Slot { value_type: Type::Struct(inner), .. } => *inner,
                FieldKind::Slot { .. } => unreachable!("a field path passes through groups and structs only"),
            }
        });
        &self.structure(parent).fields[usize::from(*last)]
    }
}
