//! The folder of the tour: what is put there, what is found there.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Real releases of one dataset; see the README beside them.
const RELEASES: [(&str, &[u8]); 4] = [
    ("01.csv.zst", include_bytes!("../../../../examples/airports/01.csv.zst")),
    ("02.csv.zst", include_bytes!("../../../../examples/airports/02.csv.zst")),
    ("03.csv.zst", include_bytes!("../../../../examples/airports/03.csv.zst")),
    ("04.csv.zst", include_bytes!("../../../../examples/airports/04.csv.zst")),
];

/// Where everything of a tour is.
pub(super) struct Tour {
    /// The releases, as files.
    pub(super) releases: PathBuf,
    /// The store: what producer and consumer share.
    pub(super) store: PathBuf,
    /// The dataset in the store.
    pub(super) dataset: PathBuf,
    /// The state directory of the producer's host.
    pub(super) producer_state: PathBuf,
    /// The state directory of the consumer's host.
    pub(super) consumer_state: PathBuf,
}

impl Tour {
    /// The places below `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        let store = folder.join("store");
        Self {
            releases: folder.join("releases"),
            dataset: store.join("airports"),
            store,
            producer_state: folder.join("producer"),
            consumer_state: folder.join("consumer"),
        }
    }

    /// Writes the releases.
    pub(super) fn unpack(&self) -> Result<()> {
        let cannot = || format!("cannot write the releases into {}", self.releases.display());
        fs::create_dir_all(&self.releases).with_context(cannot)?;
        for (name, bytes) in RELEASES {
            fs::write(self.releases.join(name), bytes).with_context(cannot)?;
        }
        Ok(())
    }

    /// The blob that the delta to `version` is.
    pub(super) fn delta_to(&self, version: u64) -> Result<PathBuf> {
        let infix = format!("-{version:020}-");
        let found = files(&self.dataset.join("deltas"))?;
        let found = found.into_iter().find(|(path, _)| path.to_string_lossy().contains(&infix));
        Ok(found.with_context(|| format!("the store has no delta to version {version}"))?.0)
    }

    /// Every object of the dataset with its length, by name.
    pub(super) fn objects(&self) -> Result<Vec<(String, u64)>> {
        let name = |path: &Path| path.strip_prefix(&self.dataset).unwrap_or(path).display().to_string();
        Ok(files(&self.dataset)?.into_iter().map(|(path, length)| (name(&path), length)).collect())
    }
}

/// Inverts the byte in the middle of a file; doing it again repairs the file.
pub(super) fn invert_middle_byte(path: &Path) -> io::Result<u64> {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let middle = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.seek(SeekFrom::Start(middle))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(middle))?;
    file.write_all(&[!byte[0]])?;
    Ok(middle)
}

/// Every file below `folder` with its length, by path.
fn files(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push((entry.path(), entry.metadata()?.len()));
        }
    }
    found.sort();
    Ok(found)
}
