//! Keys whose hashes collide: never a wrong answer, at worst a break of layout.

mod history;
mod keys;
mod setting;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hollowcast::cache::SegmentStore;
use hollowcast::environment::{Environment, Random, SeededRandom};
use hollowcast::format::ManifestReference;
use hollowcast::identifiers::KeySeed;
use hollowcast::log::{LogEntry, Tail};
use hollowcast::producer::{ChangeWriter, Outcome};
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::store::DatasetStore;
use hollowcast::wire::KeyPlan;
use hollowcast::{ErrorKind, Result};
use object_store::path::Path;

use keys::{add_all, colliding, delete, key_bytes, upsert};
use setting::{Setting, check, is_break, published};

#[test]
fn the_keys_of_these_tests_collide_under_one_seed_only() {
    let (seed, other) = (KeySeed(0x0123_4567_89ab_cdef), KeySeed(42));
    let hash =
        |seed, member| KeyPlan::hash(seed, &key_bytes(&colliding(KeySeed(0x0123_4567_89ab_cdef), 7, member)));
    assert_eq!(hash(seed, 1), hash(seed, 2));
    assert_ne!(hash(other, 1), hash(other, 2));
    assert_ne!(hash(seed, 1), KeyPlan::hash(seed, &key_bytes(&colliding(seed, 8, 1))), "groups differ");
}

/// A new record with the hash of one that stays: the version gets a new seed, a snapshot and no delta, and needs no one's leave.
#[tokio::test]
async fn a_collision_is_published_under_a_new_seed_semantics_6() {
    for by_full_cycle in [false, true] {
        let mut setting = Setting::new().await;
        let [first, second, absent] = [1, 2, 3].map(|member| setting.twin(member));
        setting.asked = vec![first.clone(), second.clone(), absent];
        setting.begin(&[&first]).await;
        let seed = setting.producer.state().seed();
        setting.expected.insert(second.clone(), 2);
        let all = &setting.expected;
        let outcome = match by_full_cycle {
            true => setting.producer.cycle(|writer| add_all(writer, all)).await,
            false => setting.producer.incremental(|writer| upsert(writer, &second, 2)).await,
        };
        let publication = published(outcome);
        assert!(is_break(&publication), "{publication:?}");
        assert_eq!((publication.types[0].2.added, publication.types[0].2.changed), (1, 0));
        assert_ne!(setting.producer.state().seed(), seed);
        setting.follow("snapshot").await;

        // The chain goes on by deltas, and both keys can be changed on their own.
        setting.expected.insert(first.clone(), 10);
        setting.expected.remove(&second);
        let outcome = setting.producer.incremental(|writer| {
            upsert(writer, &first, 10)?;
            delete(writer, &second)
        });
        let publication = published(outcome.await);
        assert!(publication.bytes.delta.is_some());
        setting.follow("delta").await;
    }
}

/// Two new records of one hash in one cycle, also in the first of all.
#[tokio::test]
async fn records_that_collide_with_each_other_are_published_under_a_new_seed_semantics_6() {
    let mut setting = Setting::new().await;
    let [first, second, absent] = [1, 2, 3].map(|member| setting.twin(member));
    let seed = setting.producer.state().seed();
    setting.asked = vec![absent];
    assert!(is_break(&setting.begin(&[&first, &second]).await));
    assert_ne!(setting.producer.state().seed(), seed);

    let [third, fourth] = [1, 2].map(|member| colliding(setting.producer.state().seed(), 9, member));
    setting.expected.extend([(third.clone(), 3), (fourth.clone(), 4)]);
    let outcome = setting.producer.incremental(|writer| {
        upsert(writer, &third, 0)?;
        upsert(writer, &fourth, 4)?;
        upsert(writer, &third, 3)
    });
    assert!(is_break(&published(outcome.await)));
    setting.follow("snapshot").await;
}

/// A record that takes over the hash of a removed one is an update: the reader that has the old one finds the new one, and not the old one.
#[tokio::test]
async fn a_record_takes_over_the_hash_of_a_removed_one_by_delta() {
    let mut setting = Setting::new().await;
    let twins: Vec<_> = (0..6).map(|member| setting.twin(member)).collect();
    setting.asked.clone_from(&twins);
    let first = setting.begin(&[&twins[0]]).await;
    let mut versions = vec![(first.manifest, setting.expected.clone())];
    for pair in twins.windows(2) {
        setting.expected.remove(&pair[0]);
        setting.expected.insert(pair[1].clone(), 5);
        let all = &setting.expected;
        let is_full = setting.producer.version().0.is_multiple_of(2);
        let outcome = match is_full {
            true => setting.producer.cycle(|writer| add_all(writer, all)).await,
            false => {
                let change = |writer: &ChangeWriter| {
                    upsert(writer, &pair[1], 5)?;
                    delete(writer, &pair[0])
                };
                setting.producer.incremental(change).await
            }
        };
        let publication = published(outcome);
        assert!(publication.bytes.delta.is_some() && publication.bytes.reverse.is_some());
        let counts = publication.types[0].2;
        assert_eq!((counts.added, counts.removed, counts.changed), (0, 0, 1), "it counts as an update");
        setting.follow("delta").await;
        versions.push((publication.manifest, setting.expected.clone()));
    }
    go_back(&setting, versions).await;
}

/// Walks down to the first version by reverse deltas.
async fn go_back(setting: &Setting, mut versions: Vec<(ManifestReference, BTreeMap<Vec<u8>, u64>)>) {
    let dataset = DatasetStore::new(Arc::clone(&setting.store), Path::from("items"), Environment::system());
    let replica = Replica::new(dataset.clone(), SegmentStore::heap(), TransferOptions::default());
    let entry = Tail::new(dataset).find().await.unwrap().unwrap().entry.clone();
    let silent: Arc<dyn Progress> = Arc::new(());
    let (newest, _) = versions.pop().expect("there is a newest version");
    let mut at = replica.move_to(None, &entry, &newest, &silent).await.unwrap().loaded;
    let deltas_only = LogEntry { snapshots: Vec::new(), ..entry };
    while let Some((reference, expected)) = versions.pop() {
        let moved = replica.move_to(Some(&at), &deltas_only, &reference, &silent).await.unwrap();
        assert_eq!(moved.route.name(), "reverse delta");
        at = moved.loaded;
        check(&at.state, &expected, &setting.asked);
    }
    assert_eq!(at.state.version().0, 1);
}

/// The absent twin of a record is not found, cannot be deleted, and its deletion is no change.
#[tokio::test]
async fn the_absent_twin_of_a_record_is_absent() {
    let mut setting = Setting::new().await;
    let [present, absent] = [1, 2].map(|member| setting.twin(member));
    setting.asked = vec![absent.clone()];
    setting.begin(&[&present]).await;
    let outcome = setting.producer.incremental(|writer| delete(writer, &absent)).await.unwrap();
    assert!(matches!(outcome, Outcome::Unchanged(version) if version.0 == 1), "{outcome:?}");
    let outcome = setting.producer.incremental(|writer| {
        upsert(writer, &absent, 3)?;
        delete(writer, &absent)
    });
    assert!(matches!(outcome.await.unwrap(), Outcome::Unchanged(version) if version.0 == 1));
    setting.expected.insert(present.clone(), 9);
    published(setting.producer.incremental(|writer| upsert(writer, &present, 9)).await);
    setting.follow("delta").await;
    setting.expected.remove(&present);
    setting.asked.push(present.clone());
    published(setting.producer.incremental(|writer| delete(writer, &present)).await);
    setting.follow("delta").await;
}

/// Keys that collide under every seed that is tried: the cycle fails, and nothing changes.
#[tokio::test]
async fn a_collision_under_four_seeds_is_refused_and_publishes_nothing() {
    let mut setting = Setting::new().await;
    let first = setting.twin(1);
    setting.begin(&[&first]).await;
    let before = Arc::clone(setting.producer.state());
    let random = Arc::clone(&setting.random);
    let twin = setting.twin(2);
    let last = Cell::new(0);
    let outcome = setting.producer.incremental(|writer| {
        upsert(writer, &twin, 2)?;
        last.set(random.next(4)[3]);
        collide_under(writer, &random.next(4))
    });
    let error = outcome.await.expect_err("no seed is left");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let hex = |key: Vec<u8>| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for named in ["type Item".to_owned(), "one hash".to_owned()]
        .into_iter()
        .chain([1, 2].map(|member| hex(colliding(KeySeed(last.get()), 7, member))))
    {
        assert!(error.to_string().contains(&named), "{named} is not in {error}");
    }
    assert!(Arc::ptr_eq(&before, setting.producer.state()));
    setting.check();

    let fourth = Cell::new(0);
    let outcome = setting.producer.incremental(|writer| {
        fourth.set(random.next(4)[3]);
        upsert(writer, &twin, 2)?;
        collide_under(writer, &random.next(3))
    });
    assert!(is_break(&published(outcome.await)));
    assert_eq!(setting.producer.state().seed(), KeySeed(fourth.get()), "the fourth seed tells them apart");
}

/// States two records that collide under each of `seeds`.
fn collide_under(writer: &ChangeWriter, seeds: &[u64]) -> Result<()> {
    for seed in seeds {
        upsert(writer, &colliding(KeySeed(*seed), 7, 1), 1)?;
        upsert(writer, &colliding(KeySeed(*seed), 7, 2), 2)?;
    }
    Ok(())
}

/// Random cycles over keys of which many collide: a version breaks the layout exactly if two of its keys have one hash under the seed before,
/// and every state is the map.
#[tokio::test]
async fn random_cycles_break_the_layout_only_where_keys_collide() {
    let choices = SeededRandom::new(6);
    let below = |bound: u64| choices.next_u64() % bound;
    let (mut breaks, mut takeovers) = (0, 0);
    for _ in 0..20 {
        let mut setting = Setting::new().await;
        setting.begin(&[]).await;
        for _ in 0..15 {
            let seed = setting.producer.state().seed();
            let mut next = setting.expected.clone();
            for _ in 0..=below(4) {
                let key = colliding(seed, below(3) as u32, below(4));
                match below(3) {
                    0 => next.insert(key.clone(), below(3)),
                    // Mostly one of a group at a time, so that takeovers outnumber breaks.
                    1 => {
                        next.retain(|other, _| other.len() != key.len() || other[..12] != key[..12]);
                        next.insert(key.clone(), below(3))
                    }
                    _ => next.remove(&key),
                };
                setting.asked.push(key);
            }
            let before = std::mem::replace(&mut setting.expected, next);
            if before == setting.expected {
                continue;
            }
            let publication = setting.publish_after(&before, below(2) == 0).await;
            let hash = |key: &Vec<u8>| KeyPlan::hash(seed, &key_bytes(key));
            let hashes: BTreeSet<_> = setting.expected.keys().map(hash).collect();
            let collides = hashes.len() < setting.expected.len();
            assert_eq!(is_break(&publication), collides);
            let gone = before.keys().filter(|key| !setting.expected.contains_key(*key));
            takeovers += u64::from(!collides) * gone.filter(|key| hashes.contains(&hash(key))).count() as u64;
            breaks += u64::from(collides);
            setting.follow(if collides { "snapshot" } else { "delta" }).await;
        }
    }
    assert!(breaks > 20 && takeovers > 20, "{breaks} breaks, {takeovers} takeovers");
}
