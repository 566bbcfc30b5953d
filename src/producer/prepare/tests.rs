use super::*;
use crate::identifiers::DatasetId;
use crate::state::Step;
use crate::state::testing::{SEED, schema};
use crate::wire::Draft;

/// A full cycle after `published`.
fn after(published: State) -> Preparation {
    let published = Arc::new(published);
    Preparation {
        parent: Arc::clone(&published),
        is_break: false,
        had: Vec::new(),
        published,
        segments: SegmentStore::heap(),
        blobs: BlobWriterOptions::default(),
        mode: Mode::Full,
        options: CycleOptions::default(),
        snapshot: SnapshotDue::BeyondDelta(u64::MAX),
        seeds: vec![SEED],
    }
}

/// States these items, of ids from 0 up.
fn stated(preparation: &Preparation, values: &[u64]) -> Vec<WriteState> {
    let table = &preparation.parent.tables()[0];
    let stated = WriteState::new(Mode::Full, table, None);
    for (id, value) in (0..).zip(values) {
        let mut draft = Draft::new();
        let root = draft.root(2, 0).unwrap();
        draft.set_bits_at(root, 0, 64, id);
        draft.set_bits_at(root, 1, 64, *value);
        stated.put(table, draft.words(), &mut Vec::new()).unwrap();
    }
    vec![stated]
}

/// A version of three items, and what leads from it to one of four others and back.
fn both_ways() -> (Preparation, Step, Step) {
    let none = after(State::without_records(DatasetId([7; 16]), Version::NONE, SEED, Arc::new(schema())));
    let first = none.run(stated(&none, &[1, 2, 3])).unwrap().unwrap().0.state;
    let next = after(first);
    let changes = next.resolve(stated(&next, &[1, 20, 3, 4])).unwrap();
    let (forward, reverse, _) = next.encode_both_ways(&changes).unwrap();
    (next, forward, reverse)
}

#[test]
fn what_was_encoded_leads_there_and_back_semantics_8() {
    let (next, forward, reverse) = both_ways();
    let to = forward.types[0].to;
    let state = delta::there_and_back(&next.published, forward, reverse).unwrap();
    assert_eq!((state.version(), state.fingerprint(), state.len()), (Version(2), to, 4));
}

/// Sections that do not say what was stated are found before anything is uploaded, on either way.
#[test]
fn what_was_encoded_wrongly_is_not_published_semantics_8() {
    let (next, mut forward, reverse) = both_ways();
    forward.types[0].sections.clone_from(&reverse.types[0].sections);
    let refused = delta::there_and_back(&next.published, forward, reverse);
    assert!(matches!(refused, Err(ProducerError::SelfCheck(_))));

    let (next, forward, mut reverse) = both_ways();
    reverse.types[0].sections.clone_from(&forward.types[0].sections);
    let refused = delta::there_and_back(&next.published, forward, reverse);
    assert!(matches!(refused, Err(ProducerError::SelfCheck(_))));

    let (next, forward, mut reverse) = both_ways();
    reverse.types.clear();
    let refused = delta::there_and_back(&next.published, forward, reverse);
    assert!(matches!(refused, Err(ProducerError::NotReversible { .. })));
}
