//! What a populate closure writes to.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capnp::introspect::Introspect;
use capnp::message::{Builder, HeapAllocator};
use capnp::traits::Owned;

use super::error::ProducerError;
use super::write_state::{Mode, PutError, WriteState};
use crate::error::Result;
use crate::schema::{Schema, StructIndex, TypeIndex, node_id_of};
use crate::state::{Key, State, TableMismatch, fits};
use crate::wire::{CopyError, CopyPlans, KeyPlan, key_text};

/// Words that most records fit in; a larger one gets further segments.
const FIRST_SEGMENT_WORDS: u32 = 128;

/// What both kinds of cycle write to.
pub(super) struct Draftsman {
    parent: Arc<State>,
    plans: CopyPlans,
    structures: Vec<StructIndex>,
    types: Vec<WriteState>,
    /// Node ids of the producer's own record types, and which types of the dataset they are.
    generated: Vec<(u64, TypeIndex)>,
    failed: AtomicBool,
}

#[derive(Default)]
struct Scratch {
    message: Vec<u64>,
    key: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Draftsman {
    pub(super) fn new(mode: Mode, own: &Schema, parent: Arc<State>, spool_folder: Option<&Path>) -> Self {
        let schema = parent.schema();
        let plans = CopyPlans::new(schema);
        let structures = schema.types().iter().map(|record_type| record_type.structure).collect();
        let types = parent.tables().iter().map(|table| WriteState::new(mode, table, spool_folder));
        let types = types.collect();
        let generated = own.types().iter().filter_map(|record_type| {
            Some((own.structure(record_type.structure).id, schema.find_type(&record_type.name)?))
        });
        let generated = generated.collect();
        Self { plans, structures, types, generated, failed: AtomicBool::new(false), parent }
    }

    /// What was stated, by type.
    pub(super) fn into_types(self) -> Vec<WriteState> {
        self.types
    }

    /// Whether a record was refused: the cycle fails then, even if the closure went on.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn typed<T: Owned + Introspect>(&self, fill: impl FnOnce(<T as Owned>::Builder<'_>)) -> Result<()> {
        let index = self.index_of::<T>()?;
        let mut builder = Builder::new(HeapAllocator::new().first_segment_words(FIRST_SEGMENT_WORDS));
        fill(builder.init_root::<<T as Owned>::Builder<'_>>());
        self.put(index, |structure, message| self.plans.copy_builder(structure, &builder, message))
    }

    /// Takes the record whose root pointer is the first of `words`.
    pub(super) fn put_words(&self, index: TypeIndex, words: &[u64]) -> Result<()> {
        self.put(index, |structure, message| self.plans.copy_words(structure, words, message))
    }

    /// Takes the record whose canonical message `copy` appends.
    fn put(
        &self,
        index: TypeIndex,
        copy: impl FnOnce(StructIndex, &mut Vec<u64>) -> Result<(), CopyError>,
    ) -> Result<()> {
        let at = index.0 as usize;
        let table = &self.parent.tables()[at];
        SCRATCH.with_borrow_mut(|Scratch { message, key }| {
            message.clear();
            let put = copy(self.structures[at], message)
                .map_err(PutError::from)
                .and_then(|()| self.types[at].put(table, message, key));
            put.map_err(|error| {
                let key = key_text(table.keys().kinds(), key);
                self.refused(ProducerError::put(self.parent.schema(), index, &key, error))
            })
        })
    }

    fn delete_bytes(&self, index: TypeIndex, key: &[u8]) -> Result<()> {
        let at = index.0 as usize;
        let table = &self.parent.tables()[at];
        if table.keys.is_keyless() {
            return Err(self.refused(ProducerError::Keyless { type_name: self.name(index) }));
        }
        let deleted = self.types[at].delete(table, key);
        deleted.map_err(|error| self.refused(ProducerError::put(self.parent.schema(), index, "", error)))
    }

    fn refused(&self, error: ProducerError) -> crate::Error {
        self.failed.store(true, Ordering::Relaxed);
        error.into()
    }

    fn name(&self, index: TypeIndex) -> String {
        self.parent.schema().record_type(index).name.clone()
    }

    pub(super) fn find(&self, name: &str) -> Result<TypeIndex> {
        let unknown = || self.refused(ProducerError::UnknownType { type_name: name.to_owned() });
        self.parent.schema().find_type(name).ok_or_else(unknown)
    }

    fn index_of<T: Owned + Introspect>(&self) -> Result<TypeIndex> {
        let node = node_id_of::<T>();
        let known = self.generated.iter().find(|(id, _)| Some(*id) == node);
        let unknown = || ProducerError::UnknownType { type_name: std::any::type_name::<T>().to_owned() };
        known.map(|(_, index)| *index).ok_or_else(|| self.refused(unknown()))
    }
}

/// Takes the records of a full cycle; from one thread or from many.
pub struct Writer {
    pub(super) draftsman: Draftsman,
}

impl Writer {
    /// Adds a record, built by the closure. A few hundred nanoseconds and a lookup in the version before.
    ///
    /// # Errors
    /// `Invalid`: the type is not the dataset's, a key is null or was added before, a limit is exceeded. The cycle fails then, whatever the
    /// closure does with the error.
    pub fn add<T: Owned + Introspect>(&self, fill: impl FnOnce(<T as Owned>::Builder<'_>)) -> Result<()> {
        self.draftsman.typed::<T>(fill)
    }

    /// Adds the record of type `index` whose root pointer is the first of `words` (one segment, no frame), in any layout its schema allows.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub fn add_words(&self, index: TypeIndex, words: &[u64]) -> Result<()> {
        self.draftsman.put_words(index, words)
    }

    /// The version that the cycle goes on from, under the schema of the next one: what a change is to be computed from. Across a break it has no
    /// records.
    #[must_use]
    pub fn parent(&self) -> &State {
        &self.draftsman.parent
    }

    /// States that the cycle is about the types `stated` alone: records of the others stay as they are (keeps semantics 3).
    pub fn carry_over_all_but(&self, stated: &[TypeIndex]) {
        for (at, carried) in (0..).zip(&self.draftsman.types) {
            if !stated.contains(&TypeIndex(at)) {
                carried.carry_over();
            }
        }
    }

    /// The type called `name`.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub fn type_index(&self, name: &str) -> Result<TypeIndex> {
        self.draftsman.find(name)
    }
}

/// Takes the changes of an incremental cycle. The last write of a key wins.
pub struct ChangeWriter {
    pub(super) draftsman: Draftsman,
}

impl ChangeWriter {
    /// Adds the record or replaces the one with its key.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub fn upsert<T: Owned + Introspect>(&self, fill: impl FnOnce(<T as Owned>::Builder<'_>)) -> Result<()> {
        self.draftsman.typed::<T>(fill)
    }

    /// Like [`ChangeWriter::upsert`], for words as in [`Writer::add_words`].
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub fn upsert_words(&self, index: TypeIndex, words: &[u64]) -> Result<()> {
        self.draftsman.put_words(index, words)
    }

    /// Removes the record with this key; an absent key is no error.
    ///
    /// # Errors
    /// `Invalid`: the type is not the dataset's, or its key is of another shape.
    pub fn delete<T, K>(&self, key: K::Borrowed<'_>) -> Result<()>
    where
        T: Owned + Introspect,
        K: Key,
    {
        let index = self.draftsman.index_of::<T>()?;
        let plan: &KeyPlan = &self.draftsman.parent.tables()[index.0 as usize].keys;
        if !fits::<K>(plan) {
            let (type_name, asked) = (self.draftsman.name(index), std::any::type_name::<K>());
            let declared = format!("{:?}", plan.kinds());
            return Err(TableMismatch::Key { type_name, asked, declared }.into());
        }
        self.draftsman.delete_bytes(index, K::bytes(key).as_ref())
    }

    /// Removes the record whose key has these bytes (see [`KeyPlan`]); an absent key is no error.
    ///
    /// # Errors
    /// `Invalid` for a type without a key.
    pub fn delete_bytes(&self, index: TypeIndex, key: &[u8]) -> Result<()> {
        self.draftsman.delete_bytes(index, key)
    }

    /// The version that the cycle goes on from, under the schema of the next one: what a change is to be computed from. Across a break it has no
    /// records.
    #[must_use]
    pub fn parent(&self) -> &State {
        &self.draftsman.parent
    }

    /// The type called `name`.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub fn type_index(&self, name: &str) -> Result<TypeIndex> {
        self.draftsman.find(name)
    }
}
