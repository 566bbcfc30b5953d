//! Values that are bits, and cells that become values.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hollowcast::schema::Type;

use super::super::error::{Fault, shown};
use super::super::json_lines::{Integer, Number, Value};
use super::record::Target;

impl Target<'_> {
    /// The bits that `value` has as a `value_type`, which is one that data sections hold.
    pub(in super::super) fn bits(&self, value_type: &Type, value: Value<'_>) -> Result<u64, Fault> {
        let bits = match value_type {
            Type::Void => matches!(value, Value::Null).then_some(0),
            Type::Bool => {
                if let Value::Bool(value) = value {
                    Some(u64::from(value))
                } else {
                    None
                }
            }
            Type::Int8 => signed(value, 8),
            Type::Int16 => signed(value, 16),
            Type::Int32 => signed(value, 32),
            Type::Int64 => signed(value, 64),
            Type::UInt8 => unsigned(value, 8),
            Type::UInt16 => unsigned(value, 16),
            Type::UInt32 => unsigned(value, 32),
            Type::UInt64 => unsigned(value, 64),
            Type::Float32 => float32(value),
            Type::Float64 => float64(value),
            Type::Enum(index) => {
                if let Value::Text(name) = value {
                    self.enumerant(*index, name)
                } else {
                    None
                }
            }
            Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => {
                unreachable!("pointers are no bits")
            }
        };
        bits.ok_or_else(|| self.misfit(value_type, value))
    }

    /// What is wrong with a value of another type.
    #[cold]
    pub(super) fn misfit(&self, value_type: &Type, value: Value<'_>) -> Fault {
        let expected = self.describe(value_type);
        match (value, value_type) {
            (Value::Null, _) => {
                Fault::value(format!("{expected}, as only optional fields may be null"), "null")
            }
            (Value::Number(number), Type::Float32 | Type::Float64) => {
                let kind =
                    if number.is_integer() { "an integer that it holds exactly" } else { "in its range" };
                Fault::value(format!("{expected}, {kind}"), value.describe())
            }
            _ => Fault::value(expected, value.describe()),
        }
    }

    fn describe(&self, value_type: &Type) -> Cow<'static, str> {
        Cow::Borrowed(match value_type {
            Type::Void => "null",
            Type::Bool => "true or false",
            Type::Int8 => "an integer from -128 to 127",
            Type::Int16 => "an integer from -32768 to 32767",
            Type::Int32 => "an integer from -2147483648 to 2147483647",
            Type::Int64 => "an integer from -2^63 to 2^63 - 1",
            Type::UInt8 => "an integer from 0 to 255",
            Type::UInt16 => "an integer from 0 to 65535",
            Type::UInt32 => "an integer from 0 to 4294967295",
            Type::UInt64 => "an integer from 0 to 2^64 - 1",
            Type::Float32 => "a number (Float32)",
            Type::Float64 => "a number (Float64)",
            Type::Text => "a string",
            Type::Data => "base64, padded, in a string",
            Type::Struct(_) => "an object",
            Type::List(_) => "a list",
            Type::Enum(index) => {
                let known = &self.schema().enumeration(*index).enumerants;
                let some = known.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if known.len() > 20 { ", …" } else { "" };
                return Cow::Owned(format!("one of {some}{more}"));
            }
        })
    }
}

/// A cell as the value that a field of `value_type` would read. What makes no such value stays text, to be refused with it.
pub(in super::super) fn cell_value<'a>(value_type: &Type, cell: &'a str) -> Value<'a> {
    match (value_type, cell) {
        (Type::Text | Type::Data | Type::Enum(_), _) => Value::Text(cell),
        (_, "") => Value::Null,
        (Type::Bool, "true") => Value::Bool(true),
        (Type::Bool, "false") => Value::Bool(false),
        _ => Number::parse(cell).map_or(Value::Text(cell), Value::Number),
    }
}

/// The bytes that base64 text stands for.
pub(in super::super) fn bytes_of_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    decode_base64(text, &mut bytes)?;
    Ok(bytes)
}

/// Appends the bytes that base64 text stands for.
pub(super) fn decode_base64(text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    STANDARD.decode_vec(text, out).map_err(|_| Fault::value("base64, padded, in a string", shown(text)))
}

/// An integer, which may be spelled in a string.
fn integer(value: Value<'_>) -> Option<Integer> {
    match value {
        Value::Number(number) => number.integer(),
        Value::Text(text) => Number::parse(text)?.integer(),
        _ => None,
    }
}

fn signed(value: Value<'_>, width: u32) -> Option<u64> {
    let integer = integer(value)?;
    let most = 1 << (width - 1);
    let fits = if integer.negative { integer.magnitude <= most } else { integer.magnitude < most };
    let bits = if integer.negative { integer.magnitude.wrapping_neg() } else { integer.magnitude };
    fits.then_some(bits & (u64::MAX >> (64 - width)))
}

fn unsigned(value: Value<'_>, width: u32) -> Option<u64> {
    let integer = integer(value)?;
    (!integer.negative && integer.magnitude <= u64::MAX >> (64 - width)).then_some(integer.magnitude)
}

fn float32(value: Value<'_>) -> Option<u64> {
    let value = match value {
        Value::Number(number) => number.float32()?,
        // Both have the same sign and are as quiet: what was a NaN or an infinity is one again.
        Value::Text(text) => special(text)? as f32,
        _ => return None,
    };
    Some(u64::from(value.to_bits()))
}

fn float64(value: Value<'_>) -> Option<u64> {
    let value = match value {
        Value::Number(number) => number.float64()?,
        Value::Text(text) => special(text)?,
        _ => return None,
    };
    Some(value.to_bits())
}

fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
