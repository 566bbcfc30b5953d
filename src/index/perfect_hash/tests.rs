use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::build::CONSTANTS;
use super::function::{bucket_of, mix, pilots_for, slots_for};
use super::*;
use crate::environment::{Random, SeededRandom};
use crate::error::{Classify, ErrorKind};

/// The first `count` outputs of splitmix64 seeded with `seed`.
fn stream(seed: u64, count: usize) -> Vec<u64> {
    let random = SeededRandom::new(seed);
    (0..count).map(|_| random.next_u64()).collect()
}

/// Builds, and checks that every hash has a slot of its own.
fn build(hashes: &[u64]) -> PerfectHash {
    let built = PerfectHash::build(hashes).unwrap();
    let function = PerfectHashRef::new(built.constant(), built.slots(), built.pilots()).unwrap();
    let mut taken = vec![false; function.slots() as usize];
    for &hash in hashes {
        let slot = function.slot(hash) as usize;
        assert!(!taken[slot], "slot {slot} of {} keys is shared", hashes.len());
        taken[slot] = true;
    }
    built
}

/// `count` hashes that fall into the bucket `wanted` of a function with `buckets` buckets under `constant`: mixing run
/// backwards over what begins like that bucket.
fn hashes_of_bucket(wanted: u32, buckets: u32, constant: u64, count: u64) -> Vec<u64> {
    let begin = ((u64::from(wanted) << 32).div_ceil(u64::from(buckets))) << 32;
    let hashes: Vec<_> = (begin..begin + count).map(|mixed| unmix(mixed, constant)).collect();
    for &hash in &hashes {
        assert_eq!(bucket_of(mix(hash, constant), buckets), wanted);
    }
    hashes
}

fn unmix(mixed: u64, constant: u64) -> u64 {
    /// Times the multiplier of mixing: 1, modulo 2^64.
    const INVERSE: u64 = 0xF1DE_83E1_9937_733D;
    let product = mixed.wrapping_mul(INVERSE);
    (product ^ (product >> 32)).wrapping_mul(INVERSE) ^ constant
}

/// Expected slots come from the Python of the module's documentation, run over the pilots whose hash is expected; for
/// one and two keys the pilot does, too: it is the first that parts them.
#[test]
fn functions_and_slots_are_the_golden_ones() {
    let golden: [(usize, u32, u64, &[u32], u64); 4] = [
        (0, 0, 0x2d06_8005_38d3_94c2, &[], 0),
        (1, 2, xxh3_64(&[0]), &[0], 0),
        (2, 3, xxh3_64(&[1]), &[2, 0], 2),
        (
            1_000_000,
            1_015_625,
            0x2c06_4e9e_6fd1_0a1f,
            &[759_369, 377_898, 542_484, 282_592],
            253_896_170_253_394_758,
        ),
    ];
    for (keys, slots, pilots, first, weighted_sum) in golden {
        let hashes = stream(1, keys);
        let built = PerfectHash::build(&hashes).unwrap();
        assert_eq!((built.constant(), built.slots()), (0xe220_a839_7b1d_cdaf, slots), "{keys} keys");
        assert_eq!(xxh3_64(built.pilots()), pilots, "{keys} keys");
        let at: Vec<_> = hashes.iter().map(|&hash| built.function().slot(hash)).collect();
        assert_eq!(at[..first.len()], *first, "{keys} keys");
        let sum =
            (1..).zip(&at).fold(0, |sum: u64, (place, &slot)| sum.wrapping_add(place * u64::from(slot)));
        assert_eq!(sum, weighted_sum, "{keys} keys");
    }
    let million = PerfectHash::build(&stream(1, 1_000_000)).unwrap();
    assert_eq!([0, u64::MAX].map(|foreign| million.function().slot(foreign)), [509_469, 853_634]);
}

#[test]
fn the_constants_are_splitmix64_seeded_with_0() {
    assert_eq!(stream(0, CONSTANTS.len()), CONSTANTS);
}

#[test]
fn no_keys_have_no_slots() {
    let built = build(&[]);
    assert_eq!((built.slots(), built.pilots().len()), (0, 0));
    assert_eq!(built.function().slot(7), 0);
}

#[test]
fn every_small_number_of_keys_builds_under_the_first_constant() {
    for keys in 0..300 {
        assert_eq!(build(&stream(keys as u64, keys)).constant(), CONSTANTS[0], "{keys} keys");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_hashes_have_slots_of_their_own(seed: u64, keys in 0_usize..3000) {
        build(&stream(seed, keys));
    }

    #[test]
    fn hashes_in_steps_have_slots_of_their_own(first: u64, shift in 0_u32..52, keys in 0_u64..3000) {
        // Shift 0 counts upwards, as small integers do; greater ones leave the lower bits equal.
        build(&(0..keys).map(|key| first.wrapping_add(key << shift)).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_hashes_does_not_matter(seed: u64, keys in 0_usize..500) {
        let mut hashes = stream(seed, keys);
        let forward = build(&hashes);
        hashes.reverse();
        prop_assert_eq!(forward, build(&hashes));
    }

    #[test]
    fn foreign_pilots_and_hashes_stay_within_the_slots(
        constant: u64,
        slots in 0..10_000_u32,
        bytes in proptest::collection::vec(any::<u8>(), 3334),
        hashes in proptest::collection::vec(any::<u64>(), 100),
    ) {
        let pilots = &bytes[..pilots_for(slots) as usize];
        let function = PerfectHashRef::new(constant, slots, pilots).unwrap();
        for hash in hashes {
            prop_assert!(function.slot(hash) < slots.max(1));
        }
    }

    #[test]
    fn a_hash_that_occurs_twice_is_named(seed: u64, keys in 1_usize..500, at: prop::sample::Index) {
        let mut hashes = stream(seed, keys);
        let hash = hashes[at.index(keys)];
        hashes.push(hash);
        prop_assert_eq!(PerfectHash::build(&hashes), Err(BuildError::Collision { hash }));
    }
}

#[test]
fn one_hash_ten_thousand_times_is_a_collision_at_once() {
    assert_eq!(PerfectHash::build(&[42; 10_000]), Err(BuildError::Collision { hash: 42 }));
}

#[test]
fn a_constant_under_which_one_bucket_overflows_is_passed_over() {
    let buckets = pilots_for(slots_for(1000));
    let mut hashes = hashes_of_bucket(77, buckets, CONSTANTS[0], 100);
    hashes.extend(stream(5, 900));
    assert_eq!(build(&hashes).constant(), CONSTANTS[1]);
}

#[test]
fn a_constant_under_which_two_keys_are_never_apart_is_passed_over() {
    // Neighbours whose turned hashes agree in the upper half under every pilot: two keys, one bucket, three slots.
    let apart = |pair: [u64; 2]| PerfectHash::build(&pair.map(|mixed| unmix(mixed, CONSTANTS[0]))).unwrap();
    let constants: Vec<_> = (1..64).map(|bit| apart([0, 1 << bit]).constant()).collect();
    assert!(constants.iter().all(|constant| CONSTANTS.contains(constant)));
}

#[test]
fn hashes_made_to_fail_under_all_constants_are_refused() {
    let buckets = pilots_for(slots_for(800));
    let hashes: Vec<_> =
        CONSTANTS.iter().flat_map(|&constant| hashes_of_bucket(3, buckets, constant, 100)).collect();
    let error = PerfectHash::build(&hashes).unwrap_err();
    assert_eq!(error, BuildError::NoFunction { keys: 800, constants: 8 });
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn more_keys_than_a_shard_may_have_are_refused() {
    let found = MAXIMUM_KEYS as usize + 1;
    // Zeroed pages that nobody touches: the number is refused before a hash is read.
    let hashes = vec![0; found];
    let expected = BuildError::TooManyKeys { found: found as u64, limit: MAXIMUM_KEYS };
    assert_eq!(PerfectHash::build(&hashes), Err(expected));
    assert_eq!(slots_for(MAXIMUM_KEYS), MAXIMUM_SLOTS);
}

#[test]
fn parts_of_the_wrong_size_are_refused() {
    let refusal = |slots, pilots: &[u8]| PerfectHashRef::new(1, slots, pilots).unwrap_err();
    assert_eq!(refusal(7, &[0; 2]), FunctionError::PilotCount { slots: 7, expected: 3, found: 2 });
    assert_eq!(refusal(7, &[0; 4]), FunctionError::PilotCount { slots: 7, expected: 3, found: 4 });
    assert_eq!(refusal(0, &[0]), FunctionError::PilotCount { slots: 0, expected: 0, found: 1 });
    let too_many = refusal(MAXIMUM_SLOTS + 1, &[]);
    assert_eq!(too_many, FunctionError::TooManySlots { found: MAXIMUM_SLOTS + 1, limit: MAXIMUM_SLOTS });
    assert_eq!(too_many.kind(), ErrorKind::Corrupt);
}
