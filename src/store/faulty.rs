//! A store that fails, lies and is late, on one seed; and a clock that follows the test's.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::environment::{Clock, Environment, Random, SeededRandom};

/// What goes wrong: of 100 requests so many, or always.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A create fails and nothing is there.
    pub(crate) create_fails_before: u64,
    /// A create is done and its answer lost.
    pub(crate) create_fails_after: u64,
    /// A create is done and said to have found another.
    pub(crate) create_lies: u64,
    /// A create is said to have found another where there is none, and is not done.
    pub(crate) create_denies: u64,
    /// A create fails and is done later, when [`FaultyStore::land`] says so.
    pub(crate) create_is_late: u64,
    /// Every create is forbidden.
    pub(crate) create_is_forbidden: bool,
    /// Any other request fails.
    pub(crate) request_fails: u64,
    /// Creates overwrite and win, all of them.
    pub(crate) creates_overwrite: bool,
    /// LIST shows nothing.
    pub(crate) lists_are_empty: bool,
    /// A request lets others go first, up to so many times.
    pub(crate) detours: u64,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self::default()
    }
}

/// Memory behind faults. LIST comes in random order.
pub(crate) struct FaultyStore {
    inner: InMemory,
    random: SeededRandom,
    faults: Mutex<Faults>,
    late: Mutex<Vec<(Path, PutPayload)>>,
    requests: Mutex<Vec<String>>,
    landed: Mutex<Vec<Path>>,
}

impl FaultyStore {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            inner: InMemory::new(),
            random: SeededRandom::new(seed),
            faults: Mutex::new(faults),
            late: Mutex::default(),
            requests: Mutex::default(),
            landed: Mutex::default(),
        }
    }

    /// Changes what goes wrong from now on.
    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().expect("not poisoned") = faults;
    }

    /// The requests so far, oldest first, as `VERB path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.requests.lock().expect("not poisoned").clear();
    }

    /// The objects that creates made so far, oldest first; one that was deleted and made again is there twice.
    pub(crate) fn landed(&self) -> Vec<Path> {
        self.landed.lock().expect("not poisoned").clone()
    }

    /// The memory behind the faults.
    pub(crate) fn inner(&self) -> &InMemory {
        &self.inner
    }

    /// Lets one late create arrive, any of them. Whether there was one.
    pub(crate) async fn land(&self) -> bool {
        let arrived = {
            let mut late = self.late.lock().expect("not poisoned");
            let waiting = late.len() as u64;
            if waiting == 0 {
                return false;
            }
            late.swap_remove((self.random.next_u64() % waiting) as usize)
        };
        let (path, payload) = arrived;
        // Another may be there by now; then it is the late one that fails.
        let _ = self.arrive(&path, payload).await;
        true
    }

    fn faults(&self) -> Faults {
        self.faults.lock().expect("not poisoned").clone()
    }

    fn below(&self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    async fn request(&self, verb: &str, path: &Path) -> Result<()> {
        self.requests.lock().expect("not poisoned").push(format!("{verb} {path}"));
        self.detour().await;
        if self.below(100) < self.faults().request_fails {
            return Err(failure("lost"));
        }
        Ok(())
    }

    async fn detour(&self) {
        for _ in 0..self.below(self.faults().detours + 1) {
            tokio::task::yield_now().await;
        }
    }

    async fn create(&self, path: &Path, payload: PutPayload) -> Result<PutResult> {
        let faults = self.faults();
        if faults.creates_overwrite {
            return self.inner.put(path, payload).await;
        }
        if faults.create_is_forbidden {
            return Err(object_store::Error::PermissionDenied {
                path: path.to_string(),
                source: "no".into(),
            });
        }
        let mut dice = self.below(100);
        let mut falls = |share: u64| {
            let hit = dice < share;
            dice = if hit { u64::MAX } else { dice - share.min(dice) };
            hit
        };
        if falls(faults.create_fails_before) {
            return Err(failure("never arrived"));
        }
        if falls(faults.create_fails_after) {
            let _ = self.arrive(path, payload).await;
            return Err(failure("answer lost"));
        }
        if falls(faults.create_lies) {
            let _ = self.arrive(path, payload).await;
            return Err(exists(path));
        }
        if falls(faults.create_denies) {
            return Err(exists(path));
        }
        if falls(faults.create_is_late) {
            self.late.lock().expect("not poisoned").push((path.clone(), payload));
            return Err(failure("under way"));
        }
        let answer = self.arrive(path, payload).await;
        self.detour().await;
        answer
    }

    /// A create gets to the store.
    async fn arrive(&self, path: &Path, payload: PutPayload) -> Result<PutResult> {
        let answer = self.inner.put_opts(path, payload, PutMode::Create.into()).await;
        if answer.is_ok() {
            self.landed.lock().expect("not poisoned").push(path.clone());
        }
        answer
    }

    /// What a LIST that starts now shows, in random order, and maybe an error half-way.
    fn shuffled(
        &self,
        objects: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let mut objects: Vec<_> = objects.collect::<Vec<_>>().now_or_never().expect("memory does not wait");
        if self.faults().lists_are_empty {
            objects.clear();
        }
        for last in (1..objects.len()).rev() {
            objects.swap(last, self.below(last as u64 + 1) as usize);
        }
        if self.below(100) < self.faults().request_fails {
            objects.truncate(self.below(objects.len() as u64 + 1) as usize);
            objects.push(Err(failure("cut off")));
        }
        let detours = self.below(self.faults().detours + 1);
        let paged = move |object| async move {
            for _ in 0..detours {
                tokio::task::yield_now().await;
            }
            object
        };
        stream::iter(objects).then(paged).boxed()
    }
}

fn failure(why: &'static str) -> object_store::Error {
    object_store::Error::Generic { store: "FaultyStore", source: why.into() }
}

fn exists(path: &Path) -> object_store::Error {
    object_store::Error::AlreadyExists { path: path.to_string(), source: "it says".into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FaultyStore")
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if options.mode == PutMode::Create {
            self.requests.lock().expect("not poisoned").push(format!("CREATE {path}"));
            self.detour().await;
            return self.create(path, payload).await;
        }
        self.request("PUT", path).await?;
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.request("PUT", path).await?;
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(if options.head { "HEAD" } else { "GET" }, path).await?;
        let answer = self.inner.get_opts(path, options).await;
        self.detour().await;
        answer
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.requests
            .lock()
            .expect("not poisoned")
            .push(format!("LIST {}", prefix.cloned().unwrap_or_default()));
        self.shuffled(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.requests.lock().expect("not poisoned").push(format!("LIST after {offset}"));
        self.shuffled(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A clock that follows tokio's, which a test may pause; the wall clock starts at 2026-01-01.
struct PausedClock {
    started: tokio::time::Instant,
}

impl Clock for PausedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// A world on one seed and tokio's clock; to be made within a runtime.
pub(crate) fn environment(seed: u64) -> Environment {
    Environment {
        clock: Arc::new(PausedClock { started: tokio::time::Instant::now() }),
        random: Arc::new(SeededRandom::new(seed)),
    }
}
