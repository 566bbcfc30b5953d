//! Evaluation: from a hash to its slot.

use crate::error::{Classify, ErrorKind};

/// Most slots of one function, and so of one shard: its rows are one Cap'n Proto list, whose counts have 29 bits and
/// whose pointers reach 4 GiB.
pub const MAXIMUM_SLOTS: u32 = 1 << 25;

/// Slots for each pilot: 2.7 bits a key. With fewer pilots construction takes longer, with a quarter fewer it fails.
const SLOTS_A_PILOT: u32 = 3;

/// Odd, and without a pattern in its bits: 2^64 divided by the golden ratio.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A perfect hash that owns its pilots, as [`PerfectHash::build`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerfectHash {
    constant: u64,
    slots: u32,
    pilots: Vec<u8>,
}

impl PerfectHash {
    /// A function of pilots that were made for it.
    pub(super) fn of_parts(constant: u64, slots: u32, pilots: Vec<u8>) -> Self {
        assert_eq!(
            pilots.len() as u64,
            u64::from(pilots_for(slots)),
            "a function has a pilot for each bucket"
        );
        Self { constant, slots, pilots }
    }

    /// What every hash is mixed with.
    #[must_use]
    pub fn constant(&self) -> u64 {
        self.constant
    }

    /// Number of slots: n + ⌈n/64⌉ for n keys.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// One byte for each bucket.
    #[must_use]
    pub fn pilots(&self) -> &[u8] {
        &self.pilots
    }

    /// The function, for evaluation.
    #[must_use]
    pub fn function(&self) -> PerfectHashRef<'_> {
        PerfectHashRef { constant: self.constant, slots: self.slots, pilots: &self.pilots }
    }
}

/// A perfect hash over borrowed pilots, for instance mapped ones.
#[derive(Clone, Copy, Debug)]
pub struct PerfectHashRef<'a> {
    constant: u64,
    slots: u32,
    pilots: &'a [u8],
}

impl<'a> PerfectHashRef<'a> {
    /// The function of these parts. Checks their sizes in O(1); that the slots are those of the keys shows only when
    /// the rows are checked against them.
    pub fn new(constant: u64, slots: u32, pilots: &'a [u8]) -> Result<Self, FunctionError> {
        if slots > MAXIMUM_SLOTS {
            return Err(FunctionError::TooManySlots { found: slots, limit: MAXIMUM_SLOTS });
        }
        let (expected, found) = (pilots_for(slots), pilots.len() as u64);
        if found != u64::from(expected) {
            return Err(FunctionError::PilotCount { slots, expected, found });
        }
        Ok(Self { constant, slots, pilots })
    }

    /// The function of parts that [`new`](Self::new) accepted before.
    #[inline]
    pub(crate) fn again(constant: u64, slots: u32, pilots: &'a [u8]) -> Self {
        Self { constant, slots, pilots }
    }

    /// Number of slots; 0 for a function of no keys, by which every lookup misses.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The slot of `hash`: its own if the function was built with it, otherwise that of some other hash or of none.
    ///
    /// Always less than [`slots`](Self::slots), unless that is 0: then the result is 0 and means nothing. Costs one
    /// read of a pilot and six multiplications.
    #[inline]
    #[must_use]
    pub fn slot(&self, hash: u64) -> u32 {
        let mixed = mix(hash, self.constant);
        let bucket = bucket_of(mixed, self.pilots.len() as u32);
        let pilot = self.pilots.get(bucket as usize).copied().unwrap_or_default();
        slot_of(mixed, pilot, self.slots)
    }
}

/// How many slots a function of `keys` keys has. One in 64 stays empty, without which the last keys find no place.
pub(super) fn slots_for(keys: u32) -> u32 {
    keys + keys.div_ceil(64)
}

/// How many pilots a function of `slots` slots has.
pub(super) fn pilots_for(slots: u32) -> u32 {
    slots.div_ceil(SLOTS_A_PILOT)
}

/// Spreads `hash` over 64 bits, one to one for a given constant.
#[inline]
pub(super) fn mix(hash: u64, constant: u64) -> u64 {
    let product = (hash ^ constant).wrapping_mul(MULTIPLIER);
    (product ^ (product >> 32)).wrapping_mul(MULTIPLIER)
}

/// The bucket, among `buckets`, of a mixed hash. It rises with the mixed hash.
#[inline]
pub(super) fn bucket_of(mixed: u64, buckets: u32) -> u32 {
    reduce(mixed, buckets)
}

/// The slot, among `slots`, of a mixed hash under the pilot of its bucket.
#[inline]
pub(super) fn slot_of(mixed: u64, pilot: u8, slots: u32) -> u32 {
    let turned = (mixed ^ u64::from(pilot).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    reduce(turned, slots)
}

/// Maps the upper 32 bits evenly to less than `n`, or to 0 if `n` is 0.
#[inline]
fn reduce(bits: u64, n: u32) -> u32 {
    (((bits >> 32) * u64::from(n)) >> 32) as u32
}

/// Parts that are no perfect hash.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionError {
    /// More slots than a shard may have.
    #[error(
        "a perfect hash of {found} slots is too large, at most {limit} are allowed: fetch its section again"
    )]
    TooManySlots {
        /// Slots it says it has.
        found: u32,
        /// Most it may have.
        limit: u32,
    },
    /// Pilots and slots do not belong together.
    #[error(
        "a perfect hash of {slots} slots has {found} pilots in place of {expected}: fetch its section again"
    )]
    PilotCount {
        /// Slots it says it has.
        slots: u32,
        /// Pilots that so many slots have.
        expected: u32,
        /// Pilots it came with.
        found: u64,
    },
}

impl Classify for FunctionError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
