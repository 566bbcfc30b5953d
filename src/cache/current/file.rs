//! The files of `current/`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Current;
use super::codec::LIMIT_BYTES;
use crate::cache::{CacheError, SectionName, StateDirectory};
use crate::identifiers::DatasetId;

impl StateDirectory {
    /// What this host served last of `dataset`; `None` if nothing. Takes no lock: gets what was there before or after
    /// a concurrent write. Whether its sections are still here, [`StateDirectory::find`] says.
    ///
    /// # Errors
    /// [`CacheError::DamagedCurrent`] and [`CacheError::UnknownCurrent`]: start from the store then, the next write
    /// replaces the file. [`CacheError::Denied`], [`CacheError::Io`].
    pub fn read_current(&self, dataset: DatasetId) -> Result<Option<Current>, CacheError> {
        let path = self.current_path(dataset);
        let Some(current) = read(&path)? else { return Ok(None) };
        if current.dataset == dataset {
            return Ok(Some(current));
        }
        Err(CacheError::DamagedCurrent {
            object: path.display().to_string(),
            field: "dataset".to_owned(),
            expected: dataset.to_string(),
            found: current.dataset.to_string(),
        })
    }

    /// Remembers `current` as what this host serves of its dataset: on disk before it returns, and all of it or
    /// nothing, whatever happens. Costs two waits for the disk.
    ///
    /// # Errors
    /// [`CacheError::CurrentTooLarge`], [`CacheError::Denied`], [`CacheError::NoSpace`], [`CacheError::Io`]; what was
    /// there before stays.
    pub fn write_current(&self, current: &Current) -> Result<(), CacheError> {
        let bytes = current.encode()?;
        let mut temporary = self.create_temporary()?;
        let written = temporary.write_all(&bytes);
        written.map_err(|error| CacheError::of_write(error, temporary.path.as_path()))?;
        self.publish(&temporary)?;
        sync(&temporary.file, temporary.path.as_path())?;
        temporary.path.move_to(&self.current_path(current.dataset))?;
        self.sync_folder()
    }

    /// Forgets what this host serves of `dataset`; nothing happens if it is not known. Its sections stay until they
    /// are evicted.
    ///
    /// # Errors
    /// [`CacheError::Denied`], [`CacheError::Io`].
    pub fn remove_current(&self, dataset: DatasetId) -> Result<(), CacheError> {
        let path = self.current_path(dataset);
        match fs::remove_file(&path) {
            Ok(()) => self.sync_folder(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(CacheError::io("remove", &path, source)),
        }
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

    fn current_path(&self, dataset: DatasetId) -> PathBuf {
        self.current().join(dataset.to_string())
    }

    /// Makes a rename or removal in `current/` last.
    fn sync_folder(&self) -> Result<(), CacheError> {
        let folder = self.current();
        let opened = File::open(&folder).map_err(|source| CacheError::io("open", &folder, source))?;
        sync(&opened, &folder)
    }
}

fn sync(file: &File, path: &Path) -> Result<(), CacheError> {
    file.sync_all().map_err(|source| CacheError::io("flush", path, source))
}

fn read(path: &Path) -> Result<Option<Current>, CacheError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(_) => Current::decode(&bytes, &path.display().to_string()).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CacheError::io("read", path, source)),
    }
}
