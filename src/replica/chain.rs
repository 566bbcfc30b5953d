//! The versions of a dataset, from the newest back.

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

use super::ReplicaError;
use super::transfer::fetch_manifest;
use crate::error::{Classify, Error, ErrorKind, Result};
use crate::format::{Manifest, ManifestLink, ManifestReference};
use crate::identifiers::{DatasetId, Version};
use crate::log::{self, LogEntry, Tail};
use crate::store::DatasetStore;

/// How often retention may be in the way before work on the kept versions gives up.
const OVERTAKEN: u32 = 8;
/// Manifests that are fetched at a time.
const REQUESTS: usize = 16;

/// The version chain as one log entry has it. Manifests are fetched as they are asked for: each repeats the links of the 256 before it, so
/// finding a version costs a request for every 256 versions on the way.
#[derive(Clone, Debug)]
pub struct Chain {
    store: DatasetStore,
    entry: LogEntry,
}

impl Chain {
    /// The chain as the log has it now.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset, `Unavailable` if the store does not answer.
    pub async fn open(store: &DatasetStore) -> Result<Self> {
        let found = Tail::new(store.clone()).find().await?.map(|found| found.entry.clone());
        let entry = found.ok_or_else(|| ChainError::NoDataset { dataset: store.root().to_string() })?;
        Ok(Self::at(store, entry))
    }

    /// Does `work` with the chain as the log has it. Whoever works on all kept versions may find that some are given up meanwhile (semantics 14):
    /// work that failed after that is done anew with those that are left.
    ///
    /// # Errors
    /// As [`Chain::open`], and what `work` fails with.
    pub async fn beside_retention<T, W: Future<Output = Result<T>>>(
        store: &DatasetStore,
        mut work: impl FnMut(Self) -> W,
    ) -> Result<T> {
        let mut chain = Self::open(store).await?;
        for _ in 1..OVERTAKEN {
            let done = work(chain.clone()).await;
            if done.is_ok() {
                return done;
            }
            let after = Self::open(store).await?;
            if after.entry.floor == chain.entry.floor {
                return done;
            }
            chain = after;
        }
        work(chain).await
    }

    /// The chain as `entry` has it.
    #[must_use]
    pub fn at(store: &DatasetStore, entry: LogEntry) -> Self {
        Self { store: store.clone(), entry }
    }

    /// The log entry.
    #[must_use]
    pub fn entry(&self) -> &LogEntry {
        &self.entry
    }

    /// What the log would call `version`; the newest for `None`.
    ///
    /// # Errors
    /// `NotFound` if there is no such version, or it is no longer kept.
    pub async fn find(&self, version: Option<Version>) -> Result<log::ManifestReference> {
        let dataset = || self.store.root().to_string();
        let mut found =
            self.entry.latest.ok_or_else(|| ChainError::NothingPublished { dataset: dataset() })?;
        let version = version.unwrap_or(found.version);
        while found.version != version {
            let missing = || ChainError::NoVersion {
                version,
                latest: self.entry.latest_version(),
                oldest: self.entry.oldest_version(),
            };
            if version.is_none() || version > found.version || version < self.entry.floor {
                return Err(missing().into());
            }
            let manifest = self.manifest(&ManifestReference::from(&found)).await?;
            let link = manifest.links.iter().find(|link| link.version == version).or(manifest.links.last());
            let link = link.ok_or_else(missing)?;
            found = log::ManifestReference {
                version: link.version,
                attempt: link.attempt,
                hash: link.manifest_hash,
            };
        }
        Ok(found)
    }

    /// Every kept version with its manifest, newest first. Costs a request for each, several at a time.
    ///
    /// # Errors
    /// What fetching a manifest fails with.
    pub async fn manifests(&self) -> Result<Vec<(ManifestReference, Manifest)>> {
        let references = self.links().await?.into_iter().map(|link| link.manifest_reference());
        let manifests = stream::iter(references).map(|reference| async move {
            let manifest = self.manifest(&reference).await?;
            Ok((reference, manifest))
        });
        manifests.buffered(REQUESTS).try_collect().await
    }

    /// Those of [`Chain::manifests`] that can be read, as far back as they lead.
    ///
    /// # Errors
    /// What fetching a manifest fails with, other than that it is damaged or gone.
    pub async fn known_manifests(&self) -> Result<Vec<(ManifestReference, Manifest)>> {
        let references = self.known_links().await?.0.into_iter().map(|link| link.manifest_reference());
        let manifests = stream::iter(references).map(|reference| async move {
            match self.manifest(&reference).await {
                Err(error) if error.is_loss() => Ok(None),
                manifest => Ok(Some((reference, manifest?))),
            }
        });
        manifests.buffered(REQUESTS).try_filter_map(|known| std::future::ready(Ok(known))).try_collect().await
    }

    /// Every kept version, newest first. Costs a request for every 256 of them.
    ///
    /// # Errors
    /// What fetching a manifest fails with.
    pub async fn links(&self) -> Result<Vec<ManifestLink>> {
        let (links, lost) = self.known_links().await?;
        lost.map_or(Ok(links), Err)
    }

    /// The same as far back as manifests can be read, and why the next one cannot, where one is damaged or gone.
    ///
    /// # Errors
    /// What fetching a manifest fails with otherwise.
    pub(crate) async fn known_links(&self) -> Result<(Vec<ManifestLink>, Option<Error>)> {
        let mut links: Vec<ManifestLink> = Vec::new();
        let mut next = self.entry.latest.as_ref().map(ManifestReference::from);
        while let Some(reference) = next.take() {
            let manifest = match self.manifest(&reference).await {
                Err(error) if error.is_loss() => return Ok((links, Some(error))),
                manifest => manifest?,
            };
            // It was linked already, and comes back with its own manifest.
            links.pop();
            links.push(manifest.link(reference.hash));
            links.extend(self.kept_links(&manifest).cloned());
            let oldest =
                self.kept_links(&manifest).last().filter(|link| link.version > self.entry.oldest_version());
            next = oldest.map(ManifestLink::manifest_reference);
        }
        Ok((links, None))
    }

    /// The version that was the newest at `time`, in milliseconds since 1970; the oldest kept one if all are younger, [`Version::NONE`] if
    /// there is none. Costs a request for every 256 versions on the way and some eight more. A version whose manifest is damaged or gone counts as
    /// younger; where older ones are found through that manifest alone, it counts as the oldest.
    ///
    /// # Errors
    /// What fetching a manifest fails with.
    pub async fn newest_at(&self, time: u64) -> Result<Version> {
        let Some(latest) = self.entry.latest.as_ref().map(ManifestReference::from) else {
            return Ok(Version::NONE);
        };
        let mut manifest = self.manifest(&latest).await?;
        while manifest.created_at_ms > time {
            let Some(oldest) = self.kept_links(&manifest).last() else {
                return Ok(manifest.version);
            };
            let before = match self.manifest(&oldest.manifest_reference()).await {
                Err(error) if error.is_loss() => return Ok(oldest.version),
                before => before?,
            };
            if before.created_at_ms <= time {
                return self.newest_linked_at(&manifest, time).await;
            }
            manifest = before;
        }
        Ok(manifest.version)
    }

    /// The same among the versions that `manifest` links, of which the oldest is old enough.
    async fn newest_linked_at(&self, manifest: &Manifest, time: u64) -> Result<Version> {
        let links: Vec<&ManifestLink> = self.kept_links(manifest).collect();
        let (mut younger, mut older) = (0, links.len() - 1);
        while younger < older {
            let middle = younger + (older - younger) / 2;
            let is_older = match self.manifest(&links[middle].manifest_reference()).await {
                Err(error) if error.is_loss() => false,
                found => found?.created_at_ms <= time,
            };
            if is_older { older = middle } else { younger = middle + 1 }
        }
        Ok(links[older].version)
    }

    /// The links from the newest to the oldest kept version.
    fn kept_links<'m>(&self, manifest: &'m Manifest) -> impl Iterator<Item = &'m ManifestLink> + use<'m> {
        let floor = self.entry.floor;
        manifest.links.iter().take_while(move |link| link.version >= floor)
    }

    async fn manifest(&self, reference: &ManifestReference) -> Result<Manifest> {
        manifest_of(&self.store, self.entry.dataset, reference).await
    }
}

/// The manifest that `reference` names, of the dataset `dataset`.
pub(super) fn manifest_of<'a>(
    store: &'a DatasetStore,
    dataset: DatasetId,
    reference: &'a ManifestReference,
) -> BoxFuture<'a, Result<Manifest>> {
    async move {
        let manifest = fetch_manifest(store, reference).await;
        let manifest = manifest.map_err(|error| ReplicaError::of_named(&reference.name, error))?;
        if manifest.dataset_id != dataset {
            let (expected, found) = (dataset, manifest.dataset_id);
            return Err(ReplicaError::OtherDataset { object: reference.name.clone(), expected, found }.into());
        }
        Ok(manifest)
    }
    .boxed()
}

/// A version that is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No log.
    #[error("there is no dataset at {dataset}; publish a first version, or look at the path")]
    NoDataset {
        /// Where it was looked for.
        dataset: String,
    },
    /// A log without a commit.
    #[error("dataset {dataset} has no version yet; publish a first one")]
    NothingPublished {
        /// The dataset.
        dataset: String,
    },
    /// No such version.
    #[error("there is no version {version}: those from {oldest} to {latest} are kept")]
    NoVersion {
        /// The version asked for.
        version: Version,
        /// The newest.
        latest: Version,
        /// The oldest that is kept.
        oldest: Version,
    },
}

impl Classify for ChainError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
}
