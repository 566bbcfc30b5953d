//! The content of a version as plain maps, and what else is known of it.

use std::collections::BTreeMap;

use hollowcast::format::{ManifestReference, Tags};
use hollowcast::identifiers::Fingerprint;

use super::choices::Choices;
use super::record::Record;
use super::world::SchemaForm;

/// By number of the type: its records by what tells them apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content(pub(crate) Vec<BTreeMap<Vec<u8>, Record>>);

impl Content {
    /// Whether it has no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(BTreeMap::is_empty)
    }
}

/// How many records come, go and change between two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
}

impl Counts {
    /// From `before` to `after`.
    pub(crate) fn between(before: &BTreeMap<Vec<u8>, Record>, after: &BTreeMap<Vec<u8>, Record>) -> Self {
        let added = after.keys().filter(|key| !before.contains_key(*key)).count() as u64;
        let removed = before.keys().filter(|key| !after.contains_key(*key)).count() as u64;
        let changed = after.iter().filter(|(key, record)| before.get(*key).is_some_and(|is| is != *record));
        Self { added, removed, changed: changed.count() as u64 }
    }
}

/// What is known of a version that was published.
pub(crate) struct KnownVersion {
    pub(crate) number: u64,
    pub(crate) content: Content,
    /// Form of the dataset's schema.
    pub(crate) form: SchemaForm,
    /// Whether no delta leads to it.
    pub(crate) is_break: bool,
    /// Whether the store still has what leads to it.
    pub(crate) is_readable: bool,
    /// Whether it was published with a snapshot, or a builder added one.
    pub(crate) has_snapshot: bool,
    pub(crate) tags: Tags,
    pub(crate) reference: ManifestReference,
    pub(crate) fingerprint: Fingerprint,
    /// By number of the type; nothing of a type that came later.
    pub(crate) type_fingerprints: Vec<Fingerprint>,
}

/// Place of some version that is kept, from `oldest` on, and can be read.
pub(crate) fn any_readable(versions: &[KnownVersion], oldest: usize, choices: &mut Choices) -> Option<usize> {
    let readable: Vec<usize> =
        (oldest..versions.len()).filter(|place| versions[*place].is_readable).collect();
    (!readable.is_empty()).then(|| *choices.pick(&readable))
}
