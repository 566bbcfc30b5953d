//! What a verb works with: the store, the state directory, the chain.

use std::sync::Arc;

use anyhow::Result;
use hollowcast::cache::{SegmentStore, StateDirectoryOptions};
use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::progress::Progress;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::replica::{Chain, Loaded, Replica};
use hollowcast::schema::TypeFilter;
use hollowcast::store::{DatasetStore, existing_local, local};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::progress::bars;

/// One dataset, to read.
pub struct Session {
    /// Reads versions.
    pub replica: Replica,
    /// Draws on a terminal.
    pub progress: Arc<dyn Progress>,
}

impl Session {
    /// Opens a dataset to read it; its folder must be there.
    pub fn open(url: &DatasetUrl, common: &Common) -> Result<Self> {
        let segments = memory(common).open(StateDirectoryOptions::default(), &Environment::system());
        let segments = segments.map_err(hollowcast::Error::from)?;
        Self::with_segments(url, segments)
    }

    /// Opens a dataset to read it into a segment store of its own.
    pub fn with_segments(url: &DatasetUrl, segments: SegmentStore) -> Result<Self> {
        let replica = Replica::new(dataset_store(url)?, segments, TransferOptions::default());
        Ok(Self { replica, progress: bars() })
    }

    /// Loads the type called `name` and fetches nothing of the others; all types for `None`.
    #[must_use]
    pub fn of_type(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.replica = self.replica.with_types(TypeFilter::only([name]));
        }
        self
    }

    /// The version chain as the log has it now.
    pub async fn chain(&self) -> Result<Chain> {
        Ok(Chain::open(self.replica.store()).await?)
    }

    /// Loads `version`, or the newest.
    pub async fn load(&self, version: Option<u64>) -> Result<Loaded> {
        let chain = self.chain().await?;
        Ok(self.replica.load(&chain, version.map(Version), None, &self.progress).await?)
    }
}

/// The dataset's objects; its folder must be there.
pub fn dataset_store(url: &DatasetUrl) -> Result<DatasetStore> {
    let store = existing_local(&url.folder).map_err(hollowcast::Error::from)?;
    Ok(DatasetStore::new(store, Path::from(url.name.as_str()), Environment::system()))
}

/// The folder as a store to write to; it is made if need be.
pub fn store_to_write(url: &DatasetUrl) -> Result<Arc<dyn ObjectStore>> {
    Ok(local(&url.folder, &Environment::system()).map_err(hollowcast::Error::from)?)
}

/// Where sections lie.
#[must_use]
pub fn memory(common: &Common) -> Memory {
    Memory::Mapped(common.state_dir.clone())
}
