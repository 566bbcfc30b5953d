//! States that are written anew on another base.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use hollowcast::cache::StateDirectoryOptions;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, RebaseThresholds, RefreshRoute};
use hollowcast::environment::Clock;
use hollowcast::identifiers::Version;
use hollowcast::producer::Producer;
use hollowcast::state::State;
use hollowcast::tools::TypeStats;

use super::setting::{Told, World, add, add_many, cities, delete, named, published, schema, seldom, upsert};
use super::store::Answer;

/// A base for every five records that differ, from three sections on.
const SMALL: RebaseThresholds =
    RebaseThresholds { base_share: 1000, base_records: 4, sections: 3, steps: 3, files: 100 };
/// Nothing is ever due.
const NEVER: RebaseThresholds = RebaseThresholds {
    base_share: 0,
    base_records: u64::MAX,
    sections: usize::MAX,
    steps: usize::MAX,
    files: usize::MAX,
};

/// A world with a city for each of `count` numbers.
async fn many_cities(world: &World, count: u32) -> Producer {
    let mut producer = world.producer().await;
    published(producer.cycle(|writer| add_many(writer, count)).await);
    producer
}

fn consumer(world: &World, told: &Arc<Told>, thresholds: RebaseThresholds) -> ConsumerBuilder {
    world.consumer_builder().memory(world.mapped()).listener(Arc::clone(told) as _).rebase(thresholds)
}

/// Sections that hold changed cities.
fn sections(state: &State) -> u64 {
    stats(state).overlay_sections
}

fn stats(state: &State) -> TypeStats {
    let types = TypeStats::of_state(state).unwrap();
    types.into_iter().find(|one| one.name == "City").unwrap()
}

/// Waits for work on other threads, and not for ever; tokio's clock may stand still meanwhile or jump.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came");
}

/// From now on the store lists nothing, and nothing can be fetched from it.
fn show_nothing(world: &World) {
    world.store.follow(|request| if request.starts_with("LIST") { Answer::True } else { Answer::Lost });
}

/// Follows so many versions, each of which renames a city, one at a time.
async fn follow(producer: &mut Producer, consumer: &Consumer, versions: u32) {
    for id in 0..versions {
        published(producer.incremental(|writer| upsert(writer, &[(id, "New")])).await);
        consumer.refresh().await.unwrap();
    }
}

#[tokio::test]
async fn what_piled_up_is_written_anew_and_a_restart_opens_it_semantics_24() {
    for memory in [Memory::Heap, Memory::Mapped(None)] {
        let world = World::new();
        let mut producer = many_cities(&world, 50).await;
        let told = Arc::new(Told::default());
        let mut builder = consumer(&world, &told, SMALL);
        if matches!(memory, Memory::Heap) {
            builder = builder.memory(Memory::Heap);
        }
        let consumer = builder.start().await.unwrap();
        let before = consumer.state();
        follow(&mut producer, &consumer, 3).await;
        until(|| told.rebases().len() == 1).await;
        let rebased = told.rebases().remove(0);
        assert_eq!((rebased.version.0, rebased.types), (4, vec!["City".to_owned()]));
        let after = consumer.state();
        assert_eq!((after.version().0, sections(&after)), (4, 0), "3 changes of 50 are worth a base here");
        assert_eq!(
            (after.fingerprint(), cities(&after)),
            (producer.state().fingerprint(), cities(producer.state()))
        );
        assert!(cities(&before).values().all(|name| name != "New"), "who keeps a state keeps it");

        published(producer.incremental(|writer| delete(writer, 1)).await);
        assert_eq!(consumer.refresh().await.unwrap().route, Some(RefreshRoute::Delta), "deltas fit any base");
        assert_eq!(cities(&consumer.read()), cities(producer.state()));
        if matches!(memory, Memory::Heap) {
            continue;
        }
        drop((consumer, before, after));
        world.store.answer("", Answer::Lost);
        let told = Arc::new(Told::default());
        let restarted = self::consumer(&world, &told, SMALL).start().await.unwrap();
        let state = restarted.state();
        assert_eq!((state.version().0, sections(&state)), (5, 0), "the base, and a removal over it");
        assert_eq!(
            (cities(&state), state.fingerprint()),
            (cities(producer.state()), producer.state().fingerprint())
        );
    }
}

/// Many changes of few records: the base stays, and a start has one step to apply.
#[tokio::test]
async fn small_changes_of_a_large_type_are_gathered_semantics_24() {
    let world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    let thresholds = RebaseThresholds { base_share: 2, ..SMALL };
    let consumer = consumer(&world, &told, thresholds).start().await.unwrap();
    assert_eq!(stats(&consumer.read()).applied_steps, 0);
    follow(&mut producer, &consumer, 2).await;
    assert_eq!(stats(&consumer.read()).applied_steps, 2);
    published(producer.incremental(|writer| upsert(writer, &[(2, "New")])).await);
    consumer.refresh().await.unwrap();
    until(|| told.rebases().len() == 1).await;
    assert_eq!((stats(&consumer.read()).applied_steps, sections(&consumer.read())), (1, 1));
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
}

/// Retries come minutes apart, readers and refreshes go on, and once there is room it goes through.
#[tokio::test(start_paused = true)]
async fn a_rebase_that_fails_leaves_the_state_and_is_tried_again_later_semantics_17_24() {
    let world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    let first = consumer(&world, &told, NEVER).start().await.unwrap();
    follow(&mut producer, &first, 4).await;
    assert_eq!((sections(&first.read()), told.rebases().len()), (4, 0));
    drop(first);

    let consumer = consumer(&world, &told, SMALL).start().await.unwrap();
    // Nothing was awaited since, so the rebase has not begun: it finds no place to write to.
    let place = world.folder.path().join("tmp");
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::write(&place, "").unwrap();
    until(|| told.failed_rebases().len() == 1).await;
    assert!(told.failed_rebases()[0].contains("tmp"), "{:?}", told.failed_rebases());
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!((told.failed_rebases().len(), sections(&consumer.read())), (1, 4));
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
    tokio::time::sleep(Duration::from_secs(200)).await;
    until(|| told.failed_rebases().len() == 2).await;

    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(40, "Other")])).await);
    consumer.refresh().await.unwrap();
    assert_eq!(cities(&consumer.read()), cities(producer.state()), "refreshes go on before the next try");
    tokio::time::sleep(Duration::from_secs(400)).await;
    until(|| told.rebases().len() == 1).await;
    assert_eq!((told.failed_rebases().len(), sections(&consumer.read())), (2, 0));
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
}

/// A panic costs the one try: the state serves on, and the next try goes through.
#[tokio::test(start_paused = true)]
async fn a_rebase_that_panics_is_tried_again_later_semantics_17_24() {
    let mut world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    follow(&mut producer, &consumer(&world, &told, NEVER).start().await.unwrap(), 4).await;

    let clock =
        Arc::new(PanickingClock { clock: Arc::clone(&world.environment.clock), panics: false.into() });
    world.environment.clock = Arc::clone(&clock) as _;
    let consumer = consumer(&world, &told, SMALL).start().await.unwrap();
    // Nothing was awaited since, so the rebase has not begun.
    clock.panics.store(true, Ordering::Relaxed);
    until(|| told.failed_rebases().len() == 1).await;
    clock.panics.store(false, Ordering::Relaxed);
    assert!(told.failed_rebases()[0].contains("the clock stopped"), "{:?}", told.failed_rebases());
    assert_eq!((sections(&consumer.read()), cities(&consumer.read())), (4, cities(producer.state())));
    tokio::time::sleep(Duration::from_secs(400)).await;
    until(|| told.rebases().len() == 1).await;
    assert_eq!((sections(&consumer.read()), cities(&consumer.read())), (0, cities(producer.state())));
}

/// A clock that a test may break.
struct PanickingClock {
    clock: Arc<dyn Clock>,
    panics: AtomicBool,
}

impl Clock for PanickingClock {
    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        assert!(!self.panics.load(Ordering::Relaxed), "the clock stopped");
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

/// The record of the host is what the log led to, so a rebase while the consumer is pinned waits for the end of that to be recorded.
#[tokio::test]
async fn a_rebase_of_a_pinned_state_is_recorded_when_it_follows_again_semantics_21_24() {
    let world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    follow(&mut producer, &consumer(&world, &told, NEVER).start().await.unwrap(), 4).await;
    let pinned = consumer(&world, &told, SMALL).start().await.unwrap();
    let version = pinned.read().version();
    pinned.pin(version).await.unwrap();
    until(|| told.rebases().len() == 1).await;
    let recorded = async || {
        let restarted = consumer(&world, &Arc::new(Told::default()), NEVER).start().await.unwrap();
        (sections(&restarted.read()), cities(&restarted.read()))
    };
    assert_eq!(recorded().await, (4, cities(producer.state())), "as the log led to it");
    assert_eq!(pinned.unpin().await.unwrap().route, None, "the log leads to the same version");
    assert_eq!(recorded().await, (0, cities(producer.state())));
}

/// Where a pin of one's own led is not recorded after its end either, as long as the log could not be followed.
#[tokio::test]
async fn a_rebase_after_a_release_that_could_not_move_is_not_recorded_semantics_21_24() {
    let world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    let pinned = consumer(&world, &told, SMALL).kept_states(0).start().await.unwrap();
    follow(&mut producer, &pinned, 3).await;
    until(|| told.rebases().len() == 1).await;
    let led_to = cities(producer.state());
    for id in 10..12 {
        published(producer.incremental(|writer| upsert(writer, &[(id, "Later")])).await);
    }
    pinned.pin(Version(1)).await.unwrap();
    world.store.answer("", Answer::Lost);
    pinned.unpin().await.unwrap_err();
    until(|| told.rebases().len() == 2).await;
    let restarted = consumer(&world, &Arc::new(Told::default()), NEVER).start().await.unwrap();
    assert_eq!(cities(&restarted.read()), led_to);
}

/// Wherever a rebase is when its consumer goes: the next one starts from what is there, and nothing half written stays.
#[tokio::test]
async fn a_consumer_may_go_in_the_middle_of_a_rebase_semantics_24() {
    let world = World::new();
    let mut producer = many_cities(&world, 2000).await;
    let told = Arc::new(Told::default());
    let first = consumer(&world, &told, NEVER).start().await.unwrap();
    follow(&mut producer, &first, 4).await;
    drop(first);
    show_nothing(&world);
    for wait_us in (0..6000).step_by(300) {
        let consumer = consumer(&world, &told, SMALL).start().await.unwrap();
        assert_eq!(cities(&consumer.read()), cities(producer.state()));
        tokio::time::sleep(Duration::from_micros(wait_us)).await;
        assert_eq!(cities(&consumer.read()), cities(producer.state()));
    }
    assert_eq!(told.failed_rebases(), [""; 0]);
    let last = consumer(&world, &told, SMALL).start().await.unwrap();
    until(|| sections(&last.read()) == 0).await;
    let temporary = || std::fs::read_dir(world.folder.path().join("tmp")).unwrap().count();
    until(|| temporary() == 0).await;
    assert_eq!(cities(&last.read()), cities(producer.state()));
    // It is recorded when the next refresh gets its turn.
    world.store.heal();
    last.refresh().await.unwrap();
    show_nothing(&world);
    drop(last);
    let recorded = consumer(&world, &told, NEVER).start().await.unwrap();
    assert_eq!((sections(&recorded.read()), cities(&recorded.read())), (0, cities(producer.state())));
}

/// A pin to a version that lies behind the one at which the rebase began, and back.
#[tokio::test]
async fn a_rebased_state_goes_back_and_forth_semantics_16_21() {
    let world = World::new();
    let mut producer = many_cities(&world, 50).await;
    let told = Arc::new(Told::default());
    let consumer = consumer(&world, &told, SMALL).start().await.unwrap();
    follow(&mut producer, &consumer, 3).await;
    until(|| told.rebases().len() == 1).await;
    let mut operator = world.operator();
    operator.pin("", Version(2), "because").await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2);
    let renamed = |state: &State| cities(state).values().filter(|name| *name == "New").count();
    assert_eq!(renamed(&consumer.read()), 1);
    operator.unpin("").await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 4);
    assert_eq!(cities(&consumer.read()), cities(producer.state()));
    assert_eq!(named(&[(0, "New")])[&0], cities(&consumer.read())[&0]);
}

/// A producer's own state goes on the base of each snapshot that it writes, so its changes do not pile up either.
#[tokio::test]
async fn the_state_of_a_producer_is_bounded_by_its_snapshots_semantics_11() {
    let world = World::new();
    let mut producer = world.producer_of(super::setting::schema()).snapshot_every(4).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &[(0, "Ulm")])).await);
    let mut highest = 0;
    for id in 1..40 {
        published(producer.incremental(|writer| upsert(writer, &[(id, "New")])).await);
        highest = highest.max(sections(producer.state()));
    }
    assert!((1..4).contains(&highest), "{highest} sections");
}

/// Also where its snapshots are built behind its cycles: it goes on over the sections of each that is done.
#[tokio::test]
async fn the_state_of_a_producer_is_bounded_by_snapshots_behind_its_cycles_semantics_11() {
    let world = World::new();
    let builder = world.producer_of(super::setting::schema()).snapshot_every(4).snapshots_behind(true);
    let mut producer = builder.start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &[(0, "Ulm")])).await);
    let mut expected = named(&[(0, "Ulm")]);
    let mut sections_before = 0;
    for id in 1..2000 {
        published(producer.incremental(|writer| upsert(writer, &[(id, "New")])).await);
        expected.insert(id, "New".to_owned());
        assert_eq!(cities(producer.state()), expected);
        let sections = sections(producer.state());
        if sections < sections_before {
            assert_eq!(cities(&world.consumer().await.read()), expected);
            return;
        }
        sections_before = sections;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{sections_before} sections piled up");
}

/// What is no part of any state that is served goes when there is more than the host is to keep, and a restart finds all that is.
#[tokio::test]
async fn a_state_directory_keeps_to_its_budget_semantics_24() {
    const VERSIONS: u32 = 24;
    /// More than a state and the one kept behind it are made of: the base, the bits of its slots, twice as many steps as make a rebase due.
    const BUDGET: u64 = 16;
    for budget_sections in [BUDGET, 1000] {
        let (world, told) = (World::new(), Arc::new(Told::default()));
        let mut producer = world.producer_of(schema()).snapshot_every(200).start().await.unwrap();
        published(producer.cycle(|writer| add(writer, &[(1, "Rome"), (2, "Oslo")])).await);
        let options = StateDirectoryOptions { budget_sections, ..StateDirectoryOptions::default() };
        let thresholds = RebaseThresholds { steps: 4, ..NEVER };
        let builder = || consumer(&world, &told, thresholds).state_directory(options.clone()).kept_states(1);
        let following = builder().poll(seldom()).start().await.unwrap();
        let of_base = section_files(&world);
        for number in 2..=VERSIONS {
            let name = format!("Rome {number}");
            published(producer.incremental(|writer| upsert(writer, &[(1, &name)])).await);
            following.refresh().await.unwrap();
            until(|| stats(&following.read()).applied_steps < 4).await;
            until(|| following.retired().count == 0).await;
        }
        let found = section_files(&world);
        if budget_sections == BUDGET {
            assert!(found <= BUDGET, "{found} sections");
        } else {
            // One for each change. One city changed all the time, so what was gathered are the changes of the last version, over the same slot.
            assert_eq!(found, of_base + u64::from(VERSIONS - 1) + 1);
        }
        drop(following);
        world.store.answer("", Answer::Lost);
        let restarted = builder().start().await.unwrap();
        assert_eq!(cities(&restarted.read())[&1], "Rome 24");
    }
}

/// Sections in the state directory, of any state or none.
fn section_files(world: &World) -> u64 {
    let files = std::fs::read_dir(world.folder.path().join("segments")).unwrap().map(Result::unwrap);
    files.filter(|file| file.path().extension().is_some_and(|end| end == "seg")).count() as u64
}
