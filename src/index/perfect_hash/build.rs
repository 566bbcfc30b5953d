//! Construction: from hashes to a function.

use super::buckets::Buckets;
use super::function::{MAXIMUM_SLOTS, PerfectHash, mix, pilots_for, slots_for};
use super::placement::find_pilots;
use crate::error::{Classify, ErrorKind};

/// Most keys of one function: those that have [`MAXIMUM_SLOTS`] slots.
pub const MAXIMUM_KEYS: u32 = (MAXIMUM_SLOTS as u64 * 64 / 65) as u32;

/// Tried one after the other: the first outputs of splitmix64 seeded with 0.
pub(super) const CONSTANTS: [u64; 8] = [
    0xE220_A839_7B1D_CDAF,
    0x6E78_9E6A_A1B9_65F4,
    0x06C4_5D18_8009_454F,
    0xF88B_B8A8_724C_81EC,
    0x1B39_896A_51A8_749B,
    0x53CB_9F0C_747E_A2EA,
    0x2C82_9ABE_1F45_32E1,
    0xC584_133A_C916_AB3C,
];

impl PerfectHash {
    /// Builds the function of `hashes`, which must be distinct; their order does not matter, to the function or to how
    /// long it takes.
    ///
    /// Takes 0.1 to 0.4 µs a key on one thread, up to 20 bytes a key of memory meanwhile. Fails if two hashes are equal,
    /// if there are more than [`MAXIMUM_KEYS`], or if all constants fail, which chance does not bring about.
    pub fn build(hashes: &[u64]) -> Result<Self, BuildError> {
        let keys = u32::try_from(hashes.len())
            .ok()
            .filter(|&keys| keys <= MAXIMUM_KEYS)
            .ok_or(BuildError::TooManyKeys { found: hashes.len() as u64, limit: MAXIMUM_KEYS })?;
        let slots = slots_for(keys);
        for constant in CONSTANTS {
            let buckets = Buckets::group(hashes, constant, pilots_for(slots));
            if let Some(mixed) = buckets.duplicate() {
                let hash = hashes.iter().copied().find(|&hash| mix(hash, constant) == mixed);
                return Err(BuildError::Collision { hash: hash.expect("every mixed hash has an original") });
            }
            if let Some(pilots) = find_pilots(&buckets, slots) {
                return Ok(Self::of_parts(constant, slots, pilots));
            }
        }
        Err(BuildError::NoFunction { keys, constants: CONSTANTS.len() as u32 })
    }
}

/// Why there is no perfect hash of these hashes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// Two of them are equal.
    #[error("two keys share the hash {hash:016x}: hash them with another seed")]
    Collision {
        /// The hash that occurs twice; of several such hashes, any.
        hash: u64,
    },
    /// There are too many.
    #[error("{found} keys are too many for one shard, at most {limit} fit: split it into more shards")]
    TooManyKeys {
        /// How many there are.
        found: u64,
        /// How many may be.
        limit: u32,
    },
    /// Every constant failed: the hashes were made to.
    #[error("no perfect hash of {keys} keys under any of {constants} constants: hash them with another seed")]
    NoFunction {
        /// How many hashes there are.
        keys: u32,
        /// How many constants were tried.
        constants: u32,
    },
}

impl Classify for BuildError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
