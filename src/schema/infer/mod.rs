//! A schema from what files hold.
//!
//! Files without a schema are read twice. The first pass observes: a [`Shape`] remembers, for every column and every
//! level below it, which kinds of value were seen, how often, and where first. Shapes merge, so parts of a file are
//! observed in parallel. [`infer`] then turns the shape of a type's records into Cap'n Proto declarations, or says which
//! two places in the files do not go together:
//!
//! | seen | becomes |
//! |---|---|
//! | integers | `Int64`, or `UInt64` where one exceeds it |
//! | other numbers, alone or with integers that a `Float64` holds exactly | `Float64` |
//! | `true`, `false` | `Bool` |
//! | strings | `Text` |
//! | arrays | `List` of what is in them |
//! | objects | a struct with the union of all their members |
//! | only `null`, `[]` or `{}` | nothing yet: the column waits until it has a type |
//!
//! Numbers and bools outside the key become *optional groups*, `elevation :group { union { none @0 :Void; value @1
//! :Float64; } }`, so that tomorrow's empty cell is no break; keys are plain. Names that Cap'n Proto does not allow get a
//! legal one and keep their own in `$name` (see [`field_name`]).
//!
//! Against an existing schema the files must fit the fields that are there; columns it lacks are appended as new fields.
//! A schema that is given as such is not extended: [`conform`] refuses what it has no field for.
//! Keeps semantics 9 (a file that lacks a column of the dataset is told of) and the inferring half of 4.

mod declare;
mod extend;
mod fit;
mod names;
mod resolve;
mod shape;
#[cfg(test)]
mod tests;

pub use declare::{Inference, Observed, conform, infer, infer_declaration};
pub use names::field_name;
pub use shape::{ListShape, MAX_MEMBERS, Member, ObjectShape, Place, Shape, Side};

use crate::error::{Classify, ErrorKind};
use crate::schema::SchemaError;

/// Why no schema can be inferred from some files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// Two values of one column have types that do not go together.
    #[error(
        "{file}:{line}: field {field}: {found} here, but {} in {}:{} ({count} against {} values): \
         make them one type",
        earlier.found, earlier.file, earlier.line, earlier.count
    )]
    Disagreement {
        /// File of the later value.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// Dotted path of the column; `[]` stands for the elements of a list.
        field: String,
        /// What the value is.
        found: &'static str,
        /// How many values are like it.
        count: u64,
        /// The other side.
        earlier: Box<EarlierValue>,
    },
    /// A list holds a null.
    #[error(
        "{file}:{line}: field {field}: expected a value, found null inside a list: leave it out of the list"
    )]
    NullInList {
        /// File of the first such list.
        file: String,
        /// Its line.
        line: u64,
        /// Dotted path of the list's elements.
        field: String,
    },
    /// More distinct members than a struct is given.
    #[error(
        "{file}:{line}: field {field}: the member `{member}` is one more than {MAX_MEMBERS} distinct ones: \
         make the object a list of entries, [{{\"key\": …, \"value\": …}}]"
    )]
    TooManyMembers {
        /// File of the first member too many.
        file: String,
        /// Its line.
        line: u64,
        /// Dotted path of the object; empty for the record itself.
        field: String,
        /// The member.
        member: String,
    },
    /// Two columns have the same Cap'n Proto name.
    #[error("{type_name}: the columns `{first}` and `{second}` would both be the field `{name}`: rename one")]
    NameCollision {
        /// The struct.
        type_name: String,
        /// The column that has the name.
        first: String,
        /// The column that would need it too.
        second: String,
        /// The name.
        name: String,
    },
    /// The name of a type is none in Cap'n Proto.
    #[error(
        "`{name}` cannot name a type: use letters and digits, a capital first, and no built-in type: Airport"
    )]
    TypeName {
        /// The name.
        name: String,
    },
    /// The dataset has a nested struct or an enum of this name.
    #[error("`{name}` names a struct or enum of the dataset already: give the type another name")]
    TypeTaken {
        /// The name.
        name: String,
    },
    /// A key column is not in the files, or has no value in any row.
    #[error(
        "{type_name}: the key column `{column}` has no value in any row: the columns with values are {columns}"
    )]
    KeyMissing {
        /// The type.
        type_name: String,
        /// The column.
        column: String,
        /// Those that could be meant.
        columns: String,
    },
    /// A key column is of a type that keys cannot be.
    #[error(
        "{file}:{line}: field {column}: {found} cannot be part of a key: use columns of integers, text or true and false"
    )]
    KeyType {
        /// File of the first such value.
        file: String,
        /// Its line.
        line: u64,
        /// The column.
        column: String,
        /// What it holds.
        found: &'static str,
    },
    /// One column is named twice as a part of the key.
    #[error("{type_name}: the key names `{column}` twice: name each column once")]
    KeyTwice {
        /// The type.
        type_name: String,
        /// The column.
        column: String,
    },
    /// The dataset has another key for this type.
    #[error(
        "{type_name}: the dataset's key is {declared}, not {found}: leave --key out, a changed key is a break"
    )]
    KeyChanged {
        /// The type.
        type_name: String,
        /// The dataset's key.
        declared: String,
        /// The one asked for.
        found: String,
    },
    /// No column has a type.
    #[error(
        "{type_name}: no column has a value in any row, so there is no field to declare: give one column a value"
    )]
    NoColumns {
        /// The type.
        type_name: String,
    },
    /// The dataset's field cannot hold what the file has.
    #[error(
        "{file}:{line}: field {field}: the dataset declares {declared}, found {found}: \
         mend the file; a column of another type is a break (`--accept-break`)"
    )]
    NeedsBreak {
        /// File of the first value that does not fit.
        file: String,
        /// Its line.
        line: u64,
        /// Dotted path of the column.
        field: String,
        /// The dataset's type.
        declared: String,
        /// What the value is.
        found: &'static str,
    },
    /// A member that a named union does not know.
    #[error(
        "{file}:{line}: field {field}: the union has no member `{member}`: mend the file, or declare it in the schema of the dataset's producer"
    )]
    UnknownUnionMember {
        /// File of the first such object.
        file: String,
        /// Its line.
        line: u64,
        /// Dotted path of the union.
        field: String,
        /// The member.
        member: String,
    },
    /// A schema that is given has no record type of this name.
    #[error("the schema has no record type `{name}`: it has {known}; give it a struct `{name}` with `$key`")]
    UnknownType {
        /// The name.
        name: String,
        /// Those that it has.
        known: String,
    },
    /// A member that a schema that is given has no field for.
    #[error("{file}:{line}: field {field}: the schema has no field for `{member}`: {advice}")]
    UnknownMember {
        /// File of the first such member.
        file: String,
        /// Its line.
        line: u64,
        /// Dotted path of the member.
        field: String,
        /// The member.
        member: String,
        /// What could be meant.
        advice: String,
    },
    /// The declarations make no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// The first of two values that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierValue {
    /// Its file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
    /// What it is.
    pub found: &'static str,
    /// How many values are like it.
    pub count: u64,
}

impl Classify for InferenceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Schema(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }
}
