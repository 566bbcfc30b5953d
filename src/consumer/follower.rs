//! From the log to a state: the part of a consumer that moves.

mod passage;
mod warm;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::error::ConsumerError;
use super::kept::KeptStates;
use super::listener::{Refresh, RefreshListener};
use super::reaper::Reaper;
use crate::error::{Error, ErrorKind, Result};
use crate::format::ManifestReference;
use crate::identifiers::Version;
use crate::listeners::Listeners;
use crate::log::landing::{Landing, may_move, starts_cold};
use crate::log::{Hold, LogEntry, Tail};
use crate::progress::Progress;
use crate::replica::{Chain, Loaded, REPLANS, Replica};
use crate::state::State;
use passage::Passage;

/// Reads the log of one dataset and moves along it.
pub(super) struct Follower {
    replica: Replica,
    tail: Tail,
    ring: String,
    listeners: Arc<Listeners<dyn RefreshListener>>,
    progress: Arc<dyn Progress>,
    loaded: Option<Loaded>,
    kept: KeptStates,
    reaper: Arc<Reaper<State>>,
    /// The version it pinned itself to.
    pinned: Option<Version>,
    /// What the log holds its ring with.
    hold: Option<Hold>,
    landing: Landing,
    confirmed_at: SystemTime,
}

/// What a follower is started with, besides the replica that it moves.
pub(super) struct Following {
    pub(super) ring: String,
    pub(super) listeners: Arc<Listeners<dyn RefreshListener>>,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) kept: KeptStates,
    pub(super) pinned: Option<Version>,
    pub(super) reaper: Arc<Reaper<State>>,
}

impl Follower {
    pub(super) fn new(replica: Replica, following: Following) -> Self {
        let Following { ring, listeners, progress, kept, pinned, reaper } = following;
        let tail = Tail::new(replica.store().clone());
        let confirmed_at = replica.store().environment().clock.now();
        let (loaded, hold, landing) = (None, None, Landing::default());
        Self {
            replica,
            tail,
            ring,
            listeners,
            progress,
            loaded,
            kept,
            reaper,
            pinned,
            hold,
            landing,
            confirmed_at,
        }
    }

    /// What is loaded.
    pub(super) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }

    /// The version it pinned itself to.
    pub(super) fn pinned(&self) -> Option<Version> {
        self.pinned
    }

    /// What the log holds its ring with.
    pub(super) fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Whether there is a state to show: one, and the one it is pinned to.
    pub(super) fn has_state(&self) -> bool {
        let loaded = self.loaded.as_ref().map(|loaded| loaded.state.version());
        loaded.is_some() && self.pinned.is_none_or(|version| loaded == Some(version))
    }

    /// Where states go that are left behind.
    pub(super) fn reaper(&self) -> &Arc<Reaper<State>> {
        &self.reaper
    }

    /// When the log was last looked at, and what is loaded was where to be.
    pub(super) fn confirmed_at(&self) -> SystemTime {
        self.confirmed_at
    }

    /// Looks at the log and moves to its target, or stays where it pinned itself (keeps R9, semantics 16, 17).
    pub(super) async fn refresh(&mut self) -> Result<Refresh> {
        self.look_and_move(self.pinned).await
    }

    /// Goes on with `state`, which holds what is loaded over another base.
    pub(super) fn go_on_with(&mut self, state: Arc<State>) {
        if let Some(loaded) = &mut self.loaded {
            assert_eq!(state.version(), loaded.state.version(), "a rebase leaves the version as it is");
            self.reaper.retire(std::mem::replace(&mut loaded.state, state));
        }
    }

    /// Moves to `version` and stays there, whatever the log's target is (keeps semantics 21). Nothing changes unless it arrives.
    pub(super) async fn pin(&mut self, version: Version) -> Result<Refresh> {
        self.look_and_move(Some(version)).await
    }

    /// Follows the log again, from the next refresh on.
    pub(super) fn unpin(&mut self) {
        self.pinned = None;
    }

    /// What follows a refresh once readers see its state: listeners hear of it, and a restart would find it.
    pub(super) async fn conclude(&self, refreshed: &Result<Refresh>) {
        self.listeners.tell(|listener| match refreshed {
            Ok(refresh) => listener.refreshed(refresh),
            Err(error) => listener.failed(error),
        });
        if refreshed.as_ref().is_ok_and(|refresh| refresh.route.is_some()) {
            self.record().await;
        }
    }

    fn look_and_move(&mut self, pin: Option<Version>) -> BoxFuture<'_, Result<Refresh>> {
        async move {
            let started = self.now();
            let mut replans = 0;
            loop {
                let entry = self.tail.find().await?.map(|found| found.entry.clone());
                let entry = entry.ok_or_else(|| self.nothing_announced())?;
                let result = self.follow(&entry, pin, started).await;
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
        .boxed()
    }

    /// Goes where `entry` says, or to the version `pin` of its chain.
    async fn follow(&mut self, entry: &LogEntry, pin: Option<Version>, started: Duration) -> Result<Refresh> {
        let from = self.loaded.as_ref().filter(|loaded| is_of(loaded, entry));
        let from = from.map_or(Version::NONE, |loaded| loaded.state.version());
        if self.stays(entry, pin) {
            self.arrive(entry, pin);
            return Ok(self.report(from, Passage::default(), started));
        }
        let target = self.target(entry, pin).await?;
        let passage = self.go(entry, &target).await?;
        self.arrive(entry, pin);
        Ok(self.report(from, passage, started))
    }

    /// Whether it is not for `entry` to move it: it is where it pinned itself, or landed on this entry or a later one.
    fn stays(&self, entry: &LogEntry, pin: Option<Version>) -> bool {
        let Some(loaded) = &self.loaded else { return false };
        let same = is_of(loaded, entry);
        match pin {
            // What a restart found on its host is not where it pinned itself: another dataset may lie there by now.
            Some(version) => {
                let is_there = self.pinned == pin && loaded.state.version() == version;
                is_there && (same || self.landing.stands_apart())
            }
            None => same && !may_move(self.landing.landed(), entry),
        }
    }

    /// What `entry` calls the version to go to.
    async fn target(&self, entry: &LogEntry, pin: Option<Version>) -> Result<ManifestReference> {
        let Some(version) = pin else {
            let target = entry.target(&self.ring).manifest.as_ref().map(ManifestReference::from);
            return target.ok_or_else(|| self.nothing_announced());
        };
        let own = self.loaded.as_ref().filter(|own| is_of(own, entry) && own.state.version() == version);
        match own.or_else(|| self.kept.find(entry.dataset, version)) {
            Some(own) if version >= entry.floor => Ok(own.reference.clone()),
            _ => {
                let chain = Chain::at(self.replica.store(), entry.clone());
                Ok(ManifestReference::from(&chain.find(Some(version)).await?))
            }
        }
    }

    /// Notes that it is where `entry` says, or where it pins itself.
    fn arrive(&mut self, entry: &LogEntry, pin: Option<Version>) {
        self.pinned = pin;
        self.hold.clone_from(&entry.target(&self.ring).hold);
        self.confirmed_at = self.replica.store().environment().clock.now();
        // Another dataset, while it is pinned to a version of the one before: numbers of its log say nothing of this one's.
        if self.loaded.as_ref().is_some_and(|loaded| is_of(loaded, entry)) {
            match pin {
                Some(_) => self.landing.stand_apart(entry),
                None => self.landing.land(entry),
            }
        }
    }

    fn report(&self, from: Version, passage: Passage, started: Duration) -> Refresh {
        let state = self.loaded.as_ref().map(|loaded| &loaded.state);
        Refresh {
            from,
            to: state.map_or(Version::NONE, |state| state.version()),
            sequence: self.landing.seen(),
            pinned: self.pinned,
            hold: self.hold.clone(),
            route: passage.route,
            blobs: passage.blobs,
            fetched_bytes: passage.fetched_bytes,
            records: state.map_or(0, |state| state.len()),
            elapsed: self.now().saturating_sub(started),
            refused: passage.refused,
        }
    }

    fn nothing_announced(&self) -> Error {
        ConsumerError::NothingAnnounced { dataset: self.replica.store().root().to_string() }.into()
    }

    fn now(&self) -> Duration {
        self.replica.store().environment().clock.monotonic()
    }
}

/// Whether what is loaded is of the dataset that `entry` is of; otherwise it counts for nothing there.
fn is_of(loaded: &Loaded, entry: &LogEntry) -> bool {
    !starts_cold(loaded.state.dataset(), entry)
}
