//! What one cycle is asked for.

use crate::format::Tags;

/// Options of one cycle.
#[derive(Clone, Debug, Default)]
pub struct CycleOptions {
    /// Header tags of the version, if one is published.
    pub tags: Tags,
    /// A full cycle may empty a type that had records.
    pub allow_empty: bool,
    /// The version gets a snapshot, whether one is due or not.
    pub snapshot: bool,
    /// The version may be a break, if the producer's schema cannot follow from the dataset's or the newest version cannot be read: it has a
    /// snapshot and no delta, and the producer's schema takes the dataset's place.
    pub accept_break: bool,
    /// Why consumers shall stay where they are, if they shall: the version is published, and every ring that nothing holds is held where it
    /// is, until an operator releases or pins it.
    pub hold_back: Option<String>,
}
