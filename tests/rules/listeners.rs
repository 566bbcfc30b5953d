//! Who hears of cycles and refreshes, and is never obeyed: semantics 13.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hollowcast::consumer::{Refresh, RefreshListener};
use hollowcast::identifiers::Version;
use hollowcast::producer::{
    Candidate, Check, CycleEvent, CycleKind, CycleListener, CycleStep, Finding, MinimumCount,
};
use hollowcast::{Error, ErrorKind};

use super::setting::{World, add, cities, named, published, schema, upsert};
use super::store::Answer;

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];

/// What each cycle came to, in words, and how long every step took.
#[derive(Default)]
struct Heard {
    steps: Mutex<Vec<String>>,
    times: Mutex<Vec<(Duration, Duration)>>,
    kinds: Mutex<Vec<CycleKind>>,
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.steps.lock().unwrap())
    }
}

impl CycleListener for Heard {
    fn heard(&self, event: &CycleEvent<'_>) {
        let words = match event.step {
            CycleStep::Begun => {
                self.kinds.lock().unwrap().push(event.kind);
                "begun".to_owned()
            }
            CycleStep::Restored { parent } => format!("restored {parent}"),
            CycleStep::Populated => "populated".to_owned(),
            CycleStep::Prepared { changes, bytes } => {
                let (name, counts) = &changes[0];
                assert_eq!(bytes.delta.is_some(), bytes.reverse.is_some());
                format!("prepared {name} {}+{}-{}", counts.added, counts.changed, counts.removed)
            }
            CycleStep::Validated { verdicts } => {
                let verdicts =
                    verdicts.iter().map(|verdict| format!(" {} {}", verdict.validator, verdict.passed()));
                format!("validated{}", verdicts.collect::<String>())
            }
            CycleStep::Uploaded { bytes } => format!("uploaded {}", bytes.delta.is_some()),
            CycleStep::Committed { version } => format!("committed {version}"),
            CycleStep::Published(publication) => format!("published {}", publication.version),
            CycleStep::Unchanged(version) => format!("unchanged {version}"),
            CycleStep::Failed { stage, error } => format!("failed at {stage}: {:?}", error.kind()),
            CycleStep::Abandoned { stage } => format!("abandoned at {stage}"),
            _ => panic!("a step that is not told of here"),
        };
        self.steps.lock().unwrap().push(words);
        self.times.lock().unwrap().push((event.took, event.elapsed));
    }
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_every_stage_of_every_cycle_semantics_13() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let fewest = MinimumCount::new(2).of_type("City");
    let builder = world.producer_of(schema()).validator(fewest).listener(Arc::clone(&heard) as _);
    let mut producer = builder.start().await.unwrap();
    assert_eq!(heard.take(), [""; 0], "starting is no cycle");

    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let passed = "validated minimum count true";
    let first = ["begun", "restored 0", "populated", "prepared City 2+0-0", passed, "uploaded false"];
    assert_eq!(heard.take(), [&first[..], &["committed 1", "published 1"]].concat());

    producer.cycle(|writer| add(writer, &FIRST)).await.unwrap();
    assert_eq!(heard.take(), ["begun", "restored 1", "populated", "unchanged 1"]);

    producer.cycle(|writer| add(writer, &FIRST[1..])).await.unwrap_err();
    let judged = ["prepared City 0+0-1", "validated minimum count false", "failed at validate: Invalid"];
    assert_eq!(heard.take(), [&["begun", "restored 1", "populated"][..], &judged].concat());

    let refused = producer.incremental(|writer| {
        upsert(writer, &[(1, "Roma")])?;
        Err(Error::new(ErrorKind::Unavailable, "the database is gone"))
    });
    refused.await.unwrap_err();
    assert_eq!(heard.take(), ["begun", "restored 1", "failed at populate: Unavailable"]);

    for (place, stage) in [("places/deltas", "upload"), ("places/log", "commit")] {
        world.store.answer(place, Answer::Lost);
        producer.incremental(|writer| upsert(writer, &[(1, "Roma")])).await.unwrap_err();
        world.store.heal();
        let last = heard.take().pop().unwrap();
        assert_eq!(last, format!("failed at {stage}: Unavailable"));
    }

    published(producer.incremental(|writer| upsert(writer, &[(1, "Roma")])).await);
    heard.take();
    producer.rollback(Version(1)).await.unwrap();
    let rolled_back = heard.take();
    assert_eq!(rolled_back[3], "prepared City 0+1-0");
    assert_eq!(rolled_back[4], "validated minimum count true same content true");
    assert_eq!(rolled_back.last().unwrap(), "published 3");
    let kinds = heard.kinds.lock().unwrap();
    assert_eq!(kinds[2..4], [CycleKind::Full, CycleKind::Incremental]);
    assert_eq!(kinds.last(), Some(&CycleKind::Rollback(Version(1))));
}

/// By the environment's clock, which a test may move.
#[tokio::test(start_paused = true)]
async fn stages_are_timed_by_the_environment_semantics_13() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let mut producer = world.producer_of(schema()).listener(Arc::clone(&heard) as _).start().await.unwrap();
    let seconds = Duration::from_secs;
    world.store.answer("places/snapshots", Answer::Late(seconds(7)));
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let steps = heard.take();
    let times = heard.times.lock().unwrap().clone();
    for (step, (took, elapsed)) in steps.iter().zip(times) {
        let (this, sum) = match step.as_str() {
            "uploaded false" => (7, 7),
            "committed 1" | "published 1" => (0, 7),
            _ => (0, 0),
        };
        assert_eq!((took, elapsed), (seconds(this), seconds(sum)), "{step}");
    }
}

/// Whoever waits may stop waiting: listeners hear so no later than when the next cycle begins.
#[tokio::test(start_paused = true)]
async fn a_cycle_that_is_dropped_is_told_of_semantics_13() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let mut producer = world.producer_of(schema()).listener(Arc::clone(&heard) as _).start().await.unwrap();
    world.store.answer("places/snapshots", Answer::Never);
    let cycle = producer.cycle(|writer| add(writer, &FIRST));
    tokio::time::timeout(Duration::from_secs(1), cycle).await.unwrap_err();
    world.store.heal();
    assert_eq!(heard.take().last().unwrap(), "validated");
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let steps = heard.take();
    assert_eq!(steps[..2], ["abandoned at upload", "begun"]);
    assert_eq!(steps.last().unwrap(), "published 1");
}

/// Dropped while its entry is on its way, a cycle may have published: the next one looks before it believes anything.
#[tokio::test(start_paused = true)]
async fn a_cycle_that_is_dropped_may_have_published_semantics_13() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let mut is_created = false;
    world.store.follow(move |request| {
        is_created |= request.starts_with("CREATE places/log");
        if is_created && request.starts_with("GET places/log") { Answer::Never } else { Answer::True }
    });
    let cycle = producer.cycle(|writer| add(writer, &[(7, "Baku")]));
    tokio::time::timeout(Duration::from_secs(1), cycle).await.unwrap_err();
    world.store.heal();
    let again = published(producer.cycle(|writer| add(writer, &FIRST)).await);
    assert_eq!(again.version.0, 3, "version 2 is out, so its content has to be taken back");
    assert_eq!(cities(&world.consumer().await.read()), named(&FIRST));
    world.verify().await.unwrap();
}

/// Panics whenever it is told something.
struct Panicking;

impl CycleListener for Panicking {
    fn heard(&self, _: &CycleEvent<'_>) {
        panic!("a listener that is broken");
    }
}

impl RefreshListener for Panicking {
    fn refreshed(&self, _: &Refresh) {
        panic!("a listener that is broken");
    }

    fn failed(&self, _: &Error) {
        panic!("a listener that is broken");
    }
}

#[tokio::test]
async fn a_listener_that_panics_is_counted_and_not_obeyed_semantics_13() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let builder = world.producer_of(schema()).listener(Arc::new(Panicking));
    let mut producer = builder.listener(Arc::clone(&heard) as _).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    assert_eq!((producer.listener_panics(), heard.take().len()), (8, 8));

    let consumer = world.consumer_builder().listener(Arc::new(Panicking)).start().await.unwrap();
    published(producer.incremental(|writer| upsert(writer, &[(3, "Lima")])).await);
    let before = consumer.listener_panics();
    assert_eq!(consumer.refresh().await.unwrap().to, Version(2));
    assert_eq!(consumer.listener_panics(), before + 1);
    assert_eq!(consumer.read().version(), Version(2));
}

/// A veto is a validator: it is obeyed, and it says who it was and why.
#[tokio::test]
async fn a_veto_is_obeyed_semantics_13() {
    let world = World::new();
    let freeze = |_: &Candidate<'_>| vec![Finding::new("no releases before Monday")];
    let mut producer =
        world.producer_of(schema()).validator(Check::new("freeze", freeze)).start().await.unwrap();
    world.store.requests();
    let vetoed = producer.cycle(|writer| add(writer, &FIRST)).await.unwrap_err();
    assert_eq!(vetoed.kind(), ErrorKind::Invalid);
    assert!(vetoed.to_string().contains("freeze: no releases before Monday"), "{vetoed}");
    assert_eq!(world.store.writes(), [""; 0]);
}
