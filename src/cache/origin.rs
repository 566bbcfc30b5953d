//! Which dataset was last found at a place in a store: a restart without a network knows no dataset id otherwise.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{CacheError, StateDirectory};
use crate::identifiers::{ContentHash, DatasetId};

impl StateDirectory {
    /// The dataset that was last seen at `origin`, the store's own name for the place.
    ///
    /// # Errors
    /// [`CacheError::Denied`], [`CacheError::Io`].
    pub fn dataset_at(&self, origin: &str) -> Result<Option<DatasetId>, CacheError> {
        let path = self.origin_path(origin);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                return Ok(None);
            }
            Err(source) => return Err(CacheError::io("read", &path, source)),
        };
        Ok(parse(&text, origin))
    }

    /// Notes that `dataset` is at `origin`, unless that is known: all of it or nothing.
    ///
    /// # Errors
    /// [`CacheError::NoSpace`], [`CacheError::Denied`], [`CacheError::Io`]; the note is as it was then.
    pub fn note_dataset_at(&self, origin: &str, dataset: DatasetId) -> Result<(), CacheError> {
        if self.dataset_at(origin)? == Some(dataset) {
            return Ok(());
        }
        let mut temporary = self.create_temporary()?;
        let written = temporary.write_all(note(dataset, origin).as_bytes());
        written.map_err(|error| CacheError::of_write(error, temporary.path.as_path()))?;
        self.publish(&temporary)?;
        temporary.path.move_to(&self.origin_path(origin))
    }

    fn origin_path(&self, origin: &str) -> PathBuf {
        self.origins().join(ContentHash::of(origin.as_bytes()).to_string())
    }
}

fn note(dataset: DatasetId, origin: &str) -> String {
    format!("{dataset} {origin}\n")
}

/// The dataset that the note of `origin` names; `None` for a text that is not whole.
fn parse(text: &str, origin: &str) -> Option<DatasetId> {
    let digits = text.split(' ').next()?;
    let dataset = DatasetId(u128::from_str_radix(digits, 16).ok()?.to_be_bytes());
    (text == note(dataset, origin)).then_some(dataset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::StateDirectoryOptions;
    use crate::environment::Environment;

    #[test]
    fn a_dataset_is_found_by_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            StateDirectory::open(folder.path(), StateDirectoryOptions::default(), Environment::system())
                .unwrap()
        };
        assert_eq!(open().dataset_at("memory/movies").unwrap(), None);
        open().note_dataset_at("memory/movies", DatasetId([1; 16])).unwrap();
        open().note_dataset_at("memory/actors", DatasetId([2; 16])).unwrap();
        open().note_dataset_at("memory/movies", DatasetId([3; 16])).unwrap();
        assert_eq!(open().dataset_at("memory/movies").unwrap(), Some(DatasetId([3; 16])));
        assert_eq!(open().dataset_at("memory/actors").unwrap(), Some(DatasetId([2; 16])));
    }

    /// Bug: of a note that was cut off within the id, the rest of the digits counted as another id.
    #[test]
    fn a_note_that_is_not_whole_is_none_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let directory =
            StateDirectory::open(folder.path(), StateDirectoryOptions::default(), Environment::system())
                .unwrap();
        let (origin, dataset) = ("memory/movies", DatasetId([0x31; 16]));
        directory.note_dataset_at(origin, dataset).unwrap();
        let path = directory.origin_path(origin);
        let whole = fs::read(&path).unwrap();
        let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
        for wrong in cut.chain([vec![0; whole.len()], [&whole[..], b"\n"].concat()]) {
            fs::remove_file(&path).unwrap();
            fs::write(&path, &wrong).unwrap();
            assert_eq!(directory.dataset_at(origin).unwrap(), None, "{}", String::from_utf8_lossy(&wrong));
        }
        directory.note_dataset_at(origin, dataset).unwrap();
        assert_eq!(directory.dataset_at(origin).unwrap(), Some(dataset));
    }
}
