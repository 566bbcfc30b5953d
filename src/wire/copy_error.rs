//! Why a record cannot be published, and where in it the reason lies.

use crate::error::{Classify, ErrorKind};

use super::WireError;

/// A record that does not fit its schema or the limits: where, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct CopyError {
    /// The type, then the way to the value: `Movie.ratings[3].user`.
    pub path: String,
    /// What is wrong there.
    pub problem: CopyProblem,
}

impl Classify for CopyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// What can be wrong with a value of a record.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyProblem {
    /// The words are no message, or a value is of another type than the schema says.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The message that holds the record cannot be read at all.
    #[error("the message cannot be read: {0}; write it anew")]
    Message(#[from] capnp::Error),
    /// A union is set to a member that the schema does not have.
    #[error(
        "the union is set to member {found}, but the schema has {members}: update the schema, or fix the writer"
    )]
    UnknownMember {
        /// The discriminant.
        found: u16,
        /// Members that the schema has.
        members: u32,
    },
    /// An enum has a value that the schema does not have.
    #[error(
        "the enum has value {found}, but the schema has {enumerants}: update the schema, or fix the writer"
    )]
    UnknownEnumerant {
        /// The value.
        found: u16,
        /// Values that the schema has.
        enumerants: u32,
    },
    /// The struct holds something where the schema has no field.
    #[error(
        "{section} word {word} holds {found:#x}, but the schema has no field there: update the schema to the writer's"
    )]
    UnknownField {
        /// `data` or `pointer`.
        section: &'static str,
        /// Word of that section.
        word: u32,
        /// What lies there beside the known fields.
        found: u64,
    },
    /// A set holds a null.
    #[error("an element of a set is null, which has no place among the others: leave it out")]
    NullElement,
    /// An entry of a map has no key.
    #[error("the key of an entry is null: give it a value, or leave the entry out")]
    NullKey,
    /// Entries of a map have one key and differ.
    #[error("entries {first} and {second} have the key {key}, but differ: keep one of them")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Index of the one.
        first: u32,
        /// Index of the other.
        second: u32,
    },
    /// The record is too large.
    #[error("the record takes {found} bytes up to here, but {limit} are the most: split it into several")]
    RecordTooLarge {
        /// Bytes it takes at least.
        found: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// A text or data value is too large.
    #[error(
        "the value takes {found} bytes, but {limit} are the most: store it elsewhere and keep its name here"
    )]
    ValueTooLarge {
        /// Bytes it takes.
        found: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// Values lie within values too deeply.
    #[error("values are nested more than {limit} deep: flatten the record")]
    TooDeep {
        /// Depth they may have.
        limit: u32,
    },
    /// Reading the record takes more words than any honest one does: its pointers lead to the same words over and over.
    #[error("reading the record visits more than {limit} words: its pointers may lead to no word twice")]
    TooManyVisits {
        /// Words that may be visited.
        limit: u64,
    },
}

/// A [`CopyError`] on its way up from where it happened; each level adds its own step. Boxed, so that the way without
/// errors carries one word.
#[derive(Debug)]
pub(super) struct Failure(Box<(Vec<String>, CopyProblem)>);

/// What each step of a copy returns.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    #[cold]
    pub(super) fn new(problem: impl Into<CopyProblem>) -> Self {
        Self(Box::new((Vec::new(), problem.into())))
    }

    /// Within the field called `name`, dotted where it lies in a group; empty for the struct itself.
    #[cold]
    pub(super) fn in_field(mut self, name: &str) -> Self {
        if !name.is_empty() {
            self.0.0.push(format!(".{name}"));
        }
        self
    }

    /// Within element `index` of a list.
    #[cold]
    pub(super) fn in_element(mut self, index: u32) -> Self {
        self.0.0.push(format!("[{index}]"));
        self
    }

    /// Within a record of the type called `name`.
    #[cold]
    pub(super) fn in_type(self, name: &str) -> CopyError {
        let (steps, problem) = *self.0;
        CopyError { path: steps.iter().rev().fold(name.to_owned(), |path, step| path + step), problem }
    }
}
