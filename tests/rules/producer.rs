//! Versions and cycles: semantics 1 to 12.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, SystemTime};

use hollowcast::consumer::RefreshRoute;
use hollowcast::environment::Environment;
use hollowcast::producer::{CycleOptions, Outcome, Producer, Writer};
use hollowcast::replica::Chain;
use hollowcast::{Error, ErrorKind};

use super::clock::StoppableClock;
use super::setting::{
    World, add, cities, city, delete, later_schema, named, populous, published, schema, text, upsert,
};
use super::store::Answer;

const FIRST: [(u32, &str); 3] = [(1, "Rome"), (2, "Oslo"), (3, "Lima")];

#[tokio::test]
async fn a_version_is_uploaded_then_appended_then_announced_semantics_1() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    world.store.requests();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let requests = world.store.requests();
    let at = |part: &str| {
        let found = requests.iter().position(|request| request.contains(part));
        found.unwrap_or_else(|| panic!("{part} is not among {requests:#?}"))
    };
    let blobs = at("PUT places/deltas/").max(at("PUT places/reverse/"));
    let manifest = at("PUT places/manifests/");
    let append = at("CREATE places/log/");
    let look = append + requests[append..].iter().position(|request| request.starts_with("LIST")).unwrap();
    let hint = at("PUT places/hints/announced");
    assert!(blobs < manifest && manifest < append && append < look && look < hint, "{requests:#?}");
}

/// Whatever fails before the append, and however, the next cycle goes on from the version before.
#[tokio::test(start_paused = true)]
async fn a_failure_before_the_append_leaves_nothing_to_see_semantics_1() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    let log = world.objects("log").await;
    let before = producer.state().fingerprint();

    let populate = producer.cycle(|writer| {
        add(writer, &[(9, "Never")])?;
        Err(Error::new(ErrorKind::Unavailable, "the database is gone"))
    });
    assert!(populate.await.unwrap_err().to_string().contains("the database is gone"));
    for place in ["places/deltas", "places/reverse", "places/manifests"] {
        world.store.answer(place, Answer::Lost);
        let failed = producer.incremental(|writer| upsert(writer, &[(9, "Never")])).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable, "{place}: {failed}");
        world.store.heal();
    }
    assert_eq!(world.objects("log").await, log);
    assert_eq!((producer.version().0, producer.state().fingerprint()), (1, before));
    assert_eq!(consumer.refresh().await.unwrap().to.0, 1);

    let next = published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    assert_eq!(next.version.0, 2);
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2);
    assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (2, "Oslo"), (3, "Lima"), (4, "Cairo")]));
}

#[tokio::test]
async fn no_change_is_no_version_semantics_2() {
    let world = World::new();
    let mut producer = world.producer().await;
    let empty = producer.cycle(|_| Ok(())).await.unwrap();
    assert!(matches!(empty, Outcome::Unchanged(version) if version.0 == 0));
    published(producer.cycle(|writer| add(writer, &FIRST)).await);

    world.store.requests();
    let mut reversed = FIRST;
    reversed.reverse();
    let again = producer.cycle(|writer| add(writer, &reversed)).await.unwrap();
    assert!(matches!(again, Outcome::Unchanged(version) if version.0 == 1));
    let back_and_forth = producer.incremental(|writer| {
        upsert(writer, &[(1, "Roma"), (8, "New")])?;
        upsert(writer, &[(1, "Rome")])?;
        delete(writer, 8)
    });
    assert!(matches!(back_and_forth.await.unwrap(), Outcome::Unchanged(version) if version.0 == 1));
    assert_eq!(world.store.writes(), [""; 0]);
}

#[tokio::test]
async fn a_type_is_emptied_only_on_purpose_semantics_2() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let refused = producer.cycle(|_| Ok(())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("City"), "{refused}");
    let options = CycleOptions { allow_empty: true, ..CycleOptions::default() };
    assert_eq!(published(producer.cycle_with(options, |_| Ok(())).await).version.0, 2);
    assert!(cities(producer.state()).is_empty());
}

#[tokio::test]
async fn a_full_cycle_states_all_and_an_incremental_one_changes_semantics_3() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let changes = producer.incremental(|writer| {
        upsert(writer, &[(2, "Christiania"), (4, "Giza"), (5, "Bonn")])?;
        upsert(writer, &[(4, "Cairo")])?;
        delete(writer, 3)?;
        delete(writer, 77)?;
        delete(writer, 5)?;
        delete(writer, 2)?;
        upsert(writer, &[(2, "Oslo")])
    });
    published(changes.await);
    assert_eq!(cities(producer.state()), named(&[(1, "Rome"), (2, "Oslo"), (4, "Cairo")]));
    published(producer.cycle(|writer| add(writer, &[(2, "Oslo"), (6, "Kyiv")])).await);
    assert_eq!(cities(producer.state()), named(&[(2, "Oslo"), (6, "Kyiv")]));
}

/// Records of the types that a cycle is not about stay; of those that it is about, what it does not add goes.
#[tokio::test]
async fn a_full_cycle_may_be_about_some_types_semantics_3() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let rivers = |names: &'static [&str]| {
        move |writer: &Writer| {
            let river = writer.type_index("River")?;
            writer.carry_over_all_but(&[river]);
            names.iter().try_for_each(|name| writer.add_words(river, &text(Some(name))))
        }
    };
    published(producer.cycle(rivers(&["Po", "Don"])).await);
    published(producer.cycle(rivers(&["Don", "Ob"])).await);
    assert_eq!(cities(producer.state()), named(&FIRST));
    let found = producer.state().table("River").unwrap();
    let found: BTreeSet<_> =
        found.rows().map(|row| row.reader().text(0).unwrap().unwrap().to_owned()).collect();
    assert_eq!(found, BTreeSet::from(["Don".to_owned(), "Ob".to_owned()]));

    let mixed = producer.cycle(|writer| {
        writer.carry_over_all_but(&[]);
        add(writer, &[(1, "Roma"), (2, "Oslo"), (9, "Bern")])
    });
    published(mixed.await);
    let expected = named(&[(1, "Roma"), (2, "Oslo"), (3, "Lima"), (9, "Bern")]);
    assert_eq!(cities(producer.state()), expected, "what is added of a type that is carried over counts");
    let twice = producer.cycle(|writer| {
        writer.carry_over_all_but(&[]);
        add(writer, &[(1, "Roma"), (1, "Rome")])
    });
    assert_eq!(twice.await.unwrap_err().kind(), ErrorKind::Invalid);
    let emptied = producer.cycle(rivers(&[])).await.unwrap_err();
    assert!(emptied.to_string().contains("River"), "{emptied}");
    assert_eq!(producer.version().0, 4);
}

#[tokio::test]
async fn bad_records_fail_the_cycle_and_are_named_semantics_4() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let log = world.objects("log").await;
    let twice = producer.cycle(|writer| add(writer, &[(1, "Rome"), (7, "Seven"), (7, "Sept")])).await;
    let null = producer.cycle(|writer| writer.add_words(writer.type_index("River")?, &text(None))).await;
    let torn = producer.cycle(|writer| writer.add_words(writer.type_index("City")?, &[u64::MAX])).await;
    let unknown = producer.cycle(|writer| writer.type_index("Lake").map(drop)).await;
    let expected: [&[&str]; 4] = [&["City", "7"], &["River", "name"], &["City"], &["Lake"]];
    for (failed, words) in [twice, null, torn, unknown].into_iter().zip(expected) {
        let failed = failed.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Invalid, "{failed}");
        assert!(words.iter().all(|word| failed.to_string().contains(word)), "{failed}");
    }
    assert_eq!(world.objects("log").await, log);
    assert_eq!(cities(producer.state()), named(&FIRST));
}

#[tokio::test]
async fn a_refused_record_fails_the_cycle_whatever_the_closure_says_semantics_4() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let ignored = producer.cycle(|writer| {
        let _ = add(writer, &[(7, "Seven"), (7, "Sept")]);
        Ok(())
    });
    assert_eq!(ignored.await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(producer.version().0, 1);
}

#[tokio::test]
async fn equal_records_without_a_key_are_one_semantics_5() {
    let world = World::new();
    let mut producer = world.producer().await;
    let mottos = ["E pluribus unum", "Fluctuat nec mergitur", "E pluribus unum"];
    let stated = producer.cycle(|writer| {
        let index = writer.type_index("Motto")?;
        mottos.iter().try_for_each(|motto| writer.add_words(index, &text(Some(motto))))
    });
    let publication = published(stated.await);
    let (_, records, counts) = publication.types.iter().find(|(name, ..)| name == "Motto").unwrap();
    assert_eq!((*records, counts.added), (2, 2));
}

#[tokio::test]
async fn a_restored_producer_goes_on_where_the_last_one_was_semantics_9() {
    let world = World::new();
    let mut first = world.producer_with(&FIRST).await;
    published(first.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let consumer = world.consumer().await;
    let mut second = world.producer().await;
    assert_eq!(second.version().0, 2);
    assert_eq!(second.state().fingerprint(), first.state().fingerprint());
    assert_eq!(cities(second.state()), cities(first.state()));
    let next = published(second.incremental(|writer| delete(writer, 1)).await);
    assert_eq!(next.version.0, 3);
    assert_eq!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Delta));
    assert_eq!(cities(&consumer.read()), named(&[(2, "Oslo"), (3, "Lima"), (4, "Cairo")]));
}

/// A producer that knows fewer fields carries over what it does not state, and gives defaults to what it does.
#[tokio::test]
async fn a_producer_may_know_fewer_fields_than_the_dataset_semantics_9() {
    let world = World::new();
    world.producer_with(&[(1, "Rome")]).await;
    let mut later = world.producer_of(later_schema()).start().await.unwrap();
    let grown = later.incremental(|writer| {
        let index = writer.type_index("City")?;
        writer.upsert_words(index, &populous(2, "Oslo", 700))?;
        writer.upsert_words(index, &populous(3, "Lima", 10_000))
    });
    published(grown.await);
    let consumer = world.consumer().await;

    let mut older = world.producer().await;
    published(older.incremental(|writer| upsert(writer, &[(2, "Kristiania")])).await);
    assert_eq!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Delta));
    let state = consumer.read();
    let people = |id: u32| {
        let row = state.table("City").unwrap().get_bytes(&id.to_le_bytes()).unwrap();
        row.reader().u32(1)
    };
    assert_eq!([people(1), people(2), people(3)], [0, 0, 10_000]);
}

/// Two producers: whoever claimed last goes on, the other is told that it is fenced, and there is one chain.
#[tokio::test]
async fn the_fenced_producer_stops_and_the_chain_is_one_semantics_10_r3() {
    let world = World::new();
    let mut early = world.producer_with(&FIRST).await;
    let mut late = world.producer().await;
    let fenced = early.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await.unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::Fenced, "{fenced}");
    published(late.incremental(|writer| upsert(writer, &[(5, "Bonn")])).await);
    let still = early.incremental(|writer| upsert(writer, &[(6, "Kyiv")])).await.unwrap_err();
    assert_eq!(still.kind(), ErrorKind::Fenced, "a fenced producer does not claim again by itself: {still}");
    let consumer = world.consumer().await;
    assert_eq!(cities(&consumer.read()), named(&[(1, "Rome"), (2, "Oslo"), (3, "Lima"), (5, "Bonn")]));
    assert_eq!(consumer.read().version().0, 2);
}

/// Versions with a snapshot, while a producer publishes one changed city at a time.
async fn snapshots_of(producer: &mut Producer, world: &World, versions: u32) -> Vec<u64> {
    for turn in 0..versions {
        published(producer.incremental(|writer| upsert(writer, &[(1, &format!("Rome {turn}"))])).await);
    }
    let number = |name: &String| name.rsplit('/').next().unwrap().split('-').next().unwrap().parse().unwrap();
    world.objects("snapshots").await.iter().map(number).collect()
}

#[tokio::test]
async fn a_snapshot_comes_first_and_every_n_versions_semantics_11() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(4).start().await.unwrap();
    let many: Vec<(u32, String)> = (0..2000).map(|id| (id, format!("City number {id}"))).collect();
    let many: Vec<(u32, &str)> = many.iter().map(|(id, name)| (*id, name.as_str())).collect();
    published(producer.cycle(|writer| add(writer, &many)).await);
    assert_eq!(snapshots_of(&mut producer, &world, 9).await, [1, 5, 9]);
}

#[tokio::test]
async fn a_snapshot_comes_when_deltas_outweigh_half_of_it_semantics_11() {
    let world = World::new();
    let mut producer = world.producer_of(schema()).snapshot_every(200).start().await.unwrap();
    let of = |turn: u32| -> Vec<(u32, String)> {
        (0..2000).map(|id| (id, format!("City {} of turn {turn}", id * 7919 + turn * 104_729))).collect()
    };
    let state = |turn| {
        let pairs = of(turn);
        move |writer: &hollowcast::producer::Writer| {
            let index = writer.type_index("City")?;
            pairs.iter().try_for_each(|(id, name)| writer.add_words(index, &city(*id, name)))
        }
    };
    published(producer.cycle(state(0)).await);
    // Every record differs: one delta alone is beyond half of the snapshot.
    let second = published(producer.cycle(state(1)).await);
    assert!(second.bytes.delta.unwrap() > second.bytes.snapshot.unwrap() / 2);
    assert_eq!(snapshots_of(&mut producer, &world, 3).await, [1, 2]);
}

#[tokio::test]
async fn tags_travel_with_their_version_semantics_12() {
    let world = World::new();
    let mut producer = world.producer().await;
    let tagged = |month: &str| CycleOptions {
        tags: BTreeMap::from([("month".to_owned(), month.to_owned())]),
        ..CycleOptions::default()
    };
    published(producer.cycle_with(tagged("May"), |writer| add(writer, &FIRST)).await);
    let consumer = world.consumer().await;
    let month = || consumer.read().tags().get("month").cloned();
    assert_eq!(month().as_deref(), Some("May"));
    published(producer.incremental_with(tagged("June"), |writer| delete(writer, 1)).await);
    consumer.refresh().await.unwrap();
    assert_eq!(month().as_deref(), Some("June"));
    published(producer.incremental(|writer| delete(writer, 2)).await);
    consumer.refresh().await.unwrap();
    assert_eq!(month(), None);
}

/// What a producer borrows need not be `'static`, and many threads may add at once.
#[tokio::test]
async fn populate_borrows_and_runs_on_many_threads_semantics_1() {
    let world = World::new();
    let mut producer = world.producer().await;
    let caller = std::thread::current().id();
    let calls = AtomicUsize::new(0);
    let names: Vec<String> = (0..400).map(|id| format!("City {id}")).collect();
    let stated = producer.cycle(|writer| {
        assert_eq!(std::thread::current().id(), caller);
        std::thread::scope(|scope| {
            for part in names.chunks(100) {
                let (first, calls) = (calls.fetch_add(100, Ordering::Relaxed) as u32, &calls);
                scope.spawn(move || {
                    for (id, name) in (first..).zip(part) {
                        add(writer, &[(id, name)]).unwrap();
                    }
                    calls.load(Ordering::Relaxed)
                });
            }
        });
        Ok(())
    });
    published(stated.await);
    assert_eq!(cities(producer.state()).len(), 400);
}

/// Threads that state the same record at the same moment state it once, or twice by mistake: as if one had come after the other.
#[tokio::test(flavor = "multi_thread")]
async fn equal_records_of_many_threads_are_told_apart_semantics_1_5() {
    let at_once = |writer: &Writer, state: &(dyn Fn(&Writer, u32) -> hollowcast::Result<()> + Sync)| {
        let start = Barrier::new(8);
        let stated = || (0..2000).try_for_each(|id| state(writer, id));
        std::thread::scope(|scope| {
            let threads = (0..8).map(|_| {
                scope.spawn(|| {
                    start.wait();
                    stated()
                })
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap())
        })
    };
    let world = World::new();
    let mut producer = world.producer().await;
    let keyless = |writer: &Writer, id: u32| {
        writer.add_words(writer.type_index("Motto")?, &text(Some(&format!("Motto {id}"))))
    };
    published(producer.cycle(|writer| at_once(writer, &keyless)).await);
    assert_eq!(producer.state().table("Motto").unwrap().len(), 2000);
    let keyed = |writer: &Writer, id: u32| add(writer, &[(id, "Rome")]);
    let refused = producer.cycle(|writer| at_once(writer, &keyed)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("two records with the key"), "{refused}");
}

/// What it would not change is what it published; somebody else's version may be out since.
#[tokio::test]
async fn a_fenced_producer_does_not_call_its_content_unchanged_semantics_6_10() {
    let world = World::new();
    let mut fenced = world.producer_with(&FIRST).await;
    assert!(matches!(fenced.cycle(|writer| add(writer, &FIRST)).await, Ok(Outcome::Unchanged(_))));
    let mut next = world.producer().await;
    published(next.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let told = fenced.cycle(|writer| add(writer, &FIRST)).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Fenced, "{told}");
}

/// The dataset was removed and made anew under a producer that is still there.
#[tokio::test]
async fn a_producer_leaves_another_dataset_in_its_place_alone_semantics_10_r5() {
    let world = World::new();
    let mut first = world.producer_with(&FIRST).await;
    for id in 4..10 {
        published(first.incremental(|writer| upsert(writer, &[(id, "Cairo")])).await);
    }
    world.remove().await;
    let gone = first.incremental(|writer| upsert(writer, &[(1, "Roma")])).await.unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::NotFound | ErrorKind::Conflict), "{:?}: {gone}", gone.kind());
    let anew = world.producer_with(&[(7, "Baku")]).await;
    let refused = first.incremental(|writer| upsert(writer, &[(1, "Roma")])).await.unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::Fenced | ErrorKind::Conflict),
        "{:?}: {refused}",
        refused.kind()
    );
    assert_eq!(anew.version().0, 1);
    assert_eq!(cities(&world.consumer().await.read()), named(&[(7, "Baku")]));
    world.verify().await.unwrap();
}

/// A host whose clock was days behind published one version: the times of versions stay in order.
#[tokio::test(start_paused = true)]
async fn a_version_is_no_older_than_the_one_before_semantics_14() {
    let world = World::new();
    drop(world.producer_with(&FIRST).await);
    let clock = Arc::new(StoppableClock::begin(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let behind = Environment { clock, ..world.environment.clone() };
    let mut producer = world.producer_of(schema()).environment(behind).start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(4, "Cairo")])).await);
    let chain = Chain::open(&world.dataset()).await.unwrap();
    let times: Vec<u64> =
        chain.manifests().await.unwrap().iter().map(|(_, manifest)| manifest.created_at_ms).collect();
    assert_eq!(times.len(), 2);
    assert!(times[0] >= times[1], "newest first: {times:?}");
}
