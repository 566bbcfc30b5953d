//! Moving a state from one version to another: plan, fetch, verify, apply.
//!
//! Producers restore with it, consumers refresh with it, and the command line reads old versions with it. Which way to go is a pure function
//! ([`plan`]); bytes come through [`transfer`], each section once, into the state directory; a route that fails is given up for the next one,
//! and the state one has is never touched.

mod assemble;
mod chain;
mod error;
mod fetch;
mod plan;
mod rebase;
mod refusals;
mod touch;
pub mod transfer;

use std::sync::Arc;
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use rayon::prelude::*;

pub use assemble::AssembleError;
pub(crate) use assemble::Assembled;
pub use chain::{Chain, ChainError};
pub use error::ReplicaError;
pub use plan::{Route, plan};
pub(crate) use rebase::{REBASE_RETRY, unpanicked};

use fetch::{Fetched, fetch};
use refusals::Refusals;
use transfer::{Requests, TransferOptions};

use crate::cache::{Current, SectionName, SegmentStore};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{BlobReference, Manifest, ManifestReference};
use crate::identifiers::{DatasetId, Fingerprint, Sequence, Version};
use crate::log::LogEntry;
use crate::progress::{Progress, Stage, Unit};
use crate::schema::TypeFilter;
use crate::state::{Section, State, Transition};
use crate::store::DatasetStore;
use crate::workers;

/// A state, and what says what it is.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The state.
    pub state: Arc<State>,
    /// Where the manifest of its version lies.
    pub reference: ManifestReference,
    /// That manifest, if it was fetched.
    pub manifest: Option<Arc<Manifest>>,
}

/// How a state came to another version.
#[derive(Clone, Debug)]
pub struct Moved {
    /// What it came to.
    pub loaded: Loaded,
    /// The way it took.
    pub route: Route,
    /// Bytes that were fetched; sections that the state directory had are not among them.
    pub fetched_bytes: u64,
    /// Routes that were tried before, with the reason why they failed.
    pub refused: Vec<RouteFailure>,
}

/// A route that could not be taken.
#[derive(Clone, Debug)]
pub struct RouteFailure {
    /// What people call the route.
    pub route: &'static str,
    /// Kind of the failure.
    pub kind: ErrorKind,
    /// What was wrong, and with which object.
    pub reason: String,
}

impl RouteFailure {
    fn new(route: &Route, error: &Error) -> Self {
        Self { route: route.name(), kind: error.kind(), reason: error.to_string() }
    }
}

/// How often whoever goes by a log entry plans anew when what it planned with was given up on the way.
pub(crate) const REPLANS: u32 = 4;

/// Moves states between the versions of one dataset: of all its types, or of those that a filter names. Cheap to clone; clones share what they
/// refused.
#[derive(Clone)]
pub struct Replica {
    store: DatasetStore,
    segments: SegmentStore,
    options: TransferOptions,
    filter: TypeFilter,
    refusals: Arc<Refusals>,
}

impl Replica {
    /// Fetches from `store` into `segments`.
    #[must_use]
    pub fn new(store: DatasetStore, segments: SegmentStore, options: TransferOptions) -> Self {
        let (filter, refusals) = (TypeFilter::all(), Arc::new(Refusals::new(store.environment().clone())));
        Self { store, segments, options, filter, refusals }
    }

    /// Loads the types of `filter` and fetches nothing of the others (keeps semantics 22).
    #[must_use]
    pub fn with_types(mut self, filter: TypeFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Which types it loads.
    #[must_use]
    pub fn filter(&self) -> &TypeFilter {
        &self.filter
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &DatasetStore {
        &self.store
    }

    /// Where sections are kept.
    #[must_use]
    pub fn segments(&self) -> &SegmentStore {
        &self.segments
    }

    /// How much is moved at a time.
    #[must_use]
    pub fn options(&self) -> &TransferOptions {
        &self.options
    }

    /// The manifest that `reference` names, of the dataset `dataset`.
    ///
    /// # Errors
    /// `NotFound` if it is gone, `Corrupt` if it is not the one that is named.
    pub async fn manifest(&self, dataset: DatasetId, reference: &ManifestReference) -> Result<Manifest> {
        chain::manifest_of(&self.store, dataset, reference).await
    }

    /// Loads the state of `version` of `chain`, or of the newest, from `from` if that is shorter.
    ///
    /// # Errors
    /// As [`Chain::find`] and [`Replica::move_to`].
    pub async fn load(
        &self,
        chain: &Chain,
        version: Option<Version>,
        from: Option<&Loaded>,
        progress: &Arc<dyn Progress>,
    ) -> Result<Loaded> {
        let target = ManifestReference::from(&chain.find(version).await?);
        if let Some(loaded) = from.filter(|loaded| loaded.reference == target) {
            return Ok(loaded.clone());
        }
        let entry = chain.entry();
        Ok(self.move_to(from, entry, &target, progress).await?.loaded)
    }

    /// Moves from `current`, or from nothing, to the version of `target`, by what `entry` says of the dataset: its identity, its snapshots, its
    /// floor.
    ///
    /// Routes are tried from the fewest bytes up, by the length of whole blobs: what a type takes of one, only its header says. A state of other
    /// types than this replica's is none to start from. A blob that turned out bad is not fetched again for a while (keeps semantics 16, 17, 19).
    ///
    /// # Errors
    /// If none arrives, why the last route that was tried failed, or an earlier one that may arrive another time; if none could be tried, which
    /// bad blob it was. `current` is as it was.
    pub async fn move_to(
        &self,
        current: Option<&Loaded>,
        entry: &LogEntry,
        target: &ManifestReference,
        progress: &Arc<dyn Progress>,
    ) -> Result<Moved> {
        let manifest = Arc::new(self.manifest(entry.dataset, target).await?);
        let is_usable = |state: &State| state.dataset() == entry.dataset && *state.filter() == self.filter;
        let current = current.filter(|loaded| is_usable(&loaded.state));
        let from = match current {
            Some(loaded) => self.manifest_of(loaded).await,
            None => None,
        };
        let mut refused = Vec::new();
        let (mut failure, mut left_alone) = (None, None);
        for route in plan(from.as_deref(), &manifest, &entry.snapshots, entry.floor) {
            if let Some(blob) = route.blobs().find(|blob| self.refusals.contains(blob)) {
                let error = Error::from(ReplicaError::Refused { object: blob.name.clone() });
                refused.push(RouteFailure::new(&route, &error));
                left_alone = Some(error);
                continue;
            }
            match self.take(current, &route, &manifest, target, progress).await {
                Ok((loaded, fetched_bytes)) => return Ok(Moved { loaded, route, fetched_bytes, refused }),
                Err(error) => {
                    tracing::warn!(route = route.name(), %error, "a route to version {} failed", target.version);
                    refused.push(RouteFailure::new(&route, &error));
                    failure = failure
                        .filter(|earlier: &Error| !earlier.is_loss() && error.is_loss())
                        .or(Some(error));
                }
            }
        }
        let failure = failure.or(left_alone);
        Err(failure.unwrap_or_else(|| ReplicaError::NoRoute { version: target.version }.into()))
    }

    /// The state that the host served last, from sections that were verified when they were written: no network. The record may be of more types.
    ///
    /// # Errors
    /// `NotFound` if a section is gone or the record lacks a type, `Corrupt` if the record does not fit its sections.
    pub(crate) fn reopen(&self, current: &Current) -> Result<Loaded> {
        let state = State::reopen(current, &self.filter, |names| {
            names.par_iter().map(|name| self.reopen_section(*name)).collect()
        })?;
        let name = current.manifest.name.clone();
        let reference = ManifestReference { version: current.version, name, hash: current.manifest.hash };
        Ok(Loaded { state: Arc::new(state), reference, manifest: None })
    }

    /// A section that is in memory to its last page.
    fn reopen_section(&self, name: SectionName) -> Result<Arc<Section>> {
        let found = self.segments.find(&name)?;
        let segment = found.ok_or_else(|| ReplicaError::SectionGone { name: name.to_string() })?;
        segment.prefault()?;
        Ok(Arc::new(Section::new(name, segment)))
    }

    /// Records what is served as of log entry `sequence`, read at `confirmed_at`, so that a restart needs no network.
    pub(crate) fn record<'a>(
        &'a self,
        loaded: &'a Loaded,
        ring: &str,
        sequence: Sequence,
        confirmed_at: SystemTime,
    ) -> BoxFuture<'a, Result<()>> {
        let ring = ring.to_owned();
        async move {
            let Some(directory) = self.segments.state_directory().cloned() else { return Ok(()) };
            let (loaded, origin) = (loaded.clone(), origin_of(&self.store));
            let recorded = workers::run(move || {
                let manifest = crate::cache::ManifestReference {
                    name: loaded.reference.name.clone(),
                    hash: loaded.reference.hash,
                };
                let current = loaded.state.record(ring, sequence, manifest, confirmed_at);
                // The record first: a start that finds a note of a dataset without a record has nothing to serve.
                directory.write_current(&current, loaded.state.filter())?;
                directory.note_dataset_at(&origin, loaded.state.dataset())
            });
            Ok(recorded.await?)
        }
        .boxed()
    }

    /// The manifest of what is loaded; without it there is no way back, only forward or by snapshot.
    async fn manifest_of(&self, loaded: &Loaded) -> Option<Arc<Manifest>> {
        if let Some(manifest) = &loaded.manifest {
            return Some(Arc::clone(manifest));
        }
        let fetched = self.manifest(loaded.state.dataset(), &loaded.reference).await;
        fetched
            .inspect_err(|error| tracing::debug!(%error, "the manifest of the loaded version cannot be had"))
            .ok()
            .map(Arc::new)
    }

    /// Takes one route, whatever others there are.
    pub(crate) async fn arrive(
        &self,
        current: Option<&Loaded>,
        route: &Route,
        manifest: &Arc<Manifest>,
        target: &ManifestReference,
        progress: &Arc<dyn Progress>,
    ) -> Result<Loaded> {
        Ok(self.take(current, route, manifest, target, progress).await?.0)
    }

    fn take<'a>(
        &'a self,
        current: Option<&'a Loaded>,
        route: &'a Route,
        manifest: &'a Arc<Manifest>,
        target: &'a ManifestReference,
        progress: &'a Arc<dyn Progress>,
    ) -> BoxFuture<'a, Result<(Loaded, u64)>> {
        async move {
            let total = self.filter.chosen().is_none().then(|| route.bytes());
            progress.stage(Stage { name: "fetching", unit: Unit::Bytes, total });
            let requests = Requests::new(&self.options);
            let fetches: Vec<_> =
                route.blobs().map(|reference| self.fetch(reference, &requests, progress)).collect();
            let fetched = stream::iter(fetches).buffered(requests.at_a_time());
            let fetched: Vec<Fetched> = fetched.try_collect().await?;
            let mut fetched_bytes = 0;
            let mut blobs = Vec::new();
            let mut seals = Vec::new();
            for (reference, fetched) in route.blobs().zip(fetched) {
                fetched_bytes += fetched.bytes;
                seals.extend(fetched.seals);
                blobs.push((reference.clone(), fetched.blob));
            }
            let start = current.filter(|_| !matches!(route, Route::Snapshot { .. }));
            let start = start.map(|loaded| Arc::clone(&loaded.state));
            let expected = Arc::clone(manifest);
            let object = target.name.clone();
            let walked = workers::run(move || {
                let state = walk(start, &blobs)?;
                check(&state, &expected, &object)
                    .map_err(|error| Misled { blob: None, error: error.into() })?;
                for seal in seals {
                    seal.seal().map_err(|error| Misled { blob: None, error: error.into() })?;
                }
                Ok(state)
            });
            let state = walked.await.map_err(|misled: Misled| {
                let suspects =
                    misled.blob.as_ref().map_or_else(|| route.blobs().collect(), |blob| vec![blob]);
                suspects.into_iter().for_each(|blob| self.refuse_if_corrupt(blob, &misled.error));
                misled.named()
            })?;
            let manifest = Some(Arc::clone(manifest));
            Ok((Loaded { state: Arc::new(state), reference: target.clone(), manifest }, fetched_bytes))
        }
        .boxed()
    }

    /// Brings one blob of a route, beside others.
    fn fetch<'a>(
        &'a self,
        reference: &'a BlobReference,
        requests: &'a Requests,
        progress: &'a Arc<dyn Progress>,
    ) -> BoxFuture<'a, Result<Fetched>> {
        async move {
            let fetched =
                fetch(&self.store, &self.segments, reference, &self.filter, requests, progress).await;
            let fetched = fetched.inspect_err(|error| self.refuse_if_corrupt(reference, error));
            fetched.map_err(|error| ReplicaError::of_named(&reference.name, error))
        }
        .boxed()
    }

    fn refuse_if_corrupt(&self, blob: &BlobReference, error: &Error) {
        if error.kind() == ErrorKind::Corrupt {
            self.refusals.add(blob);
        }
    }
}

/// Blobs that lead elsewhere, and which of them is to blame, if that is known.
struct Misled {
    blob: Option<BlobReference>,
    error: Error,
}

impl Misled {
    fn named(self) -> Error {
        match self.blob {
            Some(blob) => {
                ReplicaError::Blob { object: blob.name, kind: self.error.kind(), source: self.error }.into()
            }
            None => self.error,
        }
    }
}

/// Opens or steps through `blobs`, from `start` or from the snapshot that comes first.
fn walk(start: Option<Arc<State>>, blobs: &[(BlobReference, Assembled)]) -> Result<State, Misled> {
    let misled = |reference: &BlobReference, error: AssembleError| Misled {
        blob: Some(reference.clone()),
        error: error.into(),
    };
    let (state, steps) = match (start, blobs) {
        (Some(state), steps) => (State::clone(&state), steps),
        (None, [(reference, snapshot), steps @ ..]) => {
            (snapshot.open().map_err(|error| misled(reference, error))?, steps)
        }
        (None, []) => unreachable!("a route without a current state begins with a snapshot"),
    };
    let mut transition = Transition::from(state);
    for (reference, step) in steps {
        step.step(&mut transition).map_err(|error| misled(reference, error))?;
    }
    Ok(transition.finish())
}

/// Holds a state against the manifest of its version, type by type as far as it has them.
fn check(state: &State, manifest: &Manifest, object: &str) -> Result<(), ReplicaError> {
    let object = object.to_owned();
    if state.version() != manifest.version {
        return Err(ReplicaError::Version { object, expected: manifest.version, found: state.version() });
    }
    for summary in manifest.types.iter().filter(|summary| state.filter().has(&summary.name)) {
        let table = state.table(&summary.name);
        let found = table.map_or(Fingerprint::default(), crate::state::Table::fingerprint);
        if found != summary.fingerprint || table.map_or(0, crate::state::Table::len) != summary.records {
            let (name, expected) = (summary.name.clone(), summary.fingerprint);
            return Err(ReplicaError::Fingerprint { object, name, expected, found });
        }
    }
    Ok(())
}

/// What the state directory knows a dataset's place by.
pub(crate) fn origin_of(store: &DatasetStore) -> String {
    format!("{}/{}", store.object_store(), store.root())
}

impl From<&crate::log::ManifestReference> for ManifestReference {
    fn from(reference: &crate::log::ManifestReference) -> Self {
        Self { version: reference.version, name: reference.name().to_string(), hash: reference.hash }
    }
}
