//! How many requests are under way at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::TransferOptions;

/// The requests that what is fetched for one purpose may have under way at a time, however many blobs it is. Clones share them.
#[derive(Clone, Debug)]
pub struct Requests {
    options: TransferOptions,
    permits: Arc<Semaphore>,
}

impl Requests {
    /// As many and as large as `options` say.
    #[must_use]
    pub fn new(options: &TransferOptions) -> Self {
        let (options, permits) = (options.clone(), Arc::new(Semaphore::new(options.requests.max(1))));
        Self { options, permits }
    }

    /// How many may be under way, at least 1.
    #[must_use]
    pub fn at_a_time(&self) -> usize {
        self.options.requests.max(1)
    }

    /// Bytes of one at most, at least 1.
    #[must_use]
    pub fn range_length(&self) -> u64 {
        self.options.range_length.max(1)
    }

    /// The right to one more, when there is one.
    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        let permits = Arc::clone(&self.permits);
        permits.acquire_owned().await.expect("the semaphore is never closed")
    }
}
