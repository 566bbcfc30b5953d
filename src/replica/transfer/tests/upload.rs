use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::{TransferError, TransferOptions, upload};
use super::{NAME, Sum, ZSTD, dataset, snapshot};
use crate::error::{Classify, ErrorKind};
use crate::format::samples::bytes_of;
use crate::format::{BlobReference, Compression, FinishedBlob};
use crate::progress::Progress;
use crate::store::DatasetStore;

/// Small parts, which a store in memory takes.
fn options() -> TransferOptions {
    TransferOptions { requests: 3, range_length: 1 << 20 }
}

/// A blob of several parts.
fn large() -> FinishedBlob {
    snapshot(700_000, Compression::Plain)
}

async fn send(
    dataset: &DatasetStore,
    blob: &FinishedBlob,
    progress: &Arc<dyn Progress>,
) -> Result<BlobReference, TransferError> {
    upload(dataset, &NAME, blob, &options(), progress).await
}

async fn stored(dataset: &DatasetStore) -> Option<Vec<u8>> {
    dataset.find(&NAME, 100 << 20).await.expect("reads").map(Into::into)
}

/// Producers upload in tasks of their own.
#[tokio::test]
async fn an_upload_may_move_between_threads() {
    let (_, dataset) = dataset();
    let silent: Arc<dyn Progress> = Arc::new(());
    let sending = async move { send(&dataset, &snapshot(10, ZSTD), &silent).await };
    tokio::spawn(sending).await.expect("not lost").expect("uploads");
}

#[tokio::test]
async fn a_small_blob_takes_one_put() {
    let (store, dataset) = dataset();
    let blob = snapshot(1000, ZSTD);
    let (sum, progress) = Sum::shared();
    let reference = send(&dataset, &blob, &progress).await.expect("uploads");
    assert_eq!(reference, blob.reference(NAME.to_string()));
    assert_eq!(stored(&dataset).await, Some(bytes_of(&blob)));
    assert_eq!(store.script.uploads.load(Ordering::SeqCst), 0);
    assert_eq!(sum.total(), blob.length());
}

#[tokio::test]
async fn a_large_blob_goes_in_parts_a_few_at_a_time() {
    let (store, dataset) = dataset();
    let blob = large();
    let (sum, progress) = Sum::shared();
    send(&dataset, &blob, &progress).await.expect("uploads");
    assert_eq!(stored(&dataset).await, Some(bytes_of(&blob)));
    assert_eq!(store.script.uploads.load(Ordering::SeqCst), 1);
    assert_eq!(store.script.aborts.load(Ordering::SeqCst), 0);
    assert_eq!(store.script.most_at_once.load(Ordering::SeqCst), options().requests);
    assert_eq!(sum.total(), blob.length());
}

/// Keeps semantics 20; what was sent twice is counted once.
#[tokio::test(start_paused = true)]
async fn failed_parts_are_given_up_and_sent_again() {
    let (store, dataset) = dataset();
    let blob = large();
    let (sum, progress) = Sum::shared();
    store.script.parts_before.store(2, Ordering::SeqCst);
    store.script.failing_parts.store(2, Ordering::SeqCst);
    send(&dataset, &blob, &progress).await.expect("uploads in the end");
    assert_eq!(stored(&dataset).await, Some(bytes_of(&blob)));
    let (begun, aborted) = (&store.script.uploads, &store.script.aborts);
    assert_eq!(begun.load(Ordering::SeqCst), aborted.load(Ordering::SeqCst) + 1);
    assert!(aborted.load(Ordering::SeqCst) > 0);
    assert_eq!(sum.total(), blob.length());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_no_part_is_unavailable_and_holds_nothing() {
    let (store, dataset) = dataset();
    let silent: Arc<dyn Progress> = Arc::new(());
    store.script.failing_parts.store(usize::MAX, Ordering::SeqCst);
    let error = send(&dataset, &large(), &silent).await.expect_err("fails");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.to_string().contains("movies/snapshots/") && error.to_string().contains("6 tries"),
        "{error}"
    );
    assert_eq!(store.script.aborts.load(Ordering::SeqCst), 6);
    assert_eq!(stored(&dataset).await, None);
}

/// Keeps semantics 20: whoever waits can cancel.
#[tokio::test]
async fn a_dropped_upload_is_given_up() {
    let (store, dataset) = dataset();
    let (blob, silent): (_, Arc<dyn Progress>) = (large(), Arc::new(()));
    let (begun, aborted) = (&store.script.uploads, &store.script.aborts);
    for count in 1..=5 {
        let mut sending = Box::pin(send(&dataset, &blob, &silent));
        while begun.load(Ordering::SeqCst) < count {
            assert!(futures::poll!(&mut sending).is_pending());
        }
        for _ in 0..count {
            assert!(futures::poll!(&mut sending).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(sending);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(aborted.load(Ordering::SeqCst), count);
    }
    assert_eq!(stored(&dataset).await, None);
}
