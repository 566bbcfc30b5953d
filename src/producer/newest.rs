//! The version that the next one follows, and how it is restored (keeps semantics 9).

use std::sync::Arc;

use super::ProducerError;
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Manifest, ManifestReference, TypeSummary};
use crate::identifiers::KeySeed;
use crate::log::LogEntry;
use crate::replica::{Loaded, Replica};
use crate::state::State;

/// The version that the next one follows.
pub(super) enum Newest {
    /// There is none yet; this state has no records.
    None(Arc<State>),
    /// It is in memory.
    Loaded(Loaded),
    /// It cannot be read: whatever follows is a break.
    Unreadable(Unreadable),
}

/// A version that was committed and is damaged or gone.
pub(super) struct Unreadable {
    reference: ManifestReference,
    /// Its manifest, if at least that can be read.
    manifest: Option<Arc<Manifest>>,
    /// No records, under the number of the version and the producer's own schema.
    stand_in: Arc<State>,
}

impl Newest {
    pub(super) fn state(&self) -> &Arc<State> {
        match self {
            Self::None(nothing) => nothing,
            Self::Loaded(loaded) => &loaded.state,
            Self::Unreadable(unreadable) => &unreadable.stand_in,
        }
    }

    pub(super) fn loaded(&self) -> Option<&Loaded> {
        match self {
            Self::Loaded(loaded) => Some(loaded),
            Self::None(_) | Self::Unreadable(_) => None,
        }
    }

    pub(super) fn reference(&self) -> Option<&ManifestReference> {
        match self {
            Self::None(_) => None,
            Self::Loaded(loaded) => Some(&loaded.reference),
            Self::Unreadable(unreadable) => Some(&unreadable.reference),
        }
    }

    /// How many records each of its types has, as far as that is known.
    pub(super) fn records(&self) -> Vec<(String, u64)> {
        let summary = |summary: &TypeSummary| (summary.name.clone(), summary.records);
        match self {
            Self::Unreadable(Unreadable { manifest: Some(manifest), .. }) => {
                manifest.types.iter().map(summary).collect()
            }
            _ => self.state().tables().iter().map(|table| (table.name().to_owned(), table.len())).collect(),
        }
    }

    pub(super) fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::None(_) => None,
            Self::Loaded(loaded) => loaded.manifest.as_deref(),
            Self::Unreadable(unreadable) => unreadable.manifest.as_deref(),
        }
    }
}

/// Restores what `entry` calls the newest version, from `loaded` if that is shorter.
///
/// One that is damaged or gone is an error, unless the producer was told to go on without it.
pub(super) async fn load(
    settings: &Settings,
    replica: &Replica,
    loaded: Option<Loaded>,
    entry: &LogEntry,
) -> Result<Newest> {
    let Some(latest) = entry.latest.as_ref().map(ManifestReference::from) else {
        return Ok(Newest::None(without_records(settings, replica, entry, None)));
    };
    if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.reference == latest) {
        return Ok(Newest::Loaded(loaded.clone()));
    }
    let failure = match replica.move_to(loaded.as_ref(), entry, &latest, &settings.progress).await {
        Ok(moved) => return Ok(Newest::Loaded(moved.loaded)),
        Err(error) => error,
    };
    if !is_lost(&failure) {
        return Err(failure);
    }
    let unreadable = ProducerError::Unreadable { version: latest.version, source: failure };
    if !settings.break_if_unreadable {
        return Err(unreadable.into());
    }
    tracing::warn!(error = %unreadable, "the next version will be a break");
    let manifest = match replica.manifest(entry.dataset, &latest).await {
        Ok(manifest) => Some(Arc::new(manifest)),
        Err(error) if is_lost(&error) => None,
        Err(error) => return Err(error),
    };
    let stand_in = without_records(settings, replica, entry, manifest.as_deref());
    Ok(Newest::Unreadable(Unreadable { reference: latest, manifest, stand_in }))
}

/// Whether asking again will not help.
fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound)
}

/// No records, under the number of the newest version and the producer's own schema.
fn without_records(
    settings: &Settings,
    replica: &Replica,
    entry: &LogEntry,
    manifest: Option<&Manifest>,
) -> Arc<State> {
    let random = &replica.store().environment().random;
    let seed = manifest.map_or_else(|| KeySeed(random.next_u64()), |manifest| manifest.key_seed);
    let schema = Arc::new(settings.dataset.schema().clone());
    Arc::new(State::without_records(entry.dataset, entry.latest_version(), seed, schema))
}
