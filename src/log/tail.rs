//! Finds the tail of the log: the highest number in a LIST (rule R5), nothing else.
//!
//! Not a hint, and not "the next number is absent": retention leaves gaps, and a create that was sent long ago may
//! arrive below the tail at any time. Since the highest entry is never deleted, whatever lies below it is void, and a
//! number that was once seen as the highest stays a safe place to begin a LIST at. So a LIST from the number one knows
//! costs one request however long the history is; a newcomer begins at the number a hint names. Only if that shows
//! nothing, all of the log is listed: the hint was wrong, or the log that one knew is gone, with its dataset.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::announce::Announcement;
use crate::identifiers::Sequence;
use crate::log::entry::{LogEntry, StoredEntry};
use crate::log::error::LogError;
use crate::store::{DatasetStore, Family, Listed, ObjectName, StoreError};

/// Finds the tail, again and again, each time from where it last was.
#[derive(Clone, Debug)]
pub struct Tail {
    store: DatasetStore,
    begin: Begin,
    known: Option<StoredEntry>,
    /// The object that it was read from.
    read_from: Option<Listed>,
}

/// Where a first LIST begins.
#[derive(Clone, Copy, Debug)]
enum Begin {
    /// Just before what the hint in the store names.
    Hint,
    /// Just before this number.
    At(Sequence),
}

impl Tail {
    /// For a newcomer: the first search begins at the hint in the store.
    #[must_use]
    pub fn new(store: DatasetStore) -> Self {
        Self { store, begin: Begin::Hint, known: None, read_from: None }
    }

    /// For whoever was here before: the first search begins at the entry it last landed on.
    #[must_use]
    pub fn resume(store: DatasetStore, landed: Sequence) -> Self {
        Self { store, begin: Begin::At(landed), known: None, read_from: None }
    }

    /// The store that holds the log.
    #[must_use]
    pub fn store(&self) -> &DatasetStore {
        &self.store
    }

    /// The tail as it was last found, without a request.
    #[must_use]
    pub fn known(&self) -> Option<&StoredEntry> {
        self.known.as_ref()
    }

    /// Finds the tail; `None` while the dataset has no entry.
    ///
    /// Costs one LIST when nothing is new, and one GET for a new entry; the first time one GET more, for the hint, and
    /// one LIST of everything if the hint was wrong. An entry that goes between LIST and GET was overtaken: it is looked
    /// for again.
    pub fn find(&mut self) -> BoxFuture<'_, Result<Option<&StoredEntry>, LogError>> {
        async move {
            let mut delays = self.store.retries().delays(self.store.environment());
            loop {
                let Some((highest, listed)) = self.highest().await? else {
                    self.known = None;
                    return Ok(None);
                };
                // Not by its number alone: in a dataset that was made anew another entry may have it.
                if self.known.is_some() && self.read_from == Some(listed) {
                    break;
                }
                let object = ObjectName::LogEntry(highest);
                if let Some(bytes) = self.store.find(&object, LogEntry::LIMIT).await? {
                    self.known = Some(LogEntry::decode(bytes, highest)?);
                    self.read_from = Some(listed);
                    break;
                }
                let Some(delay) = delays.next() else {
                    return Err(LogError::Unreadable { object });
                };
                self.store.environment().clock.sleep(delay).await;
            }
            Ok(self.known.as_ref())
        }
        .boxed()
    }

    async fn highest(&self) -> Result<Option<(Sequence, Listed)>, StoreError> {
        let begin = match (&self.known, self.begin) {
            (Some(known), _) => Some(known.entry.sequence),
            (None, Begin::Hint) => self.hint().await?,
            (None, Begin::At(landed)) => Some(landed),
        };
        // Silence proves nothing: a hint may be wrong, and a folder may have been removed and the dataset made anew.
        if let Some(before) = begin.and_then(|begin| begin.0.checked_sub(1))
            && let Some(found) = self.highest_after(Some(Sequence(before))).await?
        {
            return Ok(Some(found));
        }
        self.highest_after(None).await
    }

    async fn highest_after(&self, after: Option<Sequence>) -> Result<Option<(Sequence, Listed)>, StoreError> {
        let after = after.map(ObjectName::LogEntry);
        self.store
            .fold_list(
                Family::Log,
                after.as_ref(),
                || None,
                |highest: Option<(Sequence, Listed)>, listed| match listed.name {
                    ObjectName::LogEntry(found) if highest.is_none_or(|(known, _)| found > known) => {
                        Some((found, listed))
                    }
                    _ => highest,
                },
            )
            .await
    }

    /// The number that the hint names; a hint that is absent or makes no sense names none (rule R10).
    async fn hint(&self) -> Result<Option<Sequence>, StoreError> {
        match self.store.find(&ObjectName::AnnouncedHint, Announcement::LIMIT).await {
            Ok(hint) => {
                Ok(hint.and_then(|bytes| Announcement::decode(&bytes).ok()).map(|hint| hint.sequence))
            }
            Err(StoreError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use object_store::path::Path;

    use super::*;
    use crate::announce::conformance::announcement;
    use crate::error::{Classify, ErrorKind};
    use crate::log::entry::tests::entry_numbered;
    use crate::store::faulty::{Faults, FaultyStore, environment};

    fn dataset(faults: Faults) -> (Arc<FaultyStore>, DatasetStore) {
        let store = Arc::new(FaultyStore::new(11, faults));
        let dataset = DatasetStore::new(Arc::clone(&store) as _, Path::from("movies"), environment(11));
        (store, dataset)
    }

    async fn write(dataset: &DatasetStore, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            let entry = entry_numbered(sequence).encode().expect("encodes");
            dataset.put(&ObjectName::LogEntry(Sequence(sequence)), entry.bytes).await.expect("puts");
        }
    }

    async fn hint(dataset: &DatasetStore, bytes: impl Into<Bytes>) {
        dataset.put(&ObjectName::AnnouncedHint, bytes.into()).await.expect("puts");
    }

    async fn found(tail: &mut Tail) -> Option<u64> {
        tail.find().await.expect("finds").map(|found| found.entry.sequence.0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dataset_without_entries_has_no_tail() {
        let (_, dataset) = dataset(Faults::none());
        assert_eq!(found(&mut Tail::new(dataset)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn gaps_below_the_tail_do_not_end_the_log_r5() {
        let (_, dataset) = dataset(Faults::none());
        write(&dataset, [2, 3, 7, 300]).await;
        assert_eq!(found(&mut Tail::new(dataset.clone())).await, Some(300));
        hint(&dataset, announcement("movies", 3).encode().expect("encodes")).await;
        assert_eq!(found(&mut Tail::new(dataset)).await, Some(300));
    }

    #[tokio::test(start_paused = true)]
    async fn no_hint_misleads_r5_r10() {
        let (_, dataset) = dataset(Faults::none());
        write(&dataset, 1..=9).await;
        for number in [0, 1, 8, 9, 10, 11, 99, u64::MAX] {
            let mut lie = announcement("movies", 1);
            lie.sequence = Sequence(number);
            hint(&dataset, lie.encode().expect("encodes")).await;
            assert_eq!(found(&mut Tail::new(dataset.clone())).await, Some(9), "hint {number}");
            assert_eq!(
                found(&mut Tail::resume(dataset.clone(), Sequence(number))).await,
                Some(9),
                "from {number}"
            );
        }
        for garbage in [&b""[..], b"garbage", &[0; 100], &[0xff; 9999]] {
            hint(&dataset, garbage).await;
            assert_eq!(found(&mut Tail::new(dataset.clone())).await, Some(9));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_void_entry_that_comes_back_below_the_tail_is_not_the_tail_r5() {
        let (_, dataset) = dataset(Faults::none());
        write(&dataset, [9]).await;
        let mut tail = Tail::new(dataset.clone());
        assert_eq!(found(&mut tail).await, Some(9));
        write(&dataset, [4]).await;
        assert_eq!(found(&mut tail).await, Some(9));
        assert_eq!(found(&mut Tail::resume(dataset, Sequence(4))).await, Some(9));
    }

    #[tokio::test(start_paused = true)]
    async fn the_cost_does_not_grow_with_history_r5() {
        let (store, dataset) = dataset(Faults::none());
        write(&dataset, 1..=50).await;
        hint(&dataset, announcement("movies", 50).encode().expect("encodes")).await;
        let mut tail = Tail::new(dataset.clone());
        store.forget_requests();
        assert_eq!(found(&mut tail).await, Some(50));
        assert_eq!(
            store.requests(),
            [
                "GET movies/hints/announced",
                "LIST after movies/log/00000000000000000049",
                "GET movies/log/00000000000000000050",
            ]
        );
        store.forget_requests();
        assert_eq!(found(&mut tail).await, Some(50));
        assert_eq!(store.requests(), ["LIST after movies/log/00000000000000000049"]);
    }

    /// Who removes a dataset by hand may make it anew while somebody still knows the log that was.
    #[tokio::test(start_paused = true)]
    async fn a_log_that_is_gone_is_noticed_r5() {
        let (_, dataset) = dataset(Faults::none());
        write(&dataset, 1..=9).await;
        let mut tail = Tail::new(dataset.clone());
        assert_eq!(found(&mut tail).await, Some(9));
        for sequence in 1..=9 {
            dataset.delete(&ObjectName::LogEntry(Sequence(sequence))).await.expect("deletes");
        }
        assert_eq!(found(&mut tail).await, None);
        assert!(tail.known().is_none());
        write(&dataset, 1..=2).await;
        assert_eq!(found(&mut tail).await, Some(2));
    }

    /// And may come to the same number, so that only the object itself tells.
    #[tokio::test(start_paused = true)]
    async fn another_entry_of_the_same_number_is_read_r5() {
        let (store, dataset) = dataset(Faults::none());
        write(&dataset, 1..=2).await;
        let mut tail = Tail::new(dataset.clone());
        assert_eq!(found(&mut tail).await, Some(2));
        let before = tail.known().expect("is known").bytes.clone();
        // The store's clock is the machine's, which has to go on.
        std::thread::sleep(std::time::Duration::from_millis(2));
        let other = LogEntry { writer: "another".to_owned(), ..entry_numbered(2) };
        let other = other.encode().expect("encodes").bytes;
        dataset.put(&ObjectName::LogEntry(Sequence(2)), other.clone()).await.expect("puts");
        assert_eq!(found(&mut tail).await, Some(2));
        assert!(before != other && tail.known().expect("is known").bytes == other);
        store.forget_requests();
        assert_eq!(found(&mut tail).await, Some(2));
        assert_eq!(store.requests(), ["LIST after movies/log/00000000000000000001"]);
    }

    #[tokio::test(start_paused = true)]
    async fn lists_in_any_order_and_cut_off_half_way_give_the_highest_r5() {
        let (_, dataset) = dataset(Faults { request_fails: 30, detours: 3, ..Faults::none() });
        write(&dataset, (1..=200).step_by(7)).await;
        for _ in 0..20 {
            assert_eq!(found(&mut Tail::new(dataset.clone())).await, Some(197));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_damaged_tail_is_named_and_never_passed_over() {
        let (_, dataset) = dataset(Faults::none());
        write(&dataset, 1..=3).await;
        dataset.put(&ObjectName::LogEntry(Sequence(4)), Bytes::from_static(b"damaged")).await.expect("puts");
        let error = Tail::new(dataset).find().await.expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("log/00000000000000000004"), "{error}");
    }
}
