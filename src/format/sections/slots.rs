//! The bits of a base's slots, as a state directory keeps them; no blob has them.

use super::message::{SectionBuilder, SectionError, SectionReader, inconsistent};
use crate::segment::Words;

const BITS: u16 = 0;

/// Writes `Slots { bits @0 :List(UInt64); }`, framed: two bits for each slot, the lowest first. Cost: a copy.
pub fn write_slots(bits: impl ExactSizeIterator<Item = u64>) -> Result<Words, SectionError> {
    let mut section = SectionBuilder::new(&[], 1, bits.len());
    section.u64_list(BITS, bits)?;
    Ok(section.finish())
}

/// The bits of so many `slots` in the slots section whose message is `words`.
pub fn slots_bits(words: &[u64], slots: u64) -> Result<&[u64], SectionError> {
    let bits = SectionReader::new(words)?.u64_list(BITS)?.words;
    let expected = (2 * slots).div_ceil(64);
    if bits.len() as u64 != expected {
        return Err(inconsistent("words of slot bits", expected, bits.len()));
    }
    if !slots.is_multiple_of(32) && bits.last().is_some_and(|last| last >> (2 * slots % 64) != 0) {
        return Err(inconsistent("slot bits beyond the last slot", "clear", "set"));
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_were_written() {
        for (slots, bits) in [(0, &[][..]), (1, &[3]), (32, &[u64::MAX]), (33, &[1, 2]), (64, &[0, 1 << 63])]
        {
            let framed = write_slots(bits.iter().copied()).unwrap();
            assert_eq!(slots_bits(&framed[1..], slots).unwrap(), bits);
        }
    }

    #[test]
    fn bits_of_other_slots_are_refused() {
        for (slots, bits) in [(0, &[0][..]), (1, &[4]), (33, &[0]), (33, &[0, 4]), (64, &[0; 3])] {
            let framed = write_slots(bits.iter().copied()).unwrap();
            let error = slots_bits(&framed[1..], slots).unwrap_err();
            assert!(matches!(error, SectionError::Inconsistent { .. }), "{error}");
        }
    }
}
