//! A blob of the store as sections in memory: from the state directory where it has them, from the store otherwise.

use std::sync::{Arc, Mutex, PoisonError};

use super::Assembled;
use super::transfer::{RemoteBlob, SectionSink, TransferOptions};
use crate::cache::{PendingSeal, SectionName, SectionWriter, SegmentStore};
use crate::error::Result;
use crate::format::{BlobReference, SectionEntry};
use crate::progress::Progress;
use crate::state::Section;
use crate::store::DatasetStore;

/// A blob whose sections are in memory.
pub(super) struct Fetched {
    pub(super) blob: Assembled,
    /// Seals for what was written, to be set once the state that it makes was verified.
    pub(super) seals: Vec<PendingSeal>,
    /// Bytes that came from the store, the header not counted.
    pub(super) bytes: u64,
}

/// Brings the blob that `reference` names: one request for its header, and those for the sections that the state directory lacks.
pub(super) async fn fetch(
    store: &DatasetStore,
    segments: &SegmentStore,
    reference: &BlobReference,
    options: &TransferOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Fetched> {
    let remote = RemoteBlob::open(store, reference).await?;
    let header = remote.shared_header();
    let mut sections = Vec::with_capacity(header.sections().len());
    let mut missing = Vec::new();
    for entry in header.sections() {
        let name = name_of(entry);
        let found = segments.find(&name)?.map(|segment| Arc::new(Section::new(name, segment)));
        if found.is_none() {
            missing.push(*entry);
        }
        sections.push(found);
    }
    let sink = Arc::new(ToSegments { segments: segments.clone(), seals: Mutex::default() });
    let bytes = missing.iter().map(|entry| entry.stored_length).sum();
    let mut arrived = remote.fetch(&missing, &sink, options, progress).await?.into_iter();
    let sections = sections
        .into_iter()
        .map(|found| found.or_else(|| arrived.next()).expect("a section was found or has arrived"));
    let sections = sections.collect();
    let seals = std::mem::take(&mut *sink.seals.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Fetched { blob: Assembled::new(header, sections, missing.is_empty()), seals, bytes })
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
