//! The way to a store, on which requests get lost.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A store whose GETs and LISTs fail when it is told to.
#[derive(Debug)]
pub(crate) struct Unreliable {
    inner: Arc<dyn ObjectStore>,
    every: AtomicU64,
    is_down: AtomicBool,
    requests: AtomicU64,
    failures: AtomicU64,
    blob_bytes: AtomicU64,
}

impl Unreliable {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            every: AtomicU64::default(),
            is_down: AtomicBool::default(),
            requests: AtomicU64::default(),
            failures: AtomicU64::default(),
            blob_bytes: AtomicU64::default(),
        }
    }

    /// Lets one of so many requests fail; 0 for none.
    pub(crate) fn fail_every(&self, requests: u64) {
        self.every.store(requests, Ordering::Relaxed);
    }

    /// Lets all requests fail, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::Relaxed);
    }

    /// How many requests failed so far.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How many bytes of blobs came through.
    pub(crate) fn blob_bytes(&self) -> u64 {
        self.blob_bytes.load(Ordering::Relaxed)
    }

    fn request(&self) -> Result<()> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let every = self.every.load(Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) || (every > 0 && number.is_multiple_of(every)) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Err(object_store::Error::Generic {
                store: "Unreliable",
                source: "lost on the way".into(),
            });
        }
        Ok(())
    }

    /// `list`, or the failure of the request for it.
    fn listed(&self, list: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.request() {
            Ok(()) => list,
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
}

impl fmt::Display for Unreliable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Unreliable({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Unreliable {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.request()?;
        let answer = self.inner.get_opts(path, options).await?;
        if path.parts().any(|part| ["snapshots", "deltas", "reverse"].contains(&part.as_ref())) {
            self.blob_bytes.fetch_add(answer.range.end - answer.range.start, Ordering::Relaxed);
        }
        Ok(answer)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.request()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
