//! Retention: semantics 14, and rules R6 and R7.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use object_store::ObjectStoreExt;

use hollowcast::ErrorKind;
use hollowcast::consumer::RefreshRoute;
use hollowcast::identifiers::Version;
use hollowcast::log::LogEntry;
use hollowcast::producer::Producer;
use hollowcast::replica::Chain;
use hollowcast::retention::{Retained, RetentionPolicy};

use super::setting::{World, add, cities, named, published, schema, upsert};
use super::store::Answer;

const FOLDERS: [&str; 5] = ["manifests", "snapshots", "deltas", "reverse", "log"];

/// Versions 1 to `versions`, with a snapshot every four: 1, 5, 9 …
pub(super) async fn chain(world: &World, versions: u32) -> Producer {
    let mut producer = world.producer_of(schema()).snapshot_every(4).start().await.unwrap();
    grow(&mut producer, versions).await;
    producer
}

pub(super) async fn grow(producer: &mut Producer, versions: u32) {
    for _ in 0..versions {
        let next = producer.version().next().0 as u32;
        // Enough records that only their number makes a snapshot due.
        let names: Vec<(u32, String)> = (0..200).map(|id| (id, format!("City number {id}"))).collect();
        let mut cities: Vec<(u32, &str)> = Vec::new();
        if next == 1 {
            cities = names.iter().map(|(id, name)| (*id, name.as_str())).collect();
        }
        cities.push((1000 + next, "New"));
        published(producer.incremental(|writer| upsert(writer, &cities)).await);
    }
}

/// The version that an object was made for, by its name.
fn version_of(object: &str) -> u64 {
    let (folder, name) = object.rsplit_once('/').unwrap();
    let parts: Vec<&str> = name.split('-').collect();
    parts[usize::from(folder.ends_with("deltas"))].parse().unwrap()
}

/// The versions of which `folder` holds something.
async fn versions_in(world: &World, folder: &str) -> BTreeSet<u64> {
    world.objects(folder).await.iter().map(|object| version_of(object)).collect()
}

async fn everything(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        all.extend(world.objects(folder).await);
    }
    all
}

fn floors(retained: &Retained) -> (u64, u64) {
    (retained.before.0, retained.floor.0)
}

#[tokio::test]
async fn a_floor_is_in_the_log_before_anything_is_deleted_semantics_14_r6() {
    let world = World::new();
    let producer = chain(&world, 11).await;
    world.store.requests();
    let retained = world.retention(3).run(&()).await.unwrap();
    assert_eq!(floors(&retained), (0, 9), "the last snapshot at or before version 9");
    let requests = world.store.requests();
    let at = |part: &str| requests.iter().position(|request| request.contains(part)).unwrap();
    let (append, delete) = (at("CREATE places/log/"), at("DELETE"));
    assert!(requests[append..delete].iter().any(|request| request.starts_with("LIST places/log")));
    for folder in ["manifests", "deltas", "reverse"] {
        assert_eq!(versions_in(&world, folder).await, BTreeSet::from([9, 10, 11]), "{folder}");
    }
    assert_eq!(versions_in(&world, "snapshots").await, BTreeSet::from([9]));
    let deleted = requests.iter().filter_map(|request| request.strip_prefix("DELETE "));
    assert_eq!(deleted.count(), retained.objects.len());
    assert_eq!(world.objects("log").await.len(), 4, "those of versions 9, 10, 11, and the floor's own");

    assert_eq!(world.verify().await.unwrap().versions, 3);
    assert_eq!(cities(&world.consumer().await.read()), cities(producer.state()));
    let gone = world.operator().pin("", Version(8), "").await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    assert!(gone.to_string().contains("those from 9 to 11 are kept"), "{gone}");
}

/// Ascending, several at a time; as long as one of the objects is not gone yet, no log entry goes.
#[tokio::test(start_paused = true)]
async fn log_entries_go_when_all_else_is_gone_r6() {
    let world = World::new();
    let _producer = chain(&world, 11).await;
    let planned = world.retention(3).plan().await.unwrap().objects;
    let is_entry = |name: &str| name.contains("log/");
    let names: Vec<String> = planned.iter().map(|object| object.name.to_string()).collect();
    let slow = names.iter().rfind(|name| !is_entry(name)).unwrap().clone();
    world.store.requests();
    world.store.follow(move |request| {
        if request == format!("DELETE places/{slow}") { Answer::Asleep } else { Answer::True }
    });
    let mut retention = world.retention(3);
    let running = tokio::spawn(async move { retention.run(&()).await.unwrap() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut deleted = deleted_names(&world);
    assert!(deleted.len() > 16 && !deleted.iter().any(|name| is_entry(name)), "{deleted:?}");
    world.store.wake();
    running.await.unwrap();
    let entries = deleted_names(&world);
    assert!(entries.len() > 4 && entries.iter().all(|name| is_entry(name)), "{entries:?}");
    assert!(entries.is_sorted(), "{entries:?}");
    assert!(deleted.is_sorted_by_key(|name| version_of(name)), "{deleted:?}");
    deleted.extend(entries);
    assert_eq!(deleted, names, "what was planned, in that order");
}

/// What was asked to be deleted since the last look, in order.
fn deleted_names(world: &World) -> Vec<String> {
    let requests = world.store.requests().into_iter();
    requests.filter_map(|request| request.strip_prefix("DELETE places/").map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_a_target_needs_stays_and_some_versions_before_it_semantics_14_r6() {
    let world = World::new();
    let mut producer = chain(&world, 18).await;
    world.operator().pin("canary", Version(11), "").await.unwrap();
    let retained = world.retention(3).run(&()).await.unwrap();
    assert_eq!(floors(&retained), (0, 9), "11, 10 and 9 for the ring that is held");
    let canary = world.consumer_builder().ring("canary").start().await.unwrap();
    assert_eq!(canary.read().version().0, 11);
    world.operator().pin("canary", Version(9), "").await.unwrap();
    assert_eq!(canary.refresh().await.unwrap().to.0, 9);
    world.operator().unpin("canary").await.unwrap();
    grow(&mut producer, 1).await;
    assert_eq!(floors(&world.retention(3).run(&()).await.unwrap()), (9, 17));
    assert_eq!(world.verify().await.unwrap().versions, 3);
}

#[tokio::test(start_paused = true)]
async fn a_version_stays_while_its_number_or_its_age_keeps_it_semantics_14() {
    const HOUR: Duration = Duration::from_secs(3600);
    let world = World::new();
    let mut producer = chain(&world, 1).await;
    for _ in 0..20 {
        tokio::time::sleep(HOUR).await;
        grow(&mut producer, 1).await;
    }
    // Version n was made after n - 1 hours; now it is 20 hours. Snapshots are those of 1, 5, 9, 13, 17, 21.
    let policy = |versions, hours: f64| RetentionPolicy { versions, max_age: HOUR.mul_f64(hours) };
    for (versions, hours, expected) in [
        (1, 2.5, 17),  // 18 was the newest two and a half hours ago
        (1, 5.5, 13),  // 15 was
        (10, 2.5, 9),  // 12 to 21
        (10, 12.5, 5), // 8 was
        (1, 100.0, 0), // all are younger: nothing is given up
        (100, 1.0, 0),
        (1, 0.0, 21),
        (0, 0.0, 21), // one stays in any case
    ] {
        let retained = world.retention_by(policy(versions, hours)).plan().await.unwrap();
        assert_eq!(retained.floor.0, expected, "{versions} versions, {hours} hours");
    }
}

/// Among more versions than a manifest links, and without fetching the manifest of each.
#[tokio::test(start_paused = true)]
async fn age_is_found_beyond_the_links_of_a_manifest_semantics_14() {
    let world = World::new();
    let mut producer = chain(&world, 1).await;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        grow(&mut producer, 1).await;
    }
    // Version n was made after n - 1 minutes; now it is 600.
    let now = world.environment.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let versions = Chain::open(&world.dataset()).await.unwrap();
    for (minutes_ago, expected) in
        [(0, 600), (10, 590), (300, 300), (500, 100), (590, 10), (599, 1), (700, 1)]
    {
        let time = now - Duration::from_secs(60 * minutes_ago + 30);
        world.store.requests();
        let found = versions.newest_at(time.as_millis() as u64).await.unwrap();
        assert_eq!(found.0, expected, "{minutes_ago} minutes and a half ago");
        let fetched = world.store.requests().len();
        assert!(fetched < 20, "{minutes_ago} minutes ago: {fetched} requests");
    }
}

#[tokio::test]
async fn a_plan_says_what_a_run_does_and_changes_nothing_semantics_14() {
    let world = World::new();
    let _producer = chain(&world, 11).await;
    let before = everything(&world).await;
    world.store.writes();
    let planned = world.retention(3).plan().await.unwrap();
    assert_eq!((world.store.writes(), everything(&world).await), (Vec::new(), before.clone()));
    let retained = world.retention(3).run(&()).await.unwrap();
    assert_eq!(planned, retained);
    let after = everything(&world).await;
    let gone = before.iter().filter(|object| !after.contains(object)).cloned();
    let named = retained.objects.iter().map(|object| format!("places/{}", object.name));
    assert_eq!(gone.collect::<BTreeSet<_>>(), named.collect());
    assert!(retained.bytes() > 1000);
    let nothing = world.retention(3).run(&()).await.unwrap();
    assert_eq!((floors(&nothing), nothing.objects), ((9, 9), Vec::new()));
}

/// What a failed attempt left goes when its version is another's; until then it may yet be committed, and stays.
#[tokio::test(start_paused = true)]
async fn what_an_attempt_left_goes_once_it_can_be_committed_no_more_r7() {
    let world = World::new();
    let mut producer = chain(&world, 2).await;
    world.store.answer("CREATE places/log", Answer::Lost);
    producer.incremental(|writer| upsert(writer, &[(7, "Never")])).await.unwrap_err();
    world.store.heal();
    let left = everything(&world).await;
    assert_eq!(world.retention(100).run(&()).await.unwrap().objects, []);
    assert_eq!(everything(&world).await, left);

    grow(&mut producer, 1).await;
    let retained = world.retention(100).run(&()).await.unwrap();
    let folders: Vec<&str> = retained.objects.iter().map(|object| object.name.family().folder()).collect();
    assert_eq!(folders, ["manifests", "deltas", "reverse"], "of version 3, the attempt that failed");
    let is_old = |object: &hollowcast::store::Listed| left.contains(&format!("places/{}", object.name));
    assert!(retained.objects.iter().all(is_old));
    assert_eq!(world.verify().await.unwrap().versions, 3);
}

/// A snapshot that no entry names may be on its way into the log: it stays until its version goes.
#[tokio::test(start_paused = true)]
async fn a_snapshot_on_its_way_into_the_log_stays_r7() {
    let world = World::new();
    let mut producer = chain(&world, 4).await;
    world.store.answer("CREATE places/log", Answer::Lost);
    producer.incremental(|writer| upsert(writer, &[(7, "Never")])).await.unwrap_err();
    world.store.heal();
    grow(&mut producer, 5).await;
    assert_eq!(world.objects("snapshots").await.len(), 4, "of 1, of both attempts at 5, of 9");
    world.retention(4).run(&()).await.unwrap();
    assert_eq!(world.objects("snapshots").await.len(), 3);
    world.retention(1).run(&()).await.unwrap();
    assert_eq!(world.objects("snapshots").await.len(), 1);
}

/// Killed anywhere, it leaves what the next run deletes, and a dataset that is whole.
#[tokio::test(start_paused = true)]
async fn interrupted_retention_is_completed_by_the_next_semantics_14() {
    for until in [0, 1, 5, 12, 25] {
        let world = World::new();
        let producer = chain(&world, 11).await;
        let mut deleted = 0;
        world.store.follow(move |request| {
            deleted += u32::from(request.starts_with("DELETE"));
            if request.starts_with("DELETE") && deleted > until { Answer::Lost } else { Answer::True }
        });
        let failed = world.retention(3).run(&()).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
        world.store.heal();
        assert_eq!(world.verify().await.unwrap().versions, 3, "after {until} deletions");
        assert_eq!(cities(&world.consumer().await.read()), cities(producer.state()));
        assert_eq!(floors(&world.retention(3).run(&()).await.unwrap()), (9, 9));
        for folder in ["manifests", "deltas", "reverse"] {
            assert_eq!(versions_in(&world, folder).await, BTreeSet::from([9, 10, 11]), "{folder}");
        }
        assert_eq!(world.objects("log").await.len(), 4);
    }
}

/// A consumer that slept while versions went arrives by the snapshot that is left.
#[tokio::test]
async fn a_consumer_whose_version_is_gone_arrives_all_the_same_semantics_14_r9() {
    let world = World::new();
    let mut producer = chain(&world, 2).await;
    let consumer = world.quiet().start().await.unwrap();
    grow(&mut producer, 12).await;
    world.retention(1).run(&()).await.unwrap();
    let refresh = consumer.refresh().await.unwrap();
    assert_eq!((refresh.from.0, refresh.to.0, refresh.route), (2, 14, Some(RefreshRoute::Snapshot)));
    grow(&mut producer, 1).await;
    world.retention(1).run(&()).await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 15);
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
}

/// Whoever checks everything is not misled by what goes meanwhile.
#[tokio::test]
async fn verification_beside_retention_finds_nothing_wrong_semantics_14() {
    let world = World::new();
    let mut producer = chain(&world, 10).await;
    let mut gone = 0;
    for _ in 0..12 {
        let change = async {
            grow(&mut producer, 4).await;
            world.retention(1).run(&()).await.unwrap()
        };
        let (verified, retained) = tokio::join!(world.verify(), change);
        verified.unwrap();
        gone += retained.objects.len();
    }
    assert!(gone > 100, "{gone} objects");
    let manifest = world.objects("manifests").await.pop().unwrap();
    world.store.inner().delete(&manifest.as_str().into()).await.unwrap();
    assert_eq!(world.verify().await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Nor is whoever lists the versions.
#[tokio::test]
async fn a_list_of_versions_beside_retention_is_whole_semantics_14() {
    let world = World::new();
    let mut producer = chain(&world, 10).await;
    let store = world.dataset();
    for _ in 0..4 {
        grow(&mut producer, 4).await;
        let lists = std::cell::Cell::new(0);
        let (lists_made, world) = (&lists, &world);
        // Versions go just when the list is about to be made.
        let listed = Chain::beside_retention(&store, |chain| async move {
            lists_made.set(lists_made.get() + 1);
            if lists_made.get() == 1 {
                world.retention(1).run(&()).await?;
            }
            Ok((chain.manifests().await?, chain.entry().oldest_version()))
        });
        let (manifests, oldest) = listed.await.unwrap();
        let listed: Vec<u64> = manifests.iter().map(|(_, manifest)| manifest.version.0).collect();
        assert_eq!(listed, (oldest.0..=producer.version().0).rev().collect::<Vec<_>>());
        assert_eq!((lists.get(), oldest), (2, world.retention(1).plan().await.unwrap().oldest));
    }
    let tries = std::cell::Cell::new(0);
    let counted = &tries;
    let failed = Chain::beside_retention(&store, |chain| async move {
        counted.set(counted.get() + 1);
        chain.find(Some(Version(1))).await
    });
    assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(tries.get(), 1, "nothing was given up meanwhile");
}

/// More versions than a manifest links are all listed, once each, by a request for every 256 of them.
#[tokio::test]
async fn links_go_on_beyond_those_of_one_manifest() {
    let world = World::new();
    let _producer = chain(&world, 515).await;
    let chain = Chain::open(&world.dataset()).await.unwrap();
    world.store.requests();
    let links = chain.links().await.unwrap();
    assert_eq!(world.store.requests().len(), 3);
    let versions: Vec<u64> = links.iter().map(|link| link.version.0).collect();
    assert_eq!(versions, (1..=515).rev().collect::<Vec<_>>());
    let broken: Vec<u64> = links.iter().filter(|link| link.is_break()).map(|link| link.version.0).collect();
    assert_eq!(broken, [1]);
}

#[tokio::test]
async fn without_a_dataset_there_is_nothing_to_keep_semantics_14() {
    let world = World::new();
    for error in
        [world.retention(1).plan().await.unwrap_err(), world.retention(1).run(&()).await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let _claimed = world.producer().await;
    assert_eq!(floors(&world.retention(1).run(&()).await.unwrap()), (0, 0));
    assert_eq!(world.objects("log").await.len(), 1);
}

/// The log names 64 snapshots at most. Those that lose their place leave no kept version out of reach, neither for a pin nor for a rollback.
#[tokio::test]
async fn every_kept_version_is_in_reach_however_many_snapshots_there_were_semantics_11_21_r6() {
    const VERSIONS: u32 = 150;
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(1).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &[(1, "Rome")])).await);
    for id in 2..=VERSIONS {
        published(producer.incremental(|writer| upsert(writer, &[(id, "New")])).await);
    }
    assert_eq!(producer.entry().snapshots.len(), LogEntry::SNAPSHOTS);
    assert_eq!(world.verify().await.unwrap().versions, u64::from(VERSIONS));
    let mut operator = world.operator();
    for version in [1, 2, 3, 75, VERSIONS - 1] {
        operator.pin("", Version(version.into()), "a look").await.unwrap();
        let consumer = world.consumer().await;
        assert_eq!(
            (consumer.read().version().0, cities(&consumer.read()).len()),
            (version.into(), version as usize)
        );
    }
    operator.unpin("").await.unwrap();
    let rolled_back = published(producer.rollback(Version(2)).await);
    assert_eq!(rolled_back.version, Version(u64::from(VERSIONS) + 1));
    assert_eq!(cities(&world.consumer().await.read()), named(&[(1, "Rome"), (2, "New")]));
}
