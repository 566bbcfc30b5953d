//! The states that a consumer was at last, to go back to (keeps semantics 21).

use crate::format::ManifestReference;
use crate::identifiers::{DatasetId, Version};
use crate::replica::Loaded;

/// How many states are kept unless the builder says otherwise: to go back is mostly to go back a version or two, and on the same base each of
/// them costs its changes and little else.
pub(super) const DEFAULT_KEPT: usize = 3;

/// States besides the current one, the last used first.
pub(super) struct KeptStates {
    limit: usize,
    states: Vec<Loaded>,
}

impl KeptStates {
    /// Will keep up to `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, states: Vec::new() }
    }

    /// Takes out the state that `target` names; by its hash, so that no other dataset's will do.
    pub(super) fn take(&mut self, target: &ManifestReference) -> Option<Loaded> {
        let at = self.states.iter().position(|kept| kept.reference == *target)?;
        Some(self.states.remove(at))
    }

    /// The state of `version` of `dataset`.
    pub(super) fn find(&self, dataset: DatasetId, version: Version) -> Option<&Loaded> {
        self.states.iter().find(|kept| kept.state.version() == version && kept.state.dataset() == dataset)
    }

    /// Keeps a state that was current until now. Gives back what has to go: the one whose last use is the longest ago.
    #[must_use]
    pub(super) fn keep(&mut self, left: Loaded) -> Option<Loaded> {
        self.states.insert(0, left);
        if self.states.len() > self.limit { self.states.pop() } else { None }
    }

    /// Gives all of them back.
    pub(super) fn clear(&mut self) -> Vec<Loaded> {
        std::mem::take(&mut self.states)
    }
}
