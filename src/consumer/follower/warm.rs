//! What a follower leaves on its host for the next start, and finds there (keeps semantics 24).

use super::Follower;
use crate::cache::Current;
use crate::error::{Error, Result};
use crate::log::Tail;
use crate::log::landing::Landing;
use crate::replica::{Loaded, Replica, origin_of};
use crate::workers;

impl Follower {
    /// Loads what the host served last, if the state directory has it with all types that are wanted.
    pub(in crate::consumer) async fn warm_start(&mut self) -> Result<()> {
        let (replica, ring) = (self.replica.clone(), self.ring.clone());
        let Some((current, loaded)) = workers::run(move || last_served(&replica, &ring)).await? else {
            return Ok(());
        };
        self.loaded = Some(loaded);
        self.landing = Landing::on(current.sequence);
        self.confirmed_at = current.confirmed_at;
        self.tail = Tail::resume(self.replica.store().clone(), current.sequence);
        Ok(())
    }

    /// Records what is served, so that the next start needs no network. A pin of one's own ends with the process, so what it leads to is not
    /// recorded, and other processes of the host still find what the log led to: not even after the pin, until it moved. A host that cannot record
    /// what it serves still serves it.
    pub(in crate::consumer) async fn record(&self) {
        let was_led_here = self.pinned.is_none() && !self.landing.stands_apart();
        if let Some(loaded) = self.loaded.as_ref().filter(|_| was_led_here)
            && let Err(error) =
                self.replica.record(loaded, &self.ring, self.landing.landed(), self.confirmed_at).await
        {
            tracing::warn!(%error, "the state directory does not take the record of what is served");
        }
    }
}

/// The newest record of what the host served to `ring` of which a state can be made, and that state. Other rings may be at versions that this one
/// must not have yet.
fn last_served(replica: &Replica, ring: &str) -> Result<Option<(Current, Loaded)>> {
    let Some(directory) = replica.segments().state_directory() else { return Ok(None) };
    let Some(dataset) = directory.dataset_at(&origin_of(replica.store()))? else { return Ok(None) };
    let currents = directory.currents(dataset)?.into_iter();
    for current in currents.filter(|current| current.as_ref().map_or(true, |current| current.ring == ring)) {
        let reopened = current.map_err(Error::from).and_then(|current| {
            let loaded = replica.reopen(&current)?;
            Ok((current, loaded))
        });
        match reopened {
            Ok(served) => return Ok(Some(served)),
            Err(error) => tracing::info!(%error, "a record of what the host served is of no use here"),
        }
    }
    Ok(None)
}
