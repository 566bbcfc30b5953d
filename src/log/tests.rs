//! The log as a whole, on a store that fails.

mod manners;
mod rules;
mod schedules;

use std::sync::{Arc, Mutex};

use object_store::path::Path;

use super::*;
use crate::identifiers::{Attempt, ContentHash, DatasetId, Nonce};
use crate::log::politeness::Admission;
use crate::store::DatasetStore;
use crate::store::faulty::{Faults, FaultyStore, environment};

/// A new dataset "movies", and the faults behind it.
fn dataset(seed: u64, faults: Faults) -> (Arc<FaultyStore>, DatasetStore) {
    let store = Arc::new(FaultyStore::new(seed, faults));
    let dataset = DatasetStore::new(Arc::clone(&store) as _, Path::from("movies"), environment(seed));
    (store, dataset)
}

fn claim_of_anyone() -> Claim {
    Claim { fresh: DatasetId([7; 16]), admission: Admission::Anyone }
}

/// The commit of try `attempt` on `parent`, by whom `claim` made the holder.
fn commit_on(claim: &LogEntry, parent: Option<ManifestReference>, attempt: u64) -> Commit {
    let version = parent.map_or(1, |parent| parent.version.0 + 1);
    let manifest = ManifestReference {
        version: crate::identifiers::Version(version),
        attempt: Attempt(attempt),
        hash: ContentHash::of(&attempt.to_le_bytes()),
    };
    Commit { epoch: claim.epoch, holder: claim.holder, parent, manifest, snapshot: None, hold_back: None }
}

/// The entry that was appended.
fn appended(outcome: Result<Outcome, LogError>) -> LogEntry {
    match outcome.expect("appends") {
        Outcome::Appended(appended) => appended.entry,
        Outcome::Done(tail) => panic!("nothing was appended to {tail:?}"),
    }
}

/// Appends an entry that changes nothing.
struct Touch;

impl Decide for Touch {
    fn decide(&self, tail: Option<&LogEntry>, _nonce: Nonce) -> Decision {
        match tail {
            Some(tail) => Decision::Append(Box::new(LogEntry { kind: EntryKind::Pin, ..tail.clone() })),
            None => Decision::Refuse(LogError::NoDataset),
        }
    }

    fn judge(&self, _own: &LogEntry, _tail: &LogEntry) -> Judgement {
        Judgement::Never
    }
}

/// A decision, with the nonces that it was given.
struct Recorded<D> {
    decide: D,
    nonces: Mutex<Vec<Nonce>>,
}

impl<D> Recorded<D> {
    fn new(decide: D) -> Self {
        Self { decide, nonces: Mutex::default() }
    }

    fn nonces(&self) -> Vec<Nonce> {
        self.nonces.lock().expect("not poisoned").clone()
    }
}

impl<D: Decide> Decide for Recorded<D> {
    fn decide(&self, tail: Option<&LogEntry>, nonce: Nonce) -> Decision {
        self.nonces.lock().expect("not poisoned").push(nonce);
        self.decide.decide(tail, nonce)
    }

    fn judge(&self, own: &LogEntry, tail: &LogEntry) -> Judgement {
        self.decide.judge(own, tail)
    }
}
