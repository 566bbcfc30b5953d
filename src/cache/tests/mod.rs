//! One file an invariant; what they share is here.

mod budget;
mod processes;
mod seals;
mod sections;
#[cfg(target_os = "linux")]
mod sharing;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;

use super::*;
use crate::environment::{Clock, Environment, SystemRandom};
use crate::segment::Segment;

/// A clock that stands still unless it is told.
struct ManualClock(Mutex<Duration>);

impl ManualClock {
    fn advance(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A state directory of a test, and its clock.
struct Host {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    directory: StateDirectory,
}

impl Host {
    fn new() -> Self {
        Self::with_budget(1 << 30)
    }

    fn with_budget(budget_bytes: u64) -> Self {
        Self::with_options(budget(budget_bytes))
    }

    fn with_options(options: StateDirectoryOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock(Mutex::default()));
        let directory = open(&folder.path().join("state"), options, clock.clone());
        Self { folder, clock, directory }
    }

    /// The directory as another process that starts now would open it.
    fn reopen(&self) -> StateDirectory {
        open(self.directory.path(), StateDirectoryOptions::default(), self.clock.clone())
    }

    /// Names of the files in one of the directory's folders, sorted.
    fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path().join(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes and seals the section with these bytes.
    fn add(&self, bytes: &[u8]) -> SectionName {
        add(&self.directory, bytes).unwrap();
        SectionName::of(bytes)
    }

    fn has(&self, name: SectionName) -> bool {
        self.directory.segment_path(name).exists()
    }
}

fn budget(budget_bytes: u64) -> StateDirectoryOptions {
    StateDirectoryOptions { budget_bytes, ..StateDirectoryOptions::default() }
}

fn open(path: &Path, options: StateDirectoryOptions, clock: Arc<dyn Clock>) -> StateDirectory {
    StateDirectory::open(path, options, Environment { clock, random: Arc::new(SystemRandom) }).unwrap()
}

fn add(directory: &StateDirectory, bytes: &[u8]) -> Result<Segment, CacheError> {
    let mut writer = directory.create(bytes.len() as u64)?;
    writer.write_all(bytes).map_err(|error| CacheError::from_write(error).unwrap())?;
    writer.finish(Some(SectionName::of(bytes)))?.seal()
}

/// A section of `bytes` bytes, all of it `fill` but its frame.
fn section(bytes: usize, fill: u8) -> Vec<u8> {
    let mut section = vec![fill; bytes];
    let words = u32::try_from(bytes / 8 - 1).unwrap();
    section[..4].fill(0);
    section[4..8].copy_from_slice(&words.to_le_bytes());
    section
}
