//! What a verb works with: the store, the state directory, the chain, an operator.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use hollowcast::cache::{SegmentStore, StateDirectoryOptions};
use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::progress::Progress;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::replica::{Chain, Loaded, Replica};
use hollowcast::schema::TypeFilter;
use hollowcast::state::{State, Table};
use hollowcast::store::{DatasetStore, existing_local, local};
use object_store::ObjectStore;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit::{NotFound, Usage};
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
    pub fn of_type(self, name: Option<&str>) -> Self {
        if name.is_some() { self.of_types(name) } else { self }
    }

    /// Loads no records: a version's schema, and what else goes with it.
    #[must_use]
    pub fn without_records(self) -> Self {
        self.of_types(None)
    }

    fn of_types(mut self, names: Option<&str>) -> Self {
        self.replica = self.replica.with_types(TypeFilter::only(names));
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
    Ok(DatasetStore::named(store, &url.name, Environment::system()).map_err(hollowcast::Error::from)?)
}

/// The table of the type called `name`, or of the only one.
pub fn table_of<'s>(state: &'s State, name: Option<&str>) -> Result<&'s Table> {
    match (name, state.tables()) {
        (Some(name), _) => Ok(state.table(name).ok_or_else(|| no_type(name, &[state]))?),
        (None, [only]) => Ok(only),
        (None, _) => Err(Usage(format!("say --type: the dataset has {}", type_names(&[state]))).into()),
    }
}

/// That none of `states` has a type called `name`.
#[must_use]
pub fn no_type(name: &str, states: &[&State]) -> NotFound {
    NotFound(format!("the dataset has no type {name}; it has {}", type_names(states)))
}

/// The types of the states, each once, whether they are loaded or not.
fn type_names(states: &[&State]) -> String {
    let types = states.iter().flat_map(|state| state.schema().types());
    let names: BTreeSet<&str> = types.map(|record_type| record_type.name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// An operator in the name of whoever typed the command.
pub fn operator(url: &DatasetUrl) -> Result<Operator> {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let by = user.unwrap_or_else(|| format!("process {}", std::process::id()));
    Ok(Operator::new(dataset_store(url)?, by, Vec::new()))
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
