//! Canonical messages become rows, and rows become canonical messages.

use proptest::prelude::*;

use super::random::{Dice, RECORD, Scribe, random_record, random_schema};
use super::{SAMPLE, sample_schema};
use crate::identifiers::KeySeed;
use crate::schema::{Schema, StructIndex};
use crate::wire::{
    Child, CopyPlans, Draft, KeyPlan, MAX_NESTING, StructReader, WireError, gather, record_hash,
    record_parts, row_equals, subtree,
};

/// A row somewhere in a segment.
struct Row {
    segment: Vec<u64>,
    data: u32,
    data_words: u16,
    pointer_words: u16,
}

impl Row {
    fn reader(&self) -> StructReader<'_> {
        StructReader::at(&self.segment, self.data, self.data_words, self.pointer_words).unwrap()
    }
}

/// Lays `message` out as a row of widths beyond its own, subtrees in any order, with other words between them.
fn lay_out(dice: &Dice, message: &[u64]) -> Row {
    let parts = record_parts(message).unwrap();
    let data_words = parts.data().len() as u16 + dice.below(3) as u16;
    let pointer_words = parts.pointer_words() + dice.below(3) as u16;
    let mut segment: Vec<u64> = (0..dice.below(5)).map(|_| dice.bits()).collect();
    let data = segment.len() as u32;
    segment.extend_from_slice(parts.data());
    let pointers = data + u32::from(data_words);
    segment.resize((pointers + u32::from(pointer_words)) as usize, 0);
    let mut children: Vec<_> = (pointers..).zip(parts.children().map(Result::unwrap)).collect();
    children.sort_by_key(|_| dice.bits());
    for (at, child) in children {
        segment.extend((0..dice.below(3)).map(|_| dice.bits()));
        match child {
            Child::Null => {}
            Child::EmptyStruct => segment[at as usize] = 0xFFFF_FFFC,
            Child::Subtree(subtree) => {
                segment[at as usize] = subtree.pointer_from(at, segment.len() as u32);
                segment.extend_from_slice(subtree.words());
            }
        }
    }
    segment.extend((0..dice.below(3)).map(|_| dice.bits()));
    Row { segment, data, data_words, pointer_words }
}

/// The canonical message of a random record.
fn random_message(dice: &Dice, schema: &Schema) -> Vec<u64> {
    let structure = schema.record_type(RECORD).structure;
    let mut draft = Draft::new();
    let record = random_record(dice, schema, structure);
    Scribe { schema, debris: None }.record(&mut draft, structure, &record);
    let mut message = Vec::new();
    CopyPlans::new(schema).copy(structure, draft.reader(), &mut message).unwrap();
    message
}

fn gathered(row: StructReader<'_>) -> Vec<u64> {
    let mut out = vec![7];
    gather(row, &mut out).unwrap();
    out.split_off(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_row_gathers_to_the_message_that_it_was_laid_out_from(seed in any::<u64>()) {
        let dice = Dice::new(seed);
        let schema = random_schema(&dice);
        let message = random_message(&dice, &schema);
        let other = random_message(&dice, &schema);
        let row = lay_out(&dice, &message);
        prop_assert_eq!(&gathered(row.reader()), &message);
        prop_assert!(row_equals(row.reader(), &message));
        let (key, root) = (KeyPlan::new(&schema, RECORD), StructReader::root(&message).unwrap());
        prop_assert_eq!(key.hash_of(KeySeed(7), row.reader()), key.hash_of(KeySeed(7), root));
        prop_assert_eq!(row_equals(row.reader(), &other), message == other);
        prop_assert_eq!(record_hash(&gathered(row.reader())) == record_hash(&other), message == other);
    }

    #[test]
    fn no_bytes_make_gathering_panic(flips in prop::collection::vec((0..SAMPLE.len(), 0..64_u32), 0..6)) {
        let mut words = SAMPLE.to_vec();
        for (word, bit) in flips {
            words[word] ^= 1 << bit;
        }
        if let Ok(root) = StructReader::root(&words) {
            let mut out = Vec::new();
            let gathered = gather(root, &mut out);
            prop_assert!(gathered.is_ok() || out.is_empty());
            let _ = row_equals(root, &SAMPLE);
            let _ = row_equals(root, &words);
            for child in record_parts(&words).unwrap().children() {
                prop_assert!(child.is_err() || matches!(child, Ok(child) if run_of(child) <= words.len()));
            }
        }
        for at in 0..words.len() as u32 {
            prop_assert!(subtree(&words, at).map_or(0, run_of) <= words.len());
        }
    }
}

fn run_of(child: Child<'_>) -> usize {
    if let Child::Subtree(subtree) = child { subtree.words().len() } else { 0 }
}

#[test]
fn subtrees_of_a_message_of_the_cpp_tool_follow_each_other() {
    let lengths: Vec<_> =
        record_parts(&SAMPLE).unwrap().children().map(|child| run_of(child.unwrap())).collect();
    assert_eq!(lengths, [1, 1, 1, 2, 7, 3, 6, 0, 0, 0, 1, 2, 0]);
    let walked: Vec<_> = (3..16).map(|at| run_of(subtree(&SAMPLE, at).unwrap())).collect();
    assert_eq!(walked, lengths);
    assert_eq!(subtree(&SAMPLE, 10), Ok(Child::EmptyStruct));
    assert_eq!(subtree(&SAMPLE, 12), Ok(Child::Null));
    assert!(
        matches!(subtree(&SAMPLE, 11), Ok(Child::Subtree(_))),
        "a list of void has a pointer, but no words"
    );
}

#[test]
fn a_row_equals_no_record_that_differs_in_one_bit() {
    let row = StructReader::root(&SAMPLE).unwrap();
    for bit in 0..SAMPLE.len() * 64 {
        let mut other = SAMPLE;
        other[bit / 64] ^= 1 << (bit % 64);
        assert!(!row_equals(row, &other), "bit {bit}");
    }
    assert!(!row_equals(row, &SAMPLE[..39]));
    assert!(!row_equals(row, &[&SAMPLE[..], &[0]].concat()));
    assert!(!row_equals(row, &[]));
}

#[test]
fn fields_that_no_schema_here_knows_survive() {
    // Rule 25: a row of a newer schema, three data words and two pointers wider than `Sample`.
    let mut draft = Draft::new();
    let root = draft.root(5, 16).unwrap();
    draft.set_bits_at(root, 4, 64, 99);
    draft.set_text(draft.pointer(root, 15), "new").unwrap();
    let message = gathered(draft.reader());
    assert_eq!(StructReader::root(&message).unwrap().u64(4), 99);
    assert_eq!(StructReader::root(&message).unwrap().text(15).unwrap(), Some("new"));
    let plans = CopyPlans::new(&sample_schema());
    assert!(plans.copy(StructIndex(0), draft.reader(), &mut Vec::new()).is_err());
}

#[test]
fn words_out_of_order_are_refused_and_bounded() {
    // A struct of one pointer that leads back to itself.
    let endless = [0x0001_0000_0000_0000, 0x0001_0000_FFFF_FFFC];
    assert!(matches!(subtree(&endless, 0), Err(WireError::Misplaced { word: 1, expected: 2, found: 1 })));
    // A chain of pointers, each to the next.
    let chain = [0x0001_0000_0000_0000; MAX_NESTING as usize + 2];
    assert!(matches!(subtree(&chain[..10], 0), Err(WireError::OutOfBounds { .. })));
    let mut ending = chain.to_vec();
    ending.push(0);
    assert!(matches!(subtree(&ending, 1), Err(WireError::TooDeep { word: 1, limit: 60 })));
    assert_eq!(run_of(subtree(&ending, 2).unwrap()), 60);
    // The second text of a record begins before the first.
    let mut draft = Draft::new();
    let root = draft.root(0, 2).unwrap();
    draft.set_text(draft.pointer(root, 1), "late").unwrap();
    draft.set_text(draft.pointer(root, 0), "early").unwrap();
    let first = record_parts(draft.words()).unwrap().children().next().unwrap();
    assert!(matches!(first, Err(WireError::Misplaced { word: 2, expected: 4, found: 3 })), "{first:?}");
    assert_eq!(gathered(draft.reader()).len(), 5, "a row may have its subtrees in any order");
}

#[test]
fn a_row_whose_pointers_multiply_its_words_is_refused() {
    // 2,000 pointers, each to the same 80,000 words.
    let mut draft = Draft::new();
    let root = draft.root(0, 2000).unwrap();
    draft.set_data(draft.pointer(root, 0), &vec![1; 640_000]).unwrap();
    let mut words = draft.words().to_vec();
    let Ok(Child::Subtree(data)) = subtree(&words, 1) else { panic!("data is a subtree") };
    let pointers: Vec<_> = (2..=2000).map(|at| data.pointer_from(at, 2001)).collect();
    words[2..=2000].copy_from_slice(&pointers);
    let mut out = Vec::new();
    let error = gather(StructReader::root(&words).unwrap(), &mut out).unwrap_err();
    assert!(matches!(error, WireError::TooLarge { word: 105, limit: 8_388_608, .. }), "{error}");
    assert!(out.is_empty());
}

#[test]
fn record_hashes_are_xxh3_128_of_the_bytes() {
    // By the reference library through python-xxhash 4.1: `xxhash.xxh3_128_intdigest(struct.pack('<nQ', …))`.
    assert_eq!(record_hash(&[0xFFFF_FFFC]).0, 0x9126_E16B_A586_61BC_1396_13AE_065C_D39B);
    assert_eq!(record_hash(&SAMPLE).0, 0x9120_B847_F639_7561_1231_FE48_F0D1_D2E5);
}
