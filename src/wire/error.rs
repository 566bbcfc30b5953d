//! What can be wrong with the words of a message.

use crate::error::{Classify, ErrorKind};

/// Words that are no message, or not the message that the schema describes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Something would begin before the first word or end after the last.
    #[error(
        "the {what} named by word {word} should end within {available} words, \
         but takes words {start} to {end}: fetch or write these bytes anew"
    )]
    OutOfBounds {
        /// Word that holds the pointer, or the first word that was asked for.
        word: u32,
        /// What should lie there.
        what: &'static str,
        /// First word it would take.
        start: i64,
        /// The word after the last it would take.
        end: i64,
        /// Words there are.
        available: u64,
    },
    /// A word holds, or begins, something else than the schema says.
    #[error("word {word} should hold {expected}, but holds {found}: read these bytes by their own schema")]
    WrongKind {
        /// Word that holds a pointer or begins its target.
        word: u32,
        /// What the schema says.
        expected: &'static str,
        /// What the words say.
        found: &'static str,
    },
    /// A list holds elements of another size than the schema says.
    #[error("the list at word {word} should hold {expected}, but holds {found}: read it by its own schema")]
    WrongElement {
        /// First word of the list's elements.
        word: u32,
        /// What the schema says.
        expected: &'static str,
        /// What the pointer says.
        found: &'static str,
    },
    /// The tag of a list of structs contradicts the list's length.
    #[error(
        "the list tag at word {word} asks for {expected} words, but the list has {found}: fetch or write these bytes anew"
    )]
    WrongTag {
        /// Word that holds the tag.
        word: u32,
        /// Words that the tag's count and widths take.
        expected: u64,
        /// Words that the pointer gives the list.
        found: u64,
    },
    /// Words that should be canonical are not in preorder.
    #[error(
        "the pointer at word {word} should lead to word {expected} or a later one, but leads to word {found}: \
         make the record canonical before it is stored"
    )]
    Misplaced {
        /// Word that holds the pointer.
        word: u32,
        /// First word it may lead to.
        expected: u64,
        /// Word it leads to.
        found: u64,
    },
    /// What a pointer leads to is larger than any record.
    #[error(
        "what the pointer at word {word} leads to takes {found} words, but {limit} are the most: fetch or write these bytes anew"
    )]
    TooLarge {
        /// Word that holds the pointer.
        word: u32,
        /// Words it takes at least.
        found: u64,
        /// Words it may take.
        limit: u64,
    },
    /// Pointers lead to pointers, deeper than in any record.
    #[error(
        "what the pointer at word {word} leads to is nested more than {limit} deep: fetch or write these bytes anew"
    )]
    TooDeep {
        /// Word that holds the pointer.
        word: u32,
        /// Depth it may have.
        limit: u32,
    },
    /// A text does not end in a zero byte.
    #[error(
        "the text at word {word} should end in a zero byte, but ends in {found:?}: write it as text, or read it as data"
    )]
    Unterminated {
        /// First word of the text.
        word: u32,
        /// Its last byte; `None` when it has no byte at all.
        found: Option<u8>,
    },
    /// A text is not UTF-8.
    #[error(
        "the text at word {word} should be UTF-8, but only its first {valid_bytes} bytes are: encode it as UTF-8, or use data"
    )]
    NotUtf8 {
        /// First word of the text.
        word: u32,
        /// Bytes before the first wrong one.
        valid_bytes: u32,
    },
    /// An element beyond the end of a list was asked for.
    #[error(
        "the list at word {word} has {len} elements, but element {index} was asked for: ask for a smaller one"
    )]
    NoSuchElement {
        /// First word of the list's elements.
        word: u32,
        /// Its length.
        len: u32,
        /// The element asked for.
        index: u32,
    },
}

impl Classify for WireError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchElement { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Corrupt,
        }
    }
}
