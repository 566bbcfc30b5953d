//! A perfect hash: a small function that gives every key of a shard a slot of its own.
//!
//! A table that finds rows stores something for each key and is read once more per lookup. A perfect hash stores 2.7
//! bits a key, which stay in the cache, and *computes* the row: the one cache miss of a lookup is the row itself. The
//! price: it answers for any hash, also for keys it was not built from, so whoever looks up compares the row's key; and
//! a new key means a new function.
//!
//! # Evaluation
//!
//! A function is a constant, a number of slots, and one byte, the *pilot*, for each bucket of about three keys. This is
//! all of it, for readers in any language (here Python; a hash is 64 bits, as is everything masked with `W`):
//!
//! ```python
//! M, W = 0x9E3779B97F4A7C15, 2**64 - 1
//! def mix(hash, constant):
//!     x = (hash ^ constant) * M & W
//!     return (x ^ x >> 32) * M & W
//! def slot(hash, constant, slots, pilots):
//!     if slots == 0: return None                               # nothing to find
//!     g = mix(hash, constant)
//!     pilot = pilots[(g >> 32) * len(pilots) >> 32]            # the bucket, from the upper half
//!     turned = (g ^ pilot * M) * M & W                         # g, mixed with the pilot
//!     return (turned >> 32) * slots >> 32
//! ```
//!
//! n keys have n + ⌈n/64⌉ slots, at most 2^25, and ⌈slots/3⌉ pilots; no keys have neither. [`PerfectHashRef`] evaluates
//! over borrowed bytes; any bytes are safe, wrong ones give wrong slots, never a panic.
//!
//! # Construction
//!
//! [`PerfectHash::build`] groups the keys by bucket and places the buckets one by one, largest first while room is
//! plenty: it takes the first of 256 pilots whose slots are all free. Near the end there is often none; then it takes
//! the pilot that displaces least, and the displaced buckets look for new slots, as in a cuckoo hash table. One key in
//! 170 or so is displaced on the way. Should a constant fail, the next of eight is tried. There is no randomness: the
//! same set of hashes, in any order, gives the same function.
//!
//! # Choices
//!
//! - *Two multiplications before the bucket.* After one, hashes that count upwards fill all buckets evenly, no bucket of
//!   a single key is left for the end, and construction fails. With two, sequences, and hashes that differ in their
//!   upper or lower bits only, build like random ones.
//! - *The slot from all 64 bits of g.* From 32 alone, two keys of a bucket would agree in 1 % of the largest shards, and
//!   no pilot could part them.
//! - *Buckets of even size on average.* Bucket functions that make some buckets larger on purpose save 15 % of the
//!   pilots or a quarter of the construction, for one more multiplication in every lookup.
//!
//! The family is that of `PTHash` (Pibiri and Trani, 2021) and of `PtrHash` (Groot Koerkamp, "`PtrHash`: Minimal Perfect
//! Hashing at RAM Throughput", 2025), from which 8-bit pilots and displacement come.

mod buckets;
mod build;
mod function;
mod placement;
#[cfg(test)]
mod tests;

pub use build::{BuildError, MAXIMUM_KEYS};
pub use function::{FunctionError, MAXIMUM_SLOTS, PerfectHash, PerfectHashRef};
