//! Lookups one after the other, as a measurement does them.

use std::hint::black_box;

/// Sums what `look` finds for each key; with `depend` the next key is known only when the last answer is there.
#[inline(always)]
#[must_use]
pub fn sum_of_answers(keys: &[u32], depend: bool, mut look: impl FnMut(u32) -> u64) -> u64 {
    let (mut sum, mut last) = (0u64, 0);
    for key in keys {
        // No answer has its highest bit set, which neither the compiler nor the processor knows.
        let known_late = if depend { (black_box(last) >> 63) as u32 } else { 0 };
        last = look(key ^ known_late);
        sum = sum.wrapping_add(last);
    }
    sum
}
