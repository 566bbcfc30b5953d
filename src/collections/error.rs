//! What can be wrong with looking into a collection by a schema known only at run time.

use crate::error::{Classify, ErrorKind};
use crate::schema::{Schema, Type};
use crate::wire::{DynamicValue, WireError};

/// A field that is no such collection, a value that none of its elements could be, or words that are malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// The record's words are malformed.
    #[error(transparent)]
    Words(#[from] WireError),
    /// The record has no such field.
    #[error("the record has no field {path}: take one of its schema")]
    UnknownField {
        /// What was asked for, dotted.
        path: String,
    },
    /// The field is no list.
    #[error("field {path} is no list: read its value itself")]
    NotAList {
        /// What was asked for, dotted.
        path: String,
    },
    /// The field is a list that writers do not keep so.
    #[error("field {path} bears no {annotation}: look through it as a list, or annotate it in the schema")]
    NotKept {
        /// What was asked for, dotted.
        path: String,
        /// The annotation that it lacks.
        annotation: &'static str,
    },
    /// No element could be the value that is looked for.
    #[error("{found} was looked for among values of type {expected}: look for one of these")]
    WrongKind {
        /// Type of the elements, or of the key.
        expected: String,
        /// Kind of the value.
        found: &'static str,
    },
    /// The enum has no such name.
    #[error("the enum {enumeration} has no value {name}: look for one of its values")]
    UnknownEnumerant {
        /// The enum.
        enumeration: String,
        /// What was looked for.
        name: String,
    },
    /// A null was looked for in a set or map.
    #[error("null was looked for in a set or map, which holds none: look for a value")]
    Null,
}

impl CollectionError {
    #[cold]
    pub(super) fn wrong_kind(schema: &Schema, value_type: &Type, wanted: DynamicValue<'_>) -> Self {
        let found = match wanted {
            DynamicValue::Null => "null",
            DynamicValue::Void => "a void",
            DynamicValue::Bool(_) => "a bool",
            DynamicValue::Int(_) | DynamicValue::UInt(_) => "an integer",
            DynamicValue::Float32(_) | DynamicValue::Float64(_) => "a float",
            DynamicValue::Text(_) => "a text",
            DynamicValue::Data(_) => "data",
            DynamicValue::Enum(_) => "an enum",
            DynamicValue::Struct(_) => "a struct",
            DynamicValue::List(_) => "a list",
        };
        Self::WrongKind { expected: schema.type_name(value_type), found }
    }
}

impl Classify for CollectionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Words(error) => error.kind(),
            Self::UnknownField { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Invalid,
        }
    }
}
