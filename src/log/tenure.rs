//! A producer's time in office: from its claim until it stops or is fenced.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::append::{Log, Outcome};
use super::decide::{Claim, fenced};
use super::entry::LogEntry;
use super::error::LogError;
use super::politeness::{Heartbeat, Manners, admit};
use crate::identifiers::{DatasetId, Epoch, Nonce};
use crate::store::{Writers, ensure_fit};

/// How often a producer that waits lets others claim before it. Each time one of them got its turn.
const TURNS: u32 = 64;

/// The right to commit, until someone else claims it; what a [`Commit`](super::Commit) names as its own.
#[derive(Debug)]
pub struct Tenure {
    /// The epoch that the claim began.
    pub epoch: Epoch,
    /// Nonce of the claim.
    pub holder: Nonce,
    /// The claim, with all that it carried over: its `latest` is the version to restore.
    pub claim: LogEntry,
    heartbeat: Heartbeat,
}

impl Tenure {
    /// Whether it goes on in `tail`.
    ///
    /// # Errors
    /// `Fenced` if another producer claimed the dataset.
    pub fn confirm(&self, tail: &LogEntry) -> Result<(), LogError> {
        match (tail.epoch, tail.holder) == (self.epoch, self.holder) {
            true => Ok(()),
            false => Err(fenced(self.epoch, tail)),
        }
    }

    /// Ends it: says that this producer has finished, so that the next need not wait. A tenure that is dropped instead looks
    /// like a producer that died.
    pub async fn stop(self) {
        self.heartbeat.stop().await;
    }
}

impl Log {
    /// Claims the dataset: with `manners` towards a producer that is alive, then by an entry that begins a new epoch (R3).
    /// Makes the dataset if there is none, on a store that is fit for `writers`.
    ///
    /// When it returns, the claim is confirmed (R4) and the producer beats. To be called within a tokio runtime.
    pub fn claim(&mut self, manners: Manners, writers: Writers) -> BoxFuture<'_, Result<Tenure, LogError>> {
        async move {
            let mut turns = 0;
            loop {
                if self.tail().find().await?.is_none() {
                    ensure_fit(self.store(), writers).await?;
                }
                let admission = admit(self.tail(), manners).await?;
                let fresh = DatasetId(self.store().environment().random.next_bytes());
                match self.append(&Claim { fresh, admission }).await {
                    Ok(Outcome::Appended(appended)) => return Ok(self.begin(appended.entry)),
                    Ok(Outcome::Done(_)) => unreachable!("no tail makes a claim needless"),
                    Err(LogError::Overtaken { .. })
                        if matches!(manners, Manners::Wait(_)) && turns < TURNS =>
                    {
                        turns += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        .boxed()
    }

    fn begin(&self, claim: LogEntry) -> Tenure {
        let heartbeat = Heartbeat::start(self.store().clone(), claim.epoch, claim.holder);
        Tenure { epoch: claim.epoch, holder: claim.holder, claim, heartbeat }
    }
}
