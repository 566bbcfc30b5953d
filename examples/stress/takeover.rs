//! How soon a standby goes on when the producer that holds the dataset is killed, or stopped for so long that it seems to be.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use hollowcast::log::Tail;

use super::{Place, producers};

/// What a takeover may take, from the last sign of life to the first version.
const BOUND: Duration = Duration::from_secs(20);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Kills the holder so many times, then stops and wakes it as often; a new standby takes the place of whoever is gone.
pub(crate) async fn run(place: &Place, rounds: u32) -> Result<()> {
    let mut live = vec![start(place)?, start(place)?];
    let mut killed = Vec::new();
    for _ in 0..rounds {
        let at = holder(place, &live).await?;
        live[at].kill().await?;
        let (begun, gone) = (Instant::now(), live.remove(at));
        drop(gone);
        next_holder(place, &live, begun).await?;
        killed.push(begun.elapsed());
        live.push(start(place)?);
    }
    tell("killed with -9", &mut killed);
    let mut stopped = Vec::new();
    for _ in 0..rounds {
        let at = holder(place, &live).await?;
        let mut sleeper = live.remove(at);
        signal(&sleeper, Signal::STOP)?;
        let begun = Instant::now();
        next_holder(place, &live, begun).await?;
        stopped.push(begun.elapsed());
        signal(&sleeper, Signal::CONT)?;
        is_fenced(&mut sleeper).await?;
        live.push(start(place)?);
    }
    tell("stopped, and fenced when it woke up", &mut stopped);
    Ok(())
}

/// A live producer whose words are heard.
fn start(place: &Place) -> Result<Child> {
    producers::spawn(place, "live", Stdio::piped())
}

/// Which of `live` published last; waits until one of them has.
async fn holder(place: &Place, live: &[Child]) -> Result<usize> {
    let begun = Instant::now();
    let mut tail = Tail::new(place.dataset.clone());
    loop {
        let found = tail.find().await?.context("the dataset is there")?;
        let is_holder = |child: &Child| {
            let writer = child.id().map(|id| format!("live, process {id}"));
            found.entry.kind == hollowcast::log::EntryKind::Commit
                && writer.as_ref() == Some(&found.entry.writer)
        };
        if let Some(at) = live.iter().position(is_holder) {
            return Ok(at);
        }
        ensure!(begun.elapsed() <= 3 * BOUND, "nobody publishes");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until one of those that are left has published.
async fn next_holder(place: &Place, live: &[Child], begun: Instant) -> Result<()> {
    holder(place, live).await?;
    let took = begun.elapsed();
    ensure!(took <= BOUND, "a takeover took {took:?}, more than {BOUND:?}");
    Ok(())
}

fn signal(child: &Child, signal: Signal) -> Result<()> {
    let process = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    Ok(kill_process(process.context("it runs")?, signal)?)
}

/// Waits until the process says that it is fenced.
async fn is_fenced(sleeper: &mut Child) -> Result<()> {
    let mut lines = BufReader::new(sleeper.stderr.take().context("its words are heard")?).lines();
    let heard = tokio::time::timeout(BOUND, async {
        while let Some(line) = lines.next_line().await? {
            if line.contains("of this producer is over") {
                return Ok(());
            }
        }
        bail!("the producer ended")
    });
    heard.await.context("a producer that woke up was not fenced")?
}

fn tell(what: &str, durations: &mut [Duration]) {
    durations.sort_unstable();
    let (middle, last) = (durations[durations.len() / 2], durations[durations.len() - 1]);
    println!(
        "{} of {0} holders {what}: first version of the standby after {:.2} s at the median, {:.2} s at most",
        durations.len(),
        middle.as_secs_f64(),
        last.as_secs_f64()
    );
}
