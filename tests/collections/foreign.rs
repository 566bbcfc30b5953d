//! Words that no producer made: a lookup may miss, and that is all.

use hollowcast::collections::{MapView, SetView};
use hollowcast::wire::{Draft, DynamicValue, ElementSize};
use proptest::prelude::*;

use crate::generated::collections_capnp::{maps, sets};
use crate::message::Record;

#[test]
fn a_list_that_is_in_no_order_is_searched_in_bounds() {
    let mut draft = Draft::new();
    let root = draft.root(1, 10).unwrap();
    let texts = draft.init_list(draft.pointer(root, 8), ElementSize::Pointer, 5).unwrap();
    for (text, index) in [(Some("e"), 0), (Some("a"), 1), (None, 2), (Some("c"), 3), (Some("b"), 4)] {
        if let Some(text) = text {
            draft.set_text(draft.element_pointer(texts, index), text).unwrap();
        }
    }
    let record = Record::foreign::<sets::Owned>(draft.words().to_vec());
    let view = SetView::of(record.dynamic(), "texts").unwrap().unwrap();
    assert_eq!(view.iter().count(), 5);
    for text in ["a", "b", "c", "d", "e"] {
        view.contains(&DynamicValue::Text(text)).unwrap();
        record.typed(|root| {
            let reader: sets::Reader<'_> = root.get_as().unwrap();
            SetView::new(reader.get_texts().unwrap()).contains(text).unwrap();
        });
    }
}

/// Of a large text that is stated often one stays: what counts for the limits is what is published.
#[test]
fn an_element_that_is_stated_often_counts_once() {
    let large = "x".repeat(10 << 20);
    let record = Record::of::<sets::Owned>(|record| {
        let mut texts = record.init_texts(10);
        (0..10).for_each(|index| texts.set(index, large.as_str()));
    })
    .unwrap();
    assert!(record.words.len() < (11 << 20) / 8, "{} words", record.words.len());
    assert_eq!(SetView::of(record.dynamic(), "texts").unwrap().unwrap().len(), 1);
}

/// Pointers that lead to the same words over and over would make comparisons read them over and over, in whatever order they are.
#[test]
fn pointers_to_the_same_words_are_refused_before_they_are_sorted() {
    const POINTERS: u32 = 1000;
    const BYTES: u64 = 1 << 20;
    let refused = |pointer: u32, data: bool| {
        let mut draft = Draft::new();
        let root = draft.root(1, 10).unwrap();
        let list = draft.init_list(draft.pointer(root, pointer), ElementSize::Pointer, POINTERS).unwrap();
        let text = "x".repeat(BYTES as usize);
        draft.set_text(draft.element_pointer(list, 0), &text).unwrap();
        let mut words = draft.words().to_vec();
        let first = words.iter().position(|word| *word & 3 == 1 && *word >> 35 == BYTES + 1).unwrap();
        for index in 1..u64::from(POINTERS) {
            // All of one text, or data that is longer from one to the next.
            let shorter = if data { (u64::from(POINTERS) - index) << 35 } else { 0 };
            words[first + index as usize] = words[first] - (index << 2) - shorter;
        }
        if data {
            words[first] -= u64::from(POINTERS) << 35;
        }
        let schema = hollowcast::schema::Schema::of::<sets::Owned>().unwrap();
        let plans = hollowcast::wire::CopyPlans::new(&schema);
        plans.copy_words(schema.types()[0].structure, &words, &mut Vec::new()).unwrap_err()
    };
    for (error, path) in [(refused(8, false), "Sets.texts"), (refused(9, true), "Sets.blobs")] {
        assert_eq!(error.path, path);
        let is_bounded = matches!(error.problem, hollowcast::wire::CopyProblem::TooManyVisits { .. });
        assert!(is_bounded, "{error}");
    }
}

proptest! {
    /// Every word of an honest record is replaced in turn by another: views answer or refuse, whatever comes of it.
    #[test]
    fn damaged_words_give_answers_or_errors(at in 0..60_usize, word in prop_oneof![any::<u64>(), 0..1_u64 << 40]) {
        let record = Record::of::<sets::Owned>(|mut record| {
            record.set_texts(&["a", "b", "c", "d"][..]).unwrap();
            record.set_longs(&[1, 2, 3][..]).unwrap();
        }).unwrap();
        let mut words = record.words;
        let at = at % words.len();
        words[at] = word;
        let damaged = Record::foreign::<sets::Owned>(words);
        let _ = std::hint::black_box(search_sets(&damaged));

        let record = Record::of::<maps::Owned>(|mut record| {
            let mut names = record.reborrow().init_names(3);
            (0..3).for_each(|index| names.reborrow().get(index).set_language(["a", "b", "c"][index as usize]));
        }).unwrap();
        let mut words = record.words;
        let at = at % words.len();
        words[at] = word;
        let damaged = Record::foreign::<maps::Owned>(words);
        let _ = std::hint::black_box(search_map(&damaged));
    }
}

fn search_sets(record: &Record) -> Option<bool> {
    if hollowcast::wire::StructReader::root(&record.words).is_err() {
        return None;
    }
    let texts = SetView::of(record.dynamic(), "texts").ok()??;
    let longs = SetView::of(record.dynamic(), "longs").ok()??;
    let found = texts.contains(&DynamicValue::Text("b")).is_ok() && texts.equals(&texts).is_ok();
    Some(found && longs.contains(&DynamicValue::Int(2)).ok()? && longs.equals(&longs).ok()?)
}

fn search_map(record: &Record) -> Option<bool> {
    if hollowcast::wire::StructReader::root(&record.words).is_err() {
        return None;
    }
    let names = MapView::of(record.dynamic(), "names").ok()??;
    names.equals(&names).ok()?;
    names.get(&DynamicValue::Text("b")).ok().map(|found| found.is_some())
}
