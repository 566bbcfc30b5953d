//! How long calls tell what they are doing.
//!
//! Who owns a whole piece of work (a cycle, a refresh) names its stages and their totals; the parts it is made of only
//! say how much they have moved. So parts that run at once add up, and none has to know of the others.

/// What the amounts of a stage count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes stored or fetched, as they lie in the store.
    Bytes,
    /// Records.
    Records,
    /// Versions.
    Versions,
}

/// A part of a long call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// What is done, as a present participle: "uploading".
    pub name: &'a str,
    /// What its amounts count.
    pub unit: Unit,
    /// The amounts that will add up, where that is known beforehand.
    pub total: Option<u64>,
}

/// Follows a long call.
///
/// Calls come from any thread and must return at once. Within a stage the amounts never exceed its total: what is done
/// again after a failure is not counted again. A call that fails or is dropped just stops calling.
pub trait Progress: Send + Sync {
    /// A stage begins, and the one before is over.
    fn stage(&self, stage: Stage<'_>);

    /// So much more of the stage is done.
    fn advance(&self, amount: u64);
}

/// Follows nothing.
impl Progress for () {
    fn stage(&self, _: Stage<'_>) {}

    fn advance(&self, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_object_safe_and_silence_is_one() {
        let silent: &dyn Progress = &();
        silent.stage(Stage { name: "uploading", unit: Unit::Bytes, total: None });
        silent.advance(1);
    }
}
