//! Manifests to the store and back.

use super::error::TransferError;
use crate::format::{MAX_MANIFEST_LENGTH, Manifest, ManifestReference};
use crate::identifiers::ContentHash;
use crate::store::{DatasetStore, ObjectName};

/// Stores `manifest` under the name that follows from its version and attempt; gives what a log entry says of it.
///
/// Fails with `Invalid` when it breaks a rule of the format, and with `Unavailable` when retries did not help.
pub async fn upload_manifest(
    store: &DatasetStore,
    manifest: &Manifest,
) -> Result<ManifestReference, TransferError> {
    let name = ObjectName::Manifest { version: manifest.version, attempt: manifest.attempt };
    let bytes = manifest.encode()?;
    let hash = ContentHash::of(&bytes);
    store.put(&name, bytes).await?;
    Ok(ManifestReference { version: manifest.version, name: name.to_string(), hash })
}

/// Fetches and verifies the manifest that `reference` names, with one request.
///
/// Fails with `NotFound` when it is not there, with `Corrupt` when it is not the one that the reference means, and with
/// `Unavailable` when retries did not help.
pub async fn fetch_manifest(
    store: &DatasetStore,
    reference: &ManifestReference,
) -> Result<Manifest, TransferError> {
    let name = ObjectName::parse(&reference.name)
        .ok_or_else(|| TransferError::Name { expected: "a manifest", found: reference.name.clone() })?;
    let bytes = store.get(&name, MAX_MANIFEST_LENGTH as u64).await?;
    Ok(Manifest::decode(&bytes, reference)?)
}
