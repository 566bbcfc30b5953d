//! From the log to a state: the part of a consumer that moves.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::ConsumerError;
use super::listener::{Refresh, RefreshListener};
use crate::error::{Error, ErrorKind, Result};
use crate::format::ManifestReference;
use crate::identifiers::{Sequence, Version};
use crate::log::landing::{may_move, starts_cold};
use crate::log::{LogEntry, Tail};
use crate::progress::Progress;
use crate::replica::{Loaded, Moved, Replica, origin_of};
use crate::state::State;

/// How often a refresh plans anew when what it planned for was overtaken on the way.
const REPLANS: u32 = 4;

/// Reads the log of one dataset and moves along it.
pub(super) struct Follower {
    replica: Replica,
    tail: Tail,
    ring: String,
    listeners: Vec<Arc<dyn RefreshListener>>,
    progress: Arc<dyn Progress>,
    loaded: Option<Loaded>,
    /// The log entry that the loaded state came from (R9).
    landed: Sequence,
    confirmed_at: SystemTime,
}

impl Follower {
    pub(super) fn new(
        replica: Replica,
        ring: String,
        listeners: Vec<Arc<dyn RefreshListener>>,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let tail = Tail::new(replica.store().clone());
        let confirmed_at = replica.store().environment().clock.now();
        Self { replica, tail, ring, listeners, progress, loaded: None, landed: Sequence(0), confirmed_at }
    }

    /// What is loaded.
    pub(super) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }

    /// When the log last said that what is loaded is where to be.
    pub(super) fn confirmed_at(&self) -> SystemTime {
        self.confirmed_at
    }

    /// Loads what the host served last, if the state directory has it (keeps semantics 24).
    pub(super) fn warm_start(&mut self) -> Result<()> {
        let Some(directory) = self.replica.segments().state_directory() else { return Ok(()) };
        let Some(dataset) = directory.dataset_at(&origin_of(self.replica.store()))? else { return Ok(()) };
        let Some(current) = directory.read_current(dataset)? else { return Ok(()) };
        self.loaded = Some(self.replica.reopen(&current)?);
        self.landed = current.sequence;
        self.confirmed_at = current.confirmed_at;
        self.tail = Tail::resume(self.replica.store().clone(), current.sequence);
        Ok(())
    }

    /// Goes on with `state`, which holds what is loaded over another base.
    pub(super) async fn go_on_with(&mut self, state: Arc<State>) {
        if let Some(loaded) = &mut self.loaded {
            assert_eq!(state.version(), loaded.state.version(), "a rebase leaves the version as it is");
            loaded.state = state;
            self.record().await;
        }
    }

    /// Looks at the log and moves to its target (keeps R9, semantics 16, 17).
    pub(super) async fn refresh(&mut self) -> Result<Refresh> {
        let refreshed = self.look_and_move().await;
        for listener in &self.listeners {
            match &refreshed {
                Ok(refresh) => listener.refreshed(refresh),
                Err(error) => listener.failed(error),
            }
        }
        refreshed
    }

    async fn look_and_move(&mut self) -> Result<Refresh> {
        let started = self.now();
        let mut replans = 0;
        loop {
            let entry = self.tail.find().await?.map(|found| found.entry.clone());
            let entry = entry.ok_or_else(|| self.nothing_announced())?;
            let result = self.follow(&entry, started).await;
            let overtaken = match &result {
                Err(error) if error.kind() == ErrorKind::NotFound && replans < REPLANS => {
                    let tail = self.tail.find().await?;
                    tail.is_some_and(|tail| tail.entry.sequence > entry.sequence)
                }
                _ => false,
            };
            if !overtaken {
                return result;
            }
            replans += 1;
        }
    }

    /// Goes where `entry` says.
    async fn follow(&mut self, entry: &LogEntry, started: Duration) -> Result<Refresh> {
        let cold = self.loaded.as_ref().is_some_and(|loaded| starts_cold(loaded.state.dataset(), entry));
        let loaded = self.loaded.as_ref().filter(|_| !cold);
        let landed = if cold { Sequence(0) } else { self.landed };
        let target = entry.target(&self.ring).manifest.as_ref().map(ManifestReference::from);
        let target = target.ok_or_else(|| self.nothing_announced())?;
        if let Some(loaded) = loaded
            && (!may_move(landed, entry) || loaded.reference == target)
        {
            self.landed = self.landed.max(entry.sequence);
            self.confirmed_at = self.replica.store().environment().clock.now();
            return Ok(self.report(loaded.state.version(), None, started));
        }
        let from = loaded.map_or(Version::NONE, |loaded| loaded.state.version());
        let moved = self.replica.move_to(loaded, entry, &target, &self.progress).await?;
        self.loaded = Some(moved.loaded.clone());
        self.landed = entry.sequence;
        self.confirmed_at = self.replica.store().environment().clock.now();
        self.record().await;
        Ok(self.report(from, Some(moved), started))
    }

    /// A host that cannot record what it serves still serves it; only its next start needs the network.
    async fn record(&self) {
        if let Some(loaded) = &self.loaded
            && let Err(error) = self.replica.record(loaded, self.landed, self.confirmed_at).await
        {
            tracing::warn!(%error, "the state directory does not take the record of what is served");
        }
    }

    fn report(&self, from: Version, moved: Option<Moved>, started: Duration) -> Refresh {
        let state = self.loaded.as_ref().map(|loaded| &loaded.state);
        Refresh {
            from,
            to: state.map_or(Version::NONE, |state| state.version()),
            sequence: self.landed,
            route: moved.as_ref().map(|moved| moved.route.name()),
            blobs: moved.as_ref().map_or(0, |moved| moved.route.blobs().count()),
            fetched_bytes: moved.as_ref().map_or(0, |moved| moved.fetched_bytes),
            records: state.map_or(0, |state| state.len()),
            elapsed: self.now().saturating_sub(started),
            refused: moved.map_or_else(Vec::new, |moved| moved.refused),
        }
    }

    fn nothing_announced(&self) -> Error {
        ConsumerError::NothingAnnounced { dataset: self.replica.store().root().to_string() }.into()
    }

    fn now(&self) -> Duration {
        self.replica.store().environment().clock.monotonic()
    }
}
