//! How the records of a type are split: by the first bits of their key hashes.

use rayon::prelude::*;

use crate::identifiers::KeyHash;

/// Bytes of records that a shard is meant to hold: of their rows and of all that these lead to.
pub const SHARD_BYTES: u64 = 32 << 20;
/// Bytes beyond which a shard is split further.
const SHARD_BYTES_MAX: u64 = 1 << 30;
/// Slots beyond which a shard is split further.
const SHARD_RECORDS_MAX: u64 = (1 << 25) - (1 << 20);
/// How often a skewed type is split beyond its plain number of shards.
const EXTRA_BITS: u32 = 4;
/// Records that are counted in parallel to others: a count takes 64 KiB, so it must be worth them.
const RECORDS_AT_ONCE: usize = 1 << 14;
/// No type is split further than by so many bits: 4096 shards of the usual size hold 128 GiB, beyond that they grow.
const FINEST_BITS: u32 = 12;

/// How the records of a type are split in one snapshot: by the first bits of their key hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharding {
    bits: u32,
}

impl Sharding {
    /// For `records` as (key hash, bytes); see [`ShardSizes::choose`].
    pub fn choose(records: impl IndexedParallelIterator<Item = (KeyHash, u64)>) -> Self {
        let add = |mut sizes: ShardSizes, (hash, bytes)| {
            sizes.add(hash, bytes);
            sizes
        };
        let sizes = records.with_min_len(RECORDS_AT_ONCE).fold(ShardSizes::new, add);
        sizes.reduce(ShardSizes::new, |left, right| left.plus(&right)).choose()
    }

    /// A sharding into `shards` parts; `None` unless that is a power of two.
    #[must_use]
    pub fn of_parts(shards: u32) -> Option<Self> {
        shards.is_power_of_two().then(|| Self { bits: shards.trailing_zeros() })
    }

    /// How many shards there are: a power of two.
    #[must_use]
    pub fn shards(self) -> u32 {
        1 << self.bits
    }

    /// The shard that `hash` belongs to.
    #[inline]
    #[must_use]
    pub fn shard(self, hash: KeyHash) -> u32 {
        ((hash.0 >> 32) << self.bits >> 32) as u32
    }

    /// Which of `sorted`, items by ascending hash, belong to `shard`.
    pub fn range<T>(self, sorted: &[T], shard: u32, hash: impl Fn(&T) -> KeyHash) -> std::ops::Range<usize> {
        let begin = sorted.partition_point(|item| self.shard(hash(item)) < shard);
        let length = sorted[begin..].partition_point(|item| self.shard(hash(item)) == shard);
        begin..begin + length
    }

    /// The shards of this sharding that share hashes with `shard` of `other`.
    #[must_use]
    pub fn overlapping(self, other: Self, shard: u32) -> std::ops::Range<u32> {
        if self.bits <= other.bits {
            let at = shard >> (other.bits - self.bits);
            return at..at + 1;
        }
        let finer = self.bits - other.bits;
        shard << finer..(shard + 1) << finer
    }
}

/// How many records lie where, and of how many bytes: what a sharding is chosen by. Takes 64 KiB, whatever the number of records.
#[derive(Clone, Debug)]
pub struct ShardSizes {
    /// Records and bytes of each part of the finest sharding.
    parts: Vec<(u64, u64)>,
}

impl ShardSizes {
    /// No records.
    #[must_use]
    pub fn new() -> Self {
        Self { parts: vec![(0, 0); 1 << FINEST_BITS] }
    }

    /// Counts a record that takes `bytes` bytes.
    pub fn add(&mut self, hash: KeyHash, bytes: u64) {
        let finest = Sharding { bits: FINEST_BITS };
        let part = &mut self.parts[finest.shard(hash) as usize];
        *part = (part.0 + 1, part.1 + bytes);
    }

    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (part, other) in self.parts.iter_mut().zip(&other.parts) {
            *part = (part.0 + other.0, part.1 + other.1);
        }
        self
    }

    /// As many shards of about [`SHARD_BYTES`] as the sum of the bytes asks for, split up to 16 times further while one is too large for its
    /// list.
    #[must_use]
    pub fn choose(&self) -> Sharding {
        let total: u64 = self.parts.iter().map(|(_, bytes)| bytes).sum();
        let plain = total.div_ceil(SHARD_BYTES).max(1).next_power_of_two().trailing_zeros();
        let finest = (plain + EXTRA_BITS).min(FINEST_BITS);
        let bits = (plain.min(finest)..finest).find(|bits| self.fits(*bits)).unwrap_or(finest);
        Sharding { bits }
    }

    fn fits(&self, bits: u32) -> bool {
        self.parts.chunks(1 << (FINEST_BITS - bits)).all(|shard| {
            let (count, bytes) = shard.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
            count <= SHARD_RECORDS_MAX && bytes <= SHARD_BYTES_MAX
        })
    }
}

impl Default for ShardSizes {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: u64 = 1 << 20;

    /// A record under a hash that begins with `first`.
    fn hash(first: u16) -> KeyHash {
        KeyHash(u64::from(first) << 48 | 0xABCD)
    }

    #[test]
    fn as_many_shards_as_the_bytes_ask_for() {
        let even = |mebibytes: u32| {
            Sharding::choose(
                (0..mebibytes).into_par_iter().map(|at| (hash((at * 65_536 / mebibytes) as u16), MEBIBYTE)),
            )
        };
        assert_eq!(Sharding::choose(rayon::iter::empty()).shards(), 1);
        assert_eq!(
            [even(32).shards(), even(33).shards(), even(64).shards(), even(65).shards()],
            [1, 2, 2, 4]
        );
    }

    #[test]
    fn a_shard_that_is_too_large_is_split_at_most_sixteen_times_further() {
        let skewed = [(hash(0), 900 * MEBIBYTE), (hash(0x0100), 900 * MEBIBYTE)];
        assert_eq!(
            Sharding::choose(skewed.into_par_iter()).shards(),
            256,
            "1800 MiB ask for 64, 256 tell them apart"
        );
        let inseparable = [(hash(0), 2048 * MEBIBYTE)];
        assert_eq!(Sharding::choose(inseparable.into_par_iter()).shards(), 64 * 16);
        let beyond = [(hash(0), 1 << 50)];
        assert_eq!(Sharding::choose(beyond.into_par_iter()).shards(), 4096);
    }

    #[test]
    fn sizes_add_up() {
        let (mut left, mut right) = (ShardSizes::new(), ShardSizes::new());
        left.add(hash(1), 20 * MEBIBYTE);
        right.add(hash(0xF000), 20 * MEBIBYTE);
        assert_eq!([left.choose().shards(), right.choose().shards()], [1, 1]);
        assert_eq!(left.plus(&right).choose().shards(), 2);
    }

    #[test]
    fn shards_overlap_where_they_share_hashes() {
        let [four, sixteen] = [4, 16].map(|shards| Sharding::of_parts(shards).unwrap());
        for first in 0..=u16::MAX {
            let (coarse, fine) = (four.shard(hash(first)), sixteen.shard(hash(first)));
            assert!(four.overlapping(sixteen, fine) == (coarse..coarse + 1));
            assert!(sixteen.overlapping(four, coarse).contains(&fine));
        }
        assert_eq!(sixteen.overlapping(four, 3), 12..16);
        assert_eq!(four.overlapping(four, 2), 2..3);
    }

    #[test]
    fn a_range_is_of_one_shard() {
        let hashes: Vec<KeyHash> = (0..1000).map(|at| hash(at * 65)).collect();
        let sharding = Sharding::of_parts(8).unwrap();
        let shards: Vec<_> = (0..8).map(|shard| sharding.range(&hashes, shard, |hash| *hash)).collect();
        let all: Vec<usize> = shards.iter().cloned().flatten().collect();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        for (shard, range) in (0..).zip(shards) {
            assert!(hashes[range].iter().all(|hash| sharding.shard(*hash) == shard));
        }
    }
}
