//! Small numbers with a meaning. None of them derefs to what it holds, so that a version is never added to an epoch.

use std::fmt;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Number of a version: 1, 2, 3 … without gaps; 0 is "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// No version: what a dataset without a first version is at.
    pub const NONE: Self = Self(0);

    /// Whether this is no version at all.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Number of a log entry: 1, 2, 3 …; 0 is "no entry yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Rises with every producer that claims the dataset; a producer of an older epoch is fenced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// From exactly 16 bytes; `None` for any other length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            /// 32 hex digits.
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

sixteen_bytes! {
    /// Random identity of a dataset, made by its first log entry.
    DatasetId
}

sixteen_bytes! {
    /// Random mark by which a writer recognises its own log entry.
    Nonce
}

sixteen_bytes! {
    /// xxh3-128 of stored bytes (seed 0), big-endian as the algorithm's canonical form has it.
    ContentHash
}

impl ContentHash {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes).to_be_bytes())
    }
}

/// One try at a version: its objects carry this in their names, so that no two tries share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u64);

impl fmt::Display for Attempt {
    /// 16 hex digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// The dataset's random seed of all key hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeySeed(pub u64);

/// 64 bits that name a record within its type and version: xxh3-64 of its key bytes under the dataset's [`KeySeed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

/// Names a type by xxh3-64 (seed 0) of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u64);

impl TypeId {
    /// The id of the type called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()))
    }
}

/// xxh3-128 (seed 0) of a record's canonical message, root pointer word included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordHash(pub u128);

/// Sum mod 2^128 over the records of a type of xxh3-128(type id ‖ record hash), both little-endian.
///
/// It does not depend on where records lie, and changes in O(1) with each record that comes or goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// What one record adds to the fingerprint of its type.
    #[must_use]
    pub fn of_record(type_id: TypeId, record: RecordHash) -> Self {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&type_id.0.to_le_bytes());
        bytes[8..].copy_from_slice(&record.0.to_le_bytes());
        Self(xxh3_128(&bytes))
    }

    /// The sum of two fingerprints.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// This fingerprint without the share of `other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl std::iter::Sum for Fingerprint {
    fn sum<I: Iterator<Item = Self>>(shares: I) -> Self {
        shares.fold(Self::default(), Self::plus)
    }
}

impl fmt::Display for Fingerprint {
    /// 32 hex digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_do_not_depend_on_order() {
        let movies = TypeId::of("Movie");
        let shares: Vec<_> = (0..10).map(|i| Fingerprint::of_record(movies, RecordHash(i))).collect();
        let forward: Fingerprint = shares.iter().copied().sum();
        let backward: Fingerprint = shares.iter().rev().copied().sum();
        assert_eq!(forward, backward);
        assert_ne!(forward, forward.minus(shares[3]));
        assert_eq!(forward, forward.minus(shares[3]).plus(shares[3]));
    }

    #[test]
    fn the_same_record_counts_differently_in_two_types() {
        let record = RecordHash(7);
        assert_ne!(
            Fingerprint::of_record(TypeId::of("Movie"), record),
            Fingerprint::of_record(TypeId::of("Actor"), record)
        );
    }
}
