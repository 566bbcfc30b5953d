//! Reading good words, and words that lie.

use proptest::prelude::*;

use super::SAMPLE;
use crate::wire::{ElementSize, ListReader, Pointer, StructReader, WireError};

fn sample() -> StructReader<'static> {
    StructReader::root(&SAMPLE).unwrap()
}

fn list(index: u32) -> ListReader<'static> {
    sample().list(index).unwrap().unwrap()
}

#[test]
fn data_fields_read_at_every_width() {
    let root = sample();
    assert_eq!((root.data_words(), root.pointer_words()), (2, 13));
    assert_eq!((root.u8(0), root.bool(8), root.bool(9)), (7, true, false));
    assert_eq!((root.u16(1), root.u32(1), root.u64(1)), (4660, 0xDEAD_BEEF, 0x0123_4567_89AB_CDEF));
}

#[test]
fn fields_beyond_the_width_read_as_zero_and_null() {
    let root = sample();
    assert_eq!((root.u8(16), root.u16(8), root.u32(4), root.u64(2), root.bool(128)), (0, 0, 0, 0, false));
    assert_eq!((root.u8(u32::MAX), root.bool(u32::MAX), root.u64(u32::MAX)), (0, false, 0));
    assert!(matches!(root.pointer(13), Ok(Pointer::Null)));
    assert!(matches!(root.pointer(u32::MAX), Ok(Pointer::Null)));
}

#[test]
fn absent_and_empty_differ() {
    let root = sample();
    assert_eq!(root.text(9).unwrap(), None);
    assert_eq!(root.text(10).unwrap(), Some(""));
    assert!(root.structure(12).unwrap().is_some(), "a struct without words is no null");
}

#[test]
fn lists_of_every_element_size() {
    assert_eq!(sample().text(0).unwrap(), Some("hello"));
    assert_eq!(sample().data(1).unwrap(), Some(&[1, 2, 3][..]));
    let bits: Vec<_> = (0..list(2).len()).map(|i| list(2).bits(i)).collect();
    assert_eq!(bits, [1, 0, 1, 1, 0, 0, 0, 0, 1]);
    assert_eq!(list(3).u64s().unwrap(), [1, 2]);
    let names: Vec<_> = (0..3).map(|i| list(4).pointer(i).unwrap().text().unwrap().unwrap()).collect();
    assert_eq!(names, ["a", "", "ccccccccc"]);
    let inner = list(5).pointer(0).unwrap().list().unwrap().unwrap();
    assert_eq!((inner.bits(0), inner.bits(1), inner.bits(2)), (1, 0xFF, 0));
    assert!(list(5).pointer(1).unwrap().list().unwrap().unwrap().is_empty());
    assert_eq!((list(8).element(), list(8).len(), list(8).bits(2)), (ElementSize::Void, 3, 0));
    assert_eq!((0..5).map(|i| list(11).bits(i)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn structs_of_a_list_lie_at_its_stride() {
    let points = list(6);
    assert_eq!(points.element(), ElementSize::Composite { data_words: 1, pointer_words: 1 });
    let second = points.structure(1).unwrap();
    assert_eq!((second.u32(0), second.u32(1), second.u64(1)), (2, 3, 0));
    assert_eq!(second.text(0).unwrap(), Some("p"));
    assert_eq!(points.structure(0).unwrap().text(0).unwrap(), None);
    assert!(matches!(points.structure(2), Err(WireError::NoSuchElement { len: 2, index: 2, .. })));
}

#[test]
fn a_row_is_read_where_it_lies() {
    let row = StructReader::at(&SAMPLE, 1, 2, 13).unwrap();
    assert_eq!((row.u16(1), row.text(0).unwrap()), (4660, Some("hello")));
    assert_eq!(row.pointer_section().len(), 13);
    let error = StructReader::at(&SAMPLE, 26, 2, 13).unwrap_err();
    assert!(matches!(error, WireError::OutOfBounds { word: 26, end: 41, available: 40, .. }), "{error}");
    assert!(StructReader::at(&SAMPLE, u32::MAX, u16::MAX, u16::MAX).is_err());
}

#[test]
fn a_list_read_as_another_is_refused() {
    assert!(matches!(list(3).data(), Err(WireError::WrongElement { found: "8-byte elements", .. })));
    assert!(matches!(list(3).pointer(0), Err(WireError::WrongElement { .. })));
    assert!(matches!(list(3).structure(0), Err(WireError::WrongElement { .. })));
    assert!(matches!(list(4).pointer(3), Err(WireError::NoSuchElement { len: 3, index: 3, .. })));
    assert!(matches!(sample().structure(0), Err(WireError::WrongKind { expected: "a struct", .. })));
    assert!(matches!(sample().list(7), Err(WireError::WrongKind { expected: "a list", .. })));
    assert!(matches!(sample().text(1), Err(WireError::Unterminated { found: Some(3), .. })));
    assert!(matches!(sample().text(8), Err(WireError::WrongElement { .. })));
}

/// A message of one struct with one pointer, `pointer`, and `rest` behind it.
fn pointing(pointer: u64, rest: &[u64]) -> Vec<u64> {
    [&[0x0001_0000_0000_0000, pointer], rest].concat()
}

fn follow(pointer: u64, rest: &[u64]) -> Result<(), WireError> {
    StructReader::root(&pointing(pointer, rest)).unwrap().pointer(0).map(|_| ())
}

#[test]
fn pointers_that_leave_the_words_are_refused() {
    let beyond = [
        0x0000_0001_0000_0004,            // struct of one word, one word too far
        0x0000_0001_FFFF_FFF0,            // struct at word -2
        0x0000_0001_8000_0000,            // as far back as a pointer can say
        0x0000_0001_7FFF_FFFC,            // as far ahead
        0xFFFF_FFFF_0000_0000,            // struct of 131070 words
        0xFFFF_FFFD_0000_0001,            // 2^29 - 1 words
        0x0000_000F_0000_0001 | 16 << 32, // composite whose tag has no room behind it
    ];
    for pointer in beyond {
        let error = follow(pointer, &[0]).unwrap_err();
        assert!(
            matches!(error, WireError::OutOfBounds { word: 1, available: 3, .. }),
            "{pointer:x}: {error}"
        );
    }
    assert!(follow(0x0000_0001_0000_0000, &[0]).is_ok());
}

#[test]
fn far_pointers_capabilities_and_wrong_tags_are_refused() {
    assert!(matches!(
        follow(2, &[0]),
        Err(WireError::WrongKind { found: "a pointer to another segment", .. })
    ));
    assert!(matches!(follow(3, &[0]), Err(WireError::WrongKind { found: "a capability", .. })));
    let list_of_one_word = 1 | 7 << 32 | 1 << 35;
    assert!(follow(list_of_one_word, &[1 << 2 | 1 << 32, 9]).is_ok());
    let error = follow(list_of_one_word, &[2 << 2 | 1 << 32, 9]).unwrap_err();
    assert!(matches!(error, WireError::WrongTag { word: 2, expected: 2, found: 1 }), "{error}");
    assert!(matches!(follow(list_of_one_word, &[1, 9]), Err(WireError::WrongKind { word: 2, .. })));
}

#[test]
fn texts_need_their_zero_byte_and_utf8() {
    let text = |len: u64, word: u64| {
        StructReader::root(&pointing(1 | 2 << 32 | len << 35, &[word])).unwrap().text(0).map(|_| ())
    };
    assert!(text(2, 0x0041).is_ok());
    assert!(matches!(text(1, 0x0041), Err(WireError::Unterminated { found: Some(0x41), .. })));
    assert!(matches!(text(0, 0), Err(WireError::Unterminated { found: None, .. })));
    assert!(matches!(text(3, 0xFF41), Err(WireError::NotUtf8 { word: 2, valid_bytes: 1 })));
}

#[test]
fn a_root_must_be_a_struct() {
    assert!(matches!(StructReader::root(&[]), Err(WireError::OutOfBounds { .. })));
    assert!(matches!(StructReader::root(&[0]), Err(WireError::WrongKind { found: "null", .. })));
    assert!(matches!(StructReader::root(&[1]), Err(WireError::WrongKind { found: "a list", .. })));
    let empty = StructReader::root(&[0xFFFF_FFFC]).unwrap();
    assert_eq!((empty.data_words(), empty.pointer_words(), empty.u64(0)), (0, 0, 0));
}

/// Reads whatever can be read, up to `fuel` values, and tells how many there were.
fn read_all(pointer: Pointer<'_>, depth: u32, fuel: &mut u32) {
    if depth == 0 || *fuel == 0 {
        return;
    }
    *fuel -= 1;
    match pointer {
        Pointer::Null => {}
        Pointer::Struct(structure) => read_struct(structure, depth, fuel),
        Pointer::List(list) => {
            let _ = (list.text(), list.data(), list.u64s(), list.words());
            for index in (0..list.len().min(50)).chain([list.len(), u32::MAX]) {
                let _ = list.bits(index);
                if let Ok(pointer) = list.pointer(index) {
                    read_all(pointer, depth - 1, fuel);
                }
                if let Ok(structure) = list.structure(index) {
                    read_struct(structure, depth, fuel);
                }
            }
        }
    }
}

fn read_struct(structure: StructReader<'_>, depth: u32, fuel: &mut u32) {
    let _ = (structure.data_section(), structure.pointer_section(), structure.u8(3), structure.bool(200));
    for index in 0..u32::from(structure.pointer_words()).min(50) {
        if let Ok(pointer) = structure.pointer(index) {
            read_all(pointer, depth - 1, fuel);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        flips in prop::collection::vec((0..SAMPLE.len(), 0..64_u32), 0..8),
        cut in 0..=SAMPLE.len(),
    ) {
        let mut words = SAMPLE.to_vec();
        for (word, bit) in flips {
            words[word] ^= 1 << bit;
        }
        words.truncate(cut);
        if let Ok(root) = StructReader::root(&words) {
            read_struct(root, 8, &mut 2_000);
        }
    }

    #[test]
    fn no_words_make_a_reader_panic(words in prop::collection::vec(any::<u64>(), 0..40)) {
        for at in 0..words.len() as u32 {
            if let Ok(pointer) = Pointer::at(&words, at) {
                read_all(pointer, 8, &mut 200);
            }
        }
    }
}
