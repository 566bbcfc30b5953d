//! A finished blob to the store.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryFutureExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::runtime::Handle;

use super::TransferOptions;
use super::error::TransferError;
use super::plan::{part_length, ranges};
use crate::format::{BlobReference, FinishedBlob};
use crate::progress::Progress;
use crate::store::{DatasetStore, Failure, ObjectName};
use crate::workers;

/// Stores `blob` under `name`, over what was there; gives what a manifest says of it. `progress` advances by the bytes
/// that the store has taken, by [`FinishedBlob::length`] in all.
///
/// A blob of up to [`TransferOptions::range_length`] bytes takes one request; a longer one goes in parts, several at a
/// time, and appears when the last is there. Parts are given up when storing fails or the future is dropped; those of
/// a process that was killed are left for the store's own expiry of incomplete uploads.
///
/// Fails with `Unavailable` when retries did not help, and with `Invalid` when the store refuses.
pub async fn upload(
    store: &DatasetStore,
    name: &ObjectName,
    blob: &FinishedBlob,
    options: &TransferOptions,
    progress: &Arc<dyn Progress>,
) -> Result<BlobReference, TransferError> {
    let uploading = Uploading { store, name, blob, options };
    if blob.length() <= options.range_length {
        let bytes = uploading.read(0..blob.length()).await?;
        store.put(name, bytes).await?;
        progress.advance(blob.length());
    } else {
        uploading.in_parts_with_retries(&**progress).await?;
    }
    Ok(blob.reference(name.to_string()))
}

struct Uploading<'a> {
    store: &'a DatasetStore,
    name: &'a ObjectName,
    blob: &'a FinishedBlob,
    options: &'a TransferOptions,
}

/// Why one try at all parts failed: for good, or with an answer of the store that the next try may not get.
enum Broken {
    Read(TransferError),
    Store(object_store::Error),
}

impl Uploading<'_> {
    fn object(&self) -> String {
        self.store.path(self.name).to_string()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, TransferError> {
        let (blob, offset) = (self.blob.clone(), range.start);
        let read = workers::run(move || {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            blob.read_at(range.start, &mut bytes).map(|()| Bytes::from(bytes))
        });
        read.await.map_err(|source| TransferError::Temporary { object: self.object(), offset, source })
    }

    /// Tries all parts, again from the first when that may help: a part cannot be sent again by itself.
    async fn in_parts_with_retries(&self, progress: &dyn Progress) -> Result<(), TransferError> {
        let mut delays = self.store.retries().delays(self.store.environment());
        let (mut tries, mut reported) = (0, 0);
        loop {
            tries += 1;
            let source = match self.in_parts(progress, &mut reported).await {
                Ok(()) => return Ok(()),
                Err(Broken::Read(error)) => return Err(error),
                Err(Broken::Store(source)) => source,
            };
            let delay = match Failure::of(&source) {
                // A store says so of an upload that it has forgotten.
                Failure::Transient | Failure::Absent => delays.next(),
                _ => None,
            };
            let Some(delay) = delay else {
                return Err(TransferError::Upload { object: self.object(), tries, source });
            };
            tracing::debug!(object = self.object(), tries, ?delay, error = %source, "storing the parts again");
            self.store.environment().clock.sleep(delay).await;
        }
    }

    async fn in_parts(&self, progress: &dyn Progress, reported: &mut u64) -> Result<(), Broken> {
        let path = self.store.path(self.name);
        let upload = self.store.object_store().put_multipart(&path).await.map_err(Broken::Store)?;
        let mut upload = Abandoned(Some(upload));
        match self.send_parts(&mut upload, progress, reported).await {
            Ok(()) => {
                upload.forget();
                Ok(())
            }
            Err(broken) => {
                upload.abort().await;
                Err(broken)
            }
        }
    }

    /// Reads the parts in their order and sends several at a time, then makes them one object.
    async fn send_parts(
        &self,
        upload: &mut Abandoned,
        progress: &dyn Progress,
        reported: &mut u64,
    ) -> Result<(), Broken> {
        let length = part_length(self.blob.length(), self.options.range_length);
        let mut sent = 0;
        let mut advance = |part: u64| {
            sent += part;
            progress.advance(sent.saturating_sub(*reported));
            *reported = sent.max(*reported);
        };
        let mut under_way = FuturesUnordered::new();
        for range in ranges(0..self.blob.length(), length) {
            if under_way.len() >= self.options.requests.max(1) {
                advance(taken(under_way.next().await.expect("a part is under way"))?);
            }
            let bytes = self.read(range).await.map_err(Broken::Read)?;
            let part = bytes.len() as u64;
            under_way.push(upload.get().put_part(PutPayload::from_bytes(bytes)).map_ok(move |()| part));
        }
        while let Some(part) = under_way.next().await {
            advance(taken(part)?);
        }
        upload.get().complete().await.map_err(Broken::Store)?;
        Ok(())
    }
}

/// The length of a part that the store took.
fn taken(part: object_store::Result<u64>) -> Result<u64, Broken> {
    part.map_err(Broken::Store)
}

/// An upload in parts that is given up when it goes.
struct Abandoned(Option<Box<dyn MultipartUpload>>);

impl Abandoned {
    fn get(&mut self) -> &mut dyn MultipartUpload {
        &mut **self.0.as_mut().expect("the upload is not over")
    }

    fn forget(mut self) {
        self.0 = None;
    }

    async fn abort(mut self) {
        give_up(self.get()).await;
        self.forget();
    }
}

impl Drop for Abandoned {
    /// Who drops the future cannot wait, so a task of the runtime sends the one request.
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { give_up(&mut *upload).await });
        }
    }
}

async fn give_up(upload: &mut dyn MultipartUpload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "the parts of an upload could not be given up, the store expires them");
    }
}
