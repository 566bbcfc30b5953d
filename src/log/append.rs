//! The one place that writes the log: decide on the tail, create the next entry, find out what came of it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::decide::{Decide, Decision, Judgement};
use super::entry::{EntryKind, LogEntry, ManifestReference, StoredEntry};
use super::error::LogError;
use super::tail::Tail;
use crate::environment::{Environment, milliseconds, time_of};
use crate::identifiers::{Nonce, Sequence};
use crate::store::{Creation, DatasetStore, Failure, ObjectName, StoreError};

/// How often other writers may be first before an append gives up. Each time one of them got on, so nobody is stuck; only
/// a crowd of writers that never rests reaches this.
const ROUNDS: u32 = 64;

/// The control log of a dataset, for reading and appending.
///
/// One value serves one writer; several of them, here or elsewhere, may append at the same time.
#[derive(Clone)]
pub struct Log {
    tail: Tail,
    writer: String,
    ancestry: Option<Arc<dyn Ancestry>>,
}

/// Knows which versions descend from which; manifests tell.
///
/// Asked only when a writer was paused while more than [`LogEntry::RECENT`] entries were appended.
#[async_trait]
pub trait Ancestry: Send + Sync {
    /// Whether `ancestor` is `of` or one of the versions before it in its chain.
    async fn is_ancestor(&self, ancestor: &ManifestReference, of: &ManifestReference) -> crate::Result<bool>;
}

/// What an append came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The entry is in the log.
    Appended(Box<Appended>),
    /// Nothing was to be done: this tail says already what was to be said.
    Done(Box<LogEntry>),
}

/// An entry that is in the log.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The entry.
    pub entry: LogEntry,
    /// The tail that proved it: the entry itself, or a later one that may have undone what it did.
    pub tail: LogEntry,
}

impl Log {
    /// The log in `store`, for a writer that calls itself `writer`; operators read that name.
    #[must_use]
    pub fn new(store: DatasetStore, writer: impl Into<String>) -> Self {
        Self { tail: Tail::new(store), writer: writer.into(), ancestry: None }
    }

    /// The same, with someone to ask about versions that the log has forgotten.
    #[must_use]
    pub fn with_ancestry(mut self, ancestry: Arc<dyn Ancestry>) -> Self {
        self.ancestry = Some(ancestry);
        self
    }

    /// Who writes, as operators read it.
    #[must_use]
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// The store that holds the log.
    #[must_use]
    pub fn store(&self) -> &DatasetStore {
        self.tail.store()
    }

    /// The search for the tail.
    pub fn tail(&mut self) -> &mut Tail {
        &mut self.tail
    }

    /// Appends what `decide` makes of the tail. Keeps R1, R2 and R4.
    ///
    /// Returns when a LIST has shown that the entry is in the log, or that it is not and never will be, so that `decide`
    /// refuses. Costs two LISTs, a GET and a create when nobody interferes. While other writers are first it decides
    /// anew, each time from their entry.
    ///
    /// Dropping the future, like [`LogError::OutcomeUnknown`], leaves it open whether the entry is, or comes to be, in
    /// the log: the next append or restore will see.
    ///
    /// # Panics
    ///
    /// If `decide` makes an entry that contradicts itself or takes back what the tail says: another dataset, a lower epoch,
    /// floor or newest version; or if it finds nothing to be done where there is no entry.
    pub fn append<'a>(&'a mut self, decide: &'a dyn Decide) -> BoxFuture<'a, Result<Outcome, LogError>> {
        async move {
            let mut sent: Option<StoredEntry> = None;
            let mut rounds = 0;
            loop {
                if let Some(sent) = sent.take() {
                    let tail = self.find_from(sent.entry.sequence).await?;
                    if self.happened(decide, &sent.entry, &tail).await? {
                        return Ok(Outcome::Appended(Box::new(Appended { entry: sent.entry, tail })));
                    }
                } else {
                    self.tail.find().await?;
                }
                if rounds == ROUNDS {
                    return Err(LogError::Crowded { rounds });
                }
                rounds += 1;
                let tail = self.tail.known();
                let environment = self.store().environment();
                let nonce = Nonce(environment.random.next_bytes());
                let next = match decide.decide(tail.map(|tail| &tail.entry), nonce) {
                    Decision::Append(next) => next,
                    Decision::Done => {
                        let tail = tail.expect("only an entry can say already what was to be said");
                        return Ok(Outcome::Done(Box::new(tail.entry.clone())));
                    }
                    Decision::Refuse(error) => return Err(error),
                };
                let next = self.stamp(*next, tail, nonce, environment).encode()?;
                self.create(&next).await?;
                if next.entry.kind == EntryKind::Commit {
                    let object = next.entry.name();
                    tracing::info!(
                        target: "hollowcast::phase::created",
                        %object,
                        "looking whose entry it is"
                    );
                }
                sent = Some(next);
            }
        }
        .boxed()
    }

    /// Makes `next` the entry after `tail`: its number, its mark, its place in the chain.
    fn stamp(
        &self,
        next: LogEntry,
        tail: Option<&StoredEntry>,
        nonce: Nonce,
        environment: &Environment,
    ) -> LogEntry {
        if let Some(tail) = tail {
            assert_follows(&next, &tail.entry);
        }
        let at =
            time_of(milliseconds(environment.clock.now())).expect("a time that the clock gave is in reach");
        LogEntry {
            sequence: Sequence(tail.map_or(0, |tail| tail.entry.sequence.0) + 1),
            nonce,
            at,
            writer: self.writer.clone(),
            recent: tail.map_or_else(Vec::new, |tail| recent_after(&tail.entry)),
            previous: tail.map(StoredEntry::hash),
            signatures: Vec::new(),
            ..next
        }
    }

    /// Creates the entry, as often as it takes until something is there under its number (rule R2).
    ///
    /// What is there may be another writer's; the LIST that follows tells, so it is not read here.
    async fn create(&self, next: &StoredEntry) -> Result<(), LogError> {
        let store = self.store();
        let object = next.entry.name();
        let mut delays = store.retries().delays(store.environment());
        let mut tries = 0;
        loop {
            tries += 1;
            let Creation::Unknown(error) = store.create(&object, next.bytes.clone()).await else {
                return Ok(());
            };
            match store.length(&object).await {
                Ok(_) => return Ok(()),
                Err(absent) if absent.is_not_found() => {}
                Err(source) => return Err(LogError::OutcomeUnknown { object, source: Box::new(source) }),
            }
            tracing::debug!(%object, tries, %error, "a create came to nothing, or is under way");
            let failure = Failure::of(&error);
            let source = StoreError::new(store.path(&object).to_string(), tries, error);
            // An earlier try may still be under way, whatever this one was told.
            if tries == 1 && matches!(failure, Failure::Absent | Failure::Refused(_) | Failure::Full) {
                return Err(source.into());
            }
            let delay =
                if matches!(failure, Failure::Exists | Failure::Transient) { delays.next() } else { None };
            let Some(delay) = delay else {
                return Err(LogError::OutcomeUnknown { object, source: Box::new(source) });
            };
            store.environment().clock.sleep(delay).await;
        }
    }

    /// The tail, which has to be at least at `created`, where something was seen.
    async fn find_from(&mut self, created: Sequence) -> Result<LogEntry, LogError> {
        let environment = self.store().environment().clone();
        let mut delays = self.store().retries().delays(&environment);
        loop {
            if let Some(tail) = self.tail.find().await?
                && tail.entry.sequence >= created
            {
                return Ok(tail.entry.clone());
            }
            let Some(delay) = delays.next() else {
                return Err(LogError::NotListed { object: ObjectName::LogEntry(created) });
            };
            environment.clock.sleep(delay).await;
        }
    }

    /// Whether `own`, whose create was sent, is in the chain that `tail` ends (rule R4).
    async fn happened(&self, decide: &dyn Decide, own: &LogEntry, tail: &LogEntry) -> Result<bool, LogError> {
        if tail.builds_on(own.nonce) {
            return Ok(true);
        }
        if tail.sequence.0 - own.sequence.0 <= LogEntry::RECENT as u64 || tail.dataset != own.dataset {
            return Ok(false);
        }
        match decide.judge(own, tail) {
            Judgement::Happened => Ok(true),
            Judgement::Never => Ok(false),
            Judgement::Refuse(error) => Err(error),
            Judgement::IfAncestor(manifest) => self.is_ancestor(&manifest, own, tail).await,
            Judgement::Unknown => Err(forgotten(own, tail, None)),
        }
    }

    async fn is_ancestor(
        &self,
        manifest: &ManifestReference,
        own: &LogEntry,
        tail: &LogEntry,
    ) -> Result<bool, LogError> {
        match (&self.ancestry, &tail.latest) {
            (Some(ancestry), Some(latest)) => {
                let answer = ancestry.is_ancestor(manifest, latest).await;
                answer.map_err(|error| forgotten(own, tail, Some(error.into())))
            }
            _ => Err(forgotten(own, tail, None)),
        }
    }
}

/// `own` is so old that `tail` does not tell whether it counted.
fn forgotten(
    own: &LogEntry,
    tail: &LogEntry,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
) -> LogError {
    LogError::Forgotten { object: own.name(), sequence: tail.sequence, source }
}

/// Nonces of the entries that one after `tail` builds on.
fn recent_after(tail: &LogEntry) -> Vec<Nonce> {
    std::iter::once(tail.nonce).chain(tail.recent.iter().copied()).take(LogEntry::RECENT).collect()
}

/// What no decision may do to the state it carries on.
fn assert_follows(next: &LogEntry, tail: &LogEntry) {
    assert_eq!(next.dataset, tail.dataset, "a dataset keeps its identity");
    assert!(next.epoch >= tail.epoch, "epochs never fall");
    assert!(next.floor >= tail.floor, "the floor never falls");
    assert!(next.latest_version() >= tail.latest_version(), "the newest version never goes back");
}

impl StoredEntry {
    /// Whether this entry was decided on `before`: its number is the next, and it holds its hash and its nonce.
    #[must_use]
    pub fn follows(&self, before: &Self) -> bool {
        self.entry.sequence.0 == before.entry.sequence.0 + 1
            && self.entry.previous == Some(before.hash())
            && self.entry.recent == recent_after(&before.entry)
    }
}
