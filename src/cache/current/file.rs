//! The files of `current/`.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Current;
use super::codec::LIMIT_BYTES;
use crate::cache::{CacheError, SectionName, StateDirectory};
use crate::identifiers::{ContentHash, DatasetId, Sequence};
use crate::schema::TypeFilter;

/// Records of one dataset by ring and filter that are kept, besides that of everyone and all types.
pub(super) const CHOICES: usize = 16;

impl StateDirectory {
    /// What this host served last of `dataset`, by whatever rings its processes belong to and types they load, the latest of the log first. Takes
    /// no lock: gets what was there before or after a concurrent write. Whether the sections are still here, [`StateDirectory::find`] says.
    ///
    /// A record that cannot be used is among them, in the end, as [`CacheError::DamagedCurrent`] or [`CacheError::UnknownCurrent`]: the next
    /// write replaces it.
    ///
    /// # Errors
    /// [`CacheError::Denied`], [`CacheError::Io`].
    pub fn currents(&self, dataset: DatasetId) -> Result<Vec<Result<Current, CacheError>>, CacheError> {
        let mut currents = Vec::new();
        for path in self.current_paths(dataset)? {
            match read(&path).transpose() {
                Some(Ok(current)) => currents.push(is_of(current, dataset, &path)),
                Some(Err(
                    error @ (CacheError::DamagedCurrent { .. } | CacheError::UnknownCurrent { .. }),
                )) => {
                    currents.push(Err(error));
                }
                Some(Err(error)) => return Err(error),
                None => (),
            }
        }
        currents
            .sort_by_key(|current| Reverse(current.as_ref().map_or(Sequence(0), |current| current.sequence)));
        Ok(currents)
    }

    /// Remembers `current`, of the types of `filter`, as what this host serves of its dataset: all of it or nothing, whatever happens
    /// to the process. Nobody waits for the disk: what a power failure took of this, or of the sections that it names, is found to be missing, because
    /// it is hashed and a seal holds for one start of the host.
    ///
    /// What another process recorded from a later entry of the log stays, unless both write at the same moment: who lags behind says nothing of
    /// where the host has come to.
    ///
    /// Each ring and filter has a record of its own, so that processes with different ones leave each other's alone; of those with a ring or a filter
    /// the 16 written last are kept.
    ///
    /// # Errors
    /// [`CacheError::CurrentTooLarge`], [`CacheError::Denied`], [`CacheError::NoSpace`], [`CacheError::Io`]; what was
    /// there before stays.
    pub fn write_current(&self, current: &Current, filter: &TypeFilter) -> Result<(), CacheError> {
        let bytes = current.encode()?;
        let mut temporary = self.create_temporary()?;
        let written = temporary.write_all(&bytes);
        written.map_err(|error| CacheError::of_write(error, temporary.path.as_path()))?;
        self.publish(&temporary)?;
        let path = self.current_path(current.dataset, &current.ring, filter);
        if !path.exists() {
            self.forget_choices(current.dataset)?;
        }
        if is_outdated(current, &path) {
            return Ok(());
        }
        temporary.path.exchange_with(&path)
    }

    /// Makes room for the record of one more ring or filter: those written the longest ago go.
    fn forget_choices(&self, dataset: DatasetId) -> Result<(), CacheError> {
        let whole = self.current_path(dataset, "", &TypeFilter::all());
        let mut paths = self.current_paths(dataset)?;
        paths.retain(|path| *path != whole);
        paths.sort_by_key(|path| Reverse(fs::metadata(path).and_then(|found| found.modified()).ok()));
        paths.iter().skip(CHOICES - 1).try_for_each(|path| remove(path))
    }

    /// The sections that a restart of any dataset would want. A file that cannot be read names none.
    pub(in crate::cache) fn sections_of_current_states(&self) -> Result<HashSet<SectionName>, CacheError> {
        let folder = self.current();
        let failed = |source| CacheError::io("list", &folder, source);
        let mut sections = HashSet::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            if let Ok(Some(current)) = read(&entry.map_err(failed)?.path()) {
                sections.extend(current.sections());
            }
        }
        Ok(sections)
    }

    /// The records of `dataset`, in no order.
    fn current_paths(&self, dataset: DatasetId) -> Result<Vec<PathBuf>, CacheError> {
        let (folder, prefix) = (self.current(), dataset.to_string());
        let failed = |source| CacheError::io("list", &folder, source);
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                paths.push(entry.path());
            }
        }
        Ok(paths)
    }

    fn current_path(&self, dataset: DatasetId, ring: &str, filter: &TypeFilter) -> PathBuf {
        let ring = (!ring.is_empty()).then_some(["\0", ring, "\n"]);
        let types = filter.chosen().map(|chosen| chosen.iter().flat_map(|name| [name, "\n"]));
        let name = match (&ring, &types) {
            (None, None) => dataset.to_string(),
            _ => {
                let choice: String = ring.into_iter().flatten().chain(types.into_iter().flatten()).collect();
                format!("{dataset}-{}", ContentHash::of(choice.as_bytes()))
            }
        };
        self.current().join(name)
    }
}

fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(CacheError::io("remove", path, source))
        }
        _ => Ok(()),
    }
}

/// Whether a record of the same dataset and of a later log entry lies at `path`.
fn is_outdated(current: &Current, path: &Path) -> bool {
    let known = read(path).ok().flatten();
    known.is_some_and(|known| known.dataset == current.dataset && known.sequence > current.sequence)
}

/// Refuses a record that lies under another dataset's name.
fn is_of(current: Current, dataset: DatasetId, path: &Path) -> Result<Current, CacheError> {
    if current.dataset == dataset {
        return Ok(current);
    }
    Err(CacheError::DamagedCurrent {
        object: path.display().to_string(),
        field: "dataset".to_owned(),
        expected: dataset.to_string(),
        found: current.dataset.to_string(),
    })
}

fn read(path: &Path) -> Result<Option<Current>, CacheError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(_) => Current::decode(&bytes, &path.display().to_string()).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CacheError::io("read", path, source)),
    }
}
