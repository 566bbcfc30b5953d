//! What is wrong with an input, and where.

use std::borrow::Cow;
use std::io;

use hollowcast::error::{Classify, ErrorKind};

/// An input that cannot become records. Nothing is published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// Standard input, or another stream that can be read only once, cannot be kept for the second pass.
    #[error("{file}: cannot be kept in a temporary file: {source}; free space in {directory} or set TMPDIR")]
    Spool {
        /// The stream.
        file: String,
        /// Where temporary files go.
        directory: String,
        /// What the system says.
        source: io::Error,
    },
    /// The compressed bytes are wrong or end early.
    #[error("{file}: damaged {compression} data after line {line}: {source}; make the file again")]
    Damaged {
        /// The file.
        file: String,
        /// Lines that were read before.
        line: u64,
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What the decoder says.
        source: io::Error,
    },
    /// The text is no JSON, no CSV or no UTF-8.
    #[error("{file}:{line}:{column}: expected {expected}, found {found}")]
    Syntax {
        /// The file.
        file: String,
        /// Line of the file, from 1.
        line: u64,
        /// Byte of the line, from 1.
        column: u64,
        /// What could stand there.
        expected: Cow<'static, str>,
        /// What does.
        found: String,
    },
    /// A value does not fit its field.
    #[error("{file}:{line}: field {field}: expected {expected}, found {found}")]
    Value {
        /// The file.
        file: String,
        /// Line of the file, from 1.
        line: u64,
        /// Dotted path of the field, by the names in the file; elements of a list are numbered from 0.
        field: String,
        /// What could stand there.
        expected: Cow<'static, str>,
        /// What does.
        found: String,
    },
    /// A line or a CSV row beyond the limit.
    #[error("{file}:{line}: longer than {limit} bytes{advice}")]
    TooLong {
        /// The file.
        file: String,
        /// Its first line.
        line: u64,
        /// The limit.
        limit: usize,
        /// What may be the matter.
        advice: &'static str,
    },
    /// A key that was typed does not fit the key's fields.
    #[error("key {key}: field {field}: expected {expected}, found {found}")]
    Key {
        /// The key.
        key: String,
        /// The key field; `(key)` for the key as a whole.
        field: String,
        /// What could stand there.
        expected: Cow<'static, str>,
        /// What does.
        found: String,
    },
    /// Keys were given for a type that has none.
    #[error("{type_name} has no key, so its records cannot be named: publish it whole, or give it a key")]
    Keyless {
        /// The type.
        type_name: String,
    },
    /// The record is well-formed and was refused: a null key, a duplicate, a limit.
    #[error("{file}:{line}: {source}")]
    Refused {
        /// The file.
        file: String,
        /// Line of the file, from 1.
        line: u64,
        /// By whom and why.
        source: hollowcast::Error,
    },
}

impl Classify for InputError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { source, .. } => source.kind(),
            _ => ErrorKind::Invalid,
        }
    }
}

/// What is wrong within a line, before the file and the line are known.
#[derive(Debug)]
pub enum Fault {
    /// Wrong text at a byte of the line, from 0.
    Syntax {
        /// The byte.
        at: usize,
        /// What could stand there.
        expected: Cow<'static, str>,
        /// What does.
        found: String,
    },
    /// A wrong value.
    Value {
        /// The way to the field, innermost name first.
        way: Vec<String>,
        /// What could stand there.
        expected: Cow<'static, str>,
        /// What does.
        found: String,
    },
    /// A record that was refused.
    Refused(hollowcast::Error),
}

impl Fault {
    /// A wrong value of the field whose names are added by [`Fault::within`].
    pub fn value(expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self::Value { way: Vec::new(), expected: expected.into(), found: found.into() }
    }

    /// Wrong text.
    pub fn syntax(at: usize, expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self::Syntax { at, expected: expected.into(), found: found.into() }
    }

    /// The same fault, seen from the record, group or list that holds the value as `name`.
    #[must_use]
    pub fn within(mut self, name: &(impl ToString + ?Sized)) -> Self {
        if let Self::Value { way, .. } = &mut self {
            way.push(name.to_string());
        }
        self
    }

    /// The error of this fault at a line of a file.
    #[must_use]
    pub fn at(self, file: &str, line: u64) -> InputError {
        let file = file.to_owned();
        match self {
            Self::Syntax { at, expected, found } => {
                InputError::Syntax { file, line, column: at as u64 + 1, expected, found }
            }
            Self::Value { way, expected, found } => {
                InputError::Value { file, line, field: dotted(way, "(record)"), expected, found }
            }
            Self::Refused(source) => InputError::Refused { file, line, source },
        }
    }

    /// The error of this fault in a key that was typed.
    pub(super) fn in_key(self, key: &str) -> InputError {
        let key = shown(key);
        let (way, expected, found) = match self {
            Self::Value { way, expected, found } => (way, expected, found),
            Self::Syntax { expected, found, .. } => (Vec::new(), expected, found),
            Self::Refused(_) => unreachable!("keys are read before any record is made"),
        };
        InputError::Key { key, field: dotted(way, "(key)"), expected, found }
    }
}

fn dotted(way: Vec<String>, whole: &str) -> String {
    if way.is_empty() { whole.to_owned() } else { way.into_iter().rev().collect::<Vec<_>>().join(".") }
}

/// `text` as a message shows it: quoted as Rust quotes it, and cut to some forty characters.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
