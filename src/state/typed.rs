//! Reading a table through generated code.

use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;

use super::key::{Key, fits};
use super::{State, Table};
use crate::error::{Classify, ErrorKind};
use crate::schema::{Compatibility, Schema, SchemaBuilder, SchemaError, TypeFilter};

/// A handle on the records of the generated type `T`, found by keys of the shape `K`.
///
/// It was checked against the dataset's schema once; every later state whose schema only gained fields and types is read without another
/// check. Cheap to clone, and shared freely between threads.
pub struct TypedTable<T, K: ?Sized> {
    first: Arc<Checked>,
    latest: Arc<ArcSwap<Checked>>,
    own: Arc<Schema>,
    types: PhantomData<fn() -> (T, Box<K>)>,
}

/// A schema and where the type's table is in its states, if the type can be read there.
struct Checked {
    schema: Arc<Schema>,
    table: Option<usize>,
}

impl<T: OwnedStruct + Introspect, K: Key + ?Sized> TypedTable<T, K> {
    /// Checks `T` and `K` against the schema of `state`.
    pub(crate) fn new(state: &State) -> Result<Self, TableMismatch> {
        let own = SchemaBuilder::default().record::<T>().build()?;
        let table = find::<K>(&own, state)?;
        let first = Arc::new(Checked { schema: Arc::clone(state.schema()), table: Some(table) });
        let latest = Arc::new(ArcSwap::new(Arc::clone(&first)));
        Ok(Self { first, latest, own: Arc::new(own), types: PhantomData })
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

    #[inline(always)]
    fn table<'s>(&self, state: &'s State) -> Option<&'s Table> {
        let index = if Arc::ptr_eq(&self.first.schema, state.schema()) {
            self.first.table
        } else {
            self.table_under_later_schema(state)
        };
        state.tables().get(index?).map(|table| &**table)
    }

    #[cold]
    #[inline(never)]
    fn table_under_later_schema(&self, state: &State) -> Option<usize> {
        let latest = self.latest.load();
        if Arc::ptr_eq(&latest.schema, state.schema()) {
            return latest.table;
        }
        let table = find::<K>(&self.own, state).ok();
        self.latest.store(Arc::new(Checked { schema: Arc::clone(state.schema()), table }));
        table
    }
}

impl<T, K: ?Sized> Clone for TypedTable<T, K> {
    fn clone(&self) -> Self {
        Self {
            first: Arc::clone(&self.first),
            latest: Arc::clone(&self.latest),
            own: Arc::clone(&self.own),
            types: PhantomData,
        }
    }
}

/// Which table of `state` holds the records of `T`.
fn find<K: Key + ?Sized>(own: &Schema, state: &State) -> Result<usize, TableMismatch> {
    let type_name = own.types()[0].name.clone();
    let at = state.tables().iter().position(|table| table.name() == type_name);
    let at = at.ok_or_else(|| match state.schema().find_type(&type_name) {
        Some(_) => {
            TableMismatch::FilteredOut { type_name: type_name.clone(), filter: state.filter().clone() }
        }
        None => TableMismatch::NoSuchType { type_name: type_name.clone() },
    })?;
    if let Compatibility::Break(reasons) = state.schema().compatibility(own) {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        return Err(TableMismatch::Layout { type_name, reasons: reasons.join("; ") });
    }
    if !fits::<K>(state.tables()[at].keys()) {
        let declared = format!("{:?}", state.tables()[at].keys().kinds());
        return Err(TableMismatch::Key { type_name, asked: std::any::type_name::<K>(), declared });
    }
    Ok(at)
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
}

impl Classify for TableMismatch {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
