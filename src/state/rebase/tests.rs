//! Rebases against plain maps.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::cache::{Current, SectionName, StateDirectory, StateDirectoryOptions};
use crate::environment::Environment;
use crate::error::{Classify, ErrorKind};
use crate::format::sections::slots::write_slots;
use crate::identifiers::{DatasetId, Sequence};
use crate::schema::TypeFilter;
use crate::state::Section;
use crate::state::testing::{Items, SEED, base_of, check, schema, step, step_to};

/// Ids are below this number.
const IDS: u64 = 40;
/// What a few changed records reach.
const SMALL: RebaseThresholds =
    RebaseThresholds { base_share: 2, base_records: 5, sections: 3, steps: 6, files: 10 };
/// What any change reaches: a new base.
const ANY: RebaseThresholds =
    RebaseThresholds { base_share: u64::MAX, base_records: 0, sections: 2, steps: 2, files: 1 };

fn mapped(folder: &tempfile::TempDir, budget_bytes: u64) -> SegmentStore {
    let options = StateDirectoryOptions { budget_bytes, ..StateDirectoryOptions::default() };
    SegmentStore::mapped(StateDirectory::open(folder.path(), options, Environment::system()).unwrap())
}

fn rebase(state: &State, thresholds: &RebaseThresholds, segments: &SegmentStore) -> Rebase {
    Rebase::of(state, thresholds, segments, || false).unwrap()
}

/// The record of `state`, as a restart finds it.
fn recorded(state: &State, segments: &SegmentStore) -> Current {
    let manifest = crate::cache::ManifestReference {
        name: "manifests/1".to_owned(),
        hash: crate::identifiers::ContentHash([0; 16]),
    };
    let current = state.record(String::new(), Sequence(1), manifest, std::time::SystemTime::UNIX_EPOCH);
    let directory = segments.state_directory().unwrap();
    directory.write_current(&current, state.filter()).unwrap();
    directory.currents(state.dataset()).unwrap().pop().unwrap().unwrap()
}

/// What a restart makes of a record.
fn reopened(current: &Current, segments: &SegmentStore) -> Result<State, crate::Error> {
    let find = |names: &[SectionName]| {
        let find = |name: &SectionName| match segments.find(name)? {
            Some(segment) => Ok(Arc::new(Section::new(*name, segment))),
            None => Err(crate::Error::new(ErrorKind::NotFound, std::io::Error::other(name.to_string()))),
        };
        names.iter().map(find).collect()
    };
    State::reopen(current, &TypeFilter::all(), find)
}

/// What happens to a chain.
#[derive(Clone, Debug)]
enum Event {
    /// A new version is published over the one at hand: so many ids from one on get a value or go.
    Publish { from: u64, count: u64, value: Option<u64> },
    /// The follower goes back a version.
    Back,
    /// It comes anew, on a base of its version.
    Snapshot,
    /// It goes to a state it had before.
    Recall(prop::sample::Index),
    /// A rebase begins, in place of any that is under way.
    Begin,
    /// One that is under way catches up.
    CatchUp,
    /// And is shown.
    Finish,
}

fn event() -> impl Strategy<Value = Event> {
    let publish = (0..IDS, 1..6u64, prop::option::weighted(0.7, 0..3u64));
    prop_oneof![
        12 => publish.prop_map(|(from, count, value)| Event::Publish { from, count, value }),
        5 => Just(Event::Back),
        1 => Just(Event::Snapshot),
        1 => any::<prop::sample::Index>().prop_map(Event::Recall),
        4 => Just(Event::Begin),
        4 => Just(Event::CatchUp),
        4 => Just(Event::Finish),
    ]
}

/// Contents by version, from version 1 on, and a follower at one of them.
struct Follower {
    versions: Vec<Items>,
    state: State,
    kept: Vec<State>,
    under_way: Option<Rebase>,
    segments: SegmentStore,
    /// How often the one under way has caught up.
    caught_up: usize,
    finished: usize,
}

impl Follower {
    fn items(&self) -> &Items {
        &self.versions[self.state.version().0 as usize - 1]
    }

    fn go(&mut self, to: Version) {
        let after = &self.versions[to.0 as usize - 1];
        self.state = step_to(&self.state, to, self.items(), after, &self.segments);
    }

    fn take(&mut self, event: &Event, thresholds: &RebaseThresholds) {
        match event {
            Event::Publish { from, count, value } => {
                let at = self.state.version();
                if at.0 as usize == self.versions.len() {
                    let mut items = self.items().clone();
                    for id in (*from..from + count).map(|id| id % IDS) {
                        items.remove(&id);
                        items.extend(value.map(|value| (id, value + id % 2)));
                    }
                    self.versions.push(items);
                }
                self.go(at.next());
            }
            Event::Back if self.state.version() > Version(1) => {
                self.go(Version(self.state.version().0 - 1));
            }
            Event::Back => {}
            Event::Snapshot => {
                let version = self.state.version();
                self.state = State { version, ..base_of(self.items()) };
            }
            Event::Recall(index) => self.state = index.get(&self.kept).clone(),
            Event::Begin => {
                self.under_way = Some(rebase(&self.state, thresholds, &self.segments));
                self.caught_up = 0;
            }
            Event::CatchUp => {
                if let Some(rebase) = self.under_way.take() {
                    self.under_way = Some(rebase.caught_up(&self.state, &self.segments).unwrap());
                    self.caught_up += 1;
                }
            }
            Event::Finish => {
                if let Some(rebase) = self.under_way.take() {
                    let rebase = rebase.caught_up(&self.state, &self.segments).unwrap();
                    let is_anew = rebase.types().count() > 0;
                    if let Some(state) = rebase.finish(&self.state) {
                        assert_eq!(state.version(), self.state.version());
                        let steps = state.tables()[0].applied.len();
                        assert!(
                            !is_anew || steps <= 2 + self.caught_up,
                            "one that was gathered, and one each time"
                        );
                        self.state = state;
                        self.finished += 1;
                    }
                }
            }
        }
        self.kept.push(self.state.clone());
    }
}

/// Version 1 without records, of a type that came after the base.
fn without_base() -> State {
    State::without_records(DatasetId([1; 16]), Version(1), SEED, Arc::new(schema()))
}

/// Runs a chain from so many records on, all of whose states answer like the maps of their versions, in the end as well as when they were made.
fn run(records: u64, events: &[Event], thresholds: &RebaseThresholds, segments: SegmentStore) -> Follower {
    let items: Items = (0..records).map(|id| (id, 7)).collect();
    let state = if records == 0 { without_base() } else { base_of(&items) };
    let kept = vec![state.clone()];
    let mut follower =
        Follower { versions: vec![items], state, kept, under_way: None, segments, caught_up: 0, finished: 0 };
    for event in events {
        follower.take(event, thresholds);
        check(&follower.state, follower.items(), IDS);
    }
    for state in &follower.kept {
        check(state, &follower.versions[state.version().0 as usize - 1], IDS);
    }
    follower
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn states_answer_like_plain_maps_over_rebases(events in prop::collection::vec(event(), 1..60)) {
        for records in [0, IDS / 2] {
            run(records, &events, &SMALL, SegmentStore::heap());
            run(records, &events, &ANY, SegmentStore::heap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Every rebased state is in the state directory: a restart opens it and has no more to apply than the state did.
    #[test]
    fn a_restart_opens_what_a_rebase_wrote(events in prop::collection::vec(event(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let segments = mapped(&folder, u64::MAX);
        let mut all = vec![Event::Publish { from: 0, count: IDS, value: Some(1) }, Event::Begin, Event::Finish];
        all.extend(events.into_iter().filter(|event| !matches!(event, Event::Snapshot | Event::Recall(_))));
        for thresholds in [&SMALL, &ANY] {
            let follower = run(IDS / 2, &all, thresholds, segments.clone());
            assert!(follower.finished > 0);
            let restarted = reopened(&recorded(&follower.state, &segments), &segments).unwrap();
            check(&restarted, follower.items(), IDS);
            let steps = |state: &State| state.tables()[0].applied.len();
            assert_eq!(steps(&restarted), steps(&follower.state));
        }
    }
}

/// A chain of `steps` versions after one of 100 items, in each of which one item gets another value.
fn chain(steps: u64) -> (Items, State) {
    chain_in(&SegmentStore::heap(), steps)
}

/// The same with the sections of its steps in `segments`.
fn chain_in(segments: &SegmentStore, steps: u64) -> (Items, State) {
    let mut items: Items = (0..100).map(|id| (id, 0)).collect();
    let mut state = base_of(&items);
    for value in 1..=steps {
        let before = items.clone();
        items.insert(value % 10, value);
        state = step_to(&state, state.version().next(), &before, &items, segments);
    }
    (items, state)
}

#[test]
fn gathered_changes_are_one_section_over_the_same_base() {
    let (items, state) = chain(12);
    let thresholds = RebaseThresholds { sections: 5, ..RebaseThresholds::default() };
    let rebase = rebase(&state, &thresholds, &SegmentStore::heap());
    let rebase = rebase.caught_up(&state, &SegmentStore::heap()).unwrap();
    let gathered = rebase.finish(&state).unwrap();
    let (old, new) = (&state.tables()[0], &gathered.tables()[0]);
    assert!(Arc::ptr_eq(&old.base, &new.base));
    assert_eq!((old.overlay.held().count(), new.overlay.held().count(), new.applied.len()), (10, 1, 1));
    assert_eq!((new.applied[0].from, new.applied[0].to), (Version(1), state.version()));
    check(&gathered, &items, 120);
    assert!(!gathered.is_rebase_due(&thresholds));
}

/// A state of a table for each number, with so many steps over its base.
fn tables_of(segments: &SegmentStore, steps: &[u64]) -> State {
    let tables = steps.iter().map(|steps| chain_in(segments, *steps).1.tables[0].clone());
    State { tables: tables.collect(), ..chain(0).1 }
}

/// Numbers of those tables whose changes are to be gathered.
fn to_gather(state: &State, thresholds: &RebaseThresholds) -> Vec<usize> {
    let gathered =
        |table| state.due(thresholds).any(|(one, due)| Arc::ptr_eq(one, table) && due == Due::Changes);
    let numbered = state.tables.iter().enumerate();
    numbered.filter(|(_, table)| gathered(table)).map(|(number, _)| number).collect()
}

/// No table alone has many files open, and all together do.
#[test]
fn the_files_of_all_tables_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let segments = mapped(&folder, u64::MAX);
    let at = |files| RebaseThresholds { files, ..RebaseThresholds::default() };
    let state = tables_of(&segments, &[40, 3, 20, 0, 9]);
    assert_eq!(to_gather(&state, &at(69)), [0; 0], "39 + 2 + 19 + 8");
    assert_eq!(to_gather(&state, &at(68)), [0, 2], "17 and more");
    let gathered = rebase(&state, &at(68), &segments).finish(&state).unwrap();
    let steps = gathered.tables().iter().map(|table| table.applied.len());
    assert_eq!(steps.collect::<Vec<_>>(), [1, 3, 1, 0, 9]);
    assert_eq!(to_gather(&gathered, &at(10)), [4]);
    assert_eq!(to_gather(&gathered, &at(11)), [0; 0]);

    let many = tables_of(&segments, &[8; 10]);
    assert_eq!(to_gather(&many, &at(1)), [0; 0], "too few of each to be worth it");
    let on_heap = tables_of(&SegmentStore::heap(), &[40, 40]);
    assert_eq!(to_gather(&on_heap, &at(1)), [0; 0], "no file is open");
}

/// The bits of the base's slots are kept where changes were gathered: a restart takes them as they are, and finds the same without them.
#[test]
fn a_restart_takes_the_bits_that_were_gathered() {
    let folder = tempfile::tempdir().unwrap();
    let segments = mapped(&folder, u64::MAX);
    let rebased = |state: &State, thresholds| {
        rebase(state, thresholds, &segments).caught_up(state, &segments).unwrap().finish(state).unwrap()
    };
    let (mut items, state) = chain(12);
    let mut state = rebased(&state, &ANY);
    let mut change = |state: &State, value: u64| {
        let before = items.clone();
        items.extend([(value, value), (50, value), (200 + value, value)]);
        items.remove(&(51 + value));
        (step_to(state, state.version().next(), &before, &items, &segments), items.clone())
    };
    for value in 20..26 {
        (state, _) = change(&state, value);
    }
    let gathered =
        rebased(&state, &RebaseThresholds { sections: 5, base_share: 1, ..RebaseThresholds::default() });
    assert_eq!(gathered.tables()[0].applied.len(), 1);
    let (later, items) = change(&gathered, 26);

    let current = recorded(&later, &segments);
    let bits = |state: &State| state.tables()[0].slots.words().collect::<Vec<_>>();
    let mut without = current.clone();
    assert!(without.types[0].overlay[0].slots.take().is_some());
    for (current, name) in [(&current, "kept"), (&without, "found anew")] {
        let restarted = reopened(current, &segments).unwrap();
        assert_eq!(bits(&restarted), bits(&later), "{name}");
        check(&restarted, &items, 250);
        assert_eq!(recorded(&restarted, &segments), *current, "{name}");
    }

    let with_bits = |bits: &[u64]| {
        let framed = write_slots(bits.iter().copied()).unwrap();
        let bytes = bytemuck::cast_slice::<u64, u8>(&framed);
        let name = SectionName::of(bytes);
        let mut writer = segments.create(bytes.len() as u64).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
        writer.finish(Some(name)).unwrap().seal().unwrap();
        let mut other = current.clone();
        other.types[0].overlay[0].slots = Some(name);
        reopened(&other, &segments)
    };
    let clear = vec![0; bits(&later).len()];
    assert!(with_bits(&clear).unwrap_err().to_string().contains("records"), "they are what it goes by");
    check(&with_bits(&clear[1..]).unwrap(), &items, 250);
    let mut gone = current;
    gone.types[0].overlay[0].slots = Some(SectionName::of(b"nowhere"));
    check(&reopened(&gone, &segments).unwrap(), &items, 250);
}

/// A step whose rows are all dead by later ones is part of the record, and a state directory that is full keeps its section.
#[test]
fn what_a_record_names_stays_while_the_state_does() {
    let folder = tempfile::tempdir().unwrap();
    let segments = mapped(&folder, 1);
    let (mut items, state) = chain(1);
    let rebase = rebase(&state, &ANY, &segments).caught_up(&state, &segments).unwrap();
    let mut state = rebase.finish(&state).unwrap();
    for value in 10..20 {
        let before = items.clone();
        items.insert(7, value);
        if value == 15 {
            items.remove(&8);
        }
        state = step_to(&state, state.version().next(), &before, &items, &segments);
    }
    let current = recorded(&state, &segments);
    assert_eq!((state.tables()[0].overlay.held().count(), current.types[0].overlay.len()), (1, 10));
    // Another process, which makes room before it writes.
    mapped(&folder, 1).create(1 << 20).unwrap();
    check(&reopened(&current, &segments).unwrap(), &items, 120);
}

/// What a refresh leaves of levels to merge, the background merges; what came meanwhile stays.
#[test]
fn large_levels_are_merged_late() {
    let mut items: Items = (0..1000).map(|id| (id, 0)).collect();
    let mut state = base_of(&items);
    let mut change = |state: &State, ids: std::ops::Range<u64>, value: u64| {
        let before = items.clone();
        items.extend(ids.map(|id| (id, value)));
        (step(state, &before, &items), items.clone())
    };
    let never = RebaseThresholds { base_records: u64::MAX, ..RebaseThresholds::default() };
    for value in 1..=3 {
        (state, _) = change(&state, value * 10..value * 10 + 20, value);
    }
    assert!(state.tables()[0].overlay.is_merge_due() && state.is_rebase_due(&never));
    let rebase = rebase(&state, &never, &SegmentStore::heap());
    assert_eq!(rebase.types().count(), 0);
    let (state, items) = change(&state, 15..17, 9);
    let merged = rebase.caught_up(&state, &SegmentStore::heap()).unwrap().finish(&state).unwrap();
    assert!(!merged.is_rebase_due(&never));
    check(&merged, &items, 1100);
    check(&state, &items, 1100);
}

/// What was changed and changed back leaves a base without anything over it.
#[test]
fn changes_that_come_to_nothing_are_gathered_to_nothing() {
    let items: Items = (0..100).map(|id| (id, 0)).collect();
    let mut other = items.clone();
    other.insert(5, 9);
    let base = base_of(&items);
    let there = step(&base, &items, &other);
    let back = step_to(&there, Version(1), &other, &items, &SegmentStore::heap());
    let thresholds = RebaseThresholds { steps: 2, ..RebaseThresholds::default() };
    let segments = SegmentStore::heap();
    let rebase = rebase(&back, &thresholds, &segments);
    let rebase = rebase.caught_up(&there, &segments).unwrap();
    assert!(rebase.finish(&there).is_none(), "behind where the rebase began, by a state that was kept");
    let rebase = Rebase::of(&back, &thresholds, &segments, || false).unwrap();
    let rebase = rebase.caught_up(&back, &segments).unwrap();
    let gathered = rebase.finish(&back).unwrap();
    assert_eq!(gathered.tables()[0].applied.len(), 0);
    check(&gathered, &items, 120);
}

#[test]
fn a_state_of_another_base_is_left_alone() {
    let (items, state) = chain(12);
    let rebase = rebase(&state, &ANY, &SegmentStore::heap());
    let elsewhere = State { version: state.version(), ..base_of(&items) };
    let rebase = rebase.caught_up(&elsewhere, &SegmentStore::heap()).unwrap();
    assert!(rebase.finish(&elsewhere).is_none());
}

#[test]
fn a_rebase_that_is_told_to_stop_stops() {
    let (_, state) = chain(12);
    let stopped = Rebase::of(&state, &ANY, &SegmentStore::heap(), || true).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Cancelled);
}

/// Thousands of versions: neither steps nor section numbers pile up, nor do files beyond the budget.
#[test]
fn nothing_piles_up_over_thousands_of_versions() {
    let folder = tempfile::tempdir().unwrap();
    let budget_bytes = 200_000;
    let segments = mapped(&folder, budget_bytes);
    let mut items: Items = (0..1000).map(|id| (id, 0)).collect();
    let mut state = base_of(&items);
    let thresholds = RebaseThresholds { base_records: 100, ..RebaseThresholds::default() };
    let mut bases = 0;
    for version in 2..=3000u64 {
        let before = items.clone();
        items.extend((0..3).map(|at| ((version * 7 + at * 311) % 1000, version)));
        state = step_to(&state, Version(version), &before, &items, &segments);
        if state.is_rebase_due(&thresholds) {
            let base = Arc::clone(&state.tables()[0].base);
            let rebase = rebase(&state, &thresholds, &segments);
            let rebase = rebase.caught_up(&state, &segments).unwrap();
            state = rebase.finish(&state).unwrap();
            bases += usize::from(!Arc::ptr_eq(&base, &state.tables()[0].base));
        }
        let table = &state.tables()[0];
        assert!(table.applied.len() < 64 && table.overlay.next_number() < 64);
    }
    check(&state, &items, 1100);
    assert!(bases > 30, "{bases} bases of 1000 records for 9000 changes");
    let files = std::fs::read_dir(folder.path().join("segments")).unwrap();
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    let base_bytes = 1016 * 16 + 1000;
    assert!(bytes < budget_bytes + 2 * base_bytes, "{bytes} bytes");
}
