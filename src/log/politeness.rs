//! Manners between producers: who is about to claim looks whether another one is alive.
//!
//! A claim fences whoever held the dataset. That is always safe (rule R3) but seldom wanted: two cron jobs that overlap
//! would fence each other for ever. So a producer beats while it runs ([`Heartbeat`]), and [`admit`] finds out whether
//! the holder that the tail names is alive, before [`Claim`](super::Claim) fences it. Clocks and hints make this polite, never
//! safe: a wrong answer costs a refusal, some seconds, or a fenced producer, never a fork.
//!
//! | what is known of the tail's holder | it is taken for |
//! |---|---|
//! | it said that it stopped | gone |
//! | it ran on this host, under this numbering of processes, and is not there any more | gone |
//! | its last beat is at most [`FRESH`] old, by the clocks of both | alive |
//! | its last beat is older, or of a clock that goes wrong | alive if the log or the hint changes within [`WATCH`] |
//! | no beat of it, but the tail is its own claim and at most [`FRESH`] old | alive, about to beat |
//! | no beat of it | gone |
//!
//! Who waits ([`Manners::Wait`]) goes by its own clock alone: it claims when neither the log nor the hint changed for
//! [`FRESH`], or as soon as the holder is gone.

mod admit;
mod beat;
mod heartbeat;
mod process;
mod verdict;

use std::time::Duration;

pub use admit::{Admission, Manners, admit};
pub use beat::Beat;
pub use heartbeat::Heartbeat;
pub use process::{Liveness, ProcessIdentity};

/// How often a producer beats: so often that a lost beat or two do not matter below.
pub const BEAT: Duration = Duration::from_secs(3);

/// How old a sign of life may be: five beats, so that a slow store does not make a producer look dead.
pub const FRESH: Duration = Duration::from_secs(15);

/// How long a hint is watched whose time says nothing: two beats and a second for the store.
pub const WATCH: Duration = Duration::from_secs(7);
