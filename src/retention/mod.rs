//! Retention: giving old versions up, and deleting what nothing needs any more (keeps R6, R7 and semantics 14).
//!
//! It may run anywhere, at any time, as often as one likes, beside producers, consumers, operators and other retention. First it raises the
//! floor by a log entry, and only what that entry gives up is deleted: versions below the floor, and what attempts left that never became a
//! version. Killed on the way, it leaves objects for the next run, and nothing else.

mod leftovers;
mod policy;

use futures::{StreamExt, TryStreamExt, stream};

pub use policy::RetentionPolicy;

use crate::environment::milliseconds;
use crate::error::Result;
use crate::identifiers::Version;
use crate::log::{Log, LogEntry, Outcome, RaiseFloor};
use crate::progress::{Progress, Stage, Unit};
use crate::replica::Chain;
use crate::store::{DatasetStore, Listed, ObjectName};

/// Deletions under way at a time.
const DELETIONS: usize = 16;

/// Gives up versions of one dataset.
pub struct Retention {
    log: Log,
    policy: RetentionPolicy,
}

/// What is given up, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Versions before were given up already.
    pub before: Version,
    /// Versions from here on are kept.
    pub floor: Version,
    /// The oldest version that the policy keeps for its number, its age or a target. Those before it that are kept are the way to it from the
    /// last snapshot.
    pub wanted: Version,
    /// The oldest version that is kept; [`Version::NONE`] while there is none.
    pub oldest: Version,
    /// The newest version.
    pub latest: Version,
    /// The objects that go, in the order in which they go.
    pub objects: Vec<Listed>,
}

impl Retained {
    /// Bytes of the objects.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

impl Retention {
    /// Of the dataset in `store`, by `policy`; the log will name `writer`.
    #[must_use]
    pub fn new(store: DatasetStore, writer: impl Into<String>, policy: RetentionPolicy) -> Self {
        Self { log: Log::new(store, writer), policy }
    }

    /// What [`Retention::run`] would do now. Changes nothing.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset; what reading it fails with.
    pub async fn plan(&self) -> Result<Retained> {
        Chain::beside_retention(self.log.store(), |chain| async move {
            let tail = chain.entry();
            let raise = self.decide(&chain).await?;
            self.retained(&raise, tail, &LogEntry { floor: raise.allowed(tail), ..tail.clone() }).await
        })
        .await
    }

    /// Raises the floor as far as the policy, the targets and the snapshots allow, then deletes what lies below it and what failed attempts
    /// left.
    ///
    /// Costs a LIST of each folder, a GET for every 256 versions that are kept, and a DELETE for each object.
    ///
    /// # Errors
    /// `NotFound` if there is no such dataset; what the store fails with. What was not deleted goes with the next run.
    pub async fn run(&mut self, progress: &dyn Progress) -> Result<Retained> {
        let store = self.log.store().clone();
        let own = &*self;
        let raised = Chain::beside_retention(&store, |chain| async move { own.raise(&chain).await });
        let retained = raised.await?;
        self.delete(&retained.objects, progress).await?;
        Ok(retained)
    }

    async fn raise(&self, chain: &Chain) -> Result<Retained> {
        let raise = self.decide(chain).await?;
        let after = match self.log.clone().append(&raise).await? {
            Outcome::Appended(appended) => appended.tail,
            Outcome::Done(tail) => *tail,
        };
        self.retained(&raise, chain.entry(), &after).await
    }

    async fn decide(&self, chain: &Chain) -> Result<RaiseFloor> {
        let now = milliseconds(self.log.store().environment().clock.now());
        let keep_from = self.policy.keep_from(chain, now).await?;
        Ok(RaiseFloor { dataset: chain.entry().dataset, keep_from })
    }

    async fn retained(&self, raise: &RaiseFloor, before: &LogEntry, after: &LogEntry) -> Result<Retained> {
        Ok(Retained {
            before: before.floor,
            wanted: raise.keep_from.max(after.oldest_version()),
            floor: after.floor,
            oldest: after.oldest_version(),
            latest: after.latest_version(),
            objects: leftovers::find(self.log.store(), after).await?,
        })
    }

    /// Log entries only once everything else is gone (keeps R6).
    async fn delete(&self, objects: &[Listed], progress: &dyn Progress) -> Result<()> {
        let total = Some(objects.iter().map(|object| object.bytes).sum());
        progress.stage(Stage { name: "deleting", unit: Unit::Bytes, total });
        let is_entry = |object: &&Listed| matches!(object.name, ObjectName::LogEntry(_));
        let (entries, others): (Vec<_>, Vec<_>) = objects.iter().partition(is_entry);
        self.delete_side_by_side(&others, progress).await?;
        self.delete_side_by_side(&entries, progress).await
    }

    async fn delete_side_by_side(&self, objects: &[&Listed], progress: &dyn Progress) -> Result<()> {
        let store = self.log.store();
        let deletions = objects.iter().map(|object| {
            let (store, name, bytes) = (store.clone(), object.name, object.bytes);
            async move { store.delete(&name).await.map(|()| bytes) }
        });
        let deletions: Vec<_> = deletions.collect();
        let mut deleted = stream::iter(deletions).buffered(DELETIONS);
        while let Some(bytes) = deleted.try_next().await? {
            progress.advance(bytes);
        }
        Ok(())
    }
}
