//! Records as JSON.
//!
//! A [`JsonPrinter`] is compiled from a schema once and then prints any number of records, from any thread, into a buffer
//! that the caller keeps: nothing is allocated for a record. One mapping holds for input and output, so what is printed can
//! be published again and gives the same records:
//!
//! | in the schema | in JSON |
//! |---|---|
//! | integers | numbers |
//! | `Float32`, `Float64` | the shortest number that reads back as the same value, with a point or an exponent: `3435.0`; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `Bool`, `Void` | `true`, `false`; `null` |
//! | `Text` | a string |
//! | `Data` | base64 with padding, as a string |
//! | an enum | the name of its value; the number where the schema has no name for it |
//! | a list, a set, a map | an array; of a set or map in any order on the way in, in theirs on the way out |
//! | a struct, a group | an object with its fields in code order, under their names in files (`$name`) |
//! | a union | in the object of its struct or group, only the member that is set |
//! | an optional group | the value, or `null` |
//! | an absent pointer | `null`, also where the schema has a default for it |

mod base64;
mod compare;
mod compile;
mod print;
#[cfg(test)]
mod tests;
mod text;

pub use compare::{FieldComparison, FieldDifference};
pub use compile::JsonPrinter;
pub use text::plain_length;

use crate::error::{Classify, ErrorKind};
use crate::schema;
use crate::wire::{MAX_NESTING, WireError};

/// Deepest nesting of objects and lists in the JSON of a record that may be published.
///
/// Each of its [`MAX_NESTING`] pointers but the first may lead to a list of structs, and each struct may hold as many groups in each other as
/// a schema may have.
pub const MAX_DEPTH: u32 = MAX_NESTING * (schema::limits::NESTING as u32 + 2) - 1;

/// Longest JSON of one record, in bytes.
pub const MAX_RECORD: usize = 1 << 30;

/// A record that cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The words are not what the schema says.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A union is set to a member that the schema does not have.
    #[error(
        "{structure}: member {found} of the union is set, expected one below {expected}: read with a newer schema"
    )]
    UnknownMember {
        /// The struct or group.
        structure: String,
        /// Members that the schema has.
        expected: u16,
        /// The discriminant.
        found: u16,
    },
    /// Structs and lists lie too deep in each other.
    #[error("the record is nested deeper than {MAX_NESTING} pointers: its bytes are wrong")]
    TooDeep,
    /// The JSON of one record would be too long.
    #[error("the record takes more than {MAX_RECORD} bytes of JSON: read it through the library")]
    TooLong,
}

impl Classify for JsonError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Wire(error) => error.kind(),
            Self::UnknownMember { .. } | Self::TooDeep => ErrorKind::Corrupt,
            Self::TooLong => ErrorKind::Invalid,
        }
    }
}
