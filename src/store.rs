//! The store of a dataset: the one place that knows object names.
//!
//! Everything a dataset is lies in an object store: a folder or memory, or whatever else is an
//! [`object_store::ObjectStore`]. [`DatasetStore`] is that store seen from one dataset: it takes an [`ObjectName`]
//! where the store takes a path, names the object in every error, and retries what is worth a retry.
//!
//! ```text
//! <root>/log/00000000000000000017                        created once, never changed
//!        manifests/<version>-<attempt>                   unique name, plain put
//!        snapshots/<version>-<attempt>
//!        deltas/<from>-<to>-<attempt>
//!        reverse/<from>-<to>-<attempt>
//!        hints/announced  hints/heartbeat                plain overwrite
//! ```
//!
//! Versions have 20 decimal digits and attempts 16 hexadecimal ones, so that names sort as numbers do.
//!
//! Of the store itself two things are asked: a create that only one of many racing writers wins, and a LIST that sees
//! every completed write. [`ensure_fit`] finds out about stores not known to have both.

mod body;
mod dataset;
mod error;
#[cfg(test)]
pub(crate) mod faulty;
mod fitness;
mod local;
mod name;
mod retry;

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;

pub use dataset::{Creation, DatasetStore, Listed};
pub use error::{Failure, StoreError};
pub use fitness::{Writers, ensure_fit, is_known_fit, probe_create_if_absent};
pub use local::{existing_local, local};
pub use name::{Family, ObjectName};
pub use retry::RetryOptions;

/// A store that lives as long as its last handle: for tests, examples and datasets within one process.
#[must_use]
pub fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}
