//! From a change to the sections of a delta and its reverse.

use std::sync::Arc;

use super::resolve::{StripedRecord, TypeChange};
use crate::state::{EncodeError, PutRow, Section, TableEncoder};
use crate::wire::StructReader;

impl TypeChange {
    /// The delta sections of this change.
    pub(super) fn encode(&self, encoder: TableEncoder<'_>) -> Result<Vec<Arc<Section>>, EncodeError> {
        let words =
            |record: &StripedRecord| encoder.table.words_of(StructReader::root(self.message(*record))?);
        let put = |record: &StripedRecord, row: PutRow<'_>| row(self.message(*record));
        encoder.changes(&self.forward, words, put)
    }

    /// The reverse delta sections of this change of the encoder's table.
    pub(super) fn encode_reverse(&self, encoder: TableEncoder<'_>) -> Result<Vec<Arc<Section>>, EncodeError> {
        encoder.changes_from(encoder.table, &self.reverse())
    }
}
