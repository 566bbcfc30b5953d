//! What a heartbeat says.

use std::time::SystemTime;

use capnp::message::Builder;
use capnp::serialize::write_message_to_words;

use super::process::ProcessIdentity;
use crate::announce::{MessageFault, read_message};
use crate::environment::{milliseconds, time_of};
use crate::generated::announcement_capnp::heartbeat;
use crate::identifiers::{Epoch, Nonce};
use crate::log::error::LogError;
use crate::store::ObjectName;

/// A sign of life of a producer, stored as `hints/heartbeat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Nonce of the producer's claim.
    pub holder: Nonce,
    /// The epoch that the claim began.
    pub epoch: Epoch,
    /// The producer's process.
    pub process: ProcessIdentity,
    /// When, by its clock, in whole milliseconds.
    pub at: SystemTime,
    /// Rises with every beat, so that each differs from the one before.
    pub counter: u64,
    /// Whether the producer has finished.
    pub stopped: bool,
}

impl Beat {
    /// Most bytes that a stored beat may have.
    pub const LIMIT: u64 = 4096;

    /// The bytes to store.
    ///
    /// # Panics
    ///
    /// If the texts of the process identity are so long that the beat exceeds [`Beat::LIMIT`]; a process's own never are.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Builder::new_default();
        let mut root = message.init_root::<heartbeat::Builder<'_>>();
        root.set_holder(&self.holder.0);
        root.set_epoch(self.epoch.0);
        root.set_host(&self.process.host);
        root.set_boot_id(&self.process.boot_id);
        root.set_process_namespace(&self.process.namespace);
        root.set_process(self.process.process);
        root.set_process_start(self.process.started);
        root.set_at_ms(milliseconds(self.at));
        root.set_counter(self.counter);
        root.set_stopped(self.stopped);
        let bytes = write_message_to_words(&message);
        assert!(bytes.len() as u64 <= Self::LIMIT, "the parts of a process identity are short");
        bytes
    }

    /// From stored bytes; anything may come.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        read(bytes).map_err(|MessageFault { field, expected, found }| LogError::Malformed {
            object: ObjectName::HeartbeatHint,
            field,
            expected,
            found,
        })
    }
}

fn read(bytes: &[u8]) -> Result<Beat, MessageFault> {
    let message = read_message(bytes, Beat::LIMIT as usize)?;
    let root = message.get_root::<heartbeat::Reader<'_>>().map_err(structure)?;
    let holder = root.get_holder().map_err(structure)?;
    let holder = Nonce::from_slice(holder)
        .ok_or_else(|| MessageFault::new("holder", "16 bytes", format!("{} bytes", holder.len())))?;
    let at = time_of(root.get_at_ms());
    Ok(Beat {
        holder,
        epoch: Epoch(root.get_epoch()),
        process: ProcessIdentity {
            host: text("host", root.get_host())?,
            boot_id: text("boot id", root.get_boot_id())?,
            namespace: text("process namespace", root.get_process_namespace())?,
            process: root.get_process(),
            started: root.get_process_start(),
        },
        at: at.ok_or_else(|| MessageFault::new("time", "a time in reach", root.get_at_ms().to_string()))?,
        counter: root.get_counter(),
        stopped: root.get_stopped(),
    })
}

fn text(field: &'static str, text: capnp::Result<capnp::text::Reader<'_>>) -> Result<String, MessageFault> {
    let text = text.map_err(structure)?;
    text.to_str()
        .map(ToOwned::to_owned)
        .map_err(|error| MessageFault::new(field, "UTF-8 text", error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn structure(error: capnp::Error) -> MessageFault {
    MessageFault::new("structure", "a heartbeat", error.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    pub(in crate::log) fn beat() -> Beat {
        Beat {
            holder: Nonce(*b"0123456789abcdef"),
            epoch: Epoch(3),
            process: ProcessIdentity {
                host: "h1".to_owned(),
                boot_id: "b1".to_owned(),
                namespace: "n1".to_owned(),
                process: 77,
                started: 55,
            },
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_123),
            counter: 9,
            stopped: true,
        }
    }

    #[test]
    fn bytes_are_those_of_the_reference_compiler() {
        let golden = include_bytes!("golden/heartbeat.bin");
        assert_eq!(beat().encode(), golden);
        assert_eq!(Beat::decode(golden).expect("decodes"), beat());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64), at: usize, by: u8) {
            let _ = Beat::decode(&bytes);
            let mut spoiled = beat().encode();
            let at = at % spoiled.len();
            spoiled[at] = spoiled[at].wrapping_add(by);
            let _ = Beat::decode(&spoiled);
            spoiled.truncate(at);
            prop_assert!(Beat::decode(&spoiled).is_err());
        }
    }
}
