//! Canonical copies: against `capnp`'s own canonical form, and what is refused.

use capnp::message::{AllocationStrategy, Builder, HeapAllocator, Reader, ReaderOptions, SegmentArray};
use proptest::prelude::*;

use super::random::{Dice, RECORD, Scribe, random_record, random_schema};
use super::{SAMPLE, chain_schema, sample_schema, shape_schema};
use crate::schema::{Schema, StructIndex};
use crate::wire::pointer::list_pointer;
use crate::wire::{
    CopyError, CopyPlans, CopyProblem, Draft, ElementSize, MAX_NESTING, MAX_RECORD_BYTES, MAX_VALUE_BYTES,
    StructPosition, StructReader, relocated_pointer,
};

/// The canonical form of a message in `capnp`'s opinion.
fn canonical_by_capnp(words: &[u64]) -> Vec<u64> {
    let segments = [bytemuck::cast_slice(words)];
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 64 };
    let message = Reader::new(SegmentArray::new(&segments), options);
    let canonical = message.canonicalize().unwrap();
    capnp::Word::words_to_bytes(&canonical).chunks_exact(8).map(bytemuck::pod_read_unaligned).collect()
}

fn copy(plans: &CopyPlans, structure: StructIndex, words: &[u64]) -> Vec<u64> {
    let mut out = vec![7];
    plans.copy(structure, StructReader::root(words).unwrap(), &mut out).unwrap();
    assert_eq!(out.remove(0), 7, "what was in the buffer stays");
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn copies_are_canonical_and_leave_dead_arms_out(seed in any::<u64>()) {
        let dice = Dice::new(seed);
        let schema = random_schema(&dice);
        let structure = schema.record_type(RECORD).structure;
        let plans = CopyPlans::new(&schema);
        let record = random_record(&dice, &schema, structure);

        let mut clean = Draft::new();
        Scribe { schema: &schema, debris: None }.record(&mut clean, structure, &record);
        let mut dirty = Draft::new();
        Scribe { schema: &schema, debris: Some(&dice) }.record(&mut dirty, structure, &record);

        let canonical = copy(&plans, structure, clean.words());
        prop_assert_eq!(&canonical, &canonical_by_capnp(clean.words()));
        prop_assert_eq!(&canonical, &copy(&plans, structure, dirty.words()));
        prop_assert_eq!(&canonical, &copy(&plans, structure, &canonical), "a canonical record stays as it is");
    }
}

fn refuse(schema: &Schema, words: &[u64]) -> CopyError {
    let mut out = vec![7];
    let error = CopyPlans::new(schema)
        .copy(StructIndex(0), StructReader::root(words).unwrap(), &mut out)
        .unwrap_err();
    assert_eq!(out, [7], "a record that is refused leaves nothing behind");
    error
}

/// A draft of `Sample` at its full width, with what `fill` puts into it.
fn sample_draft(fill: impl FnOnce(&mut Draft, StructPosition)) -> Draft {
    let mut draft = Draft::new();
    let root = draft.root(2, 14).unwrap();
    fill(&mut draft, root);
    draft
}

#[test]
fn a_record_that_the_cpp_tool_made_canonical_stays_as_it_is() {
    assert_eq!(copy(&CopyPlans::new(&sample_schema()), StructIndex(0), &SAMPLE), SAMPLE);
}

#[test]
fn an_empty_record_is_one_word() {
    let draft = sample_draft(|_, _| {});
    assert_eq!(copy(&CopyPlans::new(&sample_schema()), StructIndex(0), draft.words()), [0xFFFF_FFFC]);
}

#[test]
fn null_and_empty_are_kept_apart() {
    let plans = CopyPlans::new(&sample_schema());
    let absent = sample_draft(|_, _| {});
    let empty = sample_draft(|draft, root| draft.set_data(draft.pointer(root, 1), &[]).unwrap());
    let canonical = copy(&plans, StructIndex(0), empty.words());
    assert_ne!(canonical, copy(&plans, StructIndex(0), absent.words()));
    assert_eq!(StructReader::root(&canonical).unwrap().data(1).unwrap(), Some(&[][..]));
}

#[test]
fn bits_behind_the_last_element_are_no_part_of_a_record() {
    let plans = CopyPlans::new(&sample_schema());
    let with_rest = |rest: u64| {
        let mut draft = sample_draft(|draft, root| {
            let bits = draft.init_list(draft.pointer(root, 2), ElementSize::Bit, 3).unwrap();
            draft.set_element(bits, 1, 1);
        })
        .words()
        .to_vec();
        *draft.last_mut().unwrap() |= rest << 3;
        copy(&plans, StructIndex(0), &draft)
    };
    assert_eq!(with_rest(0x1234), with_rest(0));
}

#[test]
fn what_a_newer_writer_added_is_refused_by_name() {
    let schema = sample_schema();
    let wide = |fill: &dyn Fn(&mut Draft, StructPosition)| {
        let mut draft = Draft::new();
        let root = draft.root(3, 15).unwrap();
        fill(&mut draft, root);
        refuse(&schema, draft.words())
    };
    let error = wide(&|draft, root| draft.set_bits_at(root, 2, 64, 5));
    assert!(
        matches!(error.problem, CopyProblem::UnknownField { section: "data", word: 2, found: 5 }),
        "{error}"
    );
    let error = wide(&|draft, root| draft.set_bits_at(root, 9, 1, 1));
    assert!(
        matches!(error.problem, CopyProblem::UnknownField { section: "data", word: 0, found: 0x200 }),
        "{error}"
    );
    let error = wide(&|draft, root| draft.set_text(draft.pointer(root, 14), "new").unwrap());
    assert!(
        matches!(error.problem, CopyProblem::UnknownField { section: "pointer", word: 14, .. }),
        "{error}"
    );
    assert!(error.to_string().starts_with("Sample: pointer word 14 "), "{error}");

    let mut draft = Draft::new();
    let root = draft.root(3, 15).unwrap();
    draft.set_bits_at(root, 0, 8, 7);
    assert_eq!(
        copy(&CopyPlans::new(&schema), StructIndex(0), draft.words()).len(),
        2,
        "unknown but zero is nothing"
    );
}

#[test]
fn values_of_another_type_are_refused_with_their_path() {
    let schema = sample_schema();
    let path_of = |fill: &dyn Fn(&mut Draft, StructPosition)| {
        let error = refuse(&schema, sample_draft(fill).words());
        assert!(matches!(error.problem, CopyProblem::Wire(_)), "{error}");
        error.path
    };
    assert_eq!(
        path_of(&|draft, root| draft.set_data(draft.pointer(root, 0), b"no zero").unwrap()),
        "Sample.text"
    );
    assert_eq!(
        path_of(&|draft, root| draft.set_data(draft.pointer(root, 0), b"\xFF\0").unwrap()),
        "Sample.text"
    );
    assert_eq!(path_of(&|draft, root| draft.set_text(draft.pointer(root, 7), "?").unwrap()), "Sample.point");
    assert_eq!(path_of(&|draft, root| draft.set_text(draft.pointer(root, 3), "?").unwrap()), "Sample.words");
    let in_a_list = |draft: &mut Draft, root| {
        let names = draft.init_list(draft.pointer(root, 4), ElementSize::Pointer, 3).unwrap();
        draft.init_struct(draft.element_pointer(names, 2), 1, 0).unwrap();
    };
    assert_eq!(path_of(&in_a_list), "Sample.names[2]");
    let in_a_struct = |draft: &mut Draft, root| {
        let size = ElementSize::Composite { data_words: 2, pointer_words: 1 };
        let points = draft.init_list(draft.pointer(root, 6), size, 2).unwrap();
        let point = draft.element_struct(points, 1);
        draft.set_data(draft.pointer(point, 0), b"\xFF\0").unwrap();
    };
    assert_eq!(path_of(&in_a_struct), "Sample.points[1].label");
}

#[test]
fn unknown_members_and_enumerants_are_refused_with_their_path() {
    let schema = shape_schema();
    let shape = |discriminant: u64, color: u64| {
        let mut draft = Draft::new();
        let root = draft.root(2, 1).unwrap();
        draft.set_bits_at(root, 2, 16, discriminant);
        draft.set_bits_at(root, 4, 16, color);
        draft
    };
    let error = refuse(&schema, shape(3, 0).words());
    assert!(matches!(error.problem, CopyProblem::UnknownMember { found: 3, members: 3 }), "{error}");
    assert_eq!(error.path, "Shape");
    // The default of `color` is 1: its stored bits are XORed with that, so 3 means 2.
    let error = refuse(&schema, shape(2, 3).words());
    assert!(matches!(error.problem, CopyProblem::UnknownEnumerant { found: 2, enumerants: 2 }), "{error}");
    assert_eq!(error.path, "Shape.look.color");
    let plans = CopyPlans::new(&schema);
    assert_eq!(copy(&plans, StructIndex(0), shape(2, 1).words()).len(), 3);
    assert_eq!(
        copy(&plans, StructIndex(0), shape(1, 3).words()).len(),
        2,
        "the color is dead, so any will do"
    );
}

#[test]
fn enumerants_in_lists_are_checked() {
    let schema = shape_schema();
    let mut draft = Draft::new();
    let root = draft.root(2, 2).unwrap();
    let colors = draft.init_list(draft.pointer(root, 1), ElementSize::TwoBytes, 3).unwrap();
    draft.set_element(colors, 2, 2);
    let error = refuse(&schema, draft.words());
    assert_eq!(error.path, "Shape.colors[2]");
    draft.set_element(colors, 2, 1);
    copy(&CopyPlans::new(&schema), StructIndex(0), draft.words());
}

/// `len` zero bytes of data at pointer 1 of a `Sample`.
fn large_value(len: u32) -> Vec<u64> {
    let mut words = sample_draft(|_, _| {}).words().to_vec();
    let (at, start) = (4, words.len() as u32);
    words[at] = relocated_pointer(list_pointer(ElementSize::Byte, len), at as u32, start);
    words.resize(words.len() + len.div_ceil(8) as usize, 0);
    words
}

#[test]
fn a_value_beyond_its_limit_is_refused() {
    let schema = sample_schema();
    assert_eq!(
        copy(&CopyPlans::new(&schema), StructIndex(0), &large_value(MAX_VALUE_BYTES)).len(),
        1 + 2 + (MAX_VALUE_BYTES / 8) as usize
    );
    let error = refuse(&schema, &large_value(MAX_VALUE_BYTES + 1));
    assert!(
        matches!(error.problem, CopyProblem::ValueTooLarge { found: 16_777_217, limit: 16_777_216 }),
        "{error}"
    );
    assert_eq!(error.path, "Sample.data");
}

#[test]
fn a_record_beyond_its_limit_is_refused_though_its_message_is_small() {
    // 1,000 pointers to one text of 100,000 bytes.
    let draft = sample_draft(|draft, root| {
        let names = draft.init_list(draft.pointer(root, 4), ElementSize::Pointer, 1000).unwrap();
        draft.set_text(draft.element_pointer(names, 0), &"x".repeat(100_000)).unwrap();
    });
    let mut words = draft.words().to_vec();
    let list = StructReader::root(&words).unwrap().list(4).unwrap().unwrap();
    let (first, target) = (list.start(), list.start() + 1000);
    for at in first + 1..target {
        words[at as usize] = relocated_pointer(words[first as usize], at, target);
    }
    let error = refuse(&sample_schema(), &words);
    let CopyProblem::RecordTooLarge { found, limit: MAX_RECORD_BYTES } = error.problem else {
        panic!("{error}")
    };
    assert!(found <= MAX_RECORD_BYTES + 100_008);
    assert_eq!(error.path, "Sample.names[670]");
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let schema = chain_schema();
    let chain = |links: u32| {
        let mut draft = Draft::new();
        let mut at = draft.root(0, 1).unwrap();
        for _ in 1..links {
            at = draft.init_struct(draft.pointer(at, 0), 0, 1).unwrap();
        }
        draft
    };
    assert_eq!(copy(&CopyPlans::new(&schema), StructIndex(0), chain(MAX_NESTING).words()).len(), 60);
    let error = refuse(&schema, chain(MAX_NESTING + 1).words());
    assert!(matches!(error.problem, CopyProblem::TooDeep { limit: 60 }), "{error}");
    assert_eq!(error.path, format!("Chain{}", ".next".repeat(60)));

    // A pointer that leads back to its own struct.
    let endless = [0x0001_0000_0000_0000, 0x0001_0000_FFFF_FFF8];
    assert!(matches!(refuse(&schema, &endless).problem, CopyProblem::TooDeep { .. }));
}

#[test]
fn elements_without_words_are_counted() {
    let schema = sample_schema();
    let structs = ElementSize::Composite { data_words: 0, pointer_words: 0 };
    for (pointer, size) in [(8, ElementSize::Void), (6, structs)] {
        let draft = sample_draft(|draft, root| {
            draft.init_list(draft.pointer(root, pointer), size, 1 << 28).unwrap();
        });
        let error = refuse(&schema, draft.words());
        assert!(matches!(error.problem, CopyProblem::TooManyVisits { .. }), "{error}");
    }
}

#[test]
fn a_builder_of_many_segments_gives_the_same_record() {
    let plans = CopyPlans::new(&sample_schema());
    for first_segment_words in [1, 5, 20, 1000] {
        let allocator = HeapAllocator::new()
            .first_segment_words(first_segment_words)
            .allocation_strategy(AllocationStrategy::FixedSize);
        let mut builder = Builder::new(allocator);
        let segments = [bytemuck::cast_slice(&SAMPLE)];
        let message = Reader::new(SegmentArray::new(&segments), ReaderOptions::new());
        builder.set_root(message.get_root::<capnp::any_pointer::Reader<'_>>().unwrap()).unwrap();
        assert_eq!(builder.get_segments_for_output().len() == 1, first_segment_words == 1000);
        let mut out = Vec::new();
        plans.copy_builder(StructIndex(0), &builder, &mut out).unwrap();
        assert_eq!(out, SAMPLE);
    }
}

#[test]
fn segments_at_odd_addresses_and_without_a_record() {
    let plans = CopyPlans::new(&sample_schema());
    let bytes = [&[0], bytemuck::cast_slice::<u64, u8>(&SAMPLE)].concat();
    let mut out = Vec::new();
    for shift in 0..2 {
        // One of these two addresses is not a multiple of 8, wherever the vector lies.
        let moved = [&[0][..shift], &bytes[1..]].concat();
        plans.copy_segments(StructIndex(0), &[&moved[shift..]], &mut out).unwrap();
        assert_eq!(std::mem::take(&mut out), SAMPLE);
    }
    let untouched = Builder::new_default();
    let error = plans.copy_builder(StructIndex(0), &untouched, &mut out).unwrap_err();
    assert!(matches!(error.problem, CopyProblem::Wire(_)), "{error}");
    let garbage: &[u8] = &[0xFF; 8];
    assert!(plans.copy_segments(StructIndex(0), &[garbage, garbage], &mut out).is_err());
    assert!(plans.copy_segments(StructIndex(0), &[&[1, 2, 3]], &mut out).is_err());
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_a_copy_panic(flips in prop::collection::vec((0..SAMPLE.len(), 0..64_u32), 0..6)) {
        let plans = CopyPlans::new(&sample_schema());
        let mut words = SAMPLE.to_vec();
        for (word, bit) in flips {
            words[word] ^= 1 << bit;
        }
        if let Ok(root) = StructReader::root(&words) {
            let mut out = Vec::new();
            if plans.copy(StructIndex(0), root, &mut out).is_ok() {
                prop_assert_eq!(&out, &copy(&plans, StructIndex(0), &out));
            }
        }
    }
}
