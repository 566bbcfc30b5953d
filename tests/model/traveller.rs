//! A replica that moves between arbitrary versions, by every kind of route.

use std::sync::Arc;

use hollowcast::cache::StateDirectoryOptions;
use hollowcast::consumer::Memory;
use hollowcast::log::LogEntry;
use hollowcast::progress::Progress;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::replica::{Loaded, Replica};
use hollowcast::state::State;
use hollowcast::store::DatasetStore;

use super::breaks::is_cut;
use super::choices::Choices;
use super::content::{KnownVersion, any_readable};
use super::tally::Tally;
use super::world::World;

/// Which routes a move may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Whatever is shortest.
    Any,
    /// Deltas or reverse deltas alone.
    Steps,
    /// A snapshot, and deltas from there.
    Snapshot,
}

/// Moves a state of its own, and keeps some that it left behind.
pub(crate) struct Traveller {
    name: &'static str,
    replica: Replica,
    loaded: Option<Loaded>,
    /// Old states with the places of their versions.
    kept: Vec<(Arc<State>, usize)>,
}

/// What a move is planned with, besides its two ends.
pub(crate) struct Map<'m> {
    pub(crate) entry: &'m LogEntry,
    pub(crate) versions: &'m [KnownVersion],
    pub(crate) world: &'m World,
}

impl Map<'_> {
    /// Place of the oldest version that is kept.
    pub(crate) fn oldest(&self) -> usize {
        self.entry.floor.0.saturating_sub(1) as usize
    }
}

/// Old states that a traveller keeps at most.
const KEPT: usize = 3;

impl Traveller {
    /// Moves states of `dataset` in this memory mode, which messages call `name`.
    pub(crate) fn new(name: &'static str, dataset: &DatasetStore, memory: &Memory) -> Self {
        let segments = memory.open(StateDirectoryOptions::default(), dataset.environment());
        let segments = segments.expect("a new folder can be a state directory");
        let replica = Replica::new(dataset.clone(), segments, TransferOptions::default());
        Self { name, replica, loaded: None, kept: Vec::new() }
    }

    /// Where it is, as a place in the versions.
    pub(crate) fn place(&self) -> Option<usize> {
        self.loaded.as_ref().map(|loaded| loaded.state.version().0 as usize - 1)
    }

    /// Moves to the version at `place` and compares all of it.
    pub(crate) async fn go(&mut self, map: &Map<'_>, place: usize, way: Way, tally: &mut Tally) {
        let from = self.place();
        // From a version that was given up no delta may lead away, and over a break none does.
        let is_lost = from.is_some_and(|from| map.versions[from].number < map.entry.floor.0);
        let crosses = from.is_some_and(|from| is_cut(map.versions, from, place));
        let way = if is_lost || crosses { Way::Snapshot } else { way };
        if from == Some(place) && way != Way::Snapshot {
            return;
        }
        let target = &map.versions[place];
        let current = self.loaded.as_ref().filter(|_| way != Way::Snapshot);
        let mut entry = map.entry.clone();
        if way == Way::Steps && current.is_some() {
            entry.snapshots.clear();
        }
        let progress: Arc<dyn Progress> = Arc::new(());
        let moved = self.replica.move_to(current, &entry, &target.reference, &progress).await;
        let moved =
            moved.unwrap_or_else(|error| panic!("{} from {from:?} to {place}, {way:?}: {error}", self.name));
        assert!(moved.refused.is_empty(), "{:?}", moved.refused);
        let route = moved.route.name();
        match (way, from) {
            (Way::Steps, Some(from)) if from < place => assert_eq!(route, "delta"),
            (Way::Steps, Some(_)) => assert_eq!(route, "reverse delta"),
            (Way::Snapshot, _) | (_, None) => assert_eq!(route, "snapshot"),
            (Way::Any, Some(_)) => (),
        }
        map.world.check(&moved.loaded.state, target, &format!("{route}, {}", self.name));
        tally.count(route);
        if crosses {
            tally.count("travelled over a break");
        }
        if let Some(left) = self.loaded.replace(moved.loaded) {
            self.kept.push((left.state, from.expect("something was loaded")));
        }
    }

    /// Goes to a random version and looks whether an old state is as it was.
    pub(crate) async fn wander(&mut self, map: &Map<'_>, choices: &mut Choices, tally: &mut Tally) {
        let place = any_readable(map.versions, map.oldest(), choices).expect("the newest can be read");
        let way = *choices.pick(&[Way::Any, Way::Any, Way::Steps, Way::Steps, Way::Snapshot]);
        self.go(map, place, way, tally).await;
        while self.kept.len() > KEPT {
            self.kept.swap_remove(choices.below(self.kept.len()));
        }
        if !self.kept.is_empty() {
            let (state, place) = choices.pick(&self.kept);
            map.world.check(state, &map.versions[*place], "staying");
        }
    }
}
