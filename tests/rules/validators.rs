//! What must hold before a version is visible: semantics 7.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use hollowcast::ErrorKind;
use hollowcast::consumer::Memory;
use hollowcast::environment::SeededRandom;
use hollowcast::producer::{
    Candidate, ChangedRecord, ChangedRecords, Check, CountChange, CycleOptions, DanglingReferences, Finding,
    Limit, MAX_EXAMPLES, MinimumCount, Outcome, Producer, ProducerBuilder, ProducerError, Validator, Verdict,
};
use hollowcast::wire::DynamicValue;

use super::parcels::{self, Model, Parcel, draw};
use super::setting::{World, add, cities, delete, later_schema, published, schema, upsert};

const FIRST: [(u32, &str); 3] = [(1, "Rome"), (2, "Oslo"), (3, "Lima")];

/// What the validators of a refused cycle found.
#[track_caller]
fn refused(outcome: hollowcast::Result<Outcome>) -> (String, Vec<Verdict>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let Some(ProducerError::Refused(verdicts)) = error.downcast_ref() else { panic!("{error}") };
    (error.to_string(), verdicts.clone())
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Sees how many cities there are, and refuses if told to.
struct Witness {
    name: &'static str,
    refusal: Option<&'static str>,
    seen: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Validator for Witness {
    fn name(&self) -> &str {
        self.name
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let counts = (cities(candidate.before()).len(), cities(candidate.after()).len());
        self.seen.lock().unwrap().push(counts);
        self.refusal.map(Finding::new).into_iter().collect()
    }
}

#[tokio::test]
async fn all_validators_judge_before_anything_is_uploaded_semantics_7() {
    let world = World::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let witness = |name, refusal| Witness { name, refusal, seen: Arc::clone(&seen) };
    world.producer_with(&FIRST).await.stop().await;
    let builder = world.producer_of(schema());
    let builder = builder.validator(witness("strict", Some("no second version")));
    let builder = builder.validator(witness("easy", None));
    let builder = builder.validator(MinimumCount::new(3).of_type("City"));
    let mut producer = builder.start().await.unwrap();
    world.store.requests();
    let (text, verdicts) = refused(producer.cycle(|writer| add(writer, &FIRST[..2])).await);
    contains(&text, &["strict: no second version", "minimum count: type City", "at least 3, found 2"]);
    let names: Vec<&str> = verdicts.iter().map(|verdict| verdict.validator.as_str()).collect();
    assert_eq!(names, ["strict", "minimum count"]);
    assert_eq!(*seen.lock().unwrap(), [(3, 2), (3, 2)]);
    assert_eq!(world.store.writes(), [""; 0]);
    assert_eq!(producer.version().0, 1);
}

#[tokio::test]
async fn a_validator_that_panics_fails_the_cycle_and_not_the_process_semantics_7() {
    let world = World::new();
    let broken = Check::new("broken", |_: &Candidate<'_>| panic!("no such price"));
    let builder = world.producer_of(schema()).validator(broken);
    let last = MinimumCount::new(1).of_type("River");
    let mut producer = builder.validator(last).start().await.unwrap();
    let (text, verdicts) = refused(producer.cycle(|writer| add(writer, &FIRST)).await);
    contains(&text, &["broken: it panicked: no such price", "minimum count: type River"]);
    assert_eq!(verdicts.len(), 2);
    assert_eq!(producer.version().0, 0);
}

#[tokio::test]
async fn a_count_that_changes_too_much_is_refused_semantics_7() {
    let world = World::new();
    let builder = world.producer_of(schema());
    let builder = builder.validator(CountChange::shrinkage(Limit::Percent(50.0)));
    let builder = builder.validator(CountChange::growth(Limit::Records(2)).of_type("City"));
    let mut producer = builder.start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);

    let (text, _) = refused(producer.cycle(|writer| add(writer, &FIRST[..1])).await);
    contains(&text, &["count change: type City", "at most 50 % fewer than 3", "1 (2 fewer, 66.7 %)"]);
    let more = [(4, "Cairo"), (5, "Quito"), (6, "Delhi")];
    let (text, _) = refused(producer.incremental(|writer| upsert(writer, &more)).await);
    contains(&text, &["type City", "at most 2 more than 3", "6 (3 more, 100.0 %)"]);
    published(producer.cycle(|writer| add(writer, &FIRST[1..])).await);
    published(producer.incremental(|writer| upsert(writer, &more[..2])).await);
    let options = CycleOptions { allow_empty: true, ..CycleOptions::default() };
    let (text, _) = refused(producer.cycle_with(options, |_| Ok(())).await);
    contains(&text, &["0 (4 fewer, 100.0 %)"]);

    let unknown = CountChange::shrinkage(Limit::Records(0)).of_type("Lake");
    let mut producer = world.producer_of(schema()).validator(unknown).start().await.unwrap();
    let (text, _) = refused(producer.incremental(|writer| delete(writer, 2)).await);
    contains(&text, &["type Lake", "no such type"]);
}

/// A change of a city, as the state before and after have it.
type Change = (Option<(u32, String)>, Option<(u32, String)>);

fn side(row: Option<hollowcast::state::Row<'_>>) -> Option<(u32, String)> {
    let record = row?.reader();
    Some((record.u32(0), record.text(0).unwrap().unwrap_or_default().to_owned()))
}

/// Every changed record is shown once and no other, also after the schema gained a field and in a version that begins anew.
#[tokio::test]
async fn changed_records_are_shown_and_no_others_semantics_7() {
    let world = World::new();
    let shown = Arc::new(Mutex::new(BTreeSet::new()));
    let validator = || {
        let shown = Arc::clone(&shown);
        ChangedRecords::new("nothing is called Nowhere", "City", move |record: &ChangedRecord<'_>| {
            let after = side(record.after());
            let is_fine = after.as_ref().is_none_or(|(_, name)| name != "Nowhere");
            let change: Change = (side(record.before()), after);
            assert!(shown.lock().unwrap().insert(change), "shown twice: {}", record.key());
            is_fine
        })
    };
    let take = || std::mem::take(&mut *shown.lock().unwrap());
    let city = |id: u32, name: &str| Some((id, name.to_owned()));
    let mut producer = world.producer_of(schema()).validator(validator()).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    assert_eq!(take(), FIRST.map(|(id, name)| (None, city(id, name))).into());

    let change = |writer: &hollowcast::producer::ChangeWriter| {
        delete(writer, 1)?;
        upsert(writer, &[(2, "Bergen"), (3, "Lima"), (9, "Cairo")])
    };
    published(producer.incremental(change).await);
    let changes: [Change; 3] =
        [(city(1, "Rome"), None), (city(2, "Oslo"), city(2, "Bergen")), (None, city(9, "Cairo"))];
    assert_eq!(take(), changes.clone().into());

    let many: Vec<(u32, String)> = (100..130).map(|id| (id, "Nowhere".to_owned())).collect();
    let many: Vec<(u32, &str)> = many.iter().map(|(id, name)| (*id, name.as_str())).collect();
    let (text, verdicts) = refused(producer.incremental(|writer| upsert(writer, &many)).await);
    contains(&text, &["nothing is called Nowhere: type City", "30 in all", "100; 101"]);
    let finding = &verdicts[0].findings[0];
    assert_eq!((finding.count, finding.examples.len()), (30, MAX_EXAMPLES));
    assert_eq!(take().len(), 30);

    let later = world.producer_of(later_schema()).validator(validator());
    let mut producer = later.start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &[(2, "Bergen"), (3, "Lima")])).await);
    assert_eq!(take(), [(city(9, "Cairo"), None)].into());
}

#[tokio::test]
async fn closures_read_changed_records_without_generated_code_semantics_7() {
    let world = World::new();
    let capital = Check::new("names begin with a capital", |candidate: &Candidate<'_>| {
        let is_small = |record: &ChangedRecord<'_>| {
            let name = record.after().map(|row| record.dynamic(row).get("name").unwrap());
            matches!(name, Some(Some(DynamicValue::Text(name))) if name.starts_with(char::is_lowercase))
        };
        let small: Vec<String> =
            candidate.changes("City").filter(is_small).map(|record| record.key()).collect();
        let finding = Finding::new("names begin small").of_type("City").records(small.len() as u64, small);
        if finding.count == 0 { Vec::new() } else { vec![finding] }
    });
    let mut producer = world.producer_of(schema()).validator(capital).start().await.unwrap();
    published(producer.cycle(|writer| add(writer, &FIRST)).await);
    let (text, _) = refused(producer.incremental(|writer| upsert(writer, &[(7, "paris")])).await);
    contains(&text, &["names begin with a capital: type City: names begin small, 1 in all: 7"]);
}

fn parcel_producer(world: &World) -> ProducerBuilder {
    let builder = Producer::builder(parcels::dataset(), world.store()).memory(Memory::Heap);
    builder.environment(world.environment.clone()).manners(hollowcast::log::politeness::Manners::TakeOver)
}

/// As many dangling references are found as a walk over plain maps finds, whatever was written and removed; and what was refused leaves
/// nothing behind that the next cycle would take for checked.
#[tokio::test]
async fn dangling_references_are_refused_in_both_directions_semantics_7() {
    let (mut refusals, mut passes) = (0, 0);
    for seed in 0..6 {
        let world = World::new();
        let random = SeededRandom::new(seed);
        let builder = parcel_producer(&world).snapshot_every(5).validator(DanglingReferences::default());
        let mut producer = builder.start().await.unwrap();
        let mut model = Model::of_targets();
        published(producer.incremental(|writer| model.state(&Model::default(), writer)).await);
        for _ in 0..25 {
            let mut next = model.clone();
            next.change(&random, 1 + draw(&random, 3));
            let outcome = producer.incremental(|writer| next.state(&model, writer)).await;
            if next.dangling() == 0 {
                outcome.unwrap();
                model = next;
                passes += 1;
            } else {
                let (text, verdicts) = refused(outcome);
                let found: u64 = verdicts[0].findings.iter().map(|finding| finding.count).sum();
                assert_eq!(found, next.dangling(), "{text}\n{next:?}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 20 && passes > 20, "{refusals} refused, {passes} passed");
}

#[tokio::test]
async fn a_dangling_reference_is_told_by_field_and_both_keys_semantics_7() {
    let world = World::new();
    let mut producer =
        parcel_producer(&world).validator(DanglingReferences::default()).start().await.unwrap();
    let mut model = Model::of_targets();
    model.parcels.insert(5, Parcel { items: vec![7, 8], ..Parcel::default() });
    published(producer.incremental(|writer| model.state(&Model::default(), writer)).await);

    let mut next = model.clone();
    next.items.remove(&7);
    next.parcels.insert(6, Parcel { spare: Some(77), items: vec![7], ..Parcel::default() });
    let (text, verdicts) = refused(producer.incremental(|writer| next.state(&model, writer)).await);
    contains(
        &text,
        &[
            "dangling references: type Parcel: Parcel.items leads to records of Item that this version removes, \
             2 in all: 5 to 7; 6 to 7",
            ".value leads to no record of Item, 1 in all: 6 to 77",
        ],
    );
    assert_eq!(verdicts[0].findings.len(), 2);
}

/// A version that nobody checked is no ground to go on from: the first cycle of a producer looks at everything.
#[tokio::test]
async fn what_an_unchecked_version_left_dangling_is_found_semantics_7() {
    let world = World::new();
    let mut careless = parcel_producer(&world).start().await.unwrap();
    let mut model = Model::of_targets();
    model.parcels.insert(5, Parcel { items: vec![99], ..Parcel::default() });
    published(careless.incremental(|writer| model.state(&Model::default(), writer)).await);

    let careful = parcel_producer(&world).validator(DanglingReferences::default());
    let mut careful = careful.start().await.unwrap();
    let mut next = model.clone();
    next.texts.insert("another".to_owned());
    let (text, _) = refused(careful.incremental(|writer| next.state(&model, writer)).await);
    contains(&text, &["Parcel.items leads to no record of Item, 1 in all: 5 to 99"]);
    next.parcels.clear();
    published(careful.incremental(|writer| next.state(&model, writer)).await);
}
