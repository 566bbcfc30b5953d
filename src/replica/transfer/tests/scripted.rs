//! A store that fails when told to and remembers what it was asked.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What goes wrong, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// So many GETs fail before one works.
    pub(super) failing_gets: AtomicUsize,
    /// So many parts work before the failing ones.
    pub(super) parts_before: AtomicUsize,
    /// So many parts fail then.
    pub(super) failing_parts: AtomicUsize,
    /// Uploads given up.
    pub(super) aborts: AtomicUsize,
    /// Uploads begun.
    pub(super) uploads: AtomicUsize,
    /// Most requests under way at a time.
    pub(super) most_at_once: AtomicUsize,
    under_way: AtomicUsize,
    gets: Mutex<Vec<Range<u64>>>,
}

/// Memory that follows a [`Script`].
#[derive(Debug, Default)]
pub(super) struct ScriptedStore {
    inner: InMemory,
    pub(super) script: Arc<Script>,
}

impl ScriptedStore {
    /// The ranges that were asked for, in the order of asking.
    pub(super) fn gets(&self) -> Vec<Range<u64>> {
        self.script.gets.lock().expect("not poisoned").clone()
    }
}

impl Script {
    /// Whether the one that asks is among the next `count`.
    fn counts_down(count: &AtomicUsize) -> bool {
        count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    /// Takes a while, and counts who is there meanwhile.
    async fn take_a_while(&self) {
        let at_once = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn failure() -> object_store::Error {
    object_store::Error::Generic { store: "ScriptedStore", source: "as told".into() }
}

impl fmt::Display for ScriptedStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ScriptedStore")
    }
}

#[async_trait]
impl ObjectStore for ScriptedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.script.uploads.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.put_multipart_opts(path, options).await?;
        Ok(Box::new(ScriptedUpload { inner, script: Arc::clone(&self.script) }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            return self.inner.get_opts(path, options).await;
        }
        if let Some(GetRange::Bounded(range)) = &options.range {
            self.script.gets.lock().expect("not poisoned").push(range.clone());
        }
        self.script.take_a_while().await;
        if Script::counts_down(&self.script.failing_gets) {
            return Err(failure());
        }
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct ScriptedUpload {
    inner: Box<dyn MultipartUpload>,
    script: Arc<Script>,
}

#[async_trait]
impl MultipartUpload for ScriptedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, script) = (self.inner.put_part(data), Arc::clone(&self.script));
        Box::pin(async move {
            script.take_a_while().await;
            let works =
                Script::counts_down(&script.parts_before) || !Script::counts_down(&script.failing_parts);
            if works { part.await } else { Err(failure()) }
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.script.aborts.fetch_add(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}
