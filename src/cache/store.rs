//! Where sections are kept: on the host's disk, or for as long as the process runs.

use std::path::PathBuf;

use super::{CacheError, SectionName, SectionWriter, StateDirectory, StateDirectoryOptions, UnsealedSection};
use crate::environment::Environment;
use crate::segment::Segment;

/// Where sections lie in memory.
#[derive(Clone, Debug)]
pub enum Memory {
    /// Mapped from the state directory at this path, shared by the processes of the host; `None` is the default directory.
    ///
    /// It remembers a dataset by its path and by what its store calls itself (`Display`). Stores that call themselves alike, such as buckets of one
    /// name behind two endpoints, or one prefix in two buckets, need a directory each: a start without the network would take the one's state for
    /// the other's.
    Mapped(Option<PathBuf>),
    /// On the process's own heap; every start fetches all.
    Heap,
}

impl Default for Memory {
    fn default() -> Self {
        if cfg!(unix) { Self::Mapped(None) } else { Self::Heap }
    }
}

impl Memory {
    /// Opens the segment store of this mode; a state directory with `options`.
    ///
    /// # Errors
    /// `Invalid` if the state directory cannot be used.
    pub fn open(
        &self,
        options: StateDirectoryOptions,
        environment: &Environment,
    ) -> Result<SegmentStore, CacheError> {
        let Self::Mapped(path) = self else { return Ok(SegmentStore::heap()) };
        let path = path.clone().map_or_else(StateDirectory::default_path, Ok)?;
        Ok(SegmentStore::mapped(StateDirectory::open(path, options, environment.clone())?))
    }
}

/// Sections of one [`Memory`] mode: how they get into memory and what stays of them.
///
/// Both modes are used in the same way: find, else create, write, finish, verify, seal. Clones share everything.
#[derive(Clone, Debug)]
pub enum SegmentStore {
    /// Sections are files of a state directory, mapped, and shared by the processes of the host.
    Mapped(StateDirectory),
    /// Sections are this process's own memory, with huge pages where there are; nothing is on disk, nothing is found
    /// again.
    Heap,
}

impl SegmentStore {
    /// Sections as files of `directory`.
    #[must_use]
    pub fn mapped(directory: StateDirectory) -> Self {
        Self::Mapped(directory)
    }

    /// Sections in the process's own memory.
    #[must_use]
    pub fn heap() -> Self {
        Self::Heap
    }

    /// The state directory, for what datasets are at; `None` on the heap.
    #[must_use]
    pub fn state_directory(&self) -> Option<&StateDirectory> {
        match self {
            Self::Mapped(directory) => Some(directory),
            Self::Heap => None,
        }
    }

    /// The verified section `name`, as [`StateDirectory::find`]; never on the heap.
    ///
    /// # Errors
    /// As [`StateDirectory::find`].
    pub fn find(&self, name: &SectionName) -> Result<Option<Segment>, CacheError> {
        self.state_directory().map_or(Ok(None), |directory| directory.find(name))
    }

    /// The section `name` to be verified again, as [`StateDirectory::find_unsealed`]; never on the heap.
    ///
    /// # Errors
    /// As [`StateDirectory::find_unsealed`].
    pub fn find_unsealed(&self, name: &SectionName) -> Result<Option<UnsealedSection>, CacheError> {
        self.state_directory().map_or(Ok(None), |directory| directory.find_unsealed(name))
    }

    /// Begins to write a section of at most `expected_length` bytes, frame included. On the heap, as much memory is
    /// reserved; what is never written of it costs nothing from 2 MiB on.
    ///
    /// # Errors
    /// As [`StateDirectory::create`]; [`CacheError::Memory`] on the heap.
    pub fn create(&self, expected_length: u64) -> Result<SectionWriter, CacheError> {
        match self {
            Self::Mapped(directory) => directory.create(expected_length),
            Self::Heap => SectionWriter::to_heap(expected_length),
        }
    }
}
