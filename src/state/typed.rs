//! Reading a table through generated code.

use std::marker::PhantomData;
use std::sync::Arc;

use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;

use super::key::{Key, fits};
use super::per_schema::PerSchema;
use super::{State, Table};
use crate::error::{Classify, ErrorKind};
use crate::schema::{Compatibility, Schema, SchemaBuilder, SchemaError, TypeFilter};

/// A handle on the records of the generated type `T`, found by keys of the shape `K`.
///
/// It was checked against the dataset's schema once; every later state whose schema only gained fields and types is read without another
/// check. Cheap to clone, and shared freely between threads.
pub struct TypedTable<T, K: ?Sized> {
    /// Where the type's table is in a state, if the type can be read there.
    tables: PerSchema<usize>,
    own: Arc<Schema>,
    types: PhantomData<fn() -> (T, Box<K>)>,
}

impl<T: OwnedStruct + Introspect, K: Key + ?Sized> TypedTable<T, K> {
    /// Checks `T` and `K` against the schema of `state`.
    pub(crate) fn new(state: &State) -> Result<Self, TableMismatch> {
        let own = SchemaBuilder::default().record::<T>().build()?;
        let tables = PerSchema::new(state, find::<K>(&own, state)?);
        Ok(Self { tables, own: Arc::new(own), types: PhantomData })
    }

    /// The record under `key`. No lock, no allocation, no copy (keys beyond 256 bytes are copied); one cache miss unless the key's slot was
    /// changed since the last snapshot.
    ///
    /// `None` also for a state whose schema broke with the one this handle was made for; [`TypedTable::check`] tells.
    #[inline(always)]
    #[must_use]
    pub fn get<'s>(&self, state: &'s State, key: K::Borrowed<'_>) -> Option<T::Reader<'s>> {
        let table = self.table(state)?;
        Some(table.get_bytes(K::bytes(key).as_ref())?.typed::<T>())
    }

    /// Every record once, in no promised order. A state whose schema broke with the handle's has none.
    pub fn iter<'s>(&self, state: &'s State) -> impl Iterator<Item = T::Reader<'s>> {
        self.table(state).into_iter().flat_map(Table::rows).map(|row| row.typed::<T>())
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self, state: &State) -> u64 {
        self.table(state).map_or(0, Table::len)
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self, state: &State) -> bool {
        self.len(state) == 0
    }

    /// Whether the records of `state` can be read through this handle.
    ///
    /// # Errors
    /// Why not: the schema broke with the one the handle was made for.
    pub fn check(&self, state: &State) -> Result<(), TableMismatch> {
        find::<K>(&self.own, state).map(|_| ())
    }

    /// Name of the type.
    pub(super) fn name(&self) -> &str {
        &self.own.types()[0].name
    }

    #[inline(always)]
    fn table<'s>(&self, state: &'s State) -> Option<&'s Table> {
        let index = self.tables.with(state, |state| find::<K>(&self.own, state).ok(), |index| *index)?;
        state.tables().get(index).map(|table| &**table)
    }
}

impl<T, K: ?Sized> Clone for TypedTable<T, K> {
    fn clone(&self) -> Self {
        Self { tables: self.tables.clone(), own: Arc::clone(&self.own), types: PhantomData }
    }
}

/// Which table of `state` holds the records of the one type of `own`, by keys of the shape `K`.
fn find<K: Key + ?Sized>(own: &Schema, state: &State) -> Result<usize, TableMismatch> {
    let at = find_type(own, state)?;
    let keys = state.tables()[at].keys();
    if !fits::<K>(keys) {
        let (type_name, declared) = (own.types()[0].name.clone(), format!("{:?}", keys.kinds()));
        return Err(TableMismatch::Key { type_name, asked: std::any::type_name::<K>(), declared });
    }
    Ok(at)
}

/// Which table of `state` holds the records of the one type of `own`, whatever their key.
pub(super) fn find_type(own: &Schema, state: &State) -> Result<usize, TableMismatch> {
    let type_name = own.types()[0].name.clone();
    let at = place_of(&type_name, state)?;
    if let Compatibility::Break(reasons) = state.schema().compatibility(own) {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        return Err(TableMismatch::Layout { type_name, reasons: reasons.join("; ") });
    }
    Ok(at)
}

/// Where the table of a type is among those of `state`.
pub(super) fn place_of(type_name: &str, state: &State) -> Result<usize, TableMismatch> {
    let at = state.tables().iter().position(|table| table.name() == type_name);
    at.ok_or_else(|| match state.schema().find_type(type_name) {
        Some(_) => {
            TableMismatch::FilteredOut { type_name: type_name.to_owned(), filter: state.filter().clone() }
        }
        None => TableMismatch::NoSuchType { type_name: type_name.to_owned() },
    })
}

/// A generated type that does not fit the dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableMismatch {
    /// The dataset has no such type.
    #[error("the dataset has no type {type_name}")]
    NoSuchType {
        /// The type asked for.
        type_name: String,
    },
    /// The dataset has the type, and the state was loaded without it.
    #[error("type {type_name} was filtered out: only {filter} are loaded; choose it as well")]
    FilteredOut {
        /// The type asked for.
        type_name: String,
        /// What was chosen.
        filter: TypeFilter,
    },
    /// The generated code cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The generated code was made from a schema that broke with the dataset's.
    #[error(
        "type {type_name} is laid out otherwise in the dataset: {reasons}; generate the code from the dataset's schema"
    )]
    Layout {
        /// The type asked for.
        type_name: String,
        /// Every difference.
        reasons: String,
    },
    /// The key has another shape.
    #[error("type {type_name} is keyed by {declared}, the table was asked for keys of the shape {asked}")]
    Key {
        /// The type asked for.
        type_name: String,
        /// What the caller said.
        asked: &'static str,
        /// What the schema says.
        declared: String,
    },
    /// The field holds no key of a type that the dataset has.
    #[error(
        "{type_name}.{path} is no reference to a type of the dataset; take a field with $references, \
         such as {}", or_none(.known)
    )]
    NoReference {
        /// The type asked for.
        type_name: String,
        /// The field asked for, dotted.
        path: String,
        /// The reference fields that its records have.
        known: Vec<String>,
    },
    /// The field holds the key of another type.
    #[error("{type_name}.{path} references {target}, it was asked for as a reference to {asked}")]
    Target {
        /// The type that references.
        type_name: String,
        /// The field, dotted.
        path: String,
        /// What the schema says.
        target: String,
        /// What the caller said.
        asked: String,
    },
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none: it has no such field".to_owned() } else { names.join(", ") }
}

impl Classify for TableMismatch {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
