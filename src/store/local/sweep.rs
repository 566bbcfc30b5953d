//! Removes staging files that killed writers left.
//!
//! A staging file is `name#1`, `name#2` … beside the object it was to become. Age alone does not make one safe to
//! remove: its writer may only be paused. Were it removed, and staged again under the same name by a second writer,
//! the first would wake up and publish the second's half-written file. So a file goes only where that can do no harm:
//!
//! - in `log/`, only when its number is not above the highest entry: whatever is published there can't become the tail,
//!   so it is void whatever it holds (rule R5);
//! - manifests, blobs and probes have one writer a name, so no second one stages under it: a paused one whose file is
//!   gone fails and writes again;
//! - hints may be wrong at any time (rule R10).
//!
//! An hour without a write, on top, spares uploads that are still under way.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::identifiers::Sequence;
use crate::store::{Family, ObjectName};

const STALE: Duration = Duration::from_secs(3600);

/// Sweeps the dataset that `folder` is and those directly in it. Returns how many files it removed.
pub(super) fn sweep(folder: &Path, now: SystemTime) -> io::Result<u32> {
    let mut swept = sweep_dataset(folder, now)?;
    for entry in fs::read_dir(folder)? {
        swept += sweep_dataset(&entry?.path(), now)?;
    }
    Ok(swept)
}

fn sweep_dataset(dataset: &Path, now: SystemTime) -> io::Result<u32> {
    if !dataset.join(Family::Log.folder()).is_dir() {
        return Ok(0);
    }
    let mut swept = 0;
    for family in Family::ALL {
        let folder = dataset.join(family.folder());
        if folder.is_dir() {
            swept += sweep_family(&folder, family, now)?;
        }
    }
    Ok(swept)
}

fn sweep_family(folder: &Path, family: Family, now: SystemTime) -> io::Result<u32> {
    let mut staged = Vec::new();
    let mut highest = Sequence::default();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let Some(file) = file.to_str() else { continue };
        if let Some(ObjectName::LogEntry(sequence)) = name_of(family, file) {
            highest = highest.max(sequence);
        } else if let Some(name) = staged_name(family, file) {
            staged.push((name, folder.join(file)));
        }
    }
    staged.retain(|(name, _)| !matches!(name, ObjectName::LogEntry(sequence) if *sequence > highest));
    let mut swept = 0;
    for (_, path) in staged {
        swept += u32::from(is_stale(&path, now)? && remove(&path)?);
    }
    Ok(swept)
}

fn name_of(family: Family, file: &str) -> Option<ObjectName> {
    ObjectName::parse(&format!("{}/{file}", family.folder()))
}

/// The object that a staging file was to become.
fn staged_name(family: Family, file: &str) -> Option<ObjectName> {
    let (name, number) = file.split_once('#')?;
    let is_staging = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_staging.then(|| name_of(family, name)).flatten()
}

fn is_stale(path: &Path, now: SystemTime) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            let age = now.duration_since(metadata.modified()?).unwrap_or_default();
            Ok(metadata.is_file() && age > STALE)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether it was this call that removed the file.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const MANIFEST: &str = "movies/manifests/00000000000000000002-00000000000000ab";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().expect("a temporary folder"));
            for file in files {
                let path = folder.0.path().join(file);
                fs::create_dir_all(path.parent().expect("a parent")).expect("makes folders");
                fs::write(path, b"bytes").expect("writes");
            }
            folder
        }

        fn age(&self, file: &str, hours: u64) {
            let file = File::options().write(true).open(self.0.path().join(file)).expect("opens");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).expect("sets the time");
        }

        fn has(&self, file: &str) -> bool {
            self.0.path().join(file).exists()
        }

        fn sweep(&self) -> u32 {
            sweep(self.0.path(), SystemTime::now()).expect("sweeps")
        }
    }

    #[test]
    fn only_old_staging_files_go() {
        let (old, new) = (format!("{MANIFEST}#1"), format!("{MANIFEST}#2"));
        let folder = Folder::new(&[
            "movies/log/00000000000000000001",
            MANIFEST,
            &old,
            &new,
            "movies/manifests/other#1",
        ]);
        for file in [MANIFEST, &old, "movies/manifests/other#1"] {
            folder.age(file, 2);
        }
        assert_eq!(folder.sweep(), 1);
        assert!(!folder.has(&old));
        for kept in [MANIFEST, &new, "movies/manifests/other#1"] {
            assert!(folder.has(kept), "{kept}");
        }
    }

    #[test]
    fn a_staged_entry_above_the_tail_stays_however_old_r5() {
        let below = "movies/log/00000000000000000007#1";
        let above = "movies/log/00000000000000000008#1";
        let folder = Folder::new(&["movies/log/00000000000000000007", below, above]);
        folder.age(below, 1000);
        folder.age(above, 1000);
        assert_eq!(folder.sweep(), 1);
        assert!(!folder.has(below) && folder.has(above));
    }

    #[test]
    fn folders_that_are_no_datasets_are_left_alone() {
        let file = "elsewhere/manifests/00000000000000000002-00000000000000ab#1";
        let folder = Folder::new(&[file]);
        folder.age(file, 2);
        assert_eq!(folder.sweep(), 0);
        assert!(folder.has(file));
    }
}
