//! The version that the next one follows, and how it is restored (keeps semantics 9).

use std::sync::Arc;

use super::ProducerError;
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Manifest, ManifestReference, TypeSummary};
use crate::identifiers::KeySeed;
use crate::log::{LogEntry, Tail};
use crate::replica::{Loaded, REPLANS, Replica};
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
    loaded: Option<&Loaded>,
    tail: &mut Tail,
    mut entry: LogEntry,
) -> Result<(Newest, LogEntry)> {
    let mut replans = 0;
    let failure = loop {
        let failure = match read(settings, replica, loaded, &entry).await {
            Ok(newest) => return Ok((newest, entry)),
            Err(failure) => failure,
        };
        if failure.kind() != ErrorKind::NotFound || replans == REPLANS {
            break failure;
        }
        match tail.find().await? {
            Some(later) if later.entry.sequence > entry.sequence => entry = later.entry.clone(),
            _ => break failure,
        }
        replans += 1;
    };
    Ok((unreadable(settings, replica, &entry, failure).await?, entry))
}

async fn read(
    settings: &Settings,
    replica: &Replica,
    loaded: Option<&Loaded>,
    entry: &LogEntry,
) -> Result<Newest> {
    let Some(latest) = entry.latest.as_ref().map(ManifestReference::from) else {
        return Ok(Newest::None(without_records(settings, replica, entry, None)));
    };
    if let Some(loaded) = loaded.filter(|loaded| loaded.reference == latest) {
        return Ok(Newest::Loaded(loaded.clone()));
    }
    Ok(Newest::Loaded(replica.move_to(loaded, entry, &latest, &settings.progress).await?.loaded))
}

/// What to go on from where `failure` keeps the newest version of `entry` from being read.
async fn unreadable(
    settings: &Settings,
    replica: &Replica,
    entry: &LogEntry,
    failure: Error,
) -> Result<Newest> {
    let reference = match &entry.latest {
        Some(latest) if failure.is_loss() => ManifestReference::from(latest),
        _ => return Err(failure),
    };
    let unreadable = ProducerError::Unreadable { version: reference.version, source: failure };
    if !settings.break_if_unreadable {
        return Err(unreadable.into());
    }
    tracing::warn!(error = %unreadable, "the next version will be a break");
    let manifest = match replica.manifest(entry.dataset, &reference).await {
        Err(error) if error.is_loss() => None,
        manifest => Some(Arc::new(manifest?)),
    };
    let stand_in = without_records(settings, replica, entry, manifest.as_deref());
    Ok(Newest::Unreadable(Unreadable { reference, manifest, stand_in }))
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
