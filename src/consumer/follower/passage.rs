//! How a follower gets to another version, and what becomes of the state that it leaves (keeps semantics 21).

use super::super::error::ConsumerError;
use super::super::listener::RefreshRoute;
use super::{Follower, is_of};
use crate::error::Result;
use crate::format::ManifestReference;
use crate::log::LogEntry;
use crate::log::landing::Landing;
use crate::replica::{Loaded, Moved, RouteFailure};
use crate::state::State;

/// How a refresh went; by default, nowhere.
#[derive(Default)]
pub(super) struct Passage {
    pub(super) route: Option<RefreshRoute>,
    pub(super) blobs: usize,
    pub(super) fetched_bytes: u64,
    pub(super) refused: Vec<RouteFailure>,
}

impl Passage {
    fn of(moved: &Moved) -> Self {
        Self {
            route: Some(RefreshRoute::from(&moved.route)),
            blobs: moved.route.blobs().count(),
            fetched_bytes: moved.fetched_bytes,
            refused: moved.refused.clone(),
        }
    }
}

impl Follower {
    /// Goes to `target`: by a swap if its state is kept, or by what the store has.
    pub(super) async fn go(&mut self, entry: &LogEntry, target: &ManifestReference) -> Result<Passage> {
        if self.loaded.as_ref().is_some_and(|loaded| loaded.reference == *target && is_of(loaded, entry)) {
            return Ok(Passage::default());
        }
        if let Some(kept) = self.kept.take(target) {
            self.replace(kept, entry);
            return Ok(Passage { route: Some(RefreshRoute::Kept), ..Passage::default() });
        }
        let moved = self.replica.move_to(self.loaded.as_ref(), entry, target, &self.progress).await?;
        if !self.loaded.as_ref().is_some_and(|loaded| is_of(loaded, entry)) {
            self.check_types(entry, &moved.loaded.state).await?;
        }
        let passage = Passage::of(&moved);
        self.replace(moved.loaded, entry);
        Ok(passage)
    }

    /// Who begins with a type that neither this state nor the newest version has gave a wrong name.
    async fn check_types(&self, entry: &LogEntry, state: &State) -> Result<()> {
        let chosen = self.replica.filter().chosen().into_iter().flatten();
        let missing = chosen.filter(|name| state.schema().find_type(name).is_none()).collect::<Vec<_>>();
        let (Some(latest), false) = (&entry.latest, missing.is_empty()) else { return Ok(()) };
        let newest = self.replica.manifest(entry.dataset, &ManifestReference::from(latest)).await?;
        let known: Vec<String> = newest.types.into_iter().map(|summary| summary.name).collect();
        match missing.into_iter().find(|name| !known.contains(name)) {
            Some(name) => {
                Err(ConsumerError::NoSuchType { name: name.clone(), known: known.join(", ") }.into())
            }
            None => Ok(()),
        }
    }

    /// Makes `loaded` current. What was current is kept to go back to, unless it is of another dataset, whose place `entry`'s took.
    fn replace(&mut self, loaded: Loaded, entry: &LogEntry) {
        let Some(left) = self.loaded.replace(loaded) else { return };
        let gone = if is_of(&left, entry) {
            self.kept.keep(left).into_iter().collect()
        } else {
            self.landing = Landing::default();
            let mut gone = self.kept.clear();
            gone.push(left);
            gone
        };
        gone.into_iter().for_each(|gone| self.reaper.retire(gone.state));
    }
}
