//! The search for pilots that give every key a slot of its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::buckets::Buckets;
use super::function::slot_of;

/// Owner of a slot that no bucket has.
const FREE: u32 = u32::MAX;

/// Largest bucket that is tried. Of three keys on average, two dozen is the most that chance brings.
const LARGEST_BUCKET: u32 = 64;

/// A search may displace a quarter of all buckets, and this many more for the unrest of small functions, before it gives
/// its constant up. Searches that succeed displace one bucket in fifty.
const FREE_DISPLACEMENTS: u32 = 1024;

/// Buckets placed by force that are not displaced again at once, lest two displace each other for ever.
const GUARDED: usize = 16;

/// What displacing a guarded bucket adds to a pilot's cost: more than any number of others.
const GUARDED_COST: u64 = 1 << 20;

/// Finds a pilot for every bucket, by bucket number; `None` if `slots` cannot be shared out under these buckets'
/// constant.
///
/// Takes 0.1 to 0.3 µs a key and 4.2 bytes a slot.
pub(super) fn find_pilots(buckets: &Buckets, slots: u32) -> Option<Vec<u8>> {
    let limit = buckets.count() / 4 + FREE_DISPLACEMENTS;
    let mut placement = Placement::new(buckets, slots);
    let mut displaced = BinaryHeap::new();
    for rank in (0..buckets.count()).take_while(|&rank| buckets.size(rank) > 0) {
        if buckets.size(rank) > LARGEST_BUCKET {
            return None;
        }
        displaced.push(Reverse(rank));
        while let Some(Reverse(rank)) = displaced.pop() {
            placement.place(rank, &mut displaced)?;
            if placement.displacements > limit {
                return None;
            }
        }
    }
    Some(placement.into_pilots())
}

/// Which bucket has which slots.
struct Placement<'a> {
    buckets: &'a Buckets,
    slots: u32,
    /// One bit a slot: set if a bucket has it. Small enough for the cache, for the many tries.
    taken: Vec<u64>,
    /// The rank that has each slot, or [`FREE`]: for displacing it.
    owners: Vec<u32>,
    /// The pilot of each rank that is placed.
    pilots: Vec<u8>,
    /// How many buckets were displaced so far.
    displacements: u32,
    /// The ranks placed by force last.
    guarded: [u32; GUARDED],
}

impl<'a> Placement<'a> {
    fn new(buckets: &'a Buckets, slots: u32) -> Self {
        Self {
            buckets,
            slots,
            taken: vec![0; slots.div_ceil(u64::BITS) as usize],
            owners: vec![FREE; slots as usize],
            pilots: vec![0; buckets.count() as usize],
            displacements: 0,
            guarded: [FREE; GUARDED],
        }
    }

    /// Gives `rank` slots, if need be those of others, which are added to `displaced`; `None` if there is no pilot that
    /// keeps its keys apart.
    fn place(&mut self, rank: u32, displaced: &mut BinaryHeap<Reverse<u32>>) -> Option<()> {
        let keys = self.buckets.keys(rank);
        let pilot = if let Some(pilot) = self.free_pilot(keys) {
            pilot
        } else {
            let pilot = self.cheapest_pilot(keys)?;
            self.displace(keys, pilot, displaced);
            self.guarded[self.displacements as usize % GUARDED] = rank;
            pilot
        };
        self.take(rank, pilot);
        Some(())
    }

    /// The first pilot under which all `keys` have free slots.
    fn free_pilot(&self, keys: &[u64]) -> Option<u8> {
        (0..=u8::MAX).find(|&pilot| self.are_free(keys, pilot) && self.are_apart(keys, pilot))
    }

    /// The pilot that displaces the fewest keys, large buckets counting more as they are harder to place again.
    ///
    /// Begins at another pilot each time, so that a bucket that returns does not make the same choice.
    fn cheapest_pilot(&self, keys: &[u64]) -> Option<u8> {
        let first = (self.displacements as u8).wrapping_mul(157);
        let mut cheapest = (u64::MAX, None);
        for step in 0..=u8::MAX {
            let pilot = first.wrapping_add(step);
            let cost = self.cost(keys, pilot);
            if cost < cheapest.0 && self.are_apart(keys, pilot) {
                cheapest = (cost, Some(pilot));
            }
        }
        cheapest.1
    }

    /// What `keys` would displace under `pilot`.
    fn cost(&self, keys: &[u64], pilot: u8) -> u64 {
        let owners = keys.iter().map(|&key| self.owners[self.slot(key, pilot)]);
        owners.filter(|&owner| owner != FREE).map(|owner| self.cost_of(owner)).sum()
    }

    fn cost_of(&self, rank: u32) -> u64 {
        let guard = if self.guarded.contains(&rank) { GUARDED_COST } else { 0 };
        u64::from(self.buckets.size(rank)).pow(2) + guard
    }

    /// Frees the slots that `keys` have under `pilot`.
    fn displace(&mut self, keys: &[u64], pilot: u8, displaced: &mut BinaryHeap<Reverse<u32>>) {
        for &key in keys {
            let owner = self.owners[self.slot(key, pilot)];
            if owner != FREE {
                self.release(owner);
                self.displacements += 1;
                displaced.push(Reverse(owner));
            }
        }
    }

    fn take(&mut self, rank: u32, pilot: u8) {
        self.pilots[rank as usize] = pilot;
        for &key in self.buckets.keys(rank) {
            let slot = self.slot(key, pilot);
            self.owners[slot] = rank;
            self.taken[slot / 64] |= 1 << (slot % 64);
        }
    }

    fn release(&mut self, rank: u32) {
        let pilot = self.pilots[rank as usize];
        for &key in self.buckets.keys(rank) {
            let slot = self.slot(key, pilot);
            self.owners[slot] = FREE;
            self.taken[slot / 64] &= !(1 << (slot % 64));
        }
    }

    /// Whether no bucket has the slots of `keys` under `pilot`. Looks at four keys before it branches: which of them is
    /// the first without luck is not to be foreseen.
    #[inline]
    fn are_free(&self, keys: &[u64], pilot: u8) -> bool {
        let taken = |key| {
            let slot = self.slot(key, pilot);
            self.taken[slot / 64] >> (slot % 64)
        };
        keys.chunks(4).all(|some| some.iter().fold(0, |any, &key| any | taken(key)) & 1 == 0)
    }

    /// Whether `keys` have different slots under `pilot`.
    fn are_apart(&self, keys: &[u64], pilot: u8) -> bool {
        keys.iter().enumerate().all(|(before, &key)| {
            let slot = self.slot(key, pilot);
            keys[..before].iter().all(|&other| self.slot(other, pilot) != slot)
        })
    }

    #[inline]
    fn slot(&self, key: u64, pilot: u8) -> usize {
        slot_of(key, pilot, self.slots) as usize
    }

    /// The pilots by bucket number.
    fn into_pilots(self) -> Vec<u8> {
        let taken: u32 = self.taken.iter().map(|bits| bits.count_ones()).sum();
        assert_eq!(taken, self.buckets.keys_in_all(), "every key has a slot of its own");
        let mut pilots = vec![0; self.pilots.len()];
        for (&number, pilot) in self.buckets.numbers().iter().zip(self.pilots) {
            pilots[number as usize] = pilot;
        }
        pilots
    }
}
