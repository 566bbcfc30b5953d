//! A blob in the store: its header first, then the sections one wants.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use super::decode::{BatchDecoder, Piece};
use super::error::TransferError;
use super::plan::{Batch, batches, holds};
use super::{Requests, SectionSink};
use crate::format::{BlobHeader, BlobReference, PREAMBLE_LENGTH, SectionEntry, head_length};
use crate::progress::Progress;
use crate::store::{DatasetStore, ObjectName};
use crate::workers;

/// A blob in the store whose header is here and verified. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RemoteBlob {
    store: DatasetStore,
    name: ObjectName,
    object: Arc<str>,
    header: Arc<BlobHeader>,
    /// The first bytes of the blob, header and more.
    head: Bytes,
}

impl RemoteBlob {
    /// Fetches and verifies preamble and header of the blob that `reference` names: one request for the first `begin`
    /// bytes, and another when the header ends beyond them. Sections among these bytes are not fetched again.
    ///
    /// Fails with [`ErrorKind::NotFound`](crate::ErrorKind) when the blob is not there, with `Corrupt` when it is cut
    /// off or its head is not the one that the reference means, and with `Unavailable` when retries did not help.
    pub async fn open(
        store: &DatasetStore,
        reference: &BlobReference,
        begin: u64,
        requests: &Requests,
    ) -> Result<Self, TransferError> {
        let name = ObjectName::parse(&reference.name)
            .ok_or_else(|| TransferError::Name { expected: "a blob", found: reference.name.clone() })?;
        let _permit = requests.permit().await;
        let first =
            store.get_range(&name, 0..begin.max(PREAMBLE_LENGTH as u64).min(reference.length)).await?;
        let header_end = head_length(&first, &reference.name)?.min(reference.length);
        let head = match header_end.checked_sub(first.len() as u64) {
            None | Some(0) => first,
            Some(_) => complete(store, &name, first, header_end).await?,
        };
        let header = BlobHeader::parse(&head, reference)?;
        let object = Arc::from(reference.name.as_str());
        Ok(Self { store: store.clone(), name, object, header: Arc::new(header), head })
    }

    /// The verified header.
    #[must_use]
    pub fn header(&self) -> &BlobHeader {
        &self.header
    }

    /// The verified header, to keep.
    #[must_use]
    pub fn shared_header(&self) -> Arc<BlobHeader> {
        Arc::clone(&self.header)
    }

    /// Fetches, decodes and verifies `sections`, which are of this blob's header; gives what `sink` made of each, in
    /// their order. `progress` advances by stored bytes, by the sum of [`SectionEntry::stored_length`] in all.
    ///
    /// Arrives with all sections or fails: with `NotFound` when the blob is gone meanwhile, `Corrupt` when it is cut off or a
    /// section is not what the header says, `Unavailable` when retries did not help, and with the sink's own kind.
    /// Sections that were closed before a failure stay with the sink.
    ///
    /// # Panics
    ///
    /// When a section is not of this blob's header.
    pub async fn fetch<S: SectionSink>(
        &self,
        sections: &[SectionEntry],
        sink: &Arc<S>,
        requests: &Requests,
        progress: &Arc<dyn Progress>,
    ) -> Result<Vec<S::Output>, TransferError> {
        let all = self.header.sections();
        assert!(sections.iter().all(|section| holds(all, section)), "sections of this blob");
        let batches = batches(all, sections, self.head.len() as u64, requests.range_length());
        let fetched = stream::iter(batches).map(|batch| {
            let wanted = batch.sections.iter().map(|at| sections[*at]).collect();
            self.fetch_batch(batch, wanted, sink, requests, progress)
        });
        let outputs: Vec<Vec<(usize, S::Output)>> =
            fetched.buffer_unordered(requests.at_a_time()).try_collect().await?;
        let mut outputs: Vec<(usize, S::Output)> = outputs.into_iter().flatten().collect();
        outputs.sort_by_key(|(at, _)| *at);
        Ok(outputs.into_iter().map(|(_, output)| output).collect())
    }

    /// Fetches one batch and decodes it as it comes; outputs come with their place in the list of sections.
    async fn fetch_batch<S: SectionSink>(
        &self,
        batch: Batch,
        wanted: Vec<SectionEntry>,
        sink: &Arc<S>,
        requests: &Requests,
        progress: &Arc<dyn Progress>,
    ) -> Result<Vec<(usize, S::Output)>, TransferError> {
        let (object, sink) = (Arc::clone(&self.object), Arc::clone(sink));
        let decoder = BatchDecoder::new(object, batch.start, wanted, sink, Arc::clone(progress));
        let (send, receive) = mpsc::channel(1);
        if batch.ranges.is_empty() {
            let piece = Piece { bytes: self.head.clone(), _permit: None };
            send.try_send(piece).expect("the channel is empty");
        }
        let fed = self.feed(batch.ranges, send, requests);
        let (fed, decoded) = tokio::join!(fed, decode(decoder, receive));
        // A request that failed is why the decoder got too little; a decoder that failed before may be why the requests ended.
        let decoded = match decoded {
            Err(TransferError::Cancelled { .. }) => fed.and(decoded)?,
            decoded => decoded?,
        };
        Ok(batch.sections.into_iter().zip(decoded).collect())
    }

    /// Fetches `ranges` several at a time and hands them over in their order.
    ///
    /// The right to a request is taken in the order of the ranges and kept until its bytes are decoded: so a range that
    /// waits for the one before it never keeps that one from being fetched, and bytes in memory are bounded.
    async fn feed(
        &self,
        ranges: Vec<Range<u64>>,
        decoder: mpsc::Sender<Piece>,
        requests: &Requests,
    ) -> Result<(), TransferError> {
        let permitted = stream::iter(ranges).then(|range| {
            let requests = requests.clone();
            async move { (range, requests.permit().await) }
        });
        let pieces = permitted.map(|(range, permit)| {
            let (store, name) = (self.store.clone(), self.name);
            async move {
                let bytes = store.get_range(&name, range).await?;
                Ok::<_, TransferError>(Piece { bytes, _permit: Some(permit) })
            }
        });
        let mut pieces = std::pin::pin!(pieces.buffered(requests.at_a_time()));
        while let Some(piece) = pieces.try_next().await? {
            if decoder.send(piece).await.is_err() {
                break; // The decoder failed and says why.
            }
        }
        Ok(())
    }
}

/// Decodes what arrives through `pieces`, on the threads for such work.
async fn decode<S: SectionSink>(
    mut decoder: BatchDecoder<S>,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Vec<S::Output>, TransferError> {
    while let Some(piece) = pieces.recv().await {
        let pushed = workers::run(move || {
            decoder.push(piece.bytes)?;
            Ok::<_, TransferError>(decoder)
        });
        decoder = pushed.await?;
    }
    decoder.finish()
}

/// `first` and what follows it up to `end`.
async fn complete(
    store: &DatasetStore,
    name: &ObjectName,
    first: Bytes,
    end: u64,
) -> Result<Bytes, TransferError> {
    let rest = store.get_range(name, first.len() as u64..end).await?;
    let mut head = BytesMut::from(first);
    head.extend_from_slice(&rest);
    Ok(head.freeze())
}
