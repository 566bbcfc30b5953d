//! A shard of a snapshot: its rows in the order of a perfect hash of their keys, and that function.

use std::ops::Range;

use super::message::{SectionBuilder, SectionError, SectionReader, inconsistent};
use super::rows::{RowList, RowWidth, RowWriter};
use crate::identifiers::KeyHash;
use crate::index::perfect_hash::{BuildError, PerfectHash, PerfectHashRef};
use crate::segment::Words;

const ROWS_RECORDS: u16 = 0;
const ROWS_POPULATED: u16 = 1;
const KEYS_PILOTS: u16 = 0;
const KEYS_CONSTANT: u32 = 0;
const KEYS_SLOTS: u32 = 1;

/// The two sections of a shard, framed.
#[derive(Debug)]
pub struct ShardSections {
    /// `MovieRows { records @0 :List(Movie); populated @1 :Data; }`
    pub rows: Words,
    /// `Keys { pilots @0 :Data; constant @1 :UInt64; slots @2 :UInt32; }`
    pub keys: Words,
}

/// A shard that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// No perfect hash: two equal hashes, or none of the constants fits.
    #[error(transparent)]
    Keys(#[from] BuildError),
    /// The rows do not fit.
    #[error(transparent)]
    Rows(#[from] SectionError),
}

/// Writes the shard of the records whose key hashes are `hashes`.
///
/// `record(i, row)` puts the canonical message of the record of `hashes[i]` into its row. Cost: one perfect hash
/// (≤ 0.4 µs a key), then one copy of each record.
pub fn write_shard(
    width: RowWidth,
    hashes: &[KeyHash],
    expected_bytes: u64,
    mut record: impl FnMut(usize, &mut dyn FnMut(&[u64]) -> Result<(), SectionError>) -> Result<(), SectionError>,
) -> Result<ShardSections, ShardError> {
    let plain: Vec<u64> = hashes.iter().map(|hash| hash.0).collect();
    let function = PerfectHash::build(&plain)?;
    let slots = function.slots();
    let slot_of = function.function();
    let mut section = SectionBuilder::new(&[], 2, (expected_bytes / 8) as usize);
    let mut rows = RowWriter::new(&mut section, ROWS_RECORDS, slots, width)?;
    let mut populated = vec![0u8; slots.div_ceil(8) as usize];
    for (index, hash) in plain.iter().enumerate() {
        let slot = slot_of.slot(*hash);
        populated[slot as usize / 8] |= 1 << (slot % 8);
        record(index, &mut |message| rows.put(&mut section, slot, message))?;
    }
    fill_unused(&mut rows, &mut section, slots, &populated);
    section.data(ROWS_POPULATED, &populated)?;
    Ok(ShardSections { rows: section.finish(), keys: write_keys(&function)? })
}

/// Gives every unused slot a copy of some used one, so that a lookup need not ask whether a slot is used.
fn fill_unused(rows: &mut RowWriter, section: &mut SectionBuilder, slots: u32, populated: &[u8]) {
    let used = |slot: &u32| populated[*slot as usize / 8] >> (slot % 8) & 1 == 1;
    let Some(mut original) = (0..slots).find(used) else { return };
    for slot in 0..slots {
        if used(&slot) {
            original = slot;
        } else {
            rows.repeat(section, original, slot);
        }
    }
}

fn write_keys(function: &PerfectHash) -> Result<Words, SectionError> {
    let pilots = function.pilots();
    let mut section =
        SectionBuilder::new(&[function.constant(), u64::from(function.slots())], 1, pilots.len() / 8);
    section.data(KEYS_PILOTS, pilots)?;
    Ok(section.finish())
}

/// What a rows section holds, found and checked once when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct ShardRows {
    /// The rows, one a slot.
    pub rows: RowList,
    /// Which slots hold a record of their own.
    pub populated: Populated,
}

/// The bit for each slot that says whether it holds a record of its own, and not a copy of another's.
#[derive(Clone, Copy, Debug)]
pub struct Populated {
    /// Where the bits begin, in bytes of the message.
    at: usize,
    slots: u32,
}

impl ShardRows {
    /// Opens the rows section whose message is `words`.
    pub fn open(words: &[u64]) -> Result<Self, SectionError> {
        let section = SectionReader::new(words)?;
        let rows = section.rows(ROWS_RECORDS)?;
        let populated = section.data(ROWS_POPULATED)?;
        let expected = rows.len().div_ceil(8) as usize;
        if populated.bytes.len() != expected {
            return Err(inconsistent("bytes of populated bits", expected, populated.bytes.len()));
        }
        if rows.len() % 8 != 0 && populated.bytes.last().is_some_and(|last| last >> (rows.len() % 8) != 0) {
            return Err(inconsistent("populated bits beyond the last slot", "clear", "set"));
        }
        Ok(Self { rows, populated: Populated { at: populated.at, slots: rows.len() } })
    }
}

impl Populated {
    /// The bit of `slot` in the section whose message is `words`; clear beyond the last slot.
    #[must_use]
    pub fn get(&self, words: &[u64], slot: u32) -> bool {
        let bytes = bytemuck::cast_slice::<u64, u8>(words);
        slot < self.slots && bytes[self.at + slot as usize / 8] >> (slot % 8) & 1 == 1
    }

    /// How many bits are set.
    #[must_use]
    pub fn count(&self, words: &[u64]) -> u64 {
        let bytes = bytemuck::cast_slice::<u64, u8>(words);
        let bits = &bytes[self.at..self.at + self.slots.div_ceil(8) as usize];
        let (words, rest) = bits.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from(u64::from_le_bytes(*word).count_ones()));
        words.sum::<u64>() + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
    }
}

/// What a keys section holds, found and checked once when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct ShardKeys {
    constant: u64,
    slots: u32,
    pilots_at: usize,
    pilots: usize,
}

impl ShardKeys {
    /// Opens the keys section whose message is `words`.
    pub fn open(words: &[u64]) -> Result<Self, SectionError> {
        let section = SectionReader::new(words)?;
        let constant = section.data_word(KEYS_CONSTANT);
        let slots = section.data_word(KEYS_SLOTS) as u32;
        let pilots = section.data(KEYS_PILOTS)?;
        PerfectHashRef::new(constant, slots, pilots.bytes)
            .map_err(|error| inconsistent("perfect hash", "pilots that fit the slots", error))?;
        Ok(Self { constant, slots, pilots_at: pilots.at, pilots: pilots.bytes.len() })
    }

    /// Which bytes of the message are the pilots.
    #[must_use]
    pub fn pilots(&self) -> Range<usize> {
        self.pilots_at..self.pilots_at + self.pilots
    }

    /// The function of these keys, over their own `pilots`.
    #[inline]
    #[must_use]
    pub fn function<'a>(&self, pilots: &'a [u8]) -> PerfectHashRef<'a> {
        PerfectHashRef::again(self.constant, self.slots, pilots)
    }

    /// How many slots the function has.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }
}
