//! Datasets in local folders.
//!
//! `object_store` writes an object to a staging file `name#1` beside it, which LIST does not show, and publishes it by
//! a hard link (create) or a rename (put). It is opened here so that a write returns only when it is on disk: the
//! file is synced before it is published, its folder after, and folders made on the way up to the first that was there.

mod sweep;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use super::error::{Failure, StoreError};
use crate::environment::Environment;

/// Opens the folder that holds datasets, for reading and writing, and makes it if it is absent.
///
/// Sweeps staging files that killed writers left in its datasets; that is tidiness, so its failures are not errors.
/// Blocks for a few system calls, and one for each object of the datasets in it.
pub fn local(
    folder: impl AsRef<Path>,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let folder = folder.as_ref();
    make(folder).map_err(|source| folder_error(folder, source))?;
    let store = open(folder, true)?;
    match sweep::sweep(folder, environment.clock.now()) {
        Ok(0) => {}
        Ok(swept) => {
            tracing::info!(folder = %folder.display(), swept, "removed staging files of killed writers");
        }
        Err(error) => tracing::debug!(folder = %folder.display(), %error, "could not look for staging files"),
    }
    Ok(store)
}

/// Opens the folder that holds datasets, for reading; it has to be there. Nothing is made or swept.
pub fn existing_local(folder: impl AsRef<Path>) -> Result<Arc<dyn ObjectStore>, StoreError> {
    open(folder.as_ref(), false)
}

fn open(folder: &Path, for_writing: bool) -> Result<Arc<dyn ObjectStore>, StoreError> {
    fs::read_dir(folder).map_err(|source| folder_error(folder, source))?;
    check_access(folder, for_writing).map_err(|source| folder_error(folder, source))?;
    let store = LocalFileSystem::new_with_prefix(folder)
        .map_err(|source| StoreError::new(folder.display().to_string(), 1, source))?;
    Ok(Arc::new(store.with_fsync(true)))
}

#[cfg(unix)]
fn check_access(folder: &Path, for_writing: bool) -> io::Result<()> {
    use rustix::fs::Access;
    let reading = Access::READ_OK | Access::EXEC_OK;
    rustix::fs::access(folder, if for_writing { reading | Access::WRITE_OK } else { reading })?;
    Ok(())
}

#[cfg(not(unix))]
fn check_access(_folder: &Path, _for_writing: bool) -> io::Result<()> {
    Ok(())
}

/// Makes the folder and all above it, each synced into the one that holds it.
fn make(folder: &Path) -> io::Result<()> {
    let absent: Vec<_> =
        folder.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists()).collect();
    fs::create_dir_all(folder)?;
    for made in absent {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn folder_error(folder: &Path, source: io::Error) -> StoreError {
    let advice = match source.kind() {
        io::ErrorKind::NotFound => "there is no such folder; check the path",
        io::ErrorKind::AlreadyExists => "this is a file, not a folder; use another path",
        kind => match Failure::of_io(kind) {
            Failure::Refused(advice) => advice,
            Failure::Full => "no room left to make the folder; free some space and try again",
            _ => "the folder can't be opened; check the disk and try again",
        },
    };
    StoreError::Folder { folder: folder.to_owned(), advice, source }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use object_store::path::Path as ObjectPath;

    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::identifiers::Sequence;
    use crate::store::{Creation, DatasetStore, Family, ObjectName};

    #[tokio::test]
    async fn a_new_folder_holds_a_dataset() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("a/b");
        let environment = Environment::system();
        let store = local(&folder, &environment).expect("opens");
        let dataset = DatasetStore::new(store, ObjectPath::from("movies"), environment);
        let name = ObjectName::LogEntry(Sequence(1));
        assert!(dataset.list(Family::Log, None).await.expect("lists").is_empty());
        assert!(matches!(dataset.create(&name, Bytes::from_static(b"one")).await, Creation::Created));
        assert!(matches!(dataset.create(&name, Bytes::from_static(b"two")).await, Creation::Unknown(_)));
        assert_eq!(dataset.get(&name, 10).await.expect("reads"), "one");
        assert_eq!(dataset.list(Family::Log, None).await.expect("lists").len(), 1);
        assert!(folder.join("movies").join(name.to_string()).is_file());
    }

    #[test]
    fn a_missing_folder_is_made_for_writers_only() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("absent");
        let error = existing_local(&folder).expect_err("absent");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("absent"), "{error}");
        assert!(!folder.exists());
        local(&folder, &Environment::system()).expect("made");
        existing_local(&folder).expect("there now");
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        for path in [file.path().to_owned(), file.path().join("below")] {
            let error = local(&path, &Environment::system()).expect_err("a file");
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.to_string().contains("is a file"), "{error}");
        }
    }

    #[test]
    fn what_the_system_says_becomes_advice() {
        for (kind, expected, advice) in [
            (io::ErrorKind::PermissionDenied, ErrorKind::Invalid, "permission denied"),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Invalid, "read-only"),
            (io::ErrorKind::StorageFull, ErrorKind::Unavailable, "no room left"),
            (io::ErrorKind::NotFound, ErrorKind::NotFound, "no such folder"),
        ] {
            let error = folder_error(Path::new("/data/sets"), kind.into());
            assert_eq!(error.kind(), expected, "{error}");
            assert!(
                error.to_string().contains(advice) && error.to_string().contains("/data/sets"),
                "{error}"
            );
        }
    }

    /// Runs its course only for a user whom permissions bind; the superuser may do everything.
    #[cfg(unix)]
    #[test]
    fn a_folder_without_permission_is_named() {
        use std::os::unix::fs::PermissionsExt;
        if rustix::process::geteuid().is_root() {
            return;
        }
        let parent = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o500)).expect("sets the mode");
        for folder in [parent.path().to_owned(), parent.path().join("below")] {
            let error = local(&folder, &Environment::system()).expect_err("no permission to write");
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("permission denied"), "{error}");
        }
        existing_local(parent.path()).expect("reading is allowed");
    }
}
