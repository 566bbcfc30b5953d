//! From rows to canonical messages, without a schema.
//!
//! A row has the width that its segment has, and its pointers lead to canonical subtrees anywhere in the segment, shared
//! with other rows or not. A canonical message is as wide as its last value and has its subtrees behind it. So one is made
//! of the other by cutting zeros and by moving subtrees as whole runs of words: at the speed of `memcpy`, and exact to
//! the bit, since the subtrees stay as they are. Fields that this program does not know survive (semantics 25). The way back is
//! [`record_parts`](super::record_parts).

use super::limits::MAX_RECORD_WORDS;
use super::measure::without_zeros;
use super::pointer::{EMPTY_STRUCT, struct_pointer};
use super::subtree::{Child, subtree};
use super::{StructReader, WireError};

/// Appends the canonical message of `row` to `out`: root pointer word first, words counted from it. It is what
/// [`CopyPlans::copy`](super::CopyPlans::copy) made before the record was laid out as a row. On an error `out` is as it was.
pub fn gather(row: StructReader<'_>, out: &mut Vec<u64>) -> Result<(), WireError> {
    let base = out.len();
    let result = append(row, base, out);
    if result.is_err() {
        out.truncate(base);
    }
    result
}

fn append(row: StructReader<'_>, base: usize, out: &mut Vec<u64>) -> Result<(), WireError> {
    let data = without_zeros(row.data_section());
    let pointers = without_zeros(row.pointer_section());
    out.push(root_pointer(data, pointers));
    out.extend_from_slice(data);
    let first_pointer = out.len();
    out.resize(first_pointer + pointers.len(), 0);
    for index in 0..pointers.len() {
        let word = row.pointer_at(index as u32);
        match subtree(row.segment(), word)? {
            Child::Null => {}
            Child::EmptyStruct => out[first_pointer + index] = EMPTY_STRUCT,
            Child::Subtree(subtree) => {
                let (at, start) = ((first_pointer + index - base) as u32, out.len() - base);
                let end = (start + subtree.words().len()) as u64;
                if end > MAX_RECORD_WORDS {
                    return Err(WireError::TooLarge { word, found: end, limit: MAX_RECORD_WORDS });
                }
                out[first_pointer + index] = subtree.pointer_from(at, start as u32);
                out.extend_from_slice(subtree.words());
            }
        }
    }
    Ok(())
}

/// How many words lie behind the own ones of `row`: those of its subtrees. Reads its pointers and the last ones of each subtree.
pub fn words_behind(row: StructReader<'_>) -> Result<u64, WireError> {
    let pointers = without_zeros(row.pointer_section());
    let words = |index| match subtree(row.segment(), row.pointer_at(index as u32))? {
        Child::Null | Child::EmptyStruct => Ok(0),
        Child::Subtree(subtree) => Ok(subtree.words().len() as u64),
    };
    (0..pointers.len()).map(words).sum()
}

/// Whether `row` and the canonical `message` are the same record: whether [`gather`] would give these very words, but
/// without a copy.
#[must_use]
pub fn row_equals(row: StructReader<'_>, message: &[u64]) -> bool {
    let data = without_zeros(row.data_section());
    let pointers = without_zeros(row.pointer_section());
    let first_pointer = 1 + data.len();
    let mut end = first_pointer + pointers.len();
    if message.len() < end || message[0] != root_pointer(data, pointers) || message[1..first_pointer] != *data
    {
        return false;
    }
    for (index, pointer) in message[first_pointer..end].iter().enumerate() {
        let expected = match subtree(row.segment(), row.pointer_at(index as u32)) {
            Err(_) => return false,
            Ok(Child::Null) => 0,
            Ok(Child::EmptyStruct) => EMPTY_STRUCT,
            Ok(Child::Subtree(subtree)) => {
                let start = end;
                end += subtree.words().len();
                if message.get(start..end) != Some(subtree.words()) {
                    return false;
                }
                subtree.pointer_from((first_pointer + index) as u32, start as u32)
            }
        };
        if *pointer != expected {
            return false;
        }
    }
    end == message.len()
}

/// The root pointer of a message with these sections.
fn root_pointer(data: &[u64], pointers: &[u64]) -> u64 {
    match struct_pointer(data.len() as u16, pointers.len() as u16) {
        0 => EMPTY_STRUCT,
        sized => sized,
    }
}
