//! The history of a record, against what was published.

use std::collections::BTreeMap;
use std::sync::Arc;

use hollowcast::cache::SegmentStore;
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::tools::{History, HistoryEntry, HistoryQuery, RecordChange};

use super::setting::{World, delete, later_schema, populous, published, upsert};

/// What a version made of a city, in words.
fn words(change: &RecordChange) -> String {
    match change {
        RecordChange::Added(record) => format!("added {record}"),
        RecordChange::Removed(record) => format!("removed {record}"),
        RecordChange::Oldest(record) => format!("oldest {record}"),
        RecordChange::Changed(fields) => {
            let shown = |value: &Option<String>| value.clone().unwrap_or_default();
            let field = |field: &hollowcast::tools::json::FieldDifference| {
                format!("{} {} -> {}", field.path, shown(&field.older), shown(&field.newer))
            };
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}

fn replica(world: &World) -> Replica {
    Replica::new(world.dataset(), SegmentStore::heap(), TransferOptions::default())
}

/// What is told of city `id`: versions and words.
async fn told(history: &History<'_>, id: u32, limit: usize) -> (bool, Vec<(u64, String)>) {
    let query = HistoryQuery { type_name: "City", key: &|_| Ok(id.to_le_bytes().to_vec()), limit };
    let mut told = Vec::new();
    let mut tell = |entry: HistoryEntry| {
        told.push((entry.version.0, words(&entry.change)));
        true
    };
    let is_found = history.of(&query, &mut tell).await.unwrap();
    (is_found, told)
}

fn json(id: u32, name: &str) -> String {
    format!("{{\"id\":{id},\"name\":\"{name}\"}}")
}

/// What `versions` of a city, the oldest first, should be told as.
fn expected(id: u32, versions: &[(u64, Option<String>)]) -> Vec<(u64, String)> {
    let mut told = Vec::new();
    let (oldest, first) = &versions[0];
    if let Some(name) = first {
        told.push((*oldest, format!("{} {}", if *oldest == 1 { "added" } else { "oldest" }, json(id, name))));
    }
    for pair in versions.windows(2) {
        let [(_, before), (version, after)] = pair else { unreachable!() };
        match (before, after) {
            (None, Some(name)) => told.push((*version, format!("added {}", json(id, name)))),
            (Some(name), None) => told.push((*version, format!("removed {}", json(id, name)))),
            (Some(old), Some(new)) if old != new => {
                told.push((*version, format!("name \"{old}\" -> \"{new}\"")));
            }
            _ => {}
        }
    }
    told.reverse();
    told
}

#[tokio::test]
async fn a_history_is_what_was_published() {
    let world = World::new();
    let random = SeededRandom::new(11);
    let below = |end: u64| random.next_u64() % end;
    let mut producer = world.producer_of(super::setting::schema()).snapshot_every(7).start().await.unwrap();
    let mut content: BTreeMap<u32, String> = BTreeMap::new();
    let mut versions = Vec::new();
    while versions.len() < 60 {
        let name = format!("Name {}", below(3));
        let (written, gone) = (below(12) as u32, below(12) as u32);
        let outcome = producer.incremental(|writer| {
            upsert(writer, &[(written, &name)])?;
            delete(writer, gone)
        });
        let version = outcome.await.unwrap().version().0;
        content.insert(written, name);
        content.remove(&gone);
        if version > versions.len() as u64 {
            versions.push((version, content.clone()));
        }
    }
    let of = |id: u32, oldest: u64| -> Vec<(u64, Option<String>)> {
        let kept = versions.iter().filter(|(version, _)| *version >= oldest);
        kept.map(|(version, content)| (*version, content.get(&id).cloned())).collect()
    };
    let silent: Arc<dyn Progress> = Arc::new(());
    let replica = replica(&world);
    let history = History::open(&replica, &silent).await.unwrap();
    for id in 0..13 {
        let all = expected(id, &of(id, 1));
        assert_eq!(told(&history, id, usize::MAX).await, (!all.is_empty(), all.clone()), "city {id}");
        let newest: Vec<_> = all.iter().take(2).cloned().collect();
        assert_eq!(told(&history, id, 2).await.1, newest, "city {id}");
    }

    // Versions that go after it was begun end it, and what is told of the others is true.
    let floor = world.retention(10).run(&()).await.unwrap().floor.0;
    assert!((40..=51).contains(&floor), "{floor}");
    for id in 0..12 {
        let (_, told) = told(&history, id, usize::MAX).await;
        let all = expected(id, &of(id, 1));
        assert_eq!(told, all[..told.len()], "city {id}");
        assert!(all.get(told.len()).is_none_or(|(version, _)| *version <= floor), "city {id}: {told:?}");
    }
    let history = History::open(&replica, &silent).await.unwrap();
    for id in 0..12 {
        let all = expected(id, &of(id, floor));
        assert_eq!(told(&history, id, usize::MAX).await, (!all.is_empty(), all), "city {id}");
    }
}

#[tokio::test]
async fn a_version_that_does_not_touch_the_key_costs_one_request() {
    let world = World::new();
    let mut producer = world.producer_with(&[(1, "One"), (2, "Two")]).await;
    for version in 2..=20 {
        let name = format!("Two of {version}");
        published(producer.incremental(|writer| upsert(writer, &[(2, &name)])).await);
    }
    let silent: Arc<dyn Progress> = Arc::new(());
    let replica = replica(&world);
    let history = History::open(&replica, &silent).await.unwrap();
    world.store.requests();
    assert_eq!(told(&history, 1, usize::MAX).await.1, [(1, format!("added {}", json(1, "One")))]);
    let requests = world.store.requests();
    let of = |folder: &str| requests.iter().filter(|request| request.contains(folder)).count();
    assert_eq!(
        [of("deltas/"), of("reverse/"), of("snapshots/"), of("manifests/")],
        [19, 0, 0, 1],
        "{requests:?}"
    );
}

/// A field that came later is no change of a record until it has a value.
#[tokio::test]
async fn a_schema_that_grew_is_no_change_by_itself() {
    let world = World::new();
    world.producer_with(&[(1, "One")]).await;
    let mut later = world.producer_of(later_schema()).start().await.unwrap();
    published(later.incremental(|writer| upsert(writer, &[(2, "Two")])).await);
    let populate = |writer: &hollowcast::producer::ChangeWriter| {
        writer.upsert_words(writer.type_index("City")?, &populous(1, "One", 5))
    };
    published(later.incremental(populate).await);
    let silent: Arc<dyn Progress> = Arc::new(());
    let replica = replica(&world);
    let history = History::open(&replica, &silent).await.unwrap();
    let expected = [(3, "people 0 -> 5".to_owned()), (1, format!("added {}", json(1, "One")))];
    assert_eq!(told(&history, 1, usize::MAX).await.1, expected);
}
