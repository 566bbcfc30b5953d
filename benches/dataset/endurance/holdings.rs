//! What processes and folders hold, by count and by bytes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use hollowcast_measure::own_memory::own_memory;

/// What a process holds of the operating system.
pub struct Process {
    /// Mappings of sections.
    pub mapped_files: usize,
    pub open_descriptors: usize,
    pub own_memory_bytes: u64,
}

impl Process {
    /// Of process `number`, or `self`.
    pub fn of(number: &str) -> anyhow::Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{number}/maps"))?;
        Ok(Self {
            mapped_files: maps.lines().filter(|line| line.contains("/segments/")).count(),
            open_descriptors: fs::read_dir(format!("/proc/{number}/fd"))?.count(),
            own_memory_bytes: own_memory(number).context("a process that runs has memory")?,
        })
    }
}

/// The files of a folder and of all below it.
#[derive(Default)]
pub struct Folder {
    pub files: u64,
    /// What they take of the disk.
    pub disk_bytes: u64,
}

impl Folder {
    /// Files that go meanwhile are not counted.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut folder = Self::default();
        folder.add(path)?;
        Ok(folder)
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => self.add(&entry.path())?,
                Ok(metadata) => {
                    self.files += 1;
                    self.disk_bytes += metadata.blocks() * 512;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
