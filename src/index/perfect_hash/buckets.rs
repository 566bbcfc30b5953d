//! The keys of a function under construction, bucket by bucket.

use super::function::{bucket_of, mix};

/// The mixed hashes of all keys, those of a bucket side by side and ascending, the largest bucket first.
///
/// A bucket is known by its *rank*, its place in that order, so that placing reads keys and ranks front to back and
/// only a displacement jumps. Holds 8 bytes a key and 8 a bucket, twice as much while it is made. Depends on the set of
/// hashes alone, not on their order.
pub(super) struct Buckets {
    /// Mixed hashes, by rank.
    mixed: Vec<u64>,
    /// Where the keys of each rank begin, and behind the last rank the number of keys.
    starts: Vec<u32>,
    /// The bucket of each rank.
    numbers: Vec<u32>,
}

impl Buckets {
    /// Groups `hashes`, at most 2^32 - 1, into `count` buckets under `constant`.
    pub(super) fn group(hashes: &[u64], constant: u64, count: u32) -> Self {
        let near = nearly_sorted(hashes, constant);
        let mut cursors = vec![0; count as usize];
        for &key in &near {
            cursors[bucket_of(key, count) as usize] += 1;
        }
        let numbers = largest_first(&cursors);
        let starts = replace_sizes_by_starts(&mut cursors, &numbers);
        let mut mixed = vec![0; near.len()];
        for &key in &near {
            let cursor = &mut cursors[bucket_of(key, count) as usize];
            mixed[*cursor as usize] = key;
            *cursor += 1;
        }
        for range in starts.windows(2) {
            mixed[range[0] as usize..range[1] as usize].sort_unstable();
        }
        Self { mixed, starts, numbers }
    }

    /// Number of buckets, empty ones included.
    pub(super) fn count(&self) -> u32 {
        self.numbers.len() as u32
    }

    /// Number of keys in all buckets.
    pub(super) fn keys_in_all(&self) -> u32 {
        self.mixed.len() as u32
    }

    /// Number of keys in the bucket of `rank`.
    pub(super) fn size(&self, rank: u32) -> u32 {
        self.starts[rank as usize + 1] - self.starts[rank as usize]
    }

    /// The mixed hashes in the bucket of `rank`, ascending.
    pub(super) fn keys(&self, rank: u32) -> &[u64] {
        let rank = rank as usize;
        &self.mixed[self.starts[rank] as usize..self.starts[rank + 1] as usize]
    }

    /// The bucket of each rank.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// A mixed hash that occurs more than once. Equal hashes are neighbours: they share a bucket, and buckets are
    /// sorted.
    pub(super) fn duplicate(&self) -> Option<u64> {
        self.mixed.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

/// The mixed hashes in ascending order of their first byte: a pass that writes to 256 places at a time, after which
/// grouping stays within the cache. Without it, grouping five million keys takes six times as long.
fn nearly_sorted(hashes: &[u64], constant: u64) -> Vec<u64> {
    let first_byte = |key: u64| (key >> 56) as usize;
    let mut cursors = [0; 256];
    for &hash in hashes {
        cursors[first_byte(mix(hash, constant))] += 1;
    }
    replace_by_sums_before(&mut cursors);
    let mut mixed = vec![0; hashes.len()];
    for &hash in hashes {
        let key = mix(hash, constant);
        let cursor: &mut u32 = &mut cursors[first_byte(key)];
        mixed[*cursor as usize] = key;
        *cursor += 1;
    }
    mixed
}

/// Bucket numbers by falling size, those of equal size ascending.
fn largest_first(sizes: &[u32]) -> Vec<u32> {
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let mut cursors = vec![0; largest as usize + 1];
    for &size in sizes {
        cursors[(largest - size) as usize] += 1;
    }
    replace_by_sums_before(&mut cursors);
    let mut numbers = vec![0; sizes.len()];
    for (number, &size) in sizes.iter().enumerate() {
        let cursor = &mut cursors[(largest - size) as usize];
        numbers[*cursor as usize] = number as u32;
        *cursor += 1;
    }
    numbers
}

/// Replaces each bucket's size by the place of its first key, with buckets in the order of `numbers`; returns these
/// places in that order, and the number of keys behind them.
fn replace_sizes_by_starts(sizes: &mut [u32], numbers: &[u32]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(numbers.len() + 1);
    let mut before = 0;
    for &number in numbers {
        starts.push(before);
        before += std::mem::replace(&mut sizes[number as usize], before);
    }
    starts.push(before);
    starts
}

/// Replaces each count by the sum of those before it.
fn replace_by_sums_before(counts: &mut [u32]) {
    let mut before = 0;
    for count in counts {
        before += std::mem::replace(count, before);
    }
}
