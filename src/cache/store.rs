//! Where sections are kept: on the host's disk, or for as long as the process runs.

use super::{CacheError, SectionName, SectionWriter, StateDirectory, UnsealedSection};
use crate::segment::Segment;

/// The memory mode of a consumer or producer: how sections get into memory and what stays of them.
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
