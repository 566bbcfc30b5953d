//! The control log of a dataset: who may commit, what is committed, where consumers shall be (keeps semantics 10).
//!
//! The log is a row of objects, `log/1`, `log/2` …, each created once and never changed. An entry ([`LogEntry`]) holds the
//! *whole* control state, so the highest one is the truth and the others are history. A version exists, and is
//! released, at the instant the entry that names its manifest is created: one create, one truth.
//!
//! ```text
//!             ┌───────────── R5 ─────────────┐
//!             ▼                              │
//!   Tail: LIST, read the highest ──► R4: did mine happen? ──yes──► done
//!                                            │ no, or nothing sent yet
//!                                            ▼
//!                               Decide: a pure function of that entry ──► refuse, or nothing to do
//!                                            │ append
//!                                            ▼
//!                      create log/<tail + 1>, as often as R2 says ──► LIST again
//! ```
//!
//! That loop is [`Log::append`], the only place that writes `log/`. Writers differ only in their [`Decide`]: a producer
//! first claims the dataset ([`Claim`]), which fences whoever held it, then commits versions ([`Commit`]). Safety rests
//! on the store's create-if-absent and LIST alone. Clocks and the heartbeat ([`politeness`]) only keep producers from
//! fencing each other for nothing.
//!
//! | rule | says | kept by |
//! |---|---|---|
//! | R1 | decide from the highest entry alone, create the next with all the state | [`Log::append`] |
//! | R2 | after an unclear reply, look: there, or send the same again | [`Log::append`] |
//! | R3 | append and commit only under one's own epoch, onto one's own parent | [`Claim`], [`Commit`] |
//! | R4 | believe a create only after a LIST | [`Log::append`] |
//! | R5 | the tail is the highest number in a LIST | [`Tail`] |
//! | R6 | versions are deleted only below a floor that the log names | [`RaiseFloor`], [`crate::retention`] |
//! | R7 | what an attempt left goes only when it can be committed no more | [`crate::retention`] |
//! | R8 | a ring stays where it is pinned, and goes on from the newest version | [`Pin`], [`Unpin`], [`Commit`] |
//! | R9 | a consumer moves only to the highest entry, and only forward in the log | [`landing`] |
//! | R10 | hints mean "look" | [`Tail`], [`crate::announce`] |

mod announcers;
mod append;
mod decide;
mod entry;
mod error;
pub mod landing;
pub mod politeness;
mod tail;
mod tenure;
#[cfg(test)]
mod tests;

pub(crate) use announcers::Announcers;
pub use append::{Ancestry, Appended, Log, Outcome};
pub use decide::{AddSnapshot, Claim, Commit, Decide, Decision, Judgement, Pin, RaiseFloor, Unpin};
pub use entry::{
    EntryKind, Hold, HoldReason, LogEntry, ManifestReference, Signature, SnapshotReference, StoredEntry,
    Target,
};
pub use error::LogError;
pub use tail::Tail;
pub use tenure::Tenure;
