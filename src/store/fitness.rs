//! Which stores several writers may use, and how to find out about the others.
//!
//! The log rests on two properties of its store: a create that exactly one of many racing writers wins, and a LIST
//! that sees every completed write. Local folders, memory, Google Cloud Storage and Azure are known to have both.
//! Servers that speak the protocol of S3 all go by one name here, and some of them ignore the condition of a create,
//! so they are probed like any other store. That costs some 70 requests, once in the life of a dataset.

use futures::future::join_all;
use object_store::PutPayload;

use super::dataset::{Creation, DatasetStore};
use super::error::{Failure, StoreError};
use super::name::{Family, ObjectName};
use crate::identifiers::Attempt;

const RACERS: usize = 64;
const ROUNDS: u32 = 3;

/// Who writes a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writers {
    /// Any number; the store decides who was first.
    #[default]
    Several,
    /// One at any time, and the user sees to that: on a store that can't tell who was first, a second writer
    /// overwrites what the first committed. To be asked for in so many words.
    SingleWriter,
}

/// Sees to it that a dataset may be made on this store: known to be fit, probed, or not needed to be.
pub async fn ensure_fit(dataset: &DatasetStore, writers: Writers) -> Result<(), StoreError> {
    if writers == Writers::SingleWriter || is_known_fit(&dataset.object_store().to_string()) {
        return Ok(());
    }
    probe_create_if_absent(dataset).await
}

/// Whether a store that prints as `store` is known to have what the log needs.
#[must_use]
pub fn is_known_fit(store: &str) -> bool {
    let innermost = ["LimitStore(", "ThrottledStore(", "ChunkedStore("]
        .iter()
        .find_map(|decorator| store.strip_prefix(decorator).map(|rest| (*decorator, rest)));
    match innermost {
        Some(("LimitStore(", rest)) => rest.split_once(", ").is_some_and(|(_, inner)| is_known_fit(inner)),
        Some((_, inner)) => is_known_fit(inner),
        None => ["LocalFileSystem(", "InMemory", "GoogleCloudStorage(", "MicrosoftAzure {"]
            .iter()
            .any(|known| store.starts_with(known)),
    }
}

/// Lets 64 creates of one object race and refuses a store on which two win, or which does not show the winner's object.
///
/// Costs some 70 requests, at once; leaves nothing behind unless it is interrupted.
pub async fn probe_create_if_absent(dataset: &DatasetStore) -> Result<(), StoreError> {
    for _ in 0..ROUNDS {
        let name = ObjectName::Probe(Attempt(dataset.environment().random.next_u64()));
        let outcome = race(dataset, &name).await;
        let swept = dataset.delete(&name).await;
        match outcome? {
            Outcome::Fit => return swept,
            Outcome::Unclear => {}
            Outcome::Unfit(finding) => {
                return Err(StoreError::Unfit { store: dataset.object_store().to_string(), finding });
            }
        }
    }
    Err(StoreError::Unclear { store: dataset.object_store().to_string(), rounds: ROUNDS })
}

enum Outcome {
    Fit,
    Unfit(String),
    Unclear,
}

async fn race(dataset: &DatasetStore, name: &ObjectName) -> Result<Outcome, StoreError> {
    let racers = (0..RACERS).map(|racer| dataset.create(name, payload(racer)));
    let answers = join_all(racers).await;
    let winners = winners(dataset, name, answers)?;
    if winners.len() > 1 {
        return Ok(Outcome::Unfit(format!("{} of {RACERS} racing creates of one object won", winners.len())));
    }
    let Some(winner) = winners.first() else {
        return Ok(Outcome::Unclear);
    };
    if dataset.find(name, 64).await?.as_deref() != Some(text(*winner).as_bytes()) {
        return Ok(Outcome::Unfit("the object is not the one whose create won".to_owned()));
    }
    if dataset.list(Family::Probe, None).await?.iter().all(|found| found.name != *name) {
        return Ok(Outcome::Unfit("a LIST does not show an object that was just created".to_owned()));
    }
    Ok(Outcome::Fit)
}

/// Who was told to have won; an error that would come again ends the probe.
fn winners(
    dataset: &DatasetStore,
    name: &ObjectName,
    answers: Vec<Creation>,
) -> Result<Vec<usize>, StoreError> {
    let mut winners = Vec::new();
    for (racer, answer) in answers.into_iter().enumerate() {
        match answer {
            Creation::Created => winners.push(racer),
            Creation::Unknown(error) => match Failure::of(&error) {
                Failure::Exists | Failure::Transient => {}
                Failure::Absent | Failure::Refused(_) | Failure::Full | Failure::Lost => {
                    return Err(StoreError::new(dataset.path(name).to_string(), 1, error));
                }
            },
        }
    }
    Ok(winners)
}

fn payload(racer: usize) -> PutPayload {
    text(racer).into()
}

fn text(racer: usize) -> String {
    format!("racer {racer}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::path::Path;

    use super::*;
    use crate::error::{Classify, ErrorKind};
    use crate::store::faulty::{Faults, FaultyStore, environment};

    fn dataset(faults: Faults) -> DatasetStore {
        DatasetStore::new(Arc::new(FaultyStore::new(1, faults)), Path::from("movies"), environment(1))
    }

    #[test]
    fn stores_are_known_by_what_they_print() {
        for known in [
            "InMemory",
            "LocalFileSystem(file:///data)",
            "GoogleCloudStorage(movies)",
            "MicrosoftAzure { account: a, container: c }",
            "LimitStore(10, GoogleCloudStorage(movies))",
            "ThrottledStore(ChunkedStore(InMemory))",
        ] {
            assert!(is_known_fit(known), "{known}");
        }
        for unknown in [
            "AmazonS3(movies)",
            "LimitStore(10, AmazonS3(movies))",
            "PrefixObjectStore(InMemory)",
            "HttpStore",
            "",
        ] {
            assert!(!is_known_fit(unknown), "{unknown}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_where_one_create_wins_is_fit_and_left_clean() {
        let dataset = dataset(Faults::none());
        ensure_fit(&dataset, Writers::Several).await.expect("fit");
        assert!(dataset.list(Family::Probe, None).await.expect("lists").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_where_two_creates_win_is_refused_unless_a_single_writer_is_asked_for() {
        let dataset = dataset(Faults { creates_overwrite: true, ..Faults::none() });
        let error = ensure_fit(&dataset, Writers::Several).await.expect_err("64 creates win");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("64 of 64"), "{error}");
        ensure_fit(&dataset, Writers::SingleWriter).await.expect("asked for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_whose_list_misses_what_was_created_is_refused() {
        let dataset = dataset(Faults { lists_are_empty: true, ..Faults::none() });
        let error = ensure_fit(&dataset, Writers::Several).await.expect_err("unfit");
        assert!(error.to_string().contains("LIST"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_clearly_is_neither_fit_nor_unfit() {
        let dataset = dataset(Faults { create_fails_before: 100, ..Faults::none() });
        let error = ensure_fit(&dataset, Writers::Several).await.expect_err("unclear");
        assert!(matches!(error, StoreError::Unclear { rounds: 3, .. }), "{error}");
    }
}
