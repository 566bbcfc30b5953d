//! Files that are being written.
//!
//! A temp carries a shared lock from its first moment to its last. Who dies lets go of it, however it dies, and on
//! whichever side of a container's wall: so a temp that can be locked exclusively belongs to nobody and is removed.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::CacheError;
use crate::environment::Random;

/// How often a name is tried: each try but the first lost a race against a process that was just starting.
const ATTEMPTS: u32 = 16;

/// A new file with a path of its own and a shared lock; removed when dropped, unless it was moved.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) path: TemporaryPath,
    pub(super) file: File,
    pub(super) written: u64,
}

/// The path of a temp: it is removed when this is dropped.
#[derive(Debug)]
pub(super) struct TemporaryPath(PathBuf);

impl TemporaryFile {
    /// Makes an empty file in `folder`, readable and writable for nobody else.
    pub(super) fn create(folder: &Path, random: &dyn Random) -> Result<Self, CacheError> {
        for _ in 0..ATTEMPTS {
            let path = random_path(folder, random);
            let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(CacheError::io("create a file in", folder, source)),
            };
            let path = TemporaryPath(path);
            if lock_shared(&file, &path.0)? {
                return Ok(Self { path, file, written: 0 });
            }
        }
        let source = io::ErrorKind::ResourceBusy.into();
        Err(CacheError::Io { action: "find a free name in", path: folder.to_owned(), source })
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes).map_err(|source| {
            if source.kind() == io::ErrorKind::Interrupted {
                return source;
            }
            CacheError::writing(&self.path.0, self.written, source).into_io()
        })?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TemporaryPath {
    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }

    /// Makes `path`, which nothing has, one more path of the file at `existing`.
    pub(super) fn link(existing: &Path, path: PathBuf) -> io::Result<Self> {
        fs::hard_link(existing, &path)?;
        Ok(Self(path))
    }

    /// Gives the file its final path, in place of whatever was there. The temp is gone then in any case: to move a file to
    /// a path that it has already would leave both.
    pub(super) fn move_to(self, target: &Path) -> Result<(), CacheError> {
        fs::rename(&self.0, target).map_err(|source| CacheError::io("move a file to", target, source))
    }

    /// As [`TemporaryPath::move_to`], without a wait for the disk: a file system that keeps to order (ext4) writes a file out before it takes
    /// another's place by a rename, which beside other writers may take tens of milliseconds. So the two change places, where the system can do that,
    /// and the old one goes with the temp.
    pub(super) fn exchange_with(self, target: &Path) -> Result<(), CacheError> {
        match exchange(&self.0, target) {
            Ok(()) => Ok(()),
            Err(_) => self.move_to(target),
        }
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A path in `folder` that nothing is likely to have.
pub(super) fn random_path(folder: &Path, random: &dyn Random) -> PathBuf {
    folder.join(format!("{}-{:016x}", std::process::id(), random.next_u64()))
}

/// Sets mode and group of a file or directory of ours, whatever the process's umask.
pub(super) fn set_access(path: &Path, mode: u32, group: Option<u32>) -> Result<(), CacheError> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(|source| CacheError::Group {
            path: path.to_owned(),
            group,
            source,
        })?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|source| CacheError::io("set the permissions of", path, source))
}

/// Locks an open file for reading. `false` if somebody is removing it, or has: it must not be used.
pub(super) fn lock_shared(file: &File, path: &Path) -> Result<bool, CacheError> {
    match file.try_lock_shared() {
        Ok(()) => {
            let metadata = file.metadata().map_err(|source| CacheError::io("look at", path, source))?;
            Ok(metadata.nlink() > 0)
        }
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(CacheError::io("lock", path, source)),
    }
}

/// Removes `path` if nobody has the file locked. `false` if somebody has, or the file went or was replaced meanwhile.
///
/// The lock is taken first and the path looked at again after it: who opened the file before finds it without a link
/// once he gets his own lock, and who put another file there keeps it.
pub(super) fn remove_unlocked(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => remove_same(path, &file.metadata()?),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes `path` if it still names `file`. Whoever has it mapped keeps his mapping.
pub(super) fn remove_same(path: &Path, file: &Metadata) -> io::Result<bool> {
    let removed = fs::symlink_metadata(path).and_then(|found| {
        let same = (found.dev(), found.ino()) == (file.dev(), file.ino());
        if same { fs::remove_file(path).map(|()| true) } else { Ok(false) }
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed,
    }
}

/// Removes the temps that no living process writes.
pub(super) fn sweep(folder: &Path) -> Result<(), CacheError> {
    let failed = |source| CacheError::io("list", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match remove_unlocked(&path) {
            Ok(true) => {
                tracing::info!(path = %path.display(), "removed a file that a dead process was writing");
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "cannot remove a stale file"),
        }
    }
    Ok(())
}
