//! What an announcement says. Only people and tools read it; consumers take it as "look".

use std::time::SystemTime;

use capnp::message::Builder;
use capnp::serialize::write_message_to_words;

use super::error::AnnounceError;
use super::message::{MessageFault, read_message};
use crate::environment::{milliseconds, time_of};
use crate::generated::announcement_capnp::announcement;
use crate::identifiers::{Sequence, Version};

/// The log of a dataset has grown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Name of the dataset, at most 1,024 bytes.
    pub dataset: String,
    /// Number of the log entry.
    pub sequence: Sequence,
    /// Version that consumers without a ring shall be on; [`Version::NONE`] before the first.
    pub target: Version,
    /// When, by the producer's clock, in whole milliseconds.
    pub at: SystemTime,
}

impl Announcement {
    /// Most bytes that an announcement may have.
    pub const LIMIT: u64 = 4096;
    /// Most bytes that the name of a dataset may have.
    pub const NAME_LIMIT: usize = 1024;

    /// As a message.
    pub fn encode(&self) -> Result<Vec<u8>, AnnounceError> {
        let found = self.dataset.len();
        if found > Self::NAME_LIMIT {
            return Err(AnnounceError::LongName { limit: Self::NAME_LIMIT, found });
        }
        let mut message = Builder::new_default();
        let mut root = message.init_root::<announcement::Builder<'_>>();
        root.set_dataset(&self.dataset);
        root.set_sequence(self.sequence.0);
        root.set_target(self.target.0);
        root.set_at_ms(milliseconds(self.at));
        Ok(write_message_to_words(&message))
    }

    /// From a message; anything may come.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnnounceError> {
        let message = read_message(bytes, Self::LIMIT as usize)?;
        let root = message.get_root::<announcement::Reader<'_>>().map_err(structure)?;
        let dataset = root.get_dataset().map_err(structure)?;
        let dataset =
            dataset.to_str().map_err(|error| malformed("dataset", "UTF-8 text", error.to_string()))?;
        let at = time_of(root.get_at_ms());
        let (limit, found) = (Self::NAME_LIMIT, dataset.len());
        if found > limit {
            return Err(malformed(
                "dataset",
                format!("a name of at most {limit} bytes"),
                format!("{found} bytes"),
            ));
        }
        Ok(Self {
            dataset: dataset.to_owned(),
            sequence: Sequence(root.get_sequence()),
            target: Version(root.get_target()),
            at: at.ok_or_else(|| malformed("time", "a time in reach", root.get_at_ms().to_string()))?,
        })
    }
}

fn malformed(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> AnnounceError {
    MessageFault::new(field, expected, found).into()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn structure(error: capnp::Error) -> AnnounceError {
    malformed("structure", "an announcement", error.to_string())
}

impl From<MessageFault> for AnnounceError {
    fn from(fault: MessageFault) -> Self {
        Self::Malformed { field: fault.field, expected: fault.expected, found: fault.found }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::error::{Classify, ErrorKind};

    fn announcement() -> Announcement {
        Announcement {
            dataset: "airports".to_owned(),
            sequence: Sequence(17),
            target: Version(12),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_123),
        }
    }

    /// `capnp encode schemas/announcement.capnp Announcement` of
    /// `(dataset = "airports", sequence = 17, target = 12, atMs = 1767225600123)`.
    const GOLDEN: &str = "0000000007000000000000000300010011000000000000000c000000000000007ba8da769b010000010000004a000000616972706f7274730000000000000000";

    #[test]
    fn bytes_are_those_of_the_reference_compiler() {
        let golden: Vec<u8> = (0..GOLDEN.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&GOLDEN[at..at + 2], 16).expect("hex"))
            .collect();
        assert_eq!(announcement().encode().expect("encodes"), golden);
        assert_eq!(Announcement::decode(&golden).expect("decodes"), announcement());
    }

    #[test]
    fn a_name_beyond_the_limit_is_refused_both_ways() {
        let long = Announcement { dataset: "x".repeat(1025), ..announcement() };
        assert_eq!(long.encode().expect_err("too long").kind(), ErrorKind::Invalid);
        let longest = Announcement { dataset: "x".repeat(1024), ..announcement() };
        assert_eq!(Announcement::decode(&longest.encode().expect("fits")).expect("decodes"), longest);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), at: usize) {
            let _ = Announcement::decode(&bytes);
            let mut spoiled = announcement().encode().expect("encodes");
            let at = at % spoiled.len();
            spoiled[at] = spoiled[at].wrapping_add(1);
            let _ = Announcement::decode(&spoiled);
            spoiled.truncate(at);
            prop_assert!(Announcement::decode(&spoiled).is_err());
            bytes.splice(0..0, announcement().encode().expect("encodes"));
            prop_assert_eq!(Announcement::decode(&bytes).is_ok(), bytes.len() == announcement().encode().expect("encodes").len());
        }
    }
}
