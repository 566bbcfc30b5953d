//! Who pins, rolls back, and gives old versions up.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use hollowcast::ErrorKind;
use hollowcast::cache::SegmentStore;
use hollowcast::environment::Environment;
use hollowcast::identifiers::Version;
use hollowcast::log::politeness::Manners;
use hollowcast::operator::Operator;
use hollowcast::progress::Progress;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::replica::{Chain, Replica};
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::tools::verify;

use super::report::{Deed, Report};
use super::{Place, ledger};

/// How often everything that the log reaches is fetched and checked.
const VERIFY_EVERY: Duration = Duration::from_secs(60);

/// The tasks, until they are stopped.
pub(crate) struct Tasks(JoinSet<()>);

impl Tasks {
    pub(crate) async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

pub(crate) fn start(place: &Place, report: &Arc<Report>) -> Tasks {
    let with = || (place.clone(), Arc::clone(report));
    let (decides, retains, verifies) = (with(), with(), with());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { keep_deciding(&decides.0, &decides.1).await });
    tasks.spawn(async move { keep_retaining(&retains.0, &retains.1).await });
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(VERIFY_EVERY).await;
            check(&verifies.0, &verifies.1).await;
        }
    });
    Tasks(tasks)
}

async fn keep_deciding(place: &Place, report: &Report) {
    let random = Environment::system().random;
    loop {
        tokio::time::sleep(Duration::from_millis(500 + random.next_u64() % 4_000)).await;
        let back = 1 + random.next_u64() % 6;
        match random.next_u64() % 4 {
            0 => report.tries(Deed::Pin, pin(place, back)).await,
            1 => report.tries(Deed::Rollback, Box::pin(roll_back(place, back))).await,
            _ => report.tries(Deed::Release, operator(place).unpin("")).await,
        }
    }
}

fn operator(place: &Place) -> Operator {
    Operator::new(place.dataset.clone(), "operator", Vec::new())
}

async fn older(place: &Place, back: u64) -> hollowcast::Result<Version> {
    let chain = Chain::open(&place.dataset).await?;
    Ok(Version(chain.entry().latest_version().0.saturating_sub(back).max(1)))
}

async fn pin(place: &Place, back: u64) -> hollowcast::Result<()> {
    operator(place).pin("", older(place, back).await?, "a look").await.map(drop)
}

async fn roll_back(place: &Place, back: u64) -> hollowcast::Result<()> {
    let version = older(place, back).await?;
    let mut producer = ledger::producer(place, "rollback")?.manners(Manners::TakeOver).start().await?;
    let done = producer.rollback(version).await;
    producer.stop().await;
    done.map(drop)
}

fn retention(place: &Place) -> Retention {
    let policy = RetentionPolicy { versions: 16, max_age: Duration::ZERO };
    Retention::new(place.dataset.clone(), "retention", policy)
}

async fn keep_retaining(place: &Place, report: &Report) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut retention = retention(place);
        report.tries(Deed::Retention, retention.run(&())).await;
    }
}

/// Fetches everything that the log reaches; nothing of it may be damaged or missing.
async fn check(place: &Place, report: &Report) {
    let replica = Replica::new(place.dataset.clone(), SegmentStore::heap(), TransferOptions::default());
    let silent: Arc<dyn Progress> = Arc::new(());
    match verify(&replica, None, &silent).await {
        Ok(_) => report.verified(),
        Err(error) => report.fault(format!("verify: {error}")),
    }
}

/// When nobody writes any more, one run of retention leaves nothing that is not needed.
pub(crate) async fn tidy_up(place: &Place, report: &Report) -> Result<()> {
    retention(place).run(&()).await?;
    let left = retention(place).plan().await?;
    if !left.objects.is_empty() {
        report.fault(format!("{} objects are left that nothing needs", left.objects.len()));
    }
    report.keeps(left.latest.0 - left.oldest.0 + 1);
    check(place, report).await;
    Ok(())
}

/// What may well happen to an operator in a crowd.
pub(crate) fn is_expected(error: &hollowcast::Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Fenced | ErrorKind::NotFound)
}
