//! Schemas as Cap'n Proto's own nodes (`schema.capnp`): what its compiler prints, what generated code carries, and the
//! form in which a schema is stored with its dataset.

mod defaults;
mod members;
mod read;
mod verify;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::{Nodes, schema_of};

use super::error::SchemaError;

/// Says which part of a compiled schema cannot be read.
pub(super) trait InPart<T> {
    fn of(self, part: &str) -> Result<T, SchemaError>;
}

impl<T, E: Into<capnp::Error>> InPart<T> for Result<T, E> {
    fn of(self, part: &str) -> Result<T, SchemaError> {
        self.map_err(|source| SchemaError::Malformed { what: part.into(), source: source.into() })
    }
}
