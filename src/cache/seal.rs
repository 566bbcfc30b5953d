//! What says that a file was verified and is still the file that was.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use super::SectionName;

/// Version of the checks on a section's structure. Raised when they become stricter: sections sealed by older checks
/// are verified again before they are used.
pub const VERIFIER_VERSION: u32 = 1;

/// A seal: five lines of text beside a section's file.
///
/// It holds for the very file that was verified (inode, and time of its last write to the nanosecond) and until the
/// host restarts: bytes that were written but not yet on disk when a host dies may come back as zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The section that was verified; its length is that of the file.
    pub(super) section: SectionName,
    /// Which file of the file system it was.
    pub(super) inode: u64,
    /// When it was last written: seconds since 1970 and nanoseconds.
    pub(super) modified: (i64, i64),
    /// Which start of which host verified it.
    pub(super) boot: String,
    /// [`VERIFIER_VERSION`] of who verified it.
    pub(super) verifier: u32,
}

impl Seal {
    const FIRST_LINE: &str = "hollowcast seal 1";

    /// What this release seals a file with.
    pub(super) fn of(section: SectionName, file: &Metadata, boot: &str) -> Self {
        let modified = (file.mtime(), file.mtime_nsec());
        Self { section, inode: file.ino(), modified, boot: boot.to_owned(), verifier: VERIFIER_VERSION }
    }

    /// The seal that `text` is; `None` if it is none, cut off, or of another format.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        (lines.next()? == Self::FIRST_LINE).then_some(())?;
        let section = SectionName::parse(lines.next()?.strip_prefix("section ")?)?;
        let mut numbers = lines.next()?.strip_prefix("file ")?.split(' ');
        let inode = numbers.next()?.parse().ok()?;
        let modified = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        let boot = lines.next()?.strip_prefix("boot ")?.to_owned();
        let verifier = lines.next()?.strip_prefix("verifier ")?.parse().ok()?;
        let ended = numbers.next().is_none() && lines.next().is_none();
        ended.then_some(Self { section, inode, modified, boot, verifier })
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanoseconds) = self.modified;
        writeln!(out, "{}\nsection {}", Self::FIRST_LINE, self.section)?;
        writeln!(out, "file {} {seconds} {nanoseconds}", self.inode)?;
        writeln!(out, "boot {}\nverifier {}", self.boot, self.verifier)
    }
}

/// Names this start of this host. Where the operating system has no such name, every process makes one up, so that it
/// trusts no seal but its own.
pub(super) fn boot_name(random: u64) -> String {
    let known = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match known.trim() {
        "" => format!("process-{random:016x}"),
        boot => boot.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        Seal {
            section: SectionName::of(b""),
            inode: u64::MAX,
            modified: (-5, 999_999_999),
            boot: "3f0e".to_owned(),
            verifier: 7,
        }
    }

    #[test]
    fn a_seal_is_five_lines() {
        let text = "hollowcast seal 1\n\
            section 99aa06d3014798d86001c324468d497f-0\n\
            file 18446744073709551615 -5 999999999\n\
            boot 3f0e\n\
            verifier 7\n";
        assert_eq!(seal().to_string(), text);
        assert_eq!(Seal::parse(text), Some(seal()));
    }

    #[test]
    fn a_seal_cut_off_anywhere_is_none() {
        let text = seal().to_string();
        for end in 0..text.len() {
            assert_eq!(Seal::parse(&text[..end]), None, "{end} bytes");
        }
        assert_eq!(Seal::parse(&format!("{text}\n")), None);
        assert_eq!(Seal::parse(&text.replace("seal 1", "seal 2")), None);
        assert_eq!(Seal::parse(&text.replace(" -5", " -5 5")), None);
    }

    #[test]
    fn the_boot_has_one_name_for_all_processes_on_linux() {
        let same = boot_name(1) == boot_name(2);
        assert_eq!(same, cfg!(target_os = "linux"));
    }
}
