//! The history of keys that collide: through a version without a delta, and where one takes over the hash of another.

use std::sync::Arc;

use hollowcast::cache::SegmentStore;
use hollowcast::environment::Environment;
use hollowcast::producer::ChangeWriter;
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::store::DatasetStore;
use hollowcast::tools::{History, HistoryEntry, HistoryQuery, RecordChange};
use object_store::path::Path;

use super::keys::{delete, upsert};
use super::setting::{Setting, is_break, published};

/// What is told of the record with these key bytes, newest first.
async fn told(setting: &Setting, key: &[u8]) -> Vec<(u64, &'static str)> {
    let store = DatasetStore::new(Arc::clone(&setting.store), Path::from("items"), Environment::system());
    let replica = Replica::new(store, SegmentStore::heap(), TransferOptions::default());
    let silent: Arc<dyn Progress> = Arc::new(());
    let history = History::open(&replica, &silent).await.unwrap();
    let name = history.newest().tables()[0].name();
    let key = |_: &hollowcast::schema::Schema| Ok(super::keys::key_bytes(key));
    let mut told = Vec::new();
    let mut tell = |entry: HistoryEntry| {
        let change = match entry.change {
            RecordChange::Added(_) => "added",
            RecordChange::Changed(_) => "changed",
            RecordChange::Removed(_) => "removed",
            RecordChange::Oldest(_) => "oldest",
        };
        told.push((entry.version.0, change));
        true
    };
    history.of(&HistoryQuery { type_name: name, key: &key, limit: usize::MAX }, &mut tell).await.unwrap();
    told
}

#[tokio::test]
async fn a_history_goes_on_across_a_version_without_a_delta() {
    let mut setting = Setting::new().await;
    let [first, second] = [1, 2].map(|member| setting.twin(member));
    setting.begin(&[&first]).await;
    published(setting.producer.incremental(|writer| upsert(writer, &first, 2)).await);
    let third = published(setting.producer.incremental(|writer| upsert(writer, &second, 2)).await);
    assert!(is_break(&third), "another seed");
    published(setting.producer.incremental(|writer| delete(writer, &first)).await);
    assert_eq!(told(&setting, &first).await, [(4, "removed"), (2, "changed"), (1, "added")]);
    assert_eq!(told(&setting, &second).await, [(3, "added")]);
}

#[tokio::test]
async fn a_key_that_takes_over_a_hash_has_a_history_of_its_own() {
    let mut setting = Setting::new().await;
    let [first, second, absent] = [1, 2, 3].map(|member| setting.twin(member));
    setting.begin(&[&first]).await;
    let change = |writer: &ChangeWriter| {
        upsert(writer, &second, 5)?;
        delete(writer, &first)
    };
    assert!(published(setting.producer.incremental(change).await).bytes.delta.is_some());
    assert_eq!(told(&setting, &first).await, [(2, "removed"), (1, "added")]);
    assert_eq!(told(&setting, &second).await, [(2, "added")]);
    assert_eq!(told(&setting, &absent).await, []);
}
