//! Whether two values are equal, wherever they lie and without a schema.
//!
//! Both are parts of canonical records, as states hold them. So what pointers lead to is compared as runs of words, and
//! only the widths of structs may differ: what one of them has beyond the other is zero (keeps semantics 30: null and
//! empty differ).

use super::measure::without_zeros;
use super::subtree::subtree;
use super::{ElementSize, ListReader, StructReader, WireError};

/// Whether two structs of one type are equal. Costs a comparison of their words.
pub(crate) fn structs_equal(one: StructReader<'_>, other: StructReader<'_>) -> Result<bool, WireError> {
    let [one_pointers, other_pointers] = [one, other].map(|is| without_zeros(is.pointer_section()).len());
    if one_pointers != other_pointers
        || without_zeros(one.data_section()) != without_zeros(other.data_section())
    {
        return Ok(false);
    }
    for index in 0..one_pointers as u32 {
        if !pointees_equal([one.segment(), other.segment()], [one, other].map(|is| is.pointer_at(index)))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two lists of one type are equal, element by element. Costs a comparison of their words.
pub(crate) fn lists_equal(one: ListReader<'_>, other: ListReader<'_>) -> Result<bool, WireError> {
    let other = other.expect(one.element())?;
    if one.len() != other.len() {
        return Ok(false);
    }
    let equal = |index| match one.element() {
        ElementSize::Composite { .. } => structs_equal(one.structure(index)?, other.structure(index)?),
        _ => pointees_equal([one.segment(), other.segment()], [one, other].map(|is| is.start() + index)),
    };
    match one.element() {
        ElementSize::Composite { .. } | ElementSize::Pointer => {
            for index in 0..one.len() {
                if !equal(index)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(one.words() == other.words()),
    }
}

/// Whether the pointers at these words lead to equal values.
fn pointees_equal(words: [&[u64]; 2], at: [u32; 2]) -> Result<bool, WireError> {
    Ok(subtree(words[0], at[0])? == subtree(words[1], at[1])?)
}
