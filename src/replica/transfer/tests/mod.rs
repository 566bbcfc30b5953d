mod download;
mod scripted;
mod sinks;
mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::path::Path;

use scripted::ScriptedStore;

use crate::format::samples::{blob, bytes_of, snapshot_sections};
use crate::format::{BlobKind, BlobReference, Compression, FinishedBlob};
use crate::identifiers::{Attempt, Version};
use crate::progress::{Progress, Stage};
use crate::store::{DatasetStore, ObjectName, faulty};

const NAME: ObjectName = ObjectName::Snapshot { version: Version(7), attempt: Attempt(1) };
const ZSTD: Compression = Compression::Zstd { level: 1 };

/// A dataset in a store that does what a test says; to be made within a runtime.
fn dataset() -> (Arc<ScriptedStore>, DatasetStore) {
    let store = Arc::new(ScriptedStore::default());
    let dataset = DatasetStore::new(Arc::clone(&store) as _, Path::from("movies"), faulty::environment(1));
    (store, dataset)
}

/// A snapshot of six sections of about `length` plain bytes each.
fn snapshot(length: usize, compression: Compression) -> FinishedBlob {
    blob(BlobKind::Snapshot, compression, &snapshot_sections(length))
}

/// Puts the blob into the store as it is, without the code under test.
async fn place(dataset: &DatasetStore, blob: &FinishedBlob) -> BlobReference {
    dataset.put(&NAME, bytes_of(blob)).await.expect("puts");
    blob.reference(NAME.to_string())
}

/// Adds up what it is told.
#[derive(Default)]
struct Sum(AtomicU64);

impl Sum {
    fn shared() -> (Arc<Self>, Arc<dyn Progress>) {
        let sum = Arc::new(Self::default());
        (Arc::clone(&sum), sum)
    }

    fn total(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Progress for Sum {
    fn stage(&self, _: Stage<'_>) {
        panic!("stages belong to the caller");
    }

    fn advance(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::SeqCst);
    }
}
