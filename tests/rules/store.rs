//! A store that tells what was asked of it, and answers as a test wants.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As it should be.
    True,
    /// With an error that may pass.
    Lost,
    /// As if the object were not there.
    Absent,
    /// As it should be, but so much later.
    Late(Duration),
    /// Never.
    Never,
    /// With a panic, as of a store with a defect.
    Panic,
    /// As it should be, but only when the store is [woken](ScriptedStore::wake).
    Asleep,
}

type Script = Box<dyn FnMut(&str) -> Answer + Send>;

/// Memory behind a script. A request is `VERB path`, the verb one of GET, HEAD, PUT, CREATE, DELETE and LIST; each object that a
/// LIST would show is asked for as `SHOW path`.
pub(crate) struct ScriptedStore {
    inner: Arc<InMemory>,
    script: Arc<Mutex<Script>>,
    requests: Arc<Mutex<Vec<String>>>,
    awake: tokio::sync::watch::Sender<()>,
    fetched_bytes: Arc<AtomicU64>,
}

impl ScriptedStore {
    pub(crate) fn new() -> Self {
        let script: Script = Box::new(|_| Answer::True);
        let (inner, script) = (Arc::default(), Arc::new(Mutex::new(script)));
        let (requests, fetched_bytes, awake) =
            (Arc::default(), Arc::default(), tokio::sync::watch::Sender::default());
        Self { inner, script, requests, awake, fetched_bytes }
    }

    /// The same memory behind a script of its own, as another process sees it.
    pub(crate) fn twin(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), ..Self::new() }
    }

    /// Lets no request through from now on, as if the process that sends them were stopped.
    pub(crate) fn sleep(&self) {
        self.follow(|_| Answer::Asleep);
    }

    /// Lets all requests through, also those that wait.
    pub(crate) fn wake(&self) {
        self.heal();
        self.awake.send_replace(());
    }

    /// The memory behind the script.
    pub(crate) fn inner(&self) -> &InMemory {
        &self.inner
    }

    /// Answers by `script` from now on.
    pub(crate) fn follow(&self, script: impl FnMut(&str) -> Answer + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Answers requests that contain `part` with `answer` from now on, all others truly.
    pub(crate) fn answer(&self, part: &'static str, answer: Answer) {
        self.follow(move |request| if request.contains(part) { answer } else { Answer::True });
    }

    /// Answers truly from now on.
    pub(crate) fn heal(&self) {
        self.follow(|_| Answer::True);
    }

    /// The requests since the last call, oldest first.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Bytes of blobs that were fetched since the last call.
    pub(crate) fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes.swap(0, Ordering::SeqCst)
    }

    /// Those of them that write, but for heartbeats.
    pub(crate) fn writes(&self) -> Vec<String> {
        let is_write = |request: &String| request.starts_with("PUT") || request.starts_with("CREATE");
        let requests = self.requests().into_iter().filter(is_write);
        requests.filter(|request| !request.ends_with("hints/heartbeat")).collect()
    }

    fn ask(&self, verb: &str, path: &Path) -> impl Future<Output = Result<()>> + Send + use<> {
        let request = format!("{verb} {path}");
        self.requests.lock().unwrap().push(request.clone());
        let answer = (self.script.lock().unwrap())(&request);
        let (path, mut awake) = (path.clone(), self.awake.subscribe());
        async move {
            match answer {
                Answer::True => Ok(()),
                Answer::Lost => Err(Error::Generic { store: "ScriptedStore", source: "lost".into() }),
                Answer::Absent => {
                    Err(Error::NotFound { path: path.to_string(), source: "the script".into() })
                }
                Answer::Late(delay) => {
                    tokio::time::sleep(delay).await;
                    Ok(())
                }
                Answer::Panic => panic!("a store with a defect"),
                Answer::Never => std::future::pending().await,
                Answer::Asleep => {
                    let _ = awake.changed().await;
                    Ok(())
                }
            }
        }
    }

    /// Another handle on the same store.
    fn share(&self) -> Self {
        let (inner, script) = (Arc::clone(&self.inner), Arc::clone(&self.script));
        let (requests, fetched_bytes) = (Arc::clone(&self.requests), Arc::clone(&self.fetched_bytes));
        Self { inner, script, requests, awake: self.awake.clone(), fetched_bytes }
    }

    /// Leaves out what the script does not want to be seen.
    fn shown(&self, all: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let script = Arc::clone(&self.script);
        let is_shown = move |object: &Result<ObjectMeta>| {
            let Ok(object) = object else { return true };
            (script.lock().unwrap())(&format!("SHOW {}", object.location)) == Answer::True
        };
        all.filter(move |object| std::future::ready(is_shown(object))).boxed()
    }

    /// What `list` finds in the memory once the script lets the request through.
    fn listed(
        &self,
        prefix: Option<&Path>,
        list: impl FnOnce(&InMemory, Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> + Send + 'static,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.share(), prefix.cloned());
        let asked = self.ask("LIST", &prefix.clone().unwrap_or_default());
        let listed = async move { asked.await.map(|()| store.shown(list(&store.inner, prefix.as_ref()))) };
        futures::stream::once(listed).try_flatten().boxed()
    }
}

impl fmt::Display for ScriptedStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ScriptedStore")
    }
}

impl fmt::Debug for ScriptedStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ScriptedStore")
    }
}

#[async_trait]
impl ObjectStore for ScriptedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let verb = if options.mode == PutMode::Create { "CREATE" } else { "PUT" };
        self.ask(verb, path).await?;
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.ask("PUT", path).await?;
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.ask(if options.head { "HEAD" } else { "GET" }, path).await?;
        let is_of_blob =
            ["snapshots", "deltas", "reverse"].iter().any(|folder| path.as_ref().contains(folder));
        let answer = self.inner.get_opts(path, options).await?;
        if is_of_blob {
            self.fetched_bytes.fetch_add(answer.range.end - answer.range.start, Ordering::SeqCst);
        }
        Ok(answer)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.share();
        let delete = move |path: Result<Path>| {
            let store = store.share();
            async move {
                let path = path?;
                store.ask("DELETE", &path).await?;
                store.inner.delete(&path).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, |inner, prefix| inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let offset = offset.clone();
        self.listed(prefix, move |inner, prefix| inner.list_with_offset(prefix, &offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
