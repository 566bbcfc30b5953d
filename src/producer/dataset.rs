//! What a producer says of its dataset: name and record types.

use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;

use crate::schema::{Schema, SchemaBuilder, SchemaError};

/// Name and schema of a dataset, as its producer knows them.
///
/// The dataset's stored schema may have more fields and types than these; what a producer does not know it leaves as it is.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    schema: Schema,
}

impl Dataset {
    /// A dataset whose record types are generated code; `name` is its path in the store.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> DatasetBuilder {
        DatasetBuilder { name: name.into(), types: SchemaBuilder::default() }
    }

    /// A dataset whose schema is known only at run time.
    #[must_use]
    pub fn dynamic(name: impl Into<String>, schema: Schema) -> Self {
        Self { name: name.into(), schema }
    }

    /// Path in the store.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The record types.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Collects record types.
#[derive(Debug)]
pub struct DatasetBuilder {
    name: String,
    types: SchemaBuilder,
}

impl DatasetBuilder {
    /// Adds the type that `capnpc` generated as `T`; its name, key and references come from the schema and its annotations.
    #[must_use]
    pub fn record<T: OwnedStruct + Introspect>(mut self) -> Self {
        self.types = self.types.record::<T>();
        self
    }

    /// Checks the types together.
    ///
    /// # Errors
    /// What the format refuses: see [`SchemaError`].
    pub fn build(self) -> Result<Dataset, SchemaError> {
        Ok(Dataset { name: self.name, schema: self.types.build()? })
    }
}
