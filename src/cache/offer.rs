//! Who writes the same section at the same time ends up with the same file: that of whoever was first.
//!
//! A section is sealed once its structure was verified, and by then it is part of a state that is mapped from it. So its
//! writers meet before: who has a complete file offers it in `tmp`, under the name of the section, which one file alone
//! can have. The others open that one, hash it, link it to a path of their own, and drop what they wrote. From then on
//! all are alike: each may seal the file, give it up or die, whatever the others do.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::temporary::{TemporaryPath, lock_shared, remove_same};
use super::{CacheError, SectionName, StateDirectory};
use crate::segment::Segment;

/// How often a writer tries to meet the others: each try but the first, one of them was just giving up.
const ATTEMPTS: u32 = 4;

/// The complete file of a section, in `tmp`.
#[derive(Debug)]
pub(super) struct CompleteFile {
    path: TemporaryPath,
    metadata: Metadata,
    /// The path where others find it, if it was the first; gone when the file has its final path, or is given up.
    offer: Option<TemporaryPath>,
}

impl CompleteFile {
    pub(super) fn new(path: TemporaryPath, metadata: Metadata) -> Self {
        Self { path, metadata, offer: None }
    }
}

impl StateDirectory {
    /// The file to use for the section `name`, which was just written into `file` and is mapped as `segment`: that of
    /// whoever was first. Without a file, the section is sealed already.
    ///
    /// To offer comes before looking for a sealed one: a file that is offered no more was sealed before, and is found.
    pub(super) fn share(
        &self,
        name: SectionName,
        segment: Segment,
        mut file: CompleteFile,
    ) -> Result<(Segment, Option<CompleteFile>), CacheError> {
        for _ in 0..ATTEMPTS {
            let offered = TemporaryPath::link(file.path.as_path(), self.offer_path(name));
            if let Some(sealed) = self.find(&name)? {
                return Ok((sealed, None));
            }
            match offered {
                Ok(offer) => {
                    file.offer = Some(offer);
                    return Ok((segment, Some(file)));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if let Some((segment, file)) = self.join(name) {
                        return Ok((segment, Some(file)));
                    }
                }
                // Not every file system has hard links; there, every writer goes on with its own file.
                Err(_) => break,
            }
        }
        Ok((segment, Some(file)))
    }

    /// Seals `file` and gives it its final path, unless a sealed one is there.
    pub(super) fn settle(&self, name: SectionName, file: CompleteFile) -> Result<(), CacheError> {
        if self.find(&name)?.is_some() {
            return Ok(());
        }
        self.write_seal(name, &file.metadata)?;
        file.path.move_to(&self.segment_path(name))
    }

    /// The file that another writer offers, under a path of its own; `None` if that one just gave it up, or it cannot be
    /// shared. One with other bytes is removed.
    fn join(&self, name: SectionName) -> Option<(Segment, CompleteFile)> {
        let offered = self.offer_path(name);
        let file = File::open(&offered).ok()?;
        lock_shared(&file, &offered).ok()?.then_some(())?;
        let metadata = file.metadata().ok()?;
        let path = self.link_temporary(&offered).ok()?;
        let linked = fs::symlink_metadata(path.as_path()).ok()?;
        ((linked.dev(), linked.ino()) == (metadata.dev(), metadata.ino())).then_some(())?;
        let segment = Segment::mapped(file).ok();
        let segment = segment.filter(|segment| SectionName::of(segment.section_bytes()) == name);
        if segment.is_none() {
            tracing::warn!(expected = %name, "removed a damaged section that was being written");
            let _ = remove_same(&offered, &metadata);
        }
        Some((segment?, CompleteFile::new(path, metadata)))
    }

    fn offer_path(&self, name: SectionName) -> PathBuf {
        self.temps().join(name.segment_file())
    }
}
