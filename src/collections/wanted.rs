//! What is looked for in a list whose type is known only at run time.

use std::cmp::Ordering;

use super::error::CollectionError;
use crate::schema::{EnumDefinition, Schema, Type};
use crate::wire::order::SortKey;
use crate::wire::{DynamicValue, WireError, lists_equal, structs_equal};

/// A value that the elements of some list can be compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'w> {
    /// A number, bool, enum, text or data.
    Key(SortKey<'w>),
    Float(f64),
    /// A struct, list, null or void.
    Value(DynamicValue<'w>),
}

impl<'w> Wanted<'w> {
    /// What `wanted` is among values of `value_type`: integers of any width and sign are the same, an enum may be given by
    /// its name as text.
    pub(super) fn of(
        schema: &Schema,
        value_type: &Type,
        wanted: DynamicValue<'w>,
    ) -> Result<Self, CollectionError> {
        use DynamicValue as Value;
        Ok(match (value_type, wanted) {
            (_, Value::Null)
            | (Type::Void, Value::Void)
            | (Type::Struct(_), Value::Struct(_))
            | (Type::List(_), Value::List(_)) => Self::Value(wanted),
            (Type::Bool, Value::Bool(_)) | (Type::Text, Value::Text(_)) | (Type::Data, Value::Data(_)) => {
                Self::Key(SortKey::of(wanted).expect("plain values have an order"))
            }
            (Type::Enum(at), Value::Enum(_) | Value::Text(_)) => {
                Self::Key(SortKey::Number(number_of(schema.enumeration(*at), wanted)?.into()))
            }
            (Type::Float32 | Type::Float64, Value::Float32(float)) => Self::Float(float.into()),
            (Type::Float32 | Type::Float64, Value::Float64(float)) => Self::Float(float),
            (integer, Value::Int(_) | Value::UInt(_)) if is_integer(integer) => {
                Self::Key(SortKey::of(wanted).expect("plain values have an order"))
            }
            _ => return Err(CollectionError::wrong_kind(schema, value_type, wanted)),
        })
    }

    /// Whether `found` is what is looked for.
    pub(super) fn is(self, found: DynamicValue<'_>) -> Result<bool, WireError> {
        use DynamicValue as Value;
        match (self, found) {
            (Self::Key(wanted), found) => Ok(SortKey::of(found) == Some(wanted)),
            (Self::Float(wanted), Value::Float32(found)) => Ok(is_float(found.into(), wanted)),
            (Self::Float(wanted), Value::Float64(found)) => Ok(is_float(found, wanted)),
            (Self::Value(Value::Null), Value::Null) | (Self::Value(Value::Void), Value::Void) => Ok(true),
            (Self::Value(Value::Struct(wanted)), Value::Struct(found)) => {
                structs_equal(found.reader(), wanted.reader())
            }
            (Self::Value(Value::List(wanted)), Value::List(found)) => {
                lists_equal(found.reader(), wanted.reader())
            }
            _ => Ok(false),
        }
    }

    /// Its place among the elements of a set, or keys of a map.
    pub(super) fn sort_key(self) -> Result<SortKey<'w>, CollectionError> {
        match self {
            Self::Key(key) => Ok(key),
            Self::Float(_) | Self::Value(_) => Err(CollectionError::Null),
        }
    }
}

/// The number of an enum's value, which may be given by name.
fn number_of(definition: &EnumDefinition, wanted: DynamicValue<'_>) -> Result<u16, CollectionError> {
    let name = match wanted {
        DynamicValue::Enum(value) => return Ok(value.value()),
        DynamicValue::Text(name) => name,
        other => unreachable!("{other:?} is neither an enum nor a name"),
    };
    let found = definition.enumerants.iter().position(|known| known == name);
    let unknown = || {
        let (enumeration, name) = (definition.name.clone(), name.to_owned());
        CollectionError::UnknownEnumerant { enumeration, name }
    };
    found.map(|number| number as u16).ok_or_else(unknown)
}

fn is_float(found: f64, wanted: f64) -> bool {
    let both_nan = found.is_nan() && wanted.is_nan();
    found.partial_cmp(&wanted).map_or(both_nan, Ordering::is_eq)
}

fn is_integer(value_type: &Type) -> bool {
    use Type::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    matches!(value_type, Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64)
}
