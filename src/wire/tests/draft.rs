//! Drafts: what cannot be built, and what can be built twice.

use super::{plain_struct, shape_schema, slot};
use crate::schema::{Default as Stored, Field, FieldKind, Type};
use crate::wire::{Draft, DraftError, ElementSize, MAX_VALUE_BYTES};

#[test]
fn a_value_of_the_largest_size_fits_and_a_larger_one_is_refused() {
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    let at = draft.pointer(root, 0);
    let text = "x".repeat(MAX_VALUE_BYTES as usize + 1);
    let error = draft.set_text(at, &text).unwrap_err();
    assert_eq!(error, DraftError::ValueTooLarge { found: 16_777_217, limit: 16_777_216 });
    assert_eq!(draft.set_data(at, text.as_bytes()), Err(error));
    assert_eq!(draft.words().len(), 2, "a value that is refused takes no room");
    draft.set_text(at, &text[1..]).unwrap();
    assert_eq!(draft.reader().text(0).unwrap().map(str::len), Some(MAX_VALUE_BYTES as usize));
}

#[test]
fn lists_that_no_record_could_hold_are_refused() {
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    let at = draft.pointer(root, 0);
    let error = draft.init_list(at, ElementSize::Void, 1 << 29).unwrap_err();
    assert_eq!(error, DraftError::TooManyElements { found: 1 << 29, limit: (1 << 29) - 1 });
    let error = draft.init_list(at, ElementSize::EightBytes, 1 << 25).unwrap_err();
    assert_eq!(error, DraftError::RecordTooLarge { found: (1 << 28) + 16, limit: 1 << 28 });
    let wide = ElementSize::Composite { data_words: u16::MAX, pointer_words: u16::MAX };
    assert!(matches!(draft.init_list(at, wide, (1 << 29) - 1), Err(DraftError::RecordTooLarge { .. })));
    assert_eq!(draft.words().len(), 2);
    assert_eq!(draft.init_list(at, ElementSize::Void, (1 << 29) - 1).map(|_| ()), Ok(()));
}

#[test]
fn a_draft_begins_anew_with_each_root() {
    let mut draft = Draft::new();
    let root = draft.root(1, 1).unwrap();
    draft.set_bits_at(root, 0, 64, u64::MAX);
    draft.set_text(draft.pointer(root, 0), "old").unwrap();
    draft.root(1, 1).unwrap();
    assert_eq!((draft.reader().u64(0), draft.reader().text(0).unwrap()), (0, None));
}

#[test]
fn bits_of_neighbours_stay() {
    let mut draft = Draft::new();
    let root = draft.root(2, 0).unwrap();
    draft.set_bits_at(root, 0, 64, u64::MAX);
    draft.set_bits_at(root, 1, 64, u64::MAX);
    draft.set_bits_at(root, 3, 16, 0x1234);
    draft.set_bits_at(root, 65, 1, 0);
    assert_eq!((draft.reader().u64(0), draft.reader().u64(1)), (0x1234_FFFF_FFFF_FFFF, u64::MAX - 2));
}

#[test]
fn defaults_and_discriminants_are_written_by_field() {
    let schema = shape_schema();
    let [shape, look] = &schema.structs[..] else { panic!("a shape has one group") };
    let mut draft = Draft::new();
    let root = draft.root(2, 2).unwrap();
    draft.set_bits(root, &look.fields[0], 1);
    draft.select_arm(root, shape, &shape.fields[3]);
    assert_eq!((draft.reader().u16(4), draft.reader().u16(2)), (0, 2), "the default is stored as zero");
    draft.set_bits(root, &look.fields[0], 0);
    draft.select_arm(root, shape, &shape.fields[0]);
    assert_eq!(
        (draft.reader().u16(4), draft.reader().u16(2)),
        (1, 2),
        "a field outside the union selects nothing"
    );
    draft.set_bits(root, &slot("nothing", 0, Type::Void), 0);

    let negative = FieldKind::Slot { offset: 3, value_type: Type::Int8, default: Stored::Bits(0xFF) };
    let narrow = plain_struct("Narrow", 1, 0, vec![Field { kind: negative, ..slot("n", 3, Type::Int8) }]);
    let root = draft.root(1, 0).unwrap();
    draft.set_bits(root, &narrow.fields[0], 0x0F);
    assert_eq!(draft.reader().u64(0), 0xF000_0000);
}

#[test]
#[should_panic(expected = "a field lies within its struct")]
fn fields_beyond_the_struct_are_the_callers_mistake() {
    let mut draft = Draft::new();
    let root = draft.root(1, 5).unwrap();
    draft.set_bits_at(root, 2, 32, 0);
}

#[test]
#[should_panic(expected = "a value fits its field")]
fn values_wider_than_their_field_are_the_callers_mistake() {
    let mut draft = Draft::new();
    let root = draft.root(1, 0).unwrap();
    draft.set_bits_at(root, 0, 8, 256);
}
