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
}
