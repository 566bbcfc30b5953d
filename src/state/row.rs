//! A record where it lies.

use capnp::traits::OwnedStruct;

use super::records::Records;
use crate::error::{Classify, ErrorKind};
use crate::wire::{KeyError, StructReader, WireError};

/// A record of a state: a row of a section, borrowed from the state.
#[derive(Clone, Copy, Debug)]
pub struct Row<'s> {
    records: &'s Records,
    row: u32,
}

impl<'s> Row<'s> {
    #[inline]
    pub(crate) fn new(records: &'s Records, row: u32) -> Self {
        Self { records, row }
    }

    /// The record's words, to be read with a schema known at run time. A few instructions.
    #[inline]
    #[must_use]
    pub fn reader(&self) -> StructReader<'s> {
        self.records.reader(self.row)
    }

    /// The record through the reader that `capnpc` generated for its type. A few instructions, no allocation; the reader lives as long
    /// as the state is borrowed.
    #[inline]
    #[must_use]
    pub fn typed<T: OwnedStruct>(&self) -> T::Reader<'s> {
        self.records.typed::<T>(self.row)
    }
}

/// A row that is no record of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// Its words are malformed.
    #[error(transparent)]
    Words(#[from] WireError),
    /// Its key cannot be told.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Classify for RowError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Words(error) => error.kind(),
            Self::Key(error) => error.kind(),
        }
    }
}
