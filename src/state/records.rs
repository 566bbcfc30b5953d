//! The rows of one section, found once when it is opened.

use std::sync::Arc;

use capnp::traits::OwnedStruct;

use super::row::Row;
use super::section::Section;
use crate::format::sections::message::SectionError;
use crate::format::sections::rows::RowList;
use crate::segment::RecordList;
use crate::wire::StructReader;

/// The rows of a section, both as words and as the list that generated readers come from: either costs arithmetic only.
#[derive(Debug)]
pub(crate) struct Records {
    section: Arc<Section>,
    rows: RowList,
    list: RecordList,
}

impl Records {
    /// The rows that were found in `section`.
    pub(crate) fn open(section: Arc<Section>, rows: RowList) -> Result<Self, SectionError> {
        let list = RecordList::new(Arc::clone(section.segment()), rows.field())
            .map_err(|error| SectionError::List { field: rows.field(), error: error.to_string() })?;
        assert_eq!(list.len(), rows.len(), "one list has one length");
        Ok(Self { section, rows, list })
    }

    /// The section they lie in.
    pub(crate) fn section(&self) -> &Arc<Section> {
        &self.section
    }

    /// Words of the section's message.
    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        self.list.segment().words()
    }

    /// How many rows there are, unused ones included.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.rows.len()
    }

    /// Row `row`, if there is one.
    #[inline]
    pub(crate) fn get(&self, row: u32) -> Option<Row<'_>> {
        (row < self.len()).then(|| Row::new(self, row))
    }

    /// Row `row`, which must be one of these.
    #[inline]
    pub(crate) fn row(&self, row: u32) -> Row<'_> {
        Row::new(self, row)
    }

    /// The words of row `row`.
    #[inline]
    pub(crate) fn reader(&self, row: u32) -> StructReader<'_> {
        self.rows.row(self.words(), row)
    }

    /// Row `row` as `T`'s generated reader.
    #[inline]
    pub(crate) fn typed<T: OwnedStruct>(&self, row: u32) -> T::Reader<'_> {
        self.list.get::<T>(row).expect("a row lies in its list")
    }
}
