//! What one delta does to one key, without a state: a header and one section.

use std::sync::Arc;

use super::assemble::schema_of;
use super::fetch::{BLOB_LENGTH, bring};
use super::transfer::{RemoteBlob, Requests};
use super::{AssembleError, Replica, ReplicaError};
use crate::error::{Error, Result};
use crate::format::sections::changes::Changes;
use crate::format::sections::sharding::Sharding;
use crate::format::{BlobReference, SectionEntry, SectionKind};
use crate::identifiers::{KeyHash, TypeId};
use crate::progress::Progress;
use crate::schema::Schema;
use crate::state::Section;
use crate::wire::{KeyPlan, gather};
use crate::workers;

/// What a delta or reverse delta does to one key of one type.
#[derive(Debug, Default)]
pub(crate) struct Touch {
    /// The schema of the version it leads to, if it differs.
    pub(crate) schema: Option<Schema>,
    /// Whether it changes anything under the hash of the key. Another key may have that hash in the version before.
    pub(crate) is_touched: bool,
    /// The canonical message of what it writes under that hash, of whatever key.
    pub(crate) written: Option<Vec<u64>>,
}

impl Replica {
    /// What the delta or reverse delta `blob` does to the key with these bytes: one request, or two where its changes of the type begin beyond the
    /// first 64 KiB; no more of it than the part with the hash of the key is fetched.
    pub(crate) async fn touch(&self, blob: &BlobReference, type_name: &str, key: &[u8]) -> Result<Touch> {
        let touch = self.look_into(blob, type_name, key).await;
        touch.map_err(|error| ReplicaError::of_named(&blob.name, error))
    }

    async fn look_into(&self, blob: &BlobReference, type_name: &str, key: &[u8]) -> Result<Touch> {
        let silent: Arc<dyn Progress> = Arc::new(());
        let requests = Requests::new(&self.options);
        let remote = RemoteBlob::open(&self.store, blob, BLOB_LENGTH, &requests).await?;
        let named = |error: Error| ReplicaError::Blob {
            object: blob.name.clone(),
            kind: error.kind(),
            source: error,
        };
        let description = remote.header().description();
        let hash = KeyPlan::hash(description.key_seed, key);
        let schema = schema_of(description).map_err(|error: AssembleError| named(error.into()))?;
        let is_of_key = |entry: &&SectionEntry| {
            entry.id.kind == SectionKind::Changes
                && Sharding::of_parts(entry.id.parts).is_some_and(|parts| parts.shard(hash) == entry.id.part)
        };
        let entry = remote.header().sections_of(TypeId::of(type_name)).find(is_of_key);
        let Some(entry) = entry else { return Ok(Touch { schema, ..Touch::default() }) };
        let wanted = std::iter::once(entry);
        let brought = bring(&remote, wanted, &self.segments, &requests, &silent).await?;
        let section = Arc::clone(&brought.sections[&entry.id]);
        let found = workers::run(move || find(&section, hash)).await;
        let (is_touched, written) = found.map_err(named)?;
        Ok(Touch { schema, is_touched, written })
    }
}

/// Whether a changes section has `hash`, and what it writes there.
fn find(section: &Section, hash: KeyHash) -> Result<(bool, Option<Vec<u64>>)> {
    let words = section.words();
    let changes = Changes::open(words).map_err(AssembleError::Section)?;
    let Ok(row) = changes.hashes(words).binary_search(&hash.0) else {
        return Ok((changes.removed(words).binary_search(&hash.0).is_ok(), None));
    };
    let mut message = Vec::new();
    gather(changes.rows.row(words, row as u32), &mut message)?;
    Ok((true, Some(message)))
}
