//! Key bytes and key hashes, against bytes put together by hand and hashes of the reference library.

use proptest::prelude::*;

use super::random::{Dice, RECORD, Scribe, Value, random_record, random_schema};
use super::{SAMPLE, plain_struct, record_of, sample_schema, shape_schema, slot};
use crate::identifiers::KeySeed;
use crate::schema::{Default as Stored, Field, FieldKind, FieldPath, Schema, StructIndex, Type, TypeIndex};
use crate::wire::slot::data_bits;
use crate::wire::{CopyPlans, Draft, KeyError, KeyKind, KeyPlan, StructReader, WireError, record_hash};

/// Not a round number, so that a seed that gets lost shows.
const SEED: KeySeed = KeySeed(0x0123_4567_89AB_CDEF);

fn bytes_of(plan: &KeyPlan, record: StructReader<'_>) -> Vec<u8> {
    let mut out = vec![7];
    plan.write_bytes(record, &mut out).unwrap();
    out.split_off(1)
}

/// `Sample` with other key fields.
fn sample_keyed_by(key: &[&[u16]]) -> KeyPlan {
    let mut schema = sample_schema();
    schema.types[0].key = key.iter().map(|path| FieldPath(path.to_vec())).collect();
    KeyPlan::new(&schema, TypeIndex(0))
}

fn sample() -> StructReader<'static> {
    StructReader::root(&SAMPLE).unwrap()
}

#[test]
fn key_bytes_and_hashes_have_golden_vectors() {
    // By hand: `small` is 4660 in two bytes, `text` is "hello" behind its length. Hashes by python-xxhash 4.1:
    // `xxhash.xxh3_64_intdigest(bytes, 0x0123456789ABCDEF)`.
    let plan = KeyPlan::new(&sample_schema(), TypeIndex(0));
    assert_eq!(plan.kinds(), [KeyKind::UInt16, KeyKind::Text]);
    assert_eq!(bytes_of(&plan, sample()), b"\x34\x12\x05\0\0\0hello");
    assert_eq!(plan.hash_of(SEED, sample()).unwrap().0, 0x2CE1_D8E9_FFAD_BD62);
    assert_eq!(KeyPlan::hash(SEED, b"").0, 0xCC1C_A35A_1B08_9C5C);
    assert_eq!(KeyPlan::hash(KeySeed(0), b"").0, 0x2D06_8005_38D3_94C2);

    let wide = sample_keyed_by(&[&[0], &[1], &[3], &[4], &[6], &[14]]);
    let expected = b"\x07\x01\xEF\xBE\xAD\xDE\xEF\xCD\xAB\x89\x67\x45\x23\x01\x03\0\0\0\x01\x02\x03";
    let error = wide.write_bytes(sample(), &mut Vec::new()).unwrap_err();
    assert_eq!(error, KeyError::Null { type_name: "Sample".into(), field: "absent".into() });
    let wide = sample_keyed_by(&[&[0], &[1], &[3], &[4], &[6]]);
    assert_eq!(bytes_of(&wide, sample()), expected);
    assert_eq!(wide.hash_of(SEED, sample()).unwrap().0, 0x9A3F_AB7B_2F76_35E5);
}

#[test]
fn an_empty_text_is_a_key_and_a_null_is_none() {
    // Rules 4 and 27.
    let empty = sample_keyed_by(&[&[15]]);
    assert_eq!(bytes_of(&empty, sample()), [0; 4]);
    assert!(empty.matches(sample(), &[0; 4]));
    let absent = sample_keyed_by(&[&[0], &[14]]);
    let mut out = vec![1, 2];
    let error = absent.write_bytes(sample(), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "Sample.absent is part of the key, but is null: give it a value");
    assert_eq!(out, [1, 2], "half a key is not left behind");
    assert!(absent.hash_of(SEED, sample()).is_err());
    assert!(!absent.matches(sample(), &[7, 0, 0, 0, 0]));
}

#[test]
fn keys_lie_behind_struct_pointers() {
    let mut draft = Draft::new();
    let root = draft.root(2, 14).unwrap();
    let plan = sample_keyed_by(&[&[12, 1]]);
    let error = plan.write_bytes(draft.reader(), &mut Vec::new()).unwrap_err();
    assert_eq!(error, KeyError::Null { type_name: "Sample".into(), field: "point.y".into() });
    let point = draft.init_struct(draft.pointer(root, 7), 2, 1).unwrap();
    draft.set_bits_at(point, 1, 32, 0xFFFF_FFFE);
    assert_eq!(bytes_of(&plan, draft.reader()), [0xFE, 0xFF, 0xFF, 0xFF]);
    assert_eq!(bytes_of(&plan, sample()), [0; 4], "a struct without words has all its fields");
}

#[test]
fn an_arm_that_is_not_chosen_is_null() {
    let mut schema = shape_schema();
    schema.types[0].key = vec![FieldPath(vec![3, 0])];
    let plan = KeyPlan::new(&schema, TypeIndex(0));
    let mut draft = Draft::new();
    let root = draft.root(2, 2).unwrap();
    let error = plan.write_bytes(draft.reader(), &mut Vec::new()).unwrap_err();
    assert_eq!(error, KeyError::Null { type_name: "Shape".into(), field: "look.color".into() });
    draft.set_bits_at(root, 2, 16, 2);
    assert_eq!(bytes_of(&plan, draft.reader()), [1, 0], "zero bits mean the default, which is 1");
}

#[test]
fn a_declared_default_stands_for_an_absent_text() {
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    draft.set_text(draft.pointer(root, 0), "none").unwrap();
    let default = Stored::Pointer(vec![draft.words()[1], draft.words()[2]]);
    let kind = FieldKind::Slot { offset: 0, value_type: Type::Text, default };
    let name = Field { kind, ..slot("name", 0, Type::Text) };
    let types = vec![record_of("Named", StructIndex(0), vec![FieldPath(vec![0])])];
    let structs = vec![plain_struct("Named", 0, 1, vec![name])];
    let plan = KeyPlan::new(&Schema { types, structs, enums: Vec::new() }, TypeIndex(0));
    assert_eq!(bytes_of(&plan, StructReader::root(&[0xFFFF_FFFC]).unwrap()), b"\x04\0\0\0none");
}

#[test]
fn a_key_that_cannot_be_read_matches_nothing() {
    let mut words = SAMPLE;
    words[3] = 2;
    let broken = StructReader::root(&words).unwrap();
    let plan = sample_keyed_by(&[&[5]]);
    let error = plan.write_bytes(broken, &mut Vec::new()).unwrap_err();
    assert!(
        matches!(error, KeyError::Unreadable { source: WireError::WrongKind { word: 3, .. }, .. }),
        "{error}"
    );
    assert!(!plan.matches(broken, b"\x05\0\0\0hello"));
    assert!(plan.matches(sample(), b"\x05\0\0\0hello"));
    assert!(!plan.matches(sample(), b"\x05\0\0\0hello\0"));
    assert!(!plan.matches(sample(), b"\x05\0\0\0hell"));
}

#[test]
fn a_keyless_record_is_its_own_key() {
    // Rule 5.
    let plan = sample_keyed_by(&[]);
    assert!(plan.is_keyless());
    let bytes: &[u8] = bytemuck::cast_slice(&SAMPLE);
    assert_eq!(bytes_of(&plan, sample()), bytes);
    assert_eq!(plan.hash_of(SEED, sample()).unwrap(), KeyPlan::hash(SEED, bytes));
    for shift in 0..8 {
        let moved = [&[0; 8][..shift], bytes].concat();
        assert!(plan.matches(sample(), &moved[shift..]), "{shift} bytes off a word");
    }
    assert!(!plan.matches(sample(), &bytes[..bytes.len() - 1]));
    assert!(!plan.matches(sample(), &[bytes, &[0]].concat()));
    assert!(!plan.matches(sample(), &[]));
}

#[test]
fn long_keys_hash_as_their_bytes_do() {
    let plan = sample_keyed_by(&[&[5], &[6]]);
    for len in [0, 1, 100, 119, 120, 121, 127, 128, 129, 240, 241, 1000, 10_000] {
        let mut draft = Draft::new();
        let root = draft.root(0, 2).unwrap();
        draft.set_text(draft.pointer(root, 0), &"k".repeat(len)).unwrap();
        draft.set_data(draft.pointer(root, 1), &[9; 50]).unwrap();
        let bytes = bytes_of(&plan, draft.reader());
        assert_eq!(plan.hash_of(SEED, draft.reader()).unwrap(), KeyPlan::hash(SEED, &bytes), "{len}");
    }
}

/// The key bytes of a record apart from any encoding; `None` when a part of it is null.
fn expected_key(schema: &Schema, record: &[(usize, Value)]) -> Option<Vec<u8>> {
    let record_type = schema.record_type(RECORD);
    let mut bytes = Vec::new();
    for path in &record_type.key {
        let (mut members, mut value) = (record, None);
        for step in &path.0 {
            let (_, found) = members.iter().find(|(index, _)| index == &usize::from(*step))?;
            if let Value::Struct(inner) = found {
                members = inner;
            }
            value = Some(found);
            if *found == Value::Null {
                return None;
            }
        }
        let FieldKind::Slot { value_type, .. } = &schema.field(record_type.structure, path).kind else {
            panic!()
        };
        match value? {
            Value::Bits(bits) => {
                let width = data_bits(value_type).unwrap().div_ceil(8) as usize;
                bytes.extend_from_slice(&bits.to_le_bytes()[..width]);
            }
            Value::Text(text) => append_counted(&mut bytes, text.as_bytes()),
            Value::Data(data) => append_counted(&mut bytes, data),
            other => panic!("{other:?} is no key"),
        }
    }
    Some(bytes)
}

fn append_counted(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn keys_are_what_the_values_say(seed in any::<u64>()) {
        let dice = Dice::new(seed);
        let schema = random_schema(&dice);
        let structure = schema.record_type(RECORD).structure;
        let (plans, plan) = (CopyPlans::new(&schema), KeyPlan::new(&schema, RECORD));
        let (mut messages, mut keys) = (Vec::new(), Vec::new());
        for debris in [None, Some(&dice)] {
            let record = random_record(&dice, &schema, structure);
            let (mut draft, mut message, mut key) = (Draft::new(), Vec::new(), Vec::new());
            Scribe { schema: &schema, debris }.record(&mut draft, structure, &record);
            plans.copy(structure, draft.reader(), &mut message).unwrap();
            let root = StructReader::root(&message).unwrap();
            let written = plan.write_bytes(root, &mut key);
            if plan.is_keyless() {
                prop_assert_eq!(&key, bytemuck::cast_slice::<u64, u8>(&message));
            } else {
                let expected = expected_key(&schema, &record);
                prop_assert_eq!(written.is_ok(), expected.is_some());
                prop_assert_eq!(&key, &expected.unwrap_or_default());
            }
            if written.is_ok() {
                prop_assert!(plan.matches(root, &key));
                prop_assert_eq!(plan.hash_of(SEED, root).unwrap(), KeyPlan::hash(SEED, &key));
                keys.push(key);
                messages.push(message);
            }
        }
        if let ([first, second], [key, other]) = (&messages[..], &keys[..]) {
            let first = StructReader::root(first).unwrap();
            prop_assert_eq!(plan.matches(first, other), key == other);
            prop_assert_eq!(record_hash(&messages[0]) == record_hash(second), &messages[0] == second);
        }
    }
}
