//! From a schema to what the printer does for each field.

use crate::schema::{Default, EnumIndex, Field, FieldKind, Schema, StructDefinition, StructIndex, Type};

/// Prints records of a schema. Immutable and cheap to share; printing allocates nothing.
#[derive(Debug)]
pub struct JsonPrinter {
    pub(super) structs: Vec<StructPlan>,
    /// Names of each enum's values, as JSON strings.
    pub(super) enums: Vec<Vec<Box<[u8]>>>,
}

/// How the fields of a struct or group are printed.
#[derive(Debug)]
pub(super) struct StructPlan {
    pub(super) name: String,
    pub(super) discriminant_offset: Option<u32>,
    /// Members of the union.
    pub(super) union_members: u16,
    /// In code order.
    pub(super) members: Vec<MemberPlan>,
}

/// How a field is printed.
#[derive(Debug)]
pub(super) struct MemberPlan {
    /// As in files and output.
    pub(super) name: Box<str>,
    /// `,"name":`; the first of an object leaves out the comma.
    pub(super) prefix: Box<[u8]>,
    /// The field is there only while the union says so.
    pub(super) discriminant: Option<u16>,
    pub(super) value: ValuePlan,
}

/// How a value is printed, and where it lies.
#[derive(Debug)]
pub(super) enum ValuePlan {
    Void,
    /// Bits of the data section, in units of their width, and the default they are combined with.
    Data {
        offset: u32,
        scalar: Scalar,
        default: u64,
    },
    Text {
        pointer: u32,
    },
    Bytes {
        pointer: u32,
    },
    Struct {
        pointer: u32,
        structure: StructIndex,
    },
    List {
        pointer: u32,
        element: ElementPlan,
    },
    Group(StructIndex),
    /// The value of an optional group, there when the discriminant is set.
    Optional {
        discriminant_offset: u32,
        value: Box<ValuePlan>,
    },
}

/// How the elements of a list are printed.
#[derive(Debug)]
pub(super) enum ElementPlan {
    Void,
    Data(Scalar),
    Text,
    Bytes,
    Struct(StructIndex),
    List(Box<ElementPlan>),
}

/// How the bits of a data value are printed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar {
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
    Enum(EnumIndex),
}

impl JsonPrinter {
    /// Compiles a schema. Cost: a few allocations a field.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let enums = schema
            .enums()
            .iter()
            .map(|known| known.enumerants.iter().map(|name| json_string(name)).collect());
        Self {
            structs: schema.structs().iter().map(|definition| StructPlan::new(schema, definition)).collect(),
            enums: enums.collect(),
        }
    }
}

impl StructPlan {
    fn new(schema: &Schema, definition: &StructDefinition) -> Self {
        let arms = definition.fields.iter().filter(|field| field.discriminant.is_some());
        Self {
            name: definition.name.clone(),
            discriminant_offset: definition.discriminant_offset,
            union_members: arms.count() as u16,
            members: definition.fields.iter().map(|field| MemberPlan::new(schema, field)).collect(),
        }
    }
}

impl MemberPlan {
    fn new(schema: &Schema, field: &Field) -> Self {
        let prefix = [b",", &*json_string(field.shown_name()), b":"].concat();
        Self {
            name: field.shown_name().into(),
            prefix: prefix.into(),
            discriminant: field.discriminant,
            value: ValuePlan::new(schema, &field.kind),
        }
    }
}

impl ValuePlan {
    fn new(schema: &Schema, kind: &FieldKind) -> Self {
        match kind {
            FieldKind::Group(group) => Self::group(schema, *group),
            FieldKind::Slot { offset, value_type, default } => Self::slot(*offset, value_type, default),
        }
    }

    fn group(schema: &Schema, group: StructIndex) -> Self {
        match (schema.optional_value(group), schema.structure(group).discriminant_offset) {
            (Some(value), Some(discriminant_offset)) => {
                Self::Optional { discriminant_offset, value: Box::new(Self::new(schema, &value.kind)) }
            }
            _ => Self::Group(group),
        }
    }

    fn slot(offset: u32, value_type: &Type, default: &Default) -> Self {
        match value_type {
            Type::Void => Self::Void,
            Type::Text => Self::Text { pointer: offset },
            Type::Data => Self::Bytes { pointer: offset },
            Type::Struct(structure) => Self::Struct { pointer: offset, structure: *structure },
            Type::List(element) => Self::List { pointer: offset, element: ElementPlan::new(element) },
            scalar => {
                let scalar = Scalar::new(scalar).expect("all other types are data");
                let default = if let Default::Bits(bits) = default { *bits } else { 0 };
                Self::Data { offset, scalar, default }
            }
        }
    }
}

impl ElementPlan {
    fn new(element: &Type) -> Self {
        match element {
            Type::Void => Self::Void,
            Type::Text => Self::Text,
            Type::Data => Self::Bytes,
            Type::Struct(structure) => Self::Struct(*structure),
            Type::List(inner) => Self::List(Box::new(Self::new(inner))),
            scalar => Self::Data(Scalar::new(scalar).expect("all other types are data")),
        }
    }
}

impl Scalar {
    fn new(value_type: &Type) -> Option<Self> {
        Some(match value_type {
            Type::Bool => Self::Bool,
            Type::Int8 => Self::Int8,
            Type::Int16 => Self::Int16,
            Type::Int32 => Self::Int32,
            Type::Int64 => Self::Int64,
            Type::UInt8 => Self::UInt8,
            Type::UInt16 => Self::UInt16,
            Type::UInt32 => Self::UInt32,
            Type::UInt64 => Self::UInt64,
            Type::Float32 => Self::Float32,
            Type::Float64 => Self::Float64,
            Type::Enum(index) => Self::Enum(*index),
            Type::Void | Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => return None,
        })
    }
}

fn json_string(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    super::text::write_text(text, &mut out);
    out.into()
}
