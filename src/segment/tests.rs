use std::io::{Read as _, Write as _};

use capnp::private::layout::StructReader;
use proptest::prelude::*;

use super::word_buffer::MAPPED_BYTES;
use super::*;
use crate::error::{Classify, ErrorKind};
use crate::generated::current_capnp::current::tag;

/// Two records `{key: "a", value: null}` and `{key: "bc", value: "d"}` in pointer field 0, by hand from the encoding
/// specification.
const TWO_TAGS: [u64; 11] = [
    10 << 32,                             // frame: one segment of 10 words
    1 << 48,                              // root: struct right behind, one pointer
    (4 << 35) | (7 << 32) | 1,            // list of structs right behind, 4 words
    (2 << 48) | (2 << 2),                 // tag: 2 elements, each 2 pointers
    (2 << 35) | (2 << 32) | (3 << 2) | 1, // "a": 2 bytes, 3 words further
    0,                                    // null
    (3 << 35) | (2 << 32) | (2 << 2) | 1, // "bc": 3 bytes, 2 words further
    (2 << 35) | (2 << 32) | (2 << 2) | 1, // "d": 2 bytes, 2 words further
    b'a' as u64,
    b'b' as u64 | (b'c' as u64) << 8,
    b'd' as u64,
];

fn two_tags() -> Segment {
    Segment::heap(TWO_TAGS.to_vec()).unwrap()
}

fn file_of(words: &[u64]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytemuck::cast_slice(words)).unwrap();
    file
}

fn buffer_of(words: &[u64], capacity: u64) -> HeapBuffer {
    let mut buffer = HeapBuffer::new(capacity).unwrap();
    buffer.write_all(bytemuck::cast_slice(words)).unwrap();
    buffer
}

fn text(text: capnp::Result<capnp::text::Reader<'_>>) -> &str {
    text.unwrap().to_str().unwrap()
}

#[test]
fn records_read_alike_from_every_kind_of_memory() {
    let (small, large) = (buffer_of(&TWO_TAGS, 100), buffer_of(&TWO_TAGS, MAPPED_BYTES as u64));
    assert!(large.words.is_mapped() && !small.words.is_mapped());
    let segments = [
        two_tags(),
        small.into_segment().unwrap(),
        large.into_segment().unwrap(),
        Segment::mapped(file_of(&TWO_TAGS)).unwrap(),
    ];
    for segment in segments {
        segment.prefault().unwrap();
        assert_eq!(segment.words(), &TWO_TAGS[1..], "{segment:?}");
        assert_eq!(segment.len_bytes(), 88);
        assert_eq!(segment.message_bytes().len(), 80);
        assert_eq!(segment.section_bytes().len(), 88);
        let list = RecordList::new(Arc::new(segment), 0).unwrap();
        let first = list.get::<tag::Owned>(0).unwrap();
        assert_eq!((text(first.get_key()), text(first.get_value())), ("a", ""));
        let second = list.get::<tag::Owned>(1).unwrap();
        assert_eq!((text(second.get_key()), text(second.get_value())), ("bc", "d"));
    }
}

#[test]
fn rows_and_fields_beyond_the_end_are_not_there() {
    let segment = Arc::new(two_tags());
    let list = RecordList::new(Arc::clone(&segment), 0).unwrap();
    assert_eq!(list.len(), 2);
    assert!(list.get::<tag::Owned>(2).is_none());
    assert!(list.get::<tag::Owned>(u32::MAX).is_none());
    assert!(RecordList::new(segment, 1).unwrap().is_empty());
}

#[test]
fn a_record_list_moves_between_threads_and_keeps_its_segment() {
    let list = RecordList::new(Arc::new(two_tags()), 0).unwrap();
    let key = std::thread::spawn(move || text(list.get::<tag::Owned>(1).unwrap().get_key()).to_owned());
    assert_eq!(key.join().unwrap(), "bc");
}

#[test]
fn what_is_no_section_is_refused() {
    for words in [&[][..], &[0][..]] {
        let error = Segment::heap(words.to_vec()).unwrap_err();
        assert!(matches!(error, SegmentError::Length { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    let mut wrong = TWO_TAGS;
    for (frame, segments, words) in
        [(11 << 32, 1, 11), (9 << 32, 1, 9), ((10 << 32) | 1, 2, 10), (0xFFFF_FFFF, 0x1_0000_0000, 0)]
    {
        wrong[0] = frame;
        let error = Segment::heap(wrong.to_vec()).unwrap_err();
        let SegmentError::Frame { segments: found, words: found_words, expected_words: 10 } = error else {
            panic!("{error}")
        };
        assert_eq!((found, found_words), (segments, words));
        assert!(Segment::mapped(file_of(&wrong)).is_err());
    }
    assert!(Segment::mapped(tempfile::tempfile().unwrap()).is_err(), "an empty file");
}

#[test]
fn a_half_word_is_no_section() {
    let mut buffer = buffer_of(&TWO_TAGS, 1000);
    buffer.write_all(b"abc").unwrap();
    assert_eq!(buffer.len_bytes(), 91);
    assert!(matches!(buffer.into_segment(), Err(SegmentError::Length { bytes: 91 })));
    let mut file = file_of(&TWO_TAGS);
    file.write_all(b"abc").unwrap();
    assert!(matches!(Segment::mapped(file), Err(SegmentError::Length { bytes: 91 })));
}

#[test]
fn a_heap_buffer_takes_no_more_than_its_capacity() {
    for capacity in [TWO_TAGS.len() as u64 * 8, MAPPED_BYTES as u64] {
        let mut buffer = HeapBuffer::new(capacity).unwrap();
        let written = std::io::copy(&mut std::io::repeat(0).take(capacity), &mut buffer).unwrap();
        assert_eq!(written, capacity);
        assert_eq!(buffer.write(b"x").unwrap(), 0);
    }
    assert!(matches!(HeapBuffer::new(1 << 62), Err(SegmentError::Memory { .. })));
}

#[test]
fn pointers_out_of_the_message_are_errors() {
    for (at, word) in [
        (1, (5 << 2) | (1 << 48) | (9 << 32)), // the root struct passes the end
        (1, u64::from((-3_i32).cast_unsigned() << 2) | (1 << 48)), // the root struct lies before the start
        (2, (4 << 35) | (7 << 32) | (6 << 2) | 1), // the list passes the end
        (2, (4 << 35) | (7 << 32) | ((0x1FFF_FFFF) << 2) | 1), // as far forward as pointers go
        (2, (4 << 35) | (7 << 32) | ((0x2000_0000) << 2) | 1), // as far back
        (2, (0x1FFF_FFFF << 35) | (7 << 32) | 1), // as many words as there are
        (2, 2),                                // a far pointer within segment 0, to the root: a struct
        (2, (1 << 32) | 2),                    // a far pointer to segment 1
        (2, 6 | (9 << 3)),                     // a double far pointer: its pad passes the end
        (3, (2 << 48) | (3 << 2)),             // more elements than words
        (3, 1),                                // a tag that is no struct
    ] {
        let mut wrong = TWO_TAGS;
        wrong[at] = word;
        let segment = Segment::heap(wrong.to_vec()).unwrap();
        assert!(RecordList::new(Arc::new(segment), 0).is_err(), "word {at} = {word:#x}");
    }
    let mut wrong = TWO_TAGS;
    wrong[4] = (2 << 35) | (2 << 32) | (6 << 2) | 1;
    let segment = Segment::heap(wrong.to_vec()).unwrap();
    let list = RecordList::new(Arc::new(segment), 0).unwrap();
    assert!(list.get::<tag::Owned>(0).unwrap().get_key().is_err(), "a text past the end");
}

#[test]
fn the_arena_allows_addresses_of_the_message_only() {
    let segment = two_tags();
    let start = segment.message_bytes().as_ptr();
    let end = start.wrapping_add(80);
    let offset = |from: *const u8, words: i32| {
        // SAFETY: the address that comes back is compared, never read.
        unsafe { segment.check_offset(0, from, words) }
    };
    assert_eq!(offset(start, 10).unwrap(), end);
    assert_eq!(offset(end, -10).unwrap(), start);
    for (from, words) in
        [(start, 11), (start, -1), (end, 1), (end, -11), (start, i32::MAX), (start, i32::MIN)]
    {
        assert!(offset(from, words).is_err(), "{words}");
    }
    assert!(segment.contains_interval(0, start, 10).is_ok() && segment.contains_interval(0, end, 0).is_ok());
    for (from, words) in [
        (start, 11),
        (end, 1),
        (start.wrapping_sub(8), 1),
        (end.wrapping_add(8), 0),
        (start, usize::MAX / 8 + 1),
    ] {
        assert!(segment.contains_interval(0, from, words).is_err(), "{words}");
    }
    assert!(segment.get_segment(1).is_err() && segment.contains_interval(1, start, 1).is_err());
}

/// A chain of `depth` single-pointer structs below the root struct's list of one record.
fn nested(depth: u32) -> Segment {
    let mut words = vec![0, 1 << 48, (1 << 35) | (7 << 32) | 1, (1 << 48) | (1 << 2)];
    words.extend((0..depth).map(|_| 1_u64 << 48));
    words.push(0);
    words[0] = (words.len() as u64 - 1) << 32;
    Segment::heap(words).unwrap()
}

/// Follows first pointers as nested structs.
fn depth_of(mut record: StructReader<'_>) -> capnp::Result<u32> {
    let mut depth = 0;
    while !record.is_pointer_field_null(0) {
        record = record.get_pointer_field(0).get_struct(None)?;
        depth += 1;
    }
    Ok(depth)
}

#[test]
fn records_nest_sixty_deep_and_cycles_end() {
    let segment = nested(60);
    let list = RecordList::new(Arc::new(segment), 0).unwrap();
    let record = list.get::<AnyRecord>(0).unwrap().into_internal_struct_reader();
    assert_eq!(depth_of(record).unwrap(), 60);
    let cycle = vec![
        4 << 32,
        1 << 48,
        (1 << 35) | (7 << 32) | 1,
        (1 << 48) | (1 << 2),
        (1 << 48) | (0x3FFF_FFFF << 2),
    ];
    let cycle = RecordList::new(Arc::new(Segment::heap(cycle).unwrap()), 0).unwrap();
    let record = cycle.get::<AnyRecord>(0).unwrap().into_internal_struct_reader();
    assert!(depth_of(record).is_err());
}

#[test]
fn a_list_in_a_field_that_holds_no_list_of_structs_is_refused() {
    let bits = vec![3 << 32, 1 << 48, (8 << 35) | (1 << 32) | 1, 0xFF];
    assert!(RecordList::new(Arc::new(Segment::heap(bits).unwrap()), 0).is_err());
}

#[test]
fn touching_reads_every_page() {
    touch(&[]);
    touch(&vec![1; 5 * PAGE_BYTES / WORD_BYTES + 3]);
}

#[test]
fn mapped_words_are_whole_words() {
    assert_eq!(MappedWords::of_file(&file_of(&[1, 2, 3])).unwrap().words(), [1, 2, 3]);
    let mut file = file_of(&[1]);
    file.write_all(b"x").unwrap();
    assert!(MappedWords::of_file(&file).is_err());
}

proptest! {
    /// Any word changed to anything: readers give values or errors, never a panic, never a read out of bounds.
    #[test]
    fn wrong_bytes_never_lead_out_of_the_message(
        changes in proptest::collection::vec((1_usize..11, any::<u64>(), 0_u32..64), 1..4),
        bits: bool,
    ) {
        let mut words = TWO_TAGS;
        for (at, word, bit) in changes {
            words[at] = if bits { words[at] ^ (1 << bit) } else { word };
        }
        let segment = Arc::new(Segment::heap(words.to_vec()).unwrap());
        let within = segment.message_bytes().as_ptr_range();
        let list = RecordList::new(Arc::clone(&segment), 0);
        for row in 0..3 {
            let Some(record) = list.as_ref().ok().and_then(|list| list.get::<tag::Owned>(row)) else { continue };
            for text in [record.get_key(), record.get_value()].into_iter().flatten().filter(|text| !text.is_empty()) {
                let found = text.as_bytes().as_ptr_range();
                prop_assert!(within.start <= found.start && found.end <= within.end);
            }
        }
    }
}
