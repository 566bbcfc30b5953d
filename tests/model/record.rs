//! Records and their keys.

use super::kind::Kind;
use super::value::Value;

/// A record as the values of its fields, trimmed by its type's shape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record(pub(crate) Vec<Value>);

/// What the key of a type consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyShape {
    /// The whole record.
    Keyless,
    Number,
    Text,
    /// A number and a text.
    Pair,
    /// A bool, a negative number and data.
    Triple,
}

impl KeyShape {
    /// Every shape.
    pub(crate) const ALL: [Self; 5] = [Self::Keyless, Self::Number, Self::Text, Self::Pair, Self::Triple];

    /// Names and kinds of the key fields.
    pub(crate) fn fields(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Keyless => &[],
            Self::Number => &[("id", Kind::UInt32)],
            Self::Text => &[("code", Kind::Text)],
            Self::Pair => &[("group", Kind::UInt16), ("name", Kind::Text)],
            Self::Triple => &[("flag", Kind::Bool), ("offset", Kind::Int64), ("mark", Kind::Data)],
        }
    }

    /// The values of the key with this number. Different numbers have different keys; key 0 is as empty as can be.
    pub(crate) fn values(self, number: u32) -> Vec<Value> {
        match self {
            Self::Keyless => Vec::new(),
            Self::Number => vec![Value::UInt(u64::from(number.wrapping_mul(0x9E37_79B1)))],
            Self::Text => vec![Value::Text(long_and_short(number))],
            Self::Pair => vec![Value::UInt(u64::from(number % 7)), Value::Text(long_and_short(number / 7))],
            Self::Triple => vec![
                Value::Bool(number % 2 == 1),
                Value::Int(-i64::from(number / 2 % 3)),
                Value::Data(long_and_short(number / 6).into_bytes()),
            ],
        }
    }

    /// What tells a record of this key from others: its key bytes as `docs/format.md` has them, or all of a keyless record.
    pub(crate) fn identity(self, record: &Record) -> Vec<u8> {
        if self == Self::Keyless {
            return format!("{record:?}").into_bytes();
        }
        let mut bytes = Vec::new();
        for (value, (_, kind)) in record.0.iter().zip(self.fields()) {
            match (kind, value) {
                (Kind::Bool, Value::Bool(flag)) => bytes.push(u8::from(*flag)),
                (Kind::UInt16, Value::UInt(number)) => bytes.extend((*number as u16).to_le_bytes()),
                (Kind::UInt32, Value::UInt(number)) => bytes.extend((*number as u32).to_le_bytes()),
                (Kind::Int64, Value::Int(number)) => bytes.extend(number.to_le_bytes()),
                (Kind::Text, Value::Text(text)) => extend_counted(&mut bytes, text.as_bytes()),
                (Kind::Data, Value::Data(data)) => extend_counted(&mut bytes, data),
                other => unreachable!("{other:?} is in no key of the test"),
            }
        }
        bytes
    }
}

/// A text of its own for each number: none, a few bytes, more than a hash takes at once, more than a lookup keeps on the stack.
fn long_and_short(number: u32) -> String {
    let filler = [0, 0, 13, 150, 400][number as usize % 5];
    if number == 0 { String::new() } else { format!("{number}{}", "-".repeat(filler)) }
}

fn extend_counted(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text);
}
