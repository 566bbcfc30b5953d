//! From records to sections: the shards of a base, the changes of a version.
//!
//! Every section is written once, into the segment store, and read back from there by the same code that consumers run. A producer's sections
//! go into a blob as well, which compresses those bytes.

mod base;
mod changes;
mod error;

use std::io::Write;
use std::sync::Arc;

pub(crate) use base::BaseRecord;
pub use error::EncodeError;

use super::{Position, Section, Table};
use crate::cache::{CacheError, SectionName, SegmentStore};
use crate::format::sections::message::SectionError;
use crate::format::sections::sharding::Sharding;
use crate::format::sections::slots::write_slots;
use crate::format::{BlobWriter, SectionId, SectionKind};
use crate::identifiers::TypeId;
use crate::segment::Segment;
use crate::wire::{StructReader, WireError, gather, words_behind};

/// Puts the canonical message of a record into its row.
pub(crate) type PutRow<'a> = &'a mut dyn FnMut(&[u64]) -> Result<(), SectionError>;

/// Writes sections of one type into the segment store, and into the blob that carries them, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct TableEncoder<'e> {
    /// Whose name, layout and key hashes the sections have.
    pub(crate) table: &'e Table,
    pub(crate) segments: &'e SegmentStore,
    pub(crate) blob: Option<&'e BlobWriter>,
}

impl TableEncoder<'_> {
    /// Writes a framed section to the segment store and into the blob.
    fn keep(
        &self,
        framed: &[u64],
        kind: SectionKind,
        part: u32,
        parts: Sharding,
    ) -> Result<Arc<Section>, EncodeError> {
        let bytes = bytemuck::cast_slice::<u64, u8>(framed);
        if let Some(blob) = self.blob {
            let type_id = TypeId::of(self.table.name());
            blob.add_section(SectionId { type_id, kind, part, parts: parts.shards() }, bytes)?;
        }
        Ok(self.store(bytes)?)
    }

    /// The bits of the table's slots, for a start to find; `None` where none will.
    pub(crate) fn slots(&self) -> Result<Option<Arc<Section>>, EncodeError> {
        if self.segments.state_directory().is_none() || self.table.slots.is_empty() {
            return Ok(None);
        }
        let framed = write_slots(self.table.slots.words())?;
        Ok(Some(self.store(bytemuck::cast_slice(&framed))?))
    }

    /// Writes a framed section to the segment store.
    fn store(&self, bytes: &[u8]) -> Result<Arc<Section>, CacheError> {
        let name = SectionName::of(bytes);
        let segment = match self.segments.find(&name)? {
            Some(segment) => segment,
            None => self.write(bytes, name)?,
        };
        Ok(Arc::new(Section::new(name, segment)))
    }

    /// The section is this process's own work, so it is sealed at once.
    fn write(&self, bytes: &[u8], name: SectionName) -> Result<Segment, CacheError> {
        let mut writer = self.segments.create(bytes.len() as u64)?;
        writer.write_all(bytes).map_err(CacheError::of_section)?;
        writer.finish(Some(name))?.seal()
    }
}

impl Table {
    /// Words that `record` takes in a section: a whole row, however few of its words are set, and what it leads to.
    pub(crate) fn words_of(&self, record: StructReader<'_>) -> Result<u32, WireError> {
        Ok((self.width.words() + words_behind(record)?) as u32)
    }
}

/// Puts the row of `table` at `position` into its place.
pub(crate) fn put_row(table: &Table, position: Position, row: PutRow<'_>) -> Result<(), SectionError> {
    thread_local! {
        static MESSAGE: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    MESSAGE.with_borrow_mut(|message| {
        message.clear();
        gather(table.row(position).reader(), message)?;
        row(message)
    })
}
