//! What a handle worked out from a schema, kept for the schemas it meets.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::State;
use crate::schema::Schema;

/// A value that depends on a state's schema: worked out for the first, and anew when a state comes with another.
///
/// Datasets change their schema seldom, so two are kept: the first, which costs one comparison of pointers, and the latest other.
pub(super) struct PerSchema<V> {
    first: Arc<Known<V>>,
    latest: Arc<ArcSwap<Known<V>>>,
}

/// The value under one schema; `None` if there is none.
struct Known<V> {
    schema: Arc<Schema>,
    value: Option<V>,
}

impl<V> PerSchema<V> {
    /// `value` is that of the schema of `state`.
    pub(super) fn new(state: &State, value: V) -> Self {
        let first = Arc::new(Known { schema: Arc::clone(state.schema()), value: Some(value) });
        Self { latest: Arc::new(ArcSwap::new(Arc::clone(&first))), first }
    }

    /// What `read` makes of the value under the schema of `state`, which `find` works out where it is not known.
    #[inline(always)]
    pub(super) fn with<R>(
        &self,
        state: &State,
        find: impl FnOnce(&State) -> Option<V>,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        if Arc::ptr_eq(&self.first.schema, state.schema()) {
            return self.first.value.as_ref().map(read);
        }
        self.with_latest(state, find, read)
    }

    #[cold]
    #[inline(never)]
    fn with_latest<R>(
        &self,
        state: &State,
        find: impl FnOnce(&State) -> Option<V>,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let latest = self.latest.load();
        if Arc::ptr_eq(&latest.schema, state.schema()) {
            return latest.value.as_ref().map(read);
        }
        let found = Arc::new(Known { schema: Arc::clone(state.schema()), value: find(state) });
        self.latest.store(Arc::clone(&found));
        found.value.as_ref().map(read)
    }
}

impl<V> Clone for PerSchema<V> {
    fn clone(&self) -> Self {
        Self { first: Arc::clone(&self.first), latest: Arc::clone(&self.latest) }
    }
}
