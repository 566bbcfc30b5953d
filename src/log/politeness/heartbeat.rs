//! Shows that a producer lives.

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::BEAT;
use super::beat::Beat;
use super::process::ProcessIdentity;
use crate::environment::{milliseconds, time_of};
use crate::identifiers::{Epoch, Nonce};
use crate::store::{DatasetStore, ObjectName, StoreError};

/// Writes `hints/heartbeat` every [`BEAT`] until it is stopped or dropped.
///
/// It reads the hint before it writes. Once that shows a later epoch, this producer is fenced, knows it or not, and its beats
/// would only hide the other's: it falls silent. A store that fails costs a beat, no more.
#[derive(Debug)]
pub struct Heartbeat {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Heartbeat {
    /// Beats from now on for the producer whose claim `holder` began `epoch`. To be called within a tokio runtime.
    #[must_use]
    pub fn start(store: DatasetStore, epoch: Epoch, holder: Nonce) -> Self {
        let (stop, stopped) = oneshot::channel();
        let at = store.environment().clock.now();
        let beat = Beat { holder, epoch, process: ProcessIdentity::own(), at, counter: 0, stopped: false };
        Self { stop: Some(stop), task: tokio::spawn(run(store, beat, stopped)) }
    }

    /// Says that the producer has finished, so that the next one need not wait. Returns when that is written, or can't be:
    /// a beat under way is waited for, since it would otherwise come after.
    ///
    /// # Panics
    ///
    /// If the task that beats panicked, which is a defect.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails when the task fell silent already.
            let _ = stop.send(());
        }
        if let Err(error) = (&mut self.task).await {
            assert!(!error.is_panic(), "the heartbeat panicked: {error}");
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(store: DatasetStore, mut beat: Beat, mut stop: oneshot::Receiver<()>) {
    loop {
        match write(&store, &mut beat).await {
            Ok(true) if beat.stopped => return,
            Ok(true) => {}
            Ok(false) => {
                tracing::debug!(epoch = %beat.epoch, "another producer beats for a later epoch, falling silent");
                return;
            }
            Err(error) if beat.stopped => {
                tracing::debug!(%error, "could not say that this producer has finished");
                return;
            }
            Err(error) => tracing::debug!(%error, "could not show that this producer lives"),
        }
        tokio::select! {
            biased;
            // A sender that is gone without a word is a heartbeat being dropped, which aborts this task.
            _ = &mut stop => beat.stopped = true,
            () = store.environment().clock.sleep(BEAT) => {}
        }
    }
}

/// Writes the next beat, unless another producer is of a later epoch. Whether it wrote.
async fn write(store: &DatasetStore, beat: &mut Beat) -> Result<bool, StoreError> {
    if is_outdone(store, beat.epoch).await? {
        return Ok(false);
    }
    beat.counter += 1;
    let now = milliseconds(store.environment().clock.now());
    beat.at = time_of(now).expect("a time that the clock gave is in reach");
    store.put(&ObjectName::HeartbeatHint, Bytes::from(beat.encode())).await?;
    Ok(true)
}

async fn is_outdone(store: &DatasetStore, epoch: Epoch) -> Result<bool, StoreError> {
    match store.find(&ObjectName::HeartbeatHint, Beat::LIMIT).await {
        Ok(hint) => {
            Ok(hint.and_then(|bytes| Beat::decode(&bytes).ok()).is_some_and(|other| other.epoch > epoch))
        }
        Err(StoreError::TooLarge { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use object_store::path::Path;

    use super::*;
    use crate::store::faulty::{Faults, FaultyStore, environment};

    fn dataset(faults: Faults) -> (Arc<FaultyStore>, DatasetStore) {
        let store = Arc::new(FaultyStore::new(21, faults));
        let dataset = DatasetStore::new(Arc::clone(&store) as _, Path::from("movies"), environment(21));
        (store, dataset)
    }

    async fn hint(dataset: &DatasetStore) -> Option<Beat> {
        let bytes = dataset.find(&ObjectName::HeartbeatHint, Beat::LIMIT).await.expect("answers")?;
        Some(Beat::decode(&bytes).expect("a beat"))
    }

    const HOLDER: Nonce = Nonce([5; 16]);

    #[tokio::test(start_paused = true)]
    async fn it_beats_every_three_seconds_and_says_when_it_stops() {
        let (_, dataset) = dataset(Faults::none());
        let heartbeat = Heartbeat::start(dataset.clone(), Epoch(2), HOLDER);
        tokio::time::sleep(Duration::from_millis(30_100)).await;
        let last = hint(&dataset).await.expect("beats");
        assert_eq!((last.counter, last.holder, last.epoch, last.stopped), (11, HOLDER, Epoch(2), false));
        assert_eq!(last.process, ProcessIdentity::own());
        heartbeat.stop().await;
        let last = hint(&dataset).await.expect("beats");
        assert_eq!((last.counter, last.stopped), (12, true));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(hint(&dataset).await, Some(last));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_dropped_beats_no_more_and_claims_nothing() {
        let (store, dataset) = dataset(Faults::none());
        drop(Heartbeat::start(dataset.clone(), Epoch(2), HOLDER));
        tokio::time::sleep(Duration::from_secs(1)).await;
        store.forget_requests();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(store.requests().is_empty());
        assert!(hint(&dataset).await.is_none_or(|beat| !beat.stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fenced_producer_falls_silent_and_does_not_hide_its_successor() {
        let (_, dataset) = dataset(Faults::none());
        let fenced = Heartbeat::start(dataset.clone(), Epoch(2), HOLDER);
        tokio::time::sleep(Duration::from_secs(4)).await;
        let successor = Heartbeat::start(dataset.clone(), Epoch(3), Nonce([6; 16]));
        tokio::time::sleep(Duration::from_secs(4)).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(hint(&dataset).await.expect("beats").epoch, Epoch(3));
        }
        fenced.stop().await;
        assert_eq!(hint(&dataset).await.expect("beats").epoch, Epoch(3));
        successor.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_often_costs_beats_only() {
        let (_, dataset) = dataset(Faults { request_fails: 60, ..Faults::none() });
        let heartbeat = Heartbeat::start(dataset.clone(), Epoch(2), HOLDER);
        tokio::time::sleep(Duration::from_secs(120)).await;
        heartbeat.stop().await;
        let counter = hint(&dataset).await.expect("beats").counter;
        assert!((15..=42).contains(&counter), "{counter} beats in two minutes");
    }
}
