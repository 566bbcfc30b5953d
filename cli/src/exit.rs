//! Exit statuses, and the last words before them.

use anyhow::Error;
use hollowcast::ErrorKind;
use hollowcast::consumer::ConsumerError;
use hollowcast::error::Classify;
use hollowcast::replica::ReplicaError;

use crate::ingest::InputError;

/// Done.
pub const DONE: u8 = 0;
/// Anything that has no number of its own.
pub const OTHER: u8 = 1;
/// Wrong usage; what the argument parser uses too.
pub const USAGE: u8 = 2;
/// Invalid input.
pub const INVALID: u8 = 3;
/// Not found.
pub const NOT_FOUND: u8 = 4;
/// Another producer was first, or is live.
pub const CONFLICT: u8 = 5;
/// The store did not answer.
pub const UNAVAILABLE: u8 = 6;
/// Stored data is damaged or missing.
pub const CORRUPT: u8 = 7;

/// A command line that is understood and makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Something that is named and not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// The status that `error` ends with.
#[must_use]
pub fn code_of(error: &Error) -> u8 {
    error.chain().find_map(code_of_cause).unwrap_or(OTHER)
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<Usage>() {
        return Some(USAGE);
    }
    if cause.is::<NotFound>() {
        return Some(NOT_FOUND);
    }
    if let Some(error) = cause.downcast_ref::<hollowcast::Error>() {
        // What the log leads to and is not there is damage to a dataset that is.
        let is_missing = matches!(error.downcast_ref(), Some(ReplicaError::Missing { .. }));
        let is_no_type = matches!(error.downcast_ref(), Some(ConsumerError::NoSuchType { .. }));
        return Some(match error.kind() {
            _ if is_missing => CORRUPT,
            _ if is_no_type => NOT_FOUND,
            kind => code_of_kind(kind),
        });
    }
    cause.downcast_ref::<InputError>().map(|error| code_of_kind(error.kind()))
}

fn code_of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid => INVALID,
        ErrorKind::NotFound => NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::Fenced => CONFLICT,
        ErrorKind::Unavailable => UNAVAILABLE,
        ErrorKind::Corrupt => CORRUPT,
        _ => OTHER,
    }
}

/// Says on standard error what went wrong; causes that the message already tells are not repeated.
pub fn explain(error: &Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("error: {text}");
}
