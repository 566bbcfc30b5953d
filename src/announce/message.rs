//! Small Cap'n Proto messages from who knows where: hints here, entries in the log.

use capnp::message::{Reader, ReaderOptions};
use capnp::serialize::{OwnedSegments, read_message as read_framed};

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageFault {
    /// Which part of it.
    pub(crate) field: &'static str,
    /// What should be there.
    pub(crate) expected: String,
    /// What is there.
    pub(crate) found: String,
}

impl MessageFault {
    pub(crate) fn new(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { field, expected: expected.into(), found: found.into() }
    }
}

/// Frames one message of at most `limit` bytes. It is copied, so `bytes` need no alignment; reading it is bounded.
pub(crate) fn read_message(bytes: &[u8], limit: usize) -> Result<Reader<OwnedSegments>, MessageFault> {
    if bytes.len() > limit {
        return Err(MessageFault::new(
            "length",
            format!("at most {limit} bytes"),
            format!("{} bytes", bytes.len()),
        ));
    }
    let mut options = ReaderOptions::new();
    // Lists of structs without content are the only way to read more words than there are; four times is ample.
    options.traversal_limit_in_words(Some(limit / 2)).nesting_limit(16);
    let mut rest = bytes;
    let message = read_framed(&mut rest, options)
        .map_err(|error| MessageFault::new("framing", "one Cap'n Proto message", error.to_string()))?;
    if rest.is_empty() {
        Ok(message)
    } else {
        Err(MessageFault::new(
            "length",
            "one message and nothing behind it",
            format!("{} bytes more", rest.len()),
        ))
    }
}
