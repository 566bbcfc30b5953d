//! The state directory: making it, finding sections in it, sealing them.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::eviction::{Amount, Budget};
use super::open_files;
use super::seal::{Seal, boot_name};
use super::temporary::{
    TemporaryFile, TemporaryPath, lock_shared, random_path, remove_same, set_access, sweep,
};
use super::writer::{SectionWriter, UnsealedSection};
use super::{CacheError, SectionName, VERIFIER_VERSION};
use crate::environment::Environment;
use crate::segment::Segment;

/// More than any seal has.
const SEAL_LIMIT_BYTES: u64 = 1024;

/// How a [`StateDirectory`] is made and how large it grows.
#[derive(Clone, Debug)]
pub struct StateDirectoryOptions {
    /// Bytes of sections to keep. Sections that a process has mapped are kept beyond it, so it is a goal and no limit.
    /// 20 GiB: a few large datasets, and an ordinary disk takes it.
    pub budget_bytes: u64,
    /// Sections to keep, a goal as well. 16,384: ten times as many as the shards of 20 GiB, and small deltas, of which years would fit into the
    /// bytes, do not become so many files that it takes a while to look through them.
    pub budget_sections: u64,
    /// Mode of the directories that are made. 0750: the owner writes, the group reads.
    pub directory_mode: u32,
    /// Mode of the files. 0440: what is published is never written again, by nobody.
    pub file_mode: u32,
    /// Group id of directories and files; `None` leaves what the operating system chooses.
    pub group: Option<u32>,
}

impl Default for StateDirectoryOptions {
    fn default() -> Self {
        Self {
            budget_bytes: 20 << 30,
            budget_sections: 1 << 14,
            directory_mode: 0o750,
            file_mode: 0o440,
            group: None,
        }
    }
}

/// A host's verified sections and what its datasets are at; shared by all processes of the host.
///
/// Clones are the same directory. All calls block on the file system: keep them off async threads.
#[derive(Clone, Debug)]
pub struct StateDirectory(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    options: StateDirectoryOptions,
    environment: Environment,
    boot: String,
    budget: Budget,
}

impl StateDirectory {
    /// Where the state directory is unless somebody says otherwise: `$XDG_CACHE_HOME/hollowcast`, else
    /// `$HOME/.cache/hollowcast`. Relative values are ignored.
    ///
    /// # Errors
    /// [`CacheError::NoDefaultPath`] if neither variable is an absolute path.
    pub fn default_path() -> Result<PathBuf, CacheError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_CACHE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
            .map(|cache| cache.join("hollowcast"))
            .ok_or(CacheError::NoDefaultPath)
    }

    /// Opens the directory at `path`, makes what is missing of it, removes what dead processes left, and checks that
    /// this process may write. Costs a few file operations, however much it holds.
    ///
    /// Each section that is mapped is an open file, so the first call raises this process's limit of open files (`RLIMIT_NOFILE`) as far as it
    /// may. Processes that it starts inherit it.
    ///
    /// # Errors
    /// [`CacheError::NotADirectory`], [`CacheError::Denied`], [`CacheError::Group`], [`CacheError::NoSpace`], and
    /// [`CacheError::Io`] for the rest. Nothing but empty directories is left behind.
    pub fn open(
        path: impl Into<PathBuf>,
        options: StateDirectoryOptions,
        environment: Environment,
    ) -> Result<Self, CacheError> {
        open_files::raise_limit();
        let path = path.into();
        let boot = boot_name(environment.random.next_u64());
        let budget = Budget::new(Amount { bytes: options.budget_bytes, sections: options.budget_sections });
        let directory = Self(Arc::new(Opened { path, options, environment, boot, budget }));
        for folder in [
            directory.path().to_owned(),
            directory.segments(),
            directory.current(),
            directory.origins(),
            directory.temps(),
        ] {
            directory.make_folder(&folder)?;
        }
        sweep(&directory.temps())?;
        directory.create_temporary()?;
        Ok(directory)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The sealed section `name`, mapped and locked; `None` if it is not here and has to be fetched. Its time of last
    /// use becomes now. Costs a few file operations; after a restart of the host, reading and hashing it once.
    ///
    /// A file whose bytes are not what its name says is removed, logged, and not here. A section whose seal is missing
    /// or was made by an older verifier is not here either, but see [`StateDirectory::find_unsealed`].
    ///
    /// # Errors
    /// [`CacheError::Damaged`] for wrong bytes that cannot be removed; [`CacheError::Denied`], [`CacheError::Io`].
    pub fn find(&self, name: &SectionName) -> Result<Option<Segment>, CacheError> {
        let Some((file, metadata)) = self.open_locked(*name)? else { return Ok(None) };
        let Some(seal) = self.read_seal(*name)? else { return Ok(None) };
        if seal.section != *name || seal.verifier != VERIFIER_VERSION {
            return Ok(None);
        }
        let trusted = seal == Seal::of(*name, &metadata, &self.0.boot);
        let Some(segment) = self.map(*name, file, &metadata, trusted)? else { return Ok(None) };
        if trusted {
            self.touch_seal(*name);
        } else {
            self.write_seal(*name, &metadata)?;
        }
        Ok(Some(segment))
    }

    /// The section `name` if its bytes are here and its content hash was just checked, whoever sealed it or nobody:
    /// for the caller to verify its structure and seal it, which is cheaper than to fetch it again. To be asked after
    /// [`StateDirectory::find`]. Costs reading and hashing it.
    ///
    /// # Errors
    /// As [`StateDirectory::find`].
    pub fn find_unsealed(&self, name: &SectionName) -> Result<Option<UnsealedSection>, CacheError> {
        let Some((file, metadata)) = self.open_locked(*name)? else { return Ok(None) };
        let Some(segment) = self.map(*name, file, &metadata, false)? else { return Ok(None) };
        Ok(Some(UnsealedSection::in_place(self.clone(), *name, segment, metadata)))
    }

    /// Begins to write a section of at most `expected_length` bytes, frame included, after making room for it: the
    /// least recently used sections that no process has mapped go first. The directory may grow beyond its budget
    /// where all others are mapped.
    ///
    /// # Errors
    /// [`CacheError::Denied`], [`CacheError::NoSpace`], [`CacheError::Io`].
    pub fn create(&self, expected_length: u64) -> Result<SectionWriter, CacheError> {
        self.0.budget.make_room(self, expected_length)?;
        Ok(SectionWriter::to_disk(self.clone(), self.create_temporary()?, expected_length))
    }

    fn make_folder(&self, folder: &Path) -> Result<(), CacheError> {
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|source| not_made(parent, source))?;
        }
        match DirBuilder::new().mode(self.0.options.directory_mode).create(folder) {
            Ok(()) => set_access(folder, self.0.options.directory_mode, self.0.options.group),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            Err(source) => Err(not_made(folder, source)),
        }
    }

    /// The file of a section under a shared lock that holds, of the right length. A file of another length is removed.
    fn open_locked(&self, name: SectionName) -> Result<Option<(File, Metadata)>, CacheError> {
        let path = self.segment_path(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CacheError::io("open", &path, source)),
        };
        if !lock_shared(&file, &path)? {
            return Ok(None);
        }
        let metadata = file.metadata().map_err(|source| CacheError::io("look at", &path, source))?;
        if metadata.len() == name.length {
            return Ok(Some((file, metadata)));
        }
        self.discard(name, &metadata, &format!("{} bytes", metadata.len()))?;
        Ok(None)
    }

    /// Maps a section's file. Unless it is trusted, its bytes are hashed, and removed when they are others.
    fn map(
        &self,
        name: SectionName,
        file: File,
        metadata: &Metadata,
        trusted: bool,
    ) -> Result<Option<Segment>, CacheError> {
        let wrong = match Segment::mapped(file) {
            Ok(segment) if trusted => return Ok(Some(segment)),
            Ok(segment) => match SectionName::of(segment.section_bytes()) {
                found if found == name => return Ok(Some(segment)),
                found => found.to_string(),
            },
            Err(error) if error.is_about_bytes() => error.to_string(),
            Err(source) => return Err(CacheError::Segment { section: name, source }),
        };
        self.discard(name, metadata, &wrong)?;
        Ok(None)
    }

    /// Removes a file whose bytes are wrong. Whoever has it mapped keeps it.
    fn discard(&self, name: SectionName, metadata: &Metadata, found: &str) -> Result<(), CacheError> {
        let path = self.segment_path(name);
        tracing::warn!(expected = %name, found, "removed a damaged section");
        remove_same(&path, metadata).map_err(|source| CacheError::Damaged { path, source })?;
        Ok(())
    }

    fn read_seal(&self, name: SectionName) -> Result<Option<Seal>, CacheError> {
        let path = self.seal_path(name);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(SEAL_LIMIT_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Seal::parse(&text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(source) => Err(CacheError::io("read", &path, source)),
        }
    }

    /// Seals the file that `metadata` is of.
    pub(super) fn write_seal(&self, name: SectionName, metadata: &Metadata) -> Result<(), CacheError> {
        let mut temporary = self.create_temporary()?;
        let text = Seal::of(name, metadata, &self.0.boot).to_string();
        let written = temporary.write_all(text.as_bytes());
        written.map_err(|error| CacheError::of_write(error, temporary.path.as_path()))?;
        let _ = temporary.file.set_modified(self.0.environment.clock.now());
        self.publish(&temporary)?;
        temporary.path.move_to(&self.seal_path(name))
    }

    /// Notes that a section was used now. Only its owner may, and a failure makes eviction less fair, no more.
    fn touch_seal(&self, name: SectionName) {
        let now = self.0.environment.clock.now();
        let _ = File::open(self.seal_path(name)).and_then(|file| file.set_modified(now));
    }

    /// An empty temp.
    pub(super) fn create_temporary(&self) -> Result<TemporaryFile, CacheError> {
        TemporaryFile::create(&self.temps(), &*self.0.environment.random)
    }

    /// A temp that is the file at `existing`.
    pub(super) fn link_temporary(&self, existing: &Path) -> io::Result<TemporaryPath> {
        TemporaryPath::link(existing, random_path(&self.temps(), &*self.0.environment.random))
    }

    /// Gives a complete temp the mode and group of files that others read.
    pub(super) fn publish(&self, temporary: &TemporaryFile) -> Result<(), CacheError> {
        set_access(temporary.path.as_path(), self.0.options.file_mode, self.0.options.group)
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.0.path.join("segments")
    }

    pub(super) fn current(&self) -> PathBuf {
        self.0.path.join("current")
    }

    pub(super) fn origins(&self) -> PathBuf {
        self.0.path.join("origins")
    }

    pub(super) fn temps(&self) -> PathBuf {
        self.0.path.join("tmp")
    }

    pub(super) fn segment_path(&self, name: SectionName) -> PathBuf {
        self.segments().join(name.segment_file())
    }

    pub(super) fn seal_path(&self, name: SectionName) -> PathBuf {
        self.segments().join(name.seal_file())
    }
}

/// Why a directory is not there although it was to be made.
fn not_made(folder: &Path, source: io::Error) -> CacheError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => CacheError::NotADirectory { path: folder.to_owned() },
        _ => CacheError::io("make", folder, source),
    }
}
