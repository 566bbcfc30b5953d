//! The versions of a dataset, from the newest back.

use std::sync::Arc;

use crate::error::{Classify, ErrorKind, Result};
use crate::format::{Manifest, ManifestReference};
use crate::identifiers::Version;
use crate::log::{LogEntry, Tail};
use crate::progress::Progress;
use crate::replica::{Loaded, Replica};

/// The version chain as one log entry has it. Manifests are fetched as they are asked for: each repeats the links of the 256 before it, so
/// finding a version costs a request for every 256 versions on the way.
pub struct Chain<'r> {
    replica: &'r Replica,
    entry: LogEntry,
}

impl<'r> Chain<'r> {
    /// The chain as the log has it now.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset, `Unavailable` if the store does not answer.
    pub async fn open(replica: &'r Replica) -> Result<Self> {
        let mut tail = Tail::new(replica.store().clone());
        let dataset = || replica.store().root().to_string();
        let found = tail.find().await?.ok_or_else(|| ChainError::NoDataset { dataset: dataset() })?;
        Ok(Self { replica, entry: found.entry.clone() })
    }

    /// The log entry.
    #[must_use]
    pub fn entry(&self) -> &LogEntry {
        &self.entry
    }

    /// Where the manifest of `version` lies; of the newest for `None`.
    ///
    /// # Errors
    /// `NotFound` if there is no such version, or it is no longer kept.
    pub async fn find(&self, version: Option<Version>) -> Result<ManifestReference> {
        let mut reference = self.latest()?;
        let version = version.unwrap_or(reference.version);
        while reference.version != version {
            let missing = || ChainError::NoVersion {
                version,
                latest: self.entry.latest_version(),
                floor: self.entry.floor,
            };
            if version.is_none() || version > reference.version || version < self.entry.floor {
                return Err(missing().into());
            }
            let manifest = self.replica.manifest(self.entry.dataset, &reference).await?;
            let link = manifest.links.iter().find(|link| link.version == version).or(manifest.links.last());
            reference = link.ok_or_else(missing)?.manifest_reference();
        }
        Ok(reference)
    }

    /// Every kept version with its manifest, newest first.
    ///
    /// # Errors
    /// What fetching a manifest fails with.
    pub async fn manifests(&self) -> Result<Vec<(ManifestReference, Manifest)>> {
        let mut manifests = Vec::new();
        let mut next = self.entry.latest.as_ref().map(ManifestReference::from);
        while let Some(reference) = next.filter(|reference| reference.version >= self.entry.floor) {
            let manifest = self.replica.manifest(self.entry.dataset, &reference).await?;
            next = manifest.parent.clone();
            manifests.push((reference, manifest));
        }
        Ok(manifests)
    }

    /// Loads the state of `version`, or of the newest, from `from` if that is shorter.
    ///
    /// # Errors
    /// As [`Chain::find`] and [`Replica::move_to`].
    pub async fn load(
        &self,
        version: Option<Version>,
        from: Option<&Loaded>,
        progress: &Arc<dyn Progress>,
    ) -> Result<Loaded> {
        let target = self.find(version).await?;
        if let Some(loaded) = from.filter(|loaded| loaded.reference == target) {
            return Ok(loaded.clone());
        }
        let moved =
            self.replica.move_to(from, self.entry.dataset, &target, &self.entry.snapshots, progress).await?;
        Ok(moved.loaded)
    }

    fn latest(&self) -> Result<ManifestReference, ChainError> {
        let dataset = || self.replica.store().root().to_string();
        let latest = self.entry.latest.as_ref().map(ManifestReference::from);
        latest.ok_or_else(|| ChainError::NothingPublished { dataset: dataset() })
    }
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
    #[error("there is no version {version}: those from {} to {latest} are kept", floor.0.max(1))]
    NoVersion {
        /// The version asked for.
        version: Version,
        /// The newest.
        latest: Version,
        /// The oldest that is kept.
        floor: Version,
    },
}

impl Classify for ChainError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
}
