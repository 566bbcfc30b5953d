//! What an operator decides about a dataset: where the fleet shall be.

use std::sync::Arc;

use crate::announce::Announcer;
use crate::error::Result;
use crate::identifiers::Version;
use crate::log::{Announcers, Appended, Decide, Log, LogEntry, Outcome, Pin, Unpin};
use crate::replica::Chain;
use crate::store::DatasetStore;

/// Pins and releases the consumers of one dataset (keeps R8, semantics 21).
///
/// Needs no producer, and no producer needs to know: versions go on being published, and consumers stay where they are held.
pub struct Operator {
    log: Log,
    announcers: Announcers,
    by: String,
}

/// What a decision came to.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Whether it changed anything; the log may have said so already.
    pub is_new: bool,
    /// The newest log entry then.
    pub entry: LogEntry,
}

impl Operator {
    /// Decides about the dataset in `store`; the log will name `by`. Consumers hear of it by the hint in the store, and by `buses`.
    #[must_use]
    pub fn new(store: DatasetStore, by: impl Into<String>, buses: Vec<Arc<dyn Announcer>>) -> Self {
        let by = by.into();
        Self { announcers: Announcers::new(&store, buses), log: Log::new(store, by.clone()), by }
    }

    /// Holds the consumers of `ring` at `version` until they are released; ring "" is everyone without another. A ring that is pinned there for
    /// another reason is pinned anew if there is a reason (`why` not empty): it is yours from then on.
    ///
    /// Costs two LISTs, a create and some GETs: one for every 256 versions back.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset or version, or retention gave it up.
    pub async fn pin(&mut self, ring: &str, version: Version, why: &str) -> Result<Decided> {
        self.pin_unless(ring, version, why, false).await
    }

    /// As [`Operator::pin`], but leaves a ring alone that is held for another reason than `why`.
    ///
    /// # Errors
    /// As [`Operator::pin`].
    pub async fn pin_unless_held(&mut self, ring: &str, version: Version, why: &str) -> Result<Decided> {
        self.pin_unless(ring, version, why, true).await
    }

    async fn pin_unless(&mut self, ring: &str, version: Version, why: &str, yields: bool) -> Result<Decided> {
        let chain = Chain::open(self.log.store()).await?;
        let pin = Pin {
            dataset: chain.entry().dataset,
            ring: ring.to_owned(),
            manifest: chain.find(Some(version)).await?,
            by: self.by.clone(),
            why: why.to_owned(),
            yields,
        };
        self.decide(&pin).await
    }

    /// Releases the consumers of `ring`, whatever holds them: they go to the newest version.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset, or the ring has no target of its own.
    pub async fn unpin(&mut self, ring: &str) -> Result<Decided> {
        self.release(ring, None).await
    }

    /// As [`Operator::unpin`], but leaves a ring alone that is held for another reason than `why`.
    ///
    /// # Errors
    /// As [`Operator::unpin`].
    pub async fn unpin_if_held(&mut self, ring: &str, why: &str) -> Result<Decided> {
        self.release(ring, Some(why.to_owned())).await
    }

    async fn release(&mut self, ring: &str, only: Option<String>) -> Result<Decided> {
        let chain = Chain::open(self.log.store()).await?;
        self.decide(&Unpin { dataset: chain.entry().dataset, ring: ring.to_owned(), only }).await
    }

    async fn decide(&mut self, decide: &dyn Decide) -> Result<Decided> {
        let decided = match self.log.append(decide).await? {
            Outcome::Appended(appended) => {
                let Appended { tail, .. } = *appended;
                Decided { is_new: true, entry: tail }
            }
            Outcome::Done(entry) => Decided { is_new: false, entry: *entry },
        };
        self.announcers.tell(&decided.entry).await;
        Ok(decided)
    }
}
