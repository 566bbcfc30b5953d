//! References through generated code (keeps semantics 29).

use std::sync::Arc;

use capnp::introspect::Introspect;
use capnp::traits::OwnedStruct;

use super::typed::find_type;
use super::{Key, Reference, State, TableMismatch, TypedTable};
use crate::schema::{Schema, SchemaBuilder};
use crate::wire::WireError;

/// A handle on a field of the generated type `S` that references the generated type `T`, whose keys have the shape `K`.
///
/// It was checked once: that the field is there, that its `$references` names `T`, and that `T` has such keys. Every later state whose schema
/// only gained fields and types is followed without another check.
pub struct TypedReference<S, T, K: ?Sized> {
    reference: Reference,
    target: TypedTable<T, K>,
    own: Arc<Schema>,
    source: std::marker::PhantomData<fn() -> S>,
}

impl<S, T, K> TypedReference<S, T, K>
where
    S: OwnedStruct + Introspect,
    T: OwnedStruct + Introspect,
    K: Key + ?Sized,
{
    /// Checks the field `path` of `S`, `T` and `K` against the schema of `state`.
    pub(crate) fn new(state: &State, path: &str) -> Result<Self, TableMismatch> {
        let own = SchemaBuilder::default().record::<S>().build()?;
        find_type(&own, state)?;
        let target = TypedTable::new(state)?;
        let reference = state.reference(&own.types()[0].name, path)?;
        let (found, asked) = (reference.target(state).unwrap_or_default(), target.name());
        if found != asked {
            let (type_name, target, asked) =
                (reference.type_name().to_owned(), found.to_owned(), asked.to_owned());
            return Err(TableMismatch::Target { type_name, path: path.to_owned(), target, asked });
        }
        Ok(Self { reference, target, own: Arc::new(own), source: std::marker::PhantomData })
    }

    /// The record that a key leads to, as the generated getter of the field gives it; `None` for a dangling reference. One lookup: no lock, no
    /// allocation, no copy (keys beyond 256 bytes are copied).
    #[inline(always)]
    #[must_use]
    pub fn follow<'s>(&self, state: &'s State, key: K::Borrowed<'_>) -> Option<T::Reader<'s>> {
        self.target.get(state, key)
    }

    /// The same for each of several keys, in their order: `None` for those that dangle.
    pub fn follow_all<'s, 'k>(
        &self,
        state: &'s State,
        keys: impl IntoIterator<Item = K::Borrowed<'k>>,
    ) -> impl Iterator<Item = Option<T::Reader<'s>>> {
        keys.into_iter().map(move |key| self.follow(state, key))
    }

    /// The records that hold `key`, each once, in no promised order. Costs a scan: see [`Reference::referring`].
    ///
    /// None for a state whose schema broke with the one this handle was made for.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn referring<'s>(
        &self,
        state: &'s State,
        key: K::Borrowed<'_>,
    ) -> Result<impl Iterator<Item = S::Reader<'s>> + use<'s, S, T, K>, WireError> {
        let rows = match find_type(&self.own, state) {
            Ok(_) => Some(self.reference.referring(state, K::bytes(key).as_ref())?),
            Err(_) => None,
        };
        Ok(rows.into_iter().flatten().map(|row| row.typed::<S>()))
    }
}

impl<S, T, K: ?Sized> Clone for TypedReference<S, T, K> {
    fn clone(&self) -> Self {
        Self {
            reference: self.reference.clone(),
            target: self.target.clone(),
            own: Arc::clone(&self.own),
            source: std::marker::PhantomData,
        }
    }
}
