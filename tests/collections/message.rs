//! Records as producers make them, read as consumers do.

use capnp::any_pointer;
use capnp::introspect::Introspect;
use capnp::message::{Builder, HeapAllocator, Reader, ReaderOptions, SegmentArray};
use capnp::traits::Owned;
use hollowcast::schema::Schema;
use hollowcast::wire::{CopyError, CopyPlans, DynamicStruct, StructReader};

/// A canonical message and the schema that says what is in it.
pub(crate) struct Record {
    schema: Schema,
    pub(crate) words: Vec<u64>,
}

impl Record {
    /// What a producer makes of the record that `fill` states.
    pub(crate) fn of<T: Owned + Introspect>(
        fill: impl FnOnce(<T as Owned>::Builder<'_>),
    ) -> Result<Self, CopyError> {
        let mut builder = Builder::new(HeapAllocator::new().first_segment_words(4096));
        fill(builder.init_root());
        let (schema, mut words) = (Schema::of::<T>().unwrap(), Vec::new());
        CopyPlans::new(&schema).copy_builder(schema.types()[0].structure, &builder, &mut words)?;
        Ok(Self { schema, words })
    }

    /// What Cap'n Proto's own canonical form makes of the record that `fill` states, in the order in which it is stated.
    pub(crate) fn canonical_by_capnp<T: Owned + Introspect>(
        fill: impl FnOnce(<T as Owned>::Builder<'_>),
    ) -> Vec<u64> {
        let mut builder = Builder::new_default();
        fill(builder.init_root());
        let canonical = builder.into_reader().canonicalize().unwrap();
        let bytes = capnp::Word::words_to_bytes(&canonical).chunks_exact(8);
        bytes.map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
    }

    /// Words that no producer made, read by the schema of `T`.
    pub(crate) fn foreign<T: Owned + Introspect>(words: Vec<u64>) -> Self {
        Self { schema: Schema::of::<T>().unwrap(), words }
    }

    /// Reads it through generated code.
    pub(crate) fn typed<R>(&self, read: impl FnOnce(any_pointer::Reader<'_>) -> R) -> R {
        let segments = [bytemuck::cast_slice(&self.words)];
        let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 64 };
        read(Reader::new(SegmentArray::new(&segments), options).get_root().unwrap())
    }

    /// Reads it without.
    pub(crate) fn dynamic(&self) -> DynamicStruct<'_> {
        let structure = self.schema.types()[0].structure;
        DynamicStruct::new(&self.schema, structure, StructReader::root(&self.words).unwrap())
    }
}
