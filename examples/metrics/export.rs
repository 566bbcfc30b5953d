//! What is exported, as JSON.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use serde::Serialize;

use hollowcast::consumer::Consumer;

use super::business::Figures;
use super::collector::{Collector, Cycles, Refreshes};

/// How things are: counters since the start, and gauges of this moment.
#[derive(Serialize)]
pub(crate) struct Export {
    after: String,
    cycles: Cycles,
    refreshes: Refreshes,
    consumers: Vec<Gauges>,
    /// Of the version that the first consumer serves.
    business: Figures,
}

/// One consumer at this moment.
#[derive(Serialize)]
struct Gauges {
    version: u64,
    /// How old its data may be: since when nobody has said that it is the newest.
    age_ms: u64,
    /// What keeps it from following the newest version: who pinned the fleet, or held a version back.
    held_by: Option<String>,
    /// Where it pinned itself.
    pinned_to: Option<u64>,
    /// States that it left behind and that readers still have.
    retired_states: usize,
    oldest_retired_ms: Option<u64>,
}

impl Export {
    pub(crate) fn of(after: &str, collector: &Collector, consumers: &[Arc<Consumer>]) -> Result<Self> {
        Ok(Self {
            after: after.to_owned(),
            cycles: collector.cycles().clone(),
            refreshes: collector.refreshes().clone(),
            consumers: consumers.iter().map(|consumer| Gauges::of(consumer)).collect(),
            business: Figures::of(&consumers[0].read())?,
        })
    }
}

impl Gauges {
    fn of(consumer: &Consumer) -> Self {
        // A wall clock may have been set back since.
        let age = SystemTime::now().duration_since(consumer.confirmed_at()).unwrap_or_default();
        let retired = consumer.retired();
        Self {
            version: consumer.read().version().0,
            age_ms: age.as_millis() as u64,
            held_by: consumer.hold().map(|hold| hold.by.clone()),
            pinned_to: consumer.pinned().map(|version| version.0),
            retired_states: retired.count,
            oldest_retired_ms: retired.oldest.map(|oldest| oldest.as_millis() as u64),
        }
    }
}
