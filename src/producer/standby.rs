//! A producer that waits for its turn (keeps semantics 10).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Producer;
use super::newest::{self, Newest};
use super::settings::Settings;
use crate::announce::{AnnouncementWatcher, PollOptions, StoreWatcher};
use crate::environment::Environment;
use crate::error::{Classify, ErrorKind, Result};
use crate::format::ManifestReference;
use crate::identifiers::Version;
use crate::log::politeness::Manners;
use crate::log::{Log, LogEntry, LogError, Tail, Tenure};
use crate::progress::Progress;
use crate::replica::{Loaded, REBASE_RETRY, Replica, unpanicked};
use crate::state::RebaseThresholds;
use crate::store::Writers;

/// First pause after the store did not answer.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// Longest pause while it does not: well below what a takeover may take.
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// A producer without the dataset: it follows the newest version, so that it can go on from there at once, and claims the dataset when the
/// producer that holds it has gone.
///
/// It takes the holder for gone when it said so, when its process ran on this host and is not there any more, or when neither the log nor its
/// heartbeat changed for [`FRESH`](crate::log::politeness::FRESH), by this producer's own monotonic clock. Clocks decide how soon, never whether
/// it is safe: a holder that only slept is [fenced](ErrorKind::Fenced) when it wakes up, and may stand by in turn ([`Producer::stand_by`]).
///
/// A holder shows that it lives from a task of its own. On a runtime with a single thread, a closure that states records for longer than
/// that keeps this task from running: use one with several.
///
/// ```no_run
/// # async fn example(builder: hollowcast::producer::ProducerBuilder) -> hollowcast::Result<()> {
/// use hollowcast::ErrorKind;
///
/// let mut standby = builder.stand_by()?;
/// loop {
///     let mut producer = standby.take_over().await?;
///     let fenced = loop {
///         match producer.incremental(|_writer| Ok(/* state changes */ ())).await {
///             Ok(_) => tokio::time::sleep(std::time::Duration::from_secs(1)).await,
///             Err(error) if error.kind() == ErrorKind::Conflict => producer.restore().await?,
///             Err(error) => break error,
///         }
///     };
///     if fenced.kind() != ErrorKind::Fenced {
///         return Err(fenced);
///     }
///     standby = producer.stand_by().await;
/// }
/// # }
/// ```
pub struct Standby {
    pub(super) settings: Settings,
    pub(super) log: Log,
    pub(super) replica: Replica,
    /// The version it has followed to, or none yet.
    pub(super) loaded: Option<Loaded>,
}

impl Standby {
    pub(super) fn new(settings: Settings, log: Log, replica: Replica) -> Self {
        Self { settings, log, replica, loaded: None }
    }

    /// Claims the dataset now, with `manners` towards whoever holds it.
    pub(super) async fn start(mut self, manners: Manners) -> Result<Producer> {
        let tenure = self.log.claim(manners, self.settings.writers).await?;
        let restored = self.restored(&tenure).await;
        Producer::begin(self, tenure, restored).await
    }

    /// What `tenure` found to be the newest version, from where it followed to.
    async fn restored(&mut self, tenure: &Tenure) -> Result<(Newest, LogEntry)> {
        let (loaded, tail) = (self.loaded.as_ref(), self.log.tail());
        let claim = tenure.claim.clone();
        let (newest, entry) = newest::load(&self.settings, &self.replica, loaded, tail, claim).await?;
        tenure.confirm(&entry)?;
        Ok((newest, entry))
    }

    /// Waits until the producer that holds the dataset has gone, however long that takes, then claims it and restores its newest version: what
    /// is missing of that is the versions since the last look at the log.
    ///
    /// A store that does not answer is asked again; it does not end the wait. Stops at any await when dropped, and what was followed to is
    /// gone with it.
    ///
    /// # Errors
    /// As [`ProducerBuilder::start`](super::ProducerBuilder::start), but never because another producer is live.
    pub fn take_over(mut self) -> BoxFuture<'static, Result<Producer>> {
        async move {
            let tenure = {
                let Self { settings, log, replica, loaded } = &mut self;
                tokio::select! {
                    tenure = claim_in_turn(log, settings.writers) => tenure?,
                    never = follow(replica, loaded, &settings.progress) => match never {},
                }
            };
            let mut patience = Patience::new(self.log.store().environment());
            let restored = loop {
                match self.restored(&tenure).await {
                    Err(error) if error.kind() == ErrorKind::Unavailable => patience.wait(&error).await,
                    restored => break restored,
                }
            };
            Producer::begin(self, tenure, restored).await
        }
        .boxed()
    }

    /// The version it has followed to; [`Version::NONE`] before the first.
    #[must_use]
    pub fn version(&self) -> Version {
        self.loaded.as_ref().map_or(Version::NONE, |loaded| loaded.state.version())
    }
}

/// Claims the dataset as soon as nobody holds it.
async fn claim_in_turn(log: &mut Log, writers: Writers) -> Result<Tenure, LogError> {
    let mut patience = Patience::new(log.store().environment());
    loop {
        match log.claim(Manners::Wait(None), writers).await {
            Err(LogError::Overtaken { .. }) => patience = Patience::new(log.store().environment()),
            Err(error) if error.kind() == ErrorKind::Unavailable => patience.wait(&error).await,
            claimed => return claimed,
        }
    }
}

/// Pauses while the store does not answer, longer and longer.
struct Patience {
    pause: Duration,
    environment: Environment,
}

impl Patience {
    fn new(environment: &Environment) -> Self {
        Self { pause: FIRST_RETRY, environment: environment.clone() }
    }

    async fn wait(&mut self, error: &impl std::fmt::Display) {
        tracing::warn!(%error, "standing by: the store does not answer");
        self.environment.clock.sleep(self.environment.jitter(self.pause)).await;
        self.pause = (self.pause * 2).min(LONGEST_RETRY);
    }
}

/// Keeps `loaded` at the newest version as far as it can be read, and on a base that does not grow old; what cannot be read is left for the claim
/// to find out.
async fn follow(replica: &Replica, loaded: &mut Option<Loaded>, progress: &Arc<dyn Progress>) -> Infallible {
    let mut tail = Tail::new(replica.store().clone());
    let mut watcher = StoreWatcher::new(replica.store().clone(), PollOptions::default());
    let mut rebase_at = Duration::ZERO;
    loop {
        if let Err(error) = follow_once(replica, &mut tail, loaded, progress).await {
            tracing::warn!(%error, "standing by: the newest version cannot be followed");
        }
        if let Some(loaded) = loaded {
            rebase_when_due(replica, loaded, &mut rebase_at).await;
        }
        watcher.next().await;
    }
}

async fn follow_once(
    replica: &Replica,
    tail: &mut Tail,
    loaded: &mut Option<Loaded>,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    let Some(entry) = tail.find().await?.map(|found| found.entry.clone()) else { return Ok(()) };
    let Some(latest) = entry.latest.as_ref().map(ManifestReference::from) else { return Ok(()) };
    if loaded.as_ref().is_none_or(|loaded| loaded.reference != latest) {
        *loaded = Some(replica.move_to(loaded.as_ref(), &entry, &latest, progress).await?.loaded);
    }
    Ok(())
}

/// Puts the state on another base where too much has piled up over the one it has, from `rebase_at` on, by the monotonic clock.
async fn rebase_when_due(replica: &Replica, loaded: &mut Loaded, rebase_at: &mut Duration) {
    let environment = replica.store().environment();
    let thresholds = RebaseThresholds::default();
    if environment.clock.monotonic() < *rebase_at || !loaded.state.is_rebase_due(&thresholds) {
        return;
    }
    let rebased = unpanicked(async {
        let rebase = replica.write_anew(Arc::clone(&loaded.state), thresholds).await?;
        Ok(rebase.finish(&loaded.state))
    });
    match rebased.await {
        Ok(Some(state)) => loaded.state = Arc::new(state),
        Ok(None) => (),
        Err(error) => {
            tracing::warn!(%error, "standing by: the state cannot be put on another base");
            *rebase_at = environment.clock.monotonic() + environment.jitter(REBASE_RETRY);
        }
    }
}
