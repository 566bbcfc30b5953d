//! Announcements: hints that the log of a dataset has grown.
//!
//! A producer that committed tells an [`Announcer`]; a consumer waits on an [`AnnouncementWatcher`] and then looks at the
//! log. The log alone decides (rule R10): a watcher yields no number and no version, only "look", so an announcement that
//! is doubled, late, lost or forged costs a LIST or a delay and never an error.
//!
//! | | announces by | watches by |
//! |---|---|---|
//! | within a process | [`InProcessBus`] | [`InProcessBus`] |
//! | in the store alone | [`StoreAnnouncer`], the object `hints/announced` | [`StoreWatcher`], polling it |
//!
//! Others, for message buses, implement the two traits and run [`conformance`]. [`Merged`] waits on several at
//! once; [`Debounced`] turns a burst of looks into one and spreads many consumers that wake at once.

mod announcement;
pub mod conformance;
mod debounced;
mod error;
mod in_process;
mod merged;
mod message;
mod store;

use async_trait::async_trait;

pub use announcement::Announcement;
pub use debounced::Debounced;
pub use error::AnnounceError;
pub use in_process::InProcessBus;
pub use merged::Merged;
pub(crate) use message::{MessageFault, read_message};
pub use store::{PollOptions, StoreAnnouncer, StoreWatcher};

/// Tells watchers that a dataset's log has grown.
///
/// To be called after rule R4 has confirmed the entry, and best effort: whoever announces goes on when it fails.
#[async_trait]
pub trait Announcer: Send + Sync {
    /// Tells it. An error means that watchers may learn of the entry only when they next look without a reason.
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError>;
}

/// Says when to look at the log of one dataset.
#[async_trait]
pub trait AnnouncementWatcher: Send {
    /// Waits until there is a reason to look.
    ///
    /// - After each announcement made since the watcher exists, it yields at least once; several may share one.
    /// - It may yield without a reason. It never filters by number: an older one means "look" as well.
    /// - It never fails: whose bus is down waits until it is back, and yields then, since it may have missed something.
    ///   Whose bus is gone for ever waits for ever.
    /// - Dropping the future loses nothing: the next call yields what that one would have.
    async fn next(&mut self);
}
