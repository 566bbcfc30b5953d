//! A blob of the store as sections in memory: from the state directory where it has them, from the store otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::Assembled;
use super::transfer::{RemoteBlob, Requests, SectionSink};
use crate::cache::{PendingSeal, SectionName, SectionWriter, SegmentStore, UnsealedSection};
use crate::error::Result;
use crate::format::{BlobHeader, BlobReference, SectionEntry, SectionId};
use crate::identifiers::TypeId;
use crate::progress::Progress;
use crate::schema::TypeFilter;
use crate::segment::Segment;
use crate::state::Section;
use crate::store::DatasetStore;
use crate::workers;

/// Bytes of the first request where all types are wanted: the header of most blobs, and all of a small delta.
pub(super) const BLOB_LENGTH: u64 = 64 << 10;
/// The same where some are wanted: the header of most blobs, and little of what else there is.
const HEADER_LENGTH: u64 = 8 << 10;

/// A blob whose sections are in memory.
pub(super) struct Fetched {
    pub(super) blob: Assembled,
    /// Seals for what is not verified yet, to be set once the state that it makes was.
    pub(super) seals: Vec<PendingSeal>,
    /// Bytes that came from the store, the header not counted.
    pub(super) bytes: u64,
}

/// Brings the blob that `reference` names, without the types that `filter` leaves out (keeps semantics 22): one request for its header, and
/// those for the sections whose bytes the state directory lacks.
pub(super) async fn fetch(
    store: &DatasetStore,
    segments: &SegmentStore,
    reference: &BlobReference,
    filter: &TypeFilter,
    requests: &Requests,
    progress: &Arc<dyn Progress>,
) -> Result<Fetched> {
    let begin = if filter.chosen().is_some() { HEADER_LENGTH } else { BLOB_LENGTH };
    let remote = RemoteBlob::open(store, reference, begin, requests).await?;
    let header = remote.shared_header();
    let wanted = wanted_types(&header, filter);
    let wanted = header.sections().iter().filter(|entry| wanted.contains(&entry.id.type_id));
    let Brought { sections, seals, bytes } = bring(&remote, wanted, segments, requests, progress).await?;
    let blob = Assembled::new(header, filter.clone(), sections, seals.is_empty());
    Ok(Fetched { blob, seals, bytes })
}

/// Sections that are in memory.
pub(super) struct Brought {
    pub(super) sections: HashMap<SectionId, Arc<Section>>,
    /// Seals for what is not verified yet, to be set once it is. What was written and is not sealed goes with its section.
    seals: Vec<PendingSeal>,
    /// Bytes that came from the store.
    bytes: u64,
}

/// Brings `wanted`, sections of the blob `remote`.
pub(super) async fn bring<'e>(
    remote: &RemoteBlob,
    wanted: impl Iterator<Item = &'e SectionEntry>,
    segments: &SegmentStore,
    requests: &Requests,
    progress: &Arc<dyn Progress>,
) -> Result<Brought> {
    let (wanted, directory) = (wanted.copied().collect::<Vec<_>>(), segments.clone());
    let found = workers::run(move || {
        let found = wanted.into_iter().map(|entry| Ok((entry, at_hand(&directory, name_of(&entry))?)));
        found.collect::<Result<Vec<_>>>()
    });
    let mut sections = HashMap::new();
    let mut seals = Vec::new();
    let mut missing = Vec::new();
    for (entry, segment) in found.await? {
        match segment {
            Some((segment, seal)) => {
                sections.insert(entry.id, Arc::new(Section::new(name_of(&entry), segment)));
                seals.extend(seal);
            }
            None => missing.push(entry),
        }
    }
    let sink = Arc::new(ToSegments { segments: segments.clone(), seals: Mutex::new(seals) });
    let bytes = missing.iter().map(|entry| entry.stored_length).sum();
    let arrived = remote.fetch(&missing, &sink, requests, progress).await?;
    sections.extend(missing.iter().map(|entry| entry.id).zip(arrived));
    let seals = std::mem::take(&mut *sink.seals.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Brought { sections, seals, bytes })
}

/// The section `name` if its bytes are here, and a seal for it unless it was verified as this release does.
fn at_hand(segments: &SegmentStore, name: SectionName) -> Result<Option<(Segment, Option<PendingSeal>)>> {
    if let Some(sealed) = segments.find(&name)? {
        return Ok(Some((sealed, None)));
    }
    let unsealed = segments.find_unsealed(&name)?.map(UnsealedSection::split);
    Ok(unsealed.map(|(segment, seal)| (segment, Some(seal))))
}

fn wanted_types(header: &BlobHeader, filter: &TypeFilter) -> HashSet<TypeId> {
    let types = header.description().types.iter().filter(|transition| filter.has(&transition.name));
    types.map(|transition| TypeId::of(&transition.name)).collect()
}

fn name_of(entry: &SectionEntry) -> SectionName {
    SectionName { hash: entry.hash, length: entry.plain_length }
}

/// Writes fetched sections into the segment store.
struct ToSegments {
    segments: SegmentStore,
    seals: Mutex<Vec<PendingSeal>>,
}

impl SectionSink for ToSegments {
    type Writer = SectionWriter;
    type Output = Arc<Section>;

    fn open(&self, section: &SectionEntry) -> Result<SectionWriter> {
        Ok(self.segments.create(section.plain_length)?)
    }

    fn close(&self, section: &SectionEntry, writer: SectionWriter) -> Result<Arc<Section>> {
        let name = name_of(section);
        let (segment, seal) = writer.finish(Some(name))?.split();
        self.seals.lock().unwrap_or_else(PoisonError::into_inner).push(seal);
        Ok(Arc::new(Section::new(name, segment)))
    }
}
