//! Ten consumers, and what they saw.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;

use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, Refresh, RefreshListener};
use hollowcast::environment::Environment;

use super::auditor::Audit;
use super::report::Report;
use super::{Place, ledger};

/// Consumers that follow from the first to the last moment.
const STEADY: usize = 7;
/// Consumers that start anew again and again.
const RESTARTING: usize = 3;

/// How often they look at the log without a hint: whoever is killed may have published and not said so.
const UNPROMPTED: Duration = Duration::from_secs(2);

/// The consumers.
pub(crate) struct Fleet {
    steady: Vec<Consumer>,
    restarting: Vec<JoinHandle<()>>,
    report: Arc<Report>,
}

impl Fleet {
    pub(crate) async fn start(place: &Place, report: &Arc<Report>) -> Result<Self> {
        let mut steady = Vec::new();
        for number in 0..STEADY {
            steady.push(consumer(place, report, number).start().await?);
        }
        let restart = |number| tokio::spawn(restart(place.clone(), Arc::clone(report), number));
        let restarting = (STEADY..STEADY + RESTARTING).map(restart).collect();
        Ok(Self { steady, restarting, report: Arc::clone(report) })
    }

    /// Checks what each of them serves.
    pub(crate) fn check(&self) {
        self.steady.iter().for_each(|consumer| self.report.check(&consumer.read()));
    }

    /// Nothing is published any more, and nobody looks: each has to be at the target by itself.
    pub(crate) fn finish(self, audit: &Audit) {
        self.restarting.iter().for_each(JoinHandle::abort);
        for (number, consumer) in self.steady.iter().enumerate() {
            let (found, expected) = (consumer.read().version(), audit.last_target());
            if found != expected {
                self.report.fault(format!("consumer {number} ended at version {found}, not at {expected}"));
            }
        }
        for (sequence, version) in self.report.seen() {
            match audit.target_of(sequence) {
                Some(target) if target != version => {
                    let text = format!(
                        "a consumer was at version {version} by entry {sequence}, which says {target}"
                    );
                    self.report.fault(text);
                }
                Some(_) => self.report.confirmed(),
                None => (),
            }
        }
    }
}

/// Every other one maps what all of a host share, the others keep everything to themselves.
fn consumer(place: &Place, report: &Arc<Report>, number: usize) -> ConsumerBuilder {
    let memory = match number % 2 {
        0 => Memory::Mapped(Some(place.state_directory())),
        _ => Memory::Heap,
    };
    let interval = Duration::from_millis(300 * (1 + number as u64));
    let poll = PollOptions { interval, unprompted: UNPROMPTED };
    let builder = Consumer::builder(ledger::DATASET, place.store.clone()).memory(memory).poll(poll);
    builder.listener(Arc::new(Watching(Arc::clone(report))))
}

async fn restart(place: Place, report: Arc<Report>, number: usize) {
    let random = Environment::system().random;
    loop {
        match consumer(&place, &report, number).start().await {
            Ok(consumer) => {
                report.check(&consumer.read());
                tokio::time::sleep(Duration::from_millis(random.next_u64() % 3_000)).await;
                report.check(&consumer.read());
                report.restarted();
            }
            Err(error) => {
                report.fault(format!("consumer {number} cannot start: {error}"));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Writes down where a consumer was told to be.
struct Watching(Arc<Report>);

impl RefreshListener for Watching {
    fn refreshed(&self, refresh: &Refresh) {
        self.0.refreshed(refresh);
    }

    fn failed(&self, error: &hollowcast::Error) {
        self.0.failed(error);
    }
}
