//! A store seen from one dataset.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use super::body;
use super::error::{Failure, StoreError};
use super::name::{Family, ObjectName};
use super::retry::{RetryOptions, retry};
use crate::environment::Environment;

/// What a create came to.
#[derive(Debug)]
pub enum Creation {
    /// The object is there and it is this one.
    Created,
    /// Anything else. The store says that the object was there before, or failed: it may be there, come later or never.
    Unknown(object_store::Error),
}

/// An object that a LIST found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was written, by the store's clock.
    pub modified: SystemTime,
}

/// The objects of one dataset. Cheap to clone.
///
/// Every operation is one request to the store, repeated while that may help (see [`RetryOptions`]), and stops at any
/// await when its future is dropped. Errors name the object by its path in the store.
#[derive(Clone, Debug)]
pub struct DatasetStore {
    store: Arc<dyn ObjectStore>,
    root: Path,
    environment: Environment,
    retries: RetryOptions,
}

impl DatasetStore {
    /// The dataset at `root` in `store`; the last part of `root` is the dataset's name.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, root: Path, environment: Environment) -> Self {
        Self { store, root, environment, retries: RetryOptions::default() }
    }

    /// The dataset called `name` in `store`: its path there, as it is written, with no letter escaped.
    ///
    /// # Errors
    /// [`StoreError::DatasetPath`] for what no path can be.
    pub fn named(
        store: Arc<dyn ObjectStore>,
        name: &str,
        environment: Environment,
    ) -> Result<Self, StoreError> {
        let root = Path::parse(name)
            .map_err(|source| StoreError::DatasetPath { dataset: name.to_owned(), source })?;
        Ok(Self::new(store, root, environment))
    }

    /// The same with other retries.
    #[must_use]
    pub fn with_retries(mut self, retries: RetryOptions) -> Self {
        self.retries = retries;
        self
    }

    /// Name of the dataset; empty for a dataset at the very root of its store.
    #[must_use]
    pub fn name(&self) -> &str {
        self.root.filename().unwrap_or_default()
    }

    /// Where the dataset lies in the store.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store beneath.
    #[must_use]
    pub fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The clock and the randomness that requests are retried by.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// How patiently the store is asked.
    #[must_use]
    pub fn retries(&self) -> &RetryOptions {
        &self.retries
    }

    /// Where the object lies in the store.
    #[must_use]
    pub fn path(&self, name: &ObjectName) -> Path {
        self.folder(name.family()).join(name.file())
    }

    /// Writes the object, over what was there.
    pub async fn put(&self, name: &ObjectName, payload: impl Into<PutPayload>) -> Result<(), StoreError> {
        let (path, payload) = (self.path(name), payload.into());
        self.retry(&path, || self.store.put(&path, payload.clone())).await?;
        Ok(())
    }

    /// Creates the object if it is absent; asks once and never repeats.
    ///
    /// Whoever creates has to find out what an unclear answer means (rule R2), so none is an error here.
    pub async fn create(&self, name: &ObjectName, payload: impl Into<PutPayload>) -> Creation {
        let answer = self.store.put_opts(&self.path(name), payload.into(), PutMode::Create.into()).await;
        match answer {
            Ok(_) => Creation::Created,
            Err(error) => Creation::Unknown(error),
        }
    }

    /// The whole object, which may have at most `limit` bytes; a larger one is refused before it is read.
    pub async fn get(&self, name: &ObjectName, limit: u64) -> Result<Bytes, StoreError> {
        let path = self.path(name);
        let read = async |path: &Path| {
            let found = self.store.get(path).await?;
            Ok(if found.meta.size > limit { Err(found.meta.size) } else { Ok(body::read(found).await?) })
        };
        let bytes = self.retry(&path, || read(&path)).await?;
        bytes.map_err(|found| StoreError::TooLarge { object: path.to_string(), limit, found })
    }

    /// As [`DatasetStore::get`], with `None` for an object that is not there.
    pub async fn find(&self, name: &ObjectName, limit: u64) -> Result<Option<Bytes>, StoreError> {
        match self.get(name, limit).await {
            Err(error) if error.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Exactly the bytes of `range`; an object that ends before is [`StoreError::Truncated`].
    pub async fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let path = self.path(name);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let bytes = self.retry(&path, || self.read_range(&path, range.clone())).await?;
        bytes.map_err(|found| StoreError::Truncated { object: path.to_string(), expected: range.end, found })
    }

    /// The bytes of `range`, or the length of an object that is shorter.
    async fn read_range(&self, path: &Path, range: Range<u64>) -> object_store::Result<Result<Bytes, u64>> {
        match self.get_bounded(path, range.clone()).await {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => Ok(Ok(bytes)),
            Ok(bytes) => Ok(Err(range.start + bytes.len() as u64)),
            Err(error) if Failure::of(&error) == Failure::Transient => match self.store.head(path).await {
                Ok(object) if object.size < range.end => Ok(Err(object.size)),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn get_bounded(&self, path: &Path, range: Range<u64>) -> object_store::Result<Bytes> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        body::read(self.store.get_opts(path, options).await?).await
    }

    /// Length of the object in bytes, without reading it.
    pub async fn length(&self, name: &ObjectName) -> Result<u64, StoreError> {
        let path = self.path(name);
        Ok(self.retry(&path, || self.store.head(&path)).await?.size)
    }

    /// Deletes the object; one that is not there is deleted already.
    pub async fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        let path = self.path(name);
        match self.retry(&path, || self.store.delete(&path)).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }

    /// The objects of a family, or those whose names sort after `after`, in no order. Objects of others are passed over.
    ///
    /// Costs one request for each 1,000 objects, and their names in memory.
    pub async fn list(&self, family: Family, after: Option<&ObjectName>) -> Result<Vec<Listed>, StoreError> {
        let found = |mut all: Vec<Listed>, one| {
            all.push(one);
            all
        };
        self.fold_list(family, after, Vec::new, found).await
    }

    /// As [`DatasetStore::list`], folded as it comes, in no order and in constant memory. A LIST that fails half-way begins
    /// again from `start`.
    ///
    /// # Panics
    ///
    /// If `after` is of another family.
    pub async fn fold_list<T>(
        &self,
        family: Family,
        after: Option<&ObjectName>,
        start: impl Fn() -> T,
        step: impl Fn(T, Listed) -> T,
    ) -> Result<T, StoreError> {
        assert!(after.is_none_or(|after| after.family() == family), "a LIST starts within its own family");
        let (folder, after) = (self.folder(family), after.map(|name| self.path(name)));
        let objects = || match &after {
            Some(after) => self.store.list_with_offset(Some(&folder), after),
            None => self.store.list(Some(&folder)),
        };
        let fold = |folded, object: ObjectMeta| {
            let name = self.name_of(&object.location);
            std::future::ready(Ok(match name.filter(|name| name.family() == family) {
                Some(name) => {
                    step(folded, Listed { name, bytes: object.size, modified: object.last_modified.into() })
                }
                None => folded,
            }))
        };
        self.retry(&folder, || objects().try_fold(start(), fold)).await
    }

    /// The name of what lies at `path`, if it is an object of this dataset.
    fn name_of(&self, path: &Path) -> Option<ObjectName> {
        let parts: Vec<_> = path.prefix_match(&self.root)?.collect();
        let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
        ObjectName::parse(&parts.join("/"))
    }

    fn folder(&self, family: Family) -> Path {
        self.root.clone().join(family.folder())
    }

    async fn retry<T, F>(&self, path: &Path, operation: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        retry(&self.environment, &self.retries, path.as_ref(), operation).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::{Attempt, Sequence, Version};
    use crate::store::faulty::{Faults, FaultyStore, environment};

    const NAME: ObjectName = ObjectName::Snapshot { version: Version(3), attempt: Attempt(7) };
    const PATH: &str = "sets/movies/snapshots/00000000000000000003-0000000000000007";

    fn dataset(faults: Faults) -> (Arc<FaultyStore>, DatasetStore) {
        let store = Arc::new(FaultyStore::new(5, faults));
        let dataset = DatasetStore::new(Arc::clone(&store) as _, Path::from("sets/movies"), environment(5));
        (store, dataset)
    }

    #[tokio::test(start_paused = true)]
    async fn objects_lie_below_the_dataset() {
        let (store, dataset) = dataset(Faults::none());
        dataset.put(&NAME, Bytes::from_static(b"0123456789")).await.expect("puts");
        assert_eq!(store.requests(), [format!("PUT {PATH}")]);
        assert_eq!(dataset.name(), "movies");
        assert_eq!(dataset.length(&NAME).await.expect("there"), 10);
        assert_eq!(dataset.get(&NAME, 10).await.expect("there"), "0123456789");
        assert_eq!(dataset.get_range(&NAME, 3..5).await.expect("there"), "34");
        assert_eq!(dataset.get_range(&NAME, 77..77).await.expect("nothing asked"), "");
        dataset.delete(&NAME).await.expect("deletes");
        dataset.delete(&NAME).await.expect("deleted already");
        assert_eq!(dataset.find(&NAME, 10).await.expect("answers"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_longer_or_shorter_than_it_may_be_is_corrupt_and_named() {
        let (_, dataset) = dataset(Faults::none());
        dataset.put(&NAME, Bytes::from_static(b"0123456789")).await.expect("puts");
        for error in [
            dataset.get(&NAME, 9).await.expect_err("too large"),
            dataset.get_range(&NAME, 5..11).await.expect_err("ends within"),
            dataset.get_range(&NAME, 10..11).await.expect_err("ends before"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains(PATH) && error.to_string().contains("10"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_absent_object_is_not_asked_for_twice() {
        let (store, dataset) = dataset(Faults::none());
        let error = dataset.get(&NAME, 10).await.expect_err("absent");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(PATH), "{error}");
        assert_eq!(store.requests().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_retried_with_growing_delays_and_in_the_end_reported_semantics_20() {
        let (store, dataset) = dataset(Faults { request_fails: 100, ..Faults::none() });
        let clock = Arc::clone(&dataset.environment().clock);
        let begun = clock.monotonic();
        let error = dataset.get(&NAME, 10).await.expect_err("never answers");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("6 tries"), "{error}");
        assert_eq!(store.requests().len(), 6);
        let waited = clock.monotonic().saturating_sub(begun).as_millis();
        let delays = 50 + 100 + 200 + 400 + 800;
        assert!((delays..=2 * delays + 5).contains(&waited), "waited {waited} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn a_create_is_sent_once_whatever_comes_back_r2() {
        let (store, dataset) = dataset(Faults { create_fails_before: 100, ..Faults::none() });
        let entry = ObjectName::LogEntry(Sequence(1));
        assert!(matches!(dataset.create(&entry, Bytes::new()).await, Creation::Unknown(_)));
        assert_eq!(store.requests().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_complete_despite_failures_and_passes_strangers_over() {
        let (store, dataset) = dataset(Faults { request_fails: 30, detours: 2, ..Faults::none() });
        let name = |number| ObjectName::LogEntry(Sequence(number));
        for number in 1..=40 {
            dataset.put(&name(number), Bytes::from_static(b"x")).await.expect("puts");
        }
        for stranger in ["log/readme", "log/deep/00000000000000000099", "logs/00000000000000000099"] {
            let path = Path::parse(format!("sets/movies/{stranger}")).expect("a path");
            while store.put(&path, "x".into()).await.is_err() {}
        }
        for (after, expected) in [(0, 40), (30, 10), (40, 0), (u64::MAX, 0)] {
            let mut found = dataset.list(Family::Log, Some(&name(after))).await.expect("lists");
            found.sort_by_key(|listed| listed.name);
            let found: Vec<_> = found.iter().map(|listed| (listed.name, listed.bytes)).collect();
            let expected: Vec<_> = (41 - expected..=40).map(|number| (name(number), 1)).collect();
            assert_eq!(found, expected, "after {after}");
        }
        assert_eq!(dataset.list(Family::Log, None).await.expect("lists").len(), 40);
        assert!(dataset.list(Family::Deltas, None).await.expect("lists").is_empty());
    }
}
