//! Values as a plain program has them: what was stated, and what a state says.

use hollowcast::wire::{DynamicStruct, DynamicValue, WireError};

/// A value of any type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// An absent pointer, or an optional field without a value.
    Null,
    /// A bool.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// The bits of a float.
    Float(u64),
    /// A text.
    Text(String),
    /// Data.
    Data(Vec<u8>),
    /// The number of an enumerant.
    Enum(u16),
    /// The fields of a struct, without those at the end that are zero or null: a schema that gained fields says the same.
    Struct(Vec<Value>),
    /// The elements of a list.
    List(Vec<Value>),
}

impl Value {
    /// The value that a state's reader gives.
    pub(crate) fn read(value: DynamicValue<'_>) -> Result<Self, WireError> {
        Ok(match value {
            DynamicValue::Null => Self::Null,
            DynamicValue::Void => unreachable!("no field of the test is void"),
            DynamicValue::Bool(value) => Self::Bool(value),
            DynamicValue::Int(value) => Self::Int(value),
            DynamicValue::UInt(value) => Self::UInt(value),
            DynamicValue::Float32(value) => Self::Float(value.to_bits().into()),
            DynamicValue::Float64(value) => Self::Float(value.to_bits()),
            DynamicValue::Text(value) => Self::Text(value.to_owned()),
            DynamicValue::Data(value) => Self::Data(value.to_vec()),
            DynamicValue::Enum(value) => Self::Enum(value.value()),
            DynamicValue::Struct(value) => match value.as_optional() {
                Some(value) => Self::read(value?)?,
                None => Self::structure(Self::fields(value)?),
            },
            DynamicValue::List(list) => {
                Self::List(list.iter().map(|element| Self::read(element?)).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The values of all fields of a struct, in code order.
    pub(crate) fn fields(structure: DynamicStruct<'_>) -> Result<Vec<Self>, WireError> {
        structure.fields().map(|(_, value)| Self::read(value?)).collect()
    }

    /// A struct of these fields.
    pub(crate) fn structure(mut fields: Vec<Self>) -> Self {
        while fields.last().is_some_and(Self::is_zero) {
            fields.pop();
        }
        Self::Struct(fields)
    }

    fn is_zero(&self) -> bool {
        matches!(
            self,
            Self::Null | Self::Bool(false) | Self::Int(0) | Self::UInt(0) | Self::Float(0) | Self::Enum(0)
        )
    }
}
