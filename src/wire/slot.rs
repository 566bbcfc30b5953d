//! How the types of a schema lie in words.

use crate::schema::{Schema, Type};

use super::ElementSize;

/// Bits that a value of `value_type` takes in a data section: 0 for `Void`, `None` for a pointer type.
pub(crate) fn data_bits(value_type: &Type) -> Option<u32> {
    Some(match value_type {
        Type::Void => 0,
        Type::Bool => 1,
        Type::Int8 | Type::UInt8 => 8,
        Type::Int16 | Type::UInt16 | Type::Enum(_) => 16,
        Type::Int32 | Type::UInt32 | Type::Float32 => 32,
        Type::Int64 | Type::UInt64 | Type::Float64 => 64,
        Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => return None,
    })
}

/// How wide the elements of a list of `element` are; structs at their declared widths.
#[must_use]
pub fn element_size(schema: &Schema, element: &Type) -> ElementSize {
    match (element, data_bits(element)) {
        (Type::Struct(index), _) => {
            let structure = schema.structure(*index);
            ElementSize::Composite {
                data_words: structure.data_words,
                pointer_words: structure.pointer_words,
            }
        }
        (_, Some(0)) => ElementSize::Void,
        (_, Some(1)) => ElementSize::Bit,
        (_, Some(8)) => ElementSize::Byte,
        (_, Some(16)) => ElementSize::TwoBytes,
        (_, Some(32)) => ElementSize::FourBytes,
        (_, Some(_)) => ElementSize::EightBytes,
        (_, None) => ElementSize::Pointer,
    }
}
