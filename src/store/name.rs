//! Names of the objects of a dataset, to text and back.

use std::fmt;

use crate::identifiers::{Attempt, Sequence, Version};

/// The folder of a kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Entries of the control log.
    Log,
    /// Manifests.
    Manifests,
    /// Snapshots.
    Snapshots,
    /// Deltas.
    Deltas,
    /// Reverse deltas.
    Reverse,
    /// What may be stale, lost or wrong.
    Hints,
    /// What is left of a probe of the store.
    Probe,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 7] =
        [Self::Log, Self::Manifests, Self::Snapshots, Self::Deltas, Self::Reverse, Self::Hints, Self::Probe];

    /// Name of the folder.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Manifests => "manifests",
            Self::Snapshots => "snapshots",
            Self::Deltas => "deltas",
            Self::Reverse => "reverse",
            Self::Hints => "hints",
            Self::Probe => "probe",
        }
    }
}

/// The name of an object below its dataset; prints as its path there, `manifests/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectName {
    /// An entry of the control log.
    LogEntry(Sequence),
    /// Describes a version.
    Manifest {
        /// The version described.
        version: Version,
        /// Which try at it.
        attempt: Attempt,
    },
    /// Builds a version from nothing.
    Snapshot {
        /// The version built.
        version: Version,
        /// Which try at it.
        attempt: Attempt,
    },
    /// Builds a version from the one before.
    Delta {
        /// The version it is applied to.
        from: Version,
        /// The version it arrives at.
        to: Version,
        /// Which try at it.
        attempt: Attempt,
    },
    /// Builds a version from the one after.
    ReverseDelta {
        /// The version it is applied to, the newer one.
        from: Version,
        /// The version it arrives at, the older one.
        to: Version,
        /// Which try at it.
        attempt: Attempt,
    },
    /// Where the last announcement lies.
    AnnouncedHint,
    /// Where a producer shows that it lives.
    HeartbeatHint,
    /// What writers race for when the store is probed.
    Probe(Attempt),
}

impl ObjectName {
    /// The folder it lies in.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::LogEntry(_) => Family::Log,
            Self::Manifest { .. } => Family::Manifests,
            Self::Snapshot { .. } => Family::Snapshots,
            Self::Delta { .. } => Family::Deltas,
            Self::ReverseDelta { .. } => Family::Reverse,
            Self::AnnouncedHint | Self::HeartbeatHint => Family::Hints,
            Self::Probe(_) => Family::Probe,
        }
    }

    /// The name within its folder.
    #[must_use]
    pub fn file(&self) -> String {
        match self {
            Self::LogEntry(sequence) => format!("{:020}", sequence.0),
            Self::Manifest { version, attempt } | Self::Snapshot { version, attempt } => {
                format!("{:020}-{attempt}", version.0)
            }
            Self::Delta { from, to, attempt } | Self::ReverseDelta { from, to, attempt } => {
                format!("{:020}-{:020}-{attempt}", from.0, to.0)
            }
            Self::AnnouncedHint => "announced".to_owned(),
            Self::HeartbeatHint => "heartbeat".to_owned(),
            Self::Probe(attempt) => attempt.to_string(),
        }
    }

    /// The way back from its text; `None` for anything that it never prints.
    ///
    /// A store may hold objects that are not ours; they have no name here and are passed over.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (folder, file) = path.split_once('/')?;
        let family = Family::ALL.into_iter().find(|family| family.folder() == folder)?;
        let name = match family {
            Family::Log => Self::LogEntry(Sequence(parse_number(file)?)),
            Family::Manifests => {
                let (version, attempt) = parse_version(file)?;
                Self::Manifest { version, attempt }
            }
            Family::Snapshots => {
                let (version, attempt) = parse_version(file)?;
                Self::Snapshot { version, attempt }
            }
            Family::Deltas => {
                let (from, to, attempt) = parse_step(file)?;
                Self::Delta { from, to, attempt }
            }
            Family::Reverse => {
                let (from, to, attempt) = parse_step(file)?;
                Self::ReverseDelta { from, to, attempt }
            }
            Family::Hints => {
                [Self::AnnouncedHint, Self::HeartbeatHint].into_iter().find(|is| is.file() == file)?
            }
            Family::Probe => Self::Probe(parse_attempt(file)?),
        };
        Some(name)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.family().folder(), self.file())
    }
}

fn parse_version(file: &str) -> Option<(Version, Attempt)> {
    let (version, attempt) = file.split_once('-')?;
    Some((Version(parse_number(version)?), parse_attempt(attempt)?))
}

fn parse_step(file: &str) -> Option<(Version, Version, Attempt)> {
    let (from, rest) = file.split_once('-')?;
    let (to, attempt) = parse_version(rest)?;
    Some((Version(parse_number(from)?), to, attempt))
}

/// Exactly 20 decimal digits that fit 64 bits.
fn parse_number(text: &str) -> Option<u64> {
    let digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Exactly 16 lower-case hexadecimal digits.
fn parse_attempt(text: &str) -> Option<Attempt> {
    let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u64::from_str_radix(text, 16).ok().map(Attempt)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ATTEMPT: Attempt = Attempt(0xab);

    #[test]
    fn names_are_those_of_the_format() {
        let (from, to) = (Version(1), Version(2));
        for (name, text) in [
            (ObjectName::LogEntry(Sequence(17)), "log/00000000000000000017"),
            (ObjectName::LogEntry(Sequence(u64::MAX)), "log/18446744073709551615"),
            (
                ObjectName::Manifest { version: to, attempt: ATTEMPT },
                "manifests/00000000000000000002-00000000000000ab",
            ),
            (
                ObjectName::Snapshot { version: to, attempt: ATTEMPT },
                "snapshots/00000000000000000002-00000000000000ab",
            ),
            (
                ObjectName::Delta { from, to, attempt: ATTEMPT },
                "deltas/00000000000000000001-00000000000000000002-00000000000000ab",
            ),
            (
                ObjectName::ReverseDelta { from: to, to: from, attempt: ATTEMPT },
                "reverse/00000000000000000002-00000000000000000001-00000000000000ab",
            ),
            (ObjectName::AnnouncedHint, "hints/announced"),
            (ObjectName::HeartbeatHint, "hints/heartbeat"),
            (ObjectName::Probe(ATTEMPT), "probe/00000000000000ab"),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(ObjectName::parse(text), Some(name));
        }
    }

    #[test]
    fn strangers_have_no_name() {
        for text in [
            "",
            "log",
            "log/",
            "log/17",
            "log/+0000000000000000017",
            "log/00000000000000000017#1",
            "log/00000000000000000017/00000000000000000017",
            "log/18446744073709551616",
            "manifests/00000000000000000002",
            "manifests/00000000000000000002-00000000000000AB",
            "manifests/00000000000000000002-+0000000000000ab",
            "deltas/00000000000000000001-00000000000000ab",
            "hints/other",
            "elsewhere/00000000000000000017",
        ] {
            assert_eq!(ObjectName::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_prints_as_it_was(text in "(log|deltas|probe|manifests)/[-0-9a-f#]{0,60}") {
            if let Some(name) = ObjectName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }

        #[test]
        fn names_sort_as_numbers(left: u64, right: u64) {
            let name = |number| ObjectName::LogEntry(Sequence(number)).to_string();
            prop_assert_eq!(left.cmp(&right), name(left).cmp(&name(right)));
        }
    }
}
