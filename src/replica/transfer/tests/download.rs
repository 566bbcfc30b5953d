use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::{RemoteBlob, Requests, TransferError, TransferOptions, fetch_manifest, upload_manifest};
use super::sinks::{Failing, MemorySink};
use super::{NAME, Sum, ZSTD, dataset, place, snapshot};
use crate::error::{Classify, ErrorKind};
use crate::format::samples::{self, blob, bytes_of, description, snapshot_sections};
use crate::format::{
    BlobKind, BlobReference, BlobWriter, BlobWriterOptions, Compression, ManifestReference, SectionId,
};
use crate::identifiers::{ContentHash, TypeId};
use crate::progress::Progress;
use crate::store::{DatasetStore, RetryOptions};

/// Bytes of the first request.
const BEGIN: u64 = 64 << 10;

/// Small requests, so that small blobs take many.
fn options() -> TransferOptions {
    TransferOptions { requests: 3, range_length: 20_000 }
}

fn requests() -> Requests {
    Requests::new(&options())
}

async fn fetch_all(
    dataset: &DatasetStore,
    reference: &BlobReference,
    sink: &Arc<MemorySink>,
) -> Result<Vec<(SectionId, Vec<u8>)>, TransferError> {
    let blob = RemoteBlob::open(dataset, reference, BEGIN, &requests()).await?;
    let silent: Arc<dyn Progress> = Arc::new(());
    blob.fetch(blob.header().sections(), sink, &requests(), &silent).await
}

async fn refuse(dataset: &DatasetStore, reference: &BlobReference, kind: ErrorKind, words: &[&str]) {
    let error = fetch_all(dataset, reference, &Arc::default()).await.expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error} has no {word}");
    }
}

#[tokio::test]
async fn a_small_blob_takes_one_request() {
    let (store, dataset) = dataset();
    let reference = place(&dataset, &snapshot(1000, ZSTD)).await;
    let fetched = fetch_all(&dataset, &reference, &Arc::default()).await.expect("fetches");
    assert_eq!(fetched, snapshot_sections(1000));
    assert_eq!((store.gets().len(), store.gets().first()), (1, Some(&(0..reference.length))));
}

#[tokio::test]
async fn a_large_blob_comes_in_pieces_a_few_at_a_time() {
    for compression in [Compression::Plain, ZSTD] {
        let (store, dataset) = dataset();
        let blob = snapshot(200_000, compression);
        let reference = place(&dataset, &blob).await;
        let fetched = fetch_all(&dataset, &reference, &Arc::default()).await.expect("fetches");
        assert_eq!(fetched, snapshot_sections(200_000));
        assert!(store.gets()[1..].iter().all(|range| range.end - range.start <= options().range_length));
        assert!(store.gets().len() > 12);
        assert_eq!(store.script.most_at_once.load(Ordering::SeqCst), options().requests);
    }
}

#[tokio::test]
async fn outputs_and_progress_are_those_of_the_sections_asked_for() {
    let (_, dataset) = dataset();
    let reference = place(&dataset, &snapshot(50_000, ZSTD)).await;
    let blob = RemoteBlob::open(&dataset, &reference, BEGIN, &requests()).await.expect("opens");
    let wanted: Vec<_> = blob.header().sections().iter().rev().step_by(2).copied().collect();
    let (sum, progress) = Sum::shared();
    let fetched =
        blob.fetch(&wanted, &Arc::<MemorySink>::default(), &requests(), &progress).await.expect("fetches");
    let ids: Vec<_> = fetched.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, wanted.iter().map(|section| section.id).collect::<Vec<_>>());
    assert_eq!(sum.total(), wanted.iter().map(|section| section.stored_length).sum::<u64>());
    let none = blob
        .fetch(&[], &Arc::<MemorySink>::default(), &requests(), &progress)
        .await
        .expect("fetches nothing");
    assert_eq!(none, []);
}

/// Keeps semantics 22.
#[tokio::test]
async fn bytes_of_types_that_are_not_wanted_stay_in_the_store() {
    let (store, dataset) = dataset();
    let reference = place(&dataset, &snapshot(300_000, ZSTD)).await;
    let blob = RemoteBlob::open(&dataset, &reference, BEGIN, &requests()).await.expect("opens");
    let wanted: Vec<_> = blob.header().sections_of(TypeId::of("Actor")).copied().collect();
    let first = wanted.iter().map(|section| section.offset).min().expect("sections");
    let silent: Arc<dyn Progress> = Arc::new(());
    blob.fetch(&wanted, &Arc::<MemorySink>::default(), &requests(), &silent).await.expect("fetches");
    assert!(store.gets()[1..].iter().all(|range| range.start >= first), "{:?}", store.gets());
}

#[tokio::test]
async fn a_long_header_takes_a_second_request() {
    let (store, dataset) = dataset();
    let mut long = description(BlobKind::Snapshot);
    long.schema = Some(vec![7; 100_000]);
    let writer = BlobWriter::new(&BlobWriterOptions::default()).expect("a writer");
    let finished = writer.finish(&long).expect("finishes");
    let reference = place(&dataset, &finished).await;
    let opened = RemoteBlob::open(&dataset, &reference, BEGIN, &requests()).await.expect("opens");
    assert_eq!(opened.header(), finished.header());
    assert_eq!(store.gets(), [0..BEGIN, BEGIN..finished.header().header_end()]);
}

#[tokio::test]
async fn a_blob_that_is_gone_is_not_found() {
    let (_, dataset) = dataset();
    let reference = snapshot(1000, ZSTD).reference(NAME.to_string());
    refuse(&dataset, &reference, ErrorKind::NotFound, &["movies/snapshots/"]).await;
}

/// Keeps semantics 19: bad bytes are refused by name.
#[tokio::test]
async fn wrong_bytes_are_refused_with_object_and_offset() {
    let (_, dataset) = dataset();
    let blob = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(100_000));
    let reference = place(&dataset, &blob).await;
    let name = NAME.to_string();
    for section in blob.header().sections() {
        let mut bytes = bytes_of(&blob);
        bytes[(section.offset + section.stored_length / 2) as usize] ^= 1;
        dataset.put(&NAME, bytes).await.expect("puts");
        let offset = format!("at offset {}", section.offset);
        refuse(&dataset, &reference, ErrorKind::Corrupt, &[&name, &offset, &section.id.to_string()]).await;
    }
    let mut bytes = bytes_of(&blob);
    bytes[100] ^= 1;
    dataset.put(&NAME, bytes).await.expect("puts");
    refuse(&dataset, &reference, ErrorKind::Corrupt, &[&name, "the hash of the blob"]).await;
}

#[tokio::test]
async fn a_blob_that_was_cut_off_is_refused_at_once() {
    let (store, dataset) = dataset();
    let blob = snapshot(100_000, ZSTD);
    let reference = place(&dataset, &blob).await;
    for length in [0, 63, 500, 65_536, blob.length() - 1] {
        let mut bytes = bytes_of(&blob);
        bytes.truncate(length as usize);
        dataset.put(&NAME, bytes).await.expect("puts");
        refuse(&dataset, &reference, ErrorKind::Corrupt, &["movies/snapshots/", &length.to_string()]).await;
    }
    assert!(
        store.gets().len() < 60,
        "cut-off objects are not asked for again and again: {}",
        store.gets().len()
    );
}

#[tokio::test]
async fn a_reference_that_cannot_be_is_refused() {
    let (_, dataset) = dataset();
    let reference = place(&dataset, &snapshot(1000, ZSTD)).await;
    let named = BlobReference { name: "../elsewhere".into(), ..reference.clone() };
    refuse(&dataset, &named, ErrorKind::Corrupt, &["../elsewhere is no name of a blob"]).await;
    for length in [0, 10, 64, 65] {
        let shorter = BlobReference { length, ..reference.clone() };
        refuse(&dataset, &shorter, ErrorKind::Corrupt, &["snapshots/"]).await;
    }
}

/// Keeps semantics 20.
#[tokio::test(start_paused = true)]
async fn failed_requests_are_repeated() {
    let (store, dataset) = dataset();
    let reference = place(&dataset, &snapshot(100_000, ZSTD)).await;
    store.script.failing_gets.store(4, Ordering::SeqCst);
    let fetched = fetch_all(&dataset, &reference, &Arc::default()).await.expect("fetches in the end");
    assert_eq!(fetched, snapshot_sections(100_000));

    store.script.failing_gets.store(usize::MAX, Ordering::SeqCst);
    refuse(&dataset, &reference, ErrorKind::Unavailable, &["movies/snapshots/", "6 tries"]).await;
}

/// The header arrives and the sections do not: it is the store that is blamed, not the sections.
#[tokio::test]
async fn a_store_that_fails_half_way_is_what_the_error_tells_of() {
    let (store, dataset) = dataset();
    let dataset = dataset.with_retries(RetryOptions { tries: 1, ..RetryOptions::default() });
    let reference = place(&dataset, &snapshot(100_000, ZSTD)).await;
    let blob = RemoteBlob::open(&dataset, &reference, BEGIN, &requests()).await.expect("opens");
    store.script.failing_gets.store(usize::MAX, Ordering::SeqCst);
    let (silent, sink): (Arc<dyn Progress>, _) = (Arc::new(()), Arc::<MemorySink>::default());
    let error = blob.fetch(blob.header().sections(), &sink, &requests(), &silent).await.expect_err("fails");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(matches!(error, TransferError::Store(_)), "{error:?}");
}

#[tokio::test]
async fn a_sink_that_fails_is_named_with_the_section() {
    let (_, dataset) = dataset();
    let reference = place(&dataset, &snapshot(100_000, ZSTD)).await;
    for (failing, kind, words) in [
        (Failing::Open, ErrorKind::Conflict, "cannot keep rows of type"),
        (Failing::Write, ErrorKind::Unavailable, "cannot write the decoded section"),
        (Failing::Close, ErrorKind::Conflict, "cannot keep"),
    ] {
        let sink = MemorySink::failing(failing);
        let error = fetch_all(&dataset, &reference, &sink).await.expect_err("fails");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("snapshots/"), "{error}");
    }
}

/// Bytes wait in memory for a slow sink, so no more of them are asked for than may wait.
#[tokio::test]
async fn a_slow_sink_holds_back_the_requests() {
    let (store, dataset) = dataset();
    let reference = place(&dataset, &snapshot(300_000, ZSTD)).await;
    let sink = MemorySink::gated();
    let fetching = tokio::spawn({
        let sink = Arc::clone(&sink);
        async move { fetch_all(&dataset, &reference, &sink).await }
    });
    // One for the header, and as many as may have bytes that wait.
    let expected = 1 + options().requests;
    while store.gets().len() < expected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(store.gets().len(), expected);
    sink.open_the_gate();
    assert_eq!(fetching.await.expect("not lost").expect("fetches"), snapshot_sections(300_000));
}

/// Keeps semantics 20: whoever waits can cancel, and writers are dropped.
#[tokio::test]
async fn a_dropped_fetch_leaves_no_writer() {
    let (store, dataset) = dataset();
    let reference = place(&dataset, &snapshot(300_000, ZSTD)).await;
    let sink = Arc::<MemorySink>::default();
    for patience in 1..40 {
        let mut fetching = Box::pin(fetch_all(&dataset, &reference, &sink));
        for _ in 0..patience {
            assert!(futures::poll!(&mut fetching).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert!(store.gets().len() > 39, "some were dropped after the first request");
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while Arc::strong_count(&sink) > 1 || sink.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("every decoder ends by itself");
}

#[tokio::test]
async fn a_manifest_goes_up_and_comes_down() {
    let (_, dataset) = dataset();
    let manifest = samples::manifest(9);
    let reference = upload_manifest(&dataset, &manifest).await.expect("uploads");
    assert_eq!(reference.name, "manifests/00000000000000000009-feed000000000007");
    assert_eq!(fetch_manifest(&dataset, &reference).await.expect("fetches"), manifest);

    let rotten = ManifestReference { hash: ContentHash([0; 16]), ..reference.clone() };
    assert_eq!(fetch_manifest(&dataset, &rotten).await.expect_err("another hash").kind(), ErrorKind::Corrupt);
    let absent = ManifestReference { name: reference.name.replace("feed", "dead"), ..reference };
    assert_eq!(fetch_manifest(&dataset, &absent).await.expect_err("absent").kind(), ErrorKind::NotFound);
    let nonsense = ManifestReference { name: "manifest".into(), ..absent };
    assert_eq!(fetch_manifest(&dataset, &nonsense).await.expect_err("no name").kind(), ErrorKind::Corrupt);
}
