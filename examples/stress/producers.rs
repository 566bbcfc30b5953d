//! The processes that publish, and who kills, stops and wakes them.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use hollowcast::ErrorKind;
use hollowcast::environment::{Environment, Random};
use hollowcast::log::politeness::Manners;
use hollowcast::producer::{Outcome, Producer};

use super::report::Report;
use super::{Place, ledger};

/// How many publish once and end, again and again.
const ONE_SHOT: usize = 6;

/// What a process does.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Publishes for as long as it can, and stands by otherwise.
    Live,
    /// Publishes once, and ends with the exit status of the command line.
    Once,
}

/// Publishes the first version.
pub(crate) async fn open_accounts(place: &Place) -> Result<()> {
    let mut producer = ledger::producer(place, "bank")?.start().await?;
    producer.cycle(ledger::open_accounts).await?;
    producer.stop().await;
    Ok(())
}

/// What a process of its own does.
pub(crate) async fn run(role: Role, place: &Place) -> Result<()> {
    match role {
        Role::Live => live(place).await,
        Role::Once => std::process::exit(once(place).await),
    }
}

async fn live(place: &Place) -> Result<()> {
    let random = Environment::system().random;
    let mut standby = ledger::producer(place, "live")?.stand_by()?;
    loop {
        let mut producer = standby.take_over().await?;
        let error = loop {
            let pause = Duration::from_millis(random.next_u64() % 200);
            tokio::time::sleep(pause).await;
            if let Err(error) = cycle(&mut producer, &*random, "live").await {
                break error;
            }
        };
        eprintln!("live: {error}");
        standby = producer.stand_by().await;
    }
}

async fn cycle(producer: &mut Producer, random: &dyn Random, note: &str) -> hollowcast::Result<Outcome> {
    loop {
        let published = producer.incremental(|writer| ledger::transfer(writer, random, note)).await;
        match published {
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable) => {
                producer.restore().await?;
            }
            ended => return ended,
        }
    }
}

/// Now polite, now patient, now neither.
async fn once(place: &Place) -> i32 {
    let random = Environment::system().random;
    let manners = match random.next_u64() % 3 {
        0 => Manners::Refuse,
        1 => Manners::Wait(Some(Duration::from_secs(2))),
        _ => Manners::TakeOver,
    };
    let published = async {
        let mut producer = ledger::producer(place, "once")?.manners(manners).start().await?;
        let published = cycle(&mut producer, &*random, "once").await;
        producer.stop().await;
        published
    };
    match published.await {
        Ok(_) => 0,
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Fenced) => 5,
        Err(error) => {
            eprintln!("once: {error}");
            1
        }
    }
}

/// The processes, until they are stopped.
pub(crate) struct Processes {
    tasks: JoinSet<Result<()>>,
    report: Arc<Report>,
}

impl Processes {
    pub(crate) fn start(place: &Place, report: &Arc<Report>) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(trouble_live(place.clone(), Arc::clone(report)));
        for _ in 0..ONE_SHOT {
            tasks.spawn(keep_publishing(place.clone(), Arc::clone(report)));
        }
        Self { tasks, report: Arc::clone(report) }
    }

    /// Ends them without a word; children go with whoever waits for them. One that has ended by itself should not have.
    pub(crate) async fn stop(mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.report.fault(format!("a task has ended by itself: {ended:?}"));
        }
        self.tasks.shutdown().await;
    }
}

/// Starts this program in a role; its standard error goes to `words`.
pub(crate) fn spawn(place: &Place, role: &str, words: Stdio) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--folder").arg(&place.folder).args(["--role", role]);
    command.stdout(Stdio::null()).stderr(words).kill_on_drop(true);
    command.spawn().context("the program cannot start itself")
}

/// Kills or stops one of two live producers after the other.
async fn trouble_live(place: Place, report: Arc<Report>) -> Result<()> {
    let random = Environment::system().random;
    let mut live = [spawn(&place, "live", Stdio::null())?, spawn(&place, "live", Stdio::null())?];
    for turn in 0.. {
        sleep_ms(1_000 + random.next_u64() % 4_000).await;
        let at = turn % 2;
        if let Some(status) = live[at].try_wait()? {
            report.fault(format!("a live producer ended by itself: {status}"));
            live[at] = spawn(&place, "live", Stdio::null())?;
        }
        if random.next_u64().is_multiple_of(2) {
            live[at].kill().await?;
            report.killed();
            live[at] = spawn(&place, "live", Stdio::null())?;
        } else {
            let number = i32::try_from(live[at].id().context("it runs")?)?;
            let process = Pid::from_raw(number).context("it has a number")?;
            kill_process(process, Signal::STOP)?;
            report.paused();
            sleep_ms(500 + random.next_u64() % 25_000).await;
            kill_process(process, Signal::CONT)?;
        }
    }
    Ok(())
}

async fn keep_publishing(place: Place, report: Arc<Report>) -> Result<()> {
    let random = Environment::system().random;
    loop {
        sleep_ms(random.next_u64() % 3_000).await;
        let status = spawn(&place, "once", Stdio::null())?.wait().await?;
        report.published_once(status.code());
    }
}

async fn sleep_ms(duration_ms: u64) {
    tokio::time::sleep(Duration::from_millis(duration_ms)).await;
}
