//! Going back a version and forth again, by a pin in the log and by one of the consumer's own: both to states that it kept.

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hollowcast::consumer::{Refresh, RefreshRoute};
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::operator::Operator;
use hollowcast::store::DatasetStore;
use hollowcast_measure::dataset::{CHANGED, Setup, consumer};
use hollowcast_measure::generator::Movie;
use hollowcast_measure::report::{Report, Samples};

use super::Options;

/// Times that it goes back, and as often forth.
const TURNS: usize = 200;

/// What took how long, in microseconds.
struct Figures {
    /// Until readers see the state, from the look at the log on.
    shown: Histogram<u64>,
    /// Until the call returns: where the log leads is recorded on disk by then.
    returned: Histogram<u64>,
}

/// Pins and releases while nobody publishes.
pub async fn measure(options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    Report::heading(&format!(
        "A consumer that goes back one version and forth again, {TURNS} times, to kept states"
    ));
    let mut setup = Setup::<Movie>::new(options.records, folder, u64::MAX).await?;
    setup.full().await?;
    let consumer = consumer(&setup.store, &folder.join("consumer")).await?;
    let change = setup.live.change(CHANGED);
    setup.incremental(&change).await?;
    consumer.refresh().await?;
    let dataset = DatasetStore::new(setup.store.clone(), "movies".into(), Environment::system());
    let mut operator = Operator::new(dataset, "bench", Vec::new());
    let (mut by_log, mut by_itself) = (Figures::new(), Figures::new());
    for _ in 0..TURNS {
        operator.pin("", Version(1), "").await?;
        by_log.add(consumer.refresh()).await?;
        operator.unpin("").await?;
        by_log.add(consumer.refresh()).await?;
        by_itself.add(consumer.pin(Version(1))).await?;
        by_itself.add(consumer.unpin()).await?;
    }
    setup.producer.stop().await;
    by_log.report("the log's pin", report);
    by_itself.report("a pin of its own", report);
    Ok(())
}

impl Figures {
    fn new() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, 60_000_000, 3).expect("a microsecond to a minute are valid bounds")
        };
        Self { shown: histogram(), returned: histogram() }
    }

    async fn add(
        &mut self,
        refresh: impl Future<Output = hollowcast::Result<Refresh>>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let refresh = refresh.await?;
        self.returned.saturating_record(microseconds(started.elapsed()));
        self.shown.saturating_record(microseconds(refresh.elapsed));
        let is_swap = refresh.route == Some(RefreshRoute::Kept) && refresh.fetched_bytes == 0;
        anyhow::ensure!(is_swap, "a kept state is gone to without fetching: {refresh:?}");
        Ok(())
    }

    fn report(&self, by: &str, report: &mut Report) {
        for (what, histogram) in [("shown", &self.shown), ("returned", &self.returned)] {
            for (figure, quantile) in [("p50", 0.5), ("p99", 0.99)] {
                let mut samples = Samples::default();
                samples.push(histogram.value_at_quantile(quantile) as f64 / 1e3);
                report.add(&format!("by {by} until {what}, {figure}"), "ms", &samples, None);
            }
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    duration.as_micros() as u64
}
