//! A part of the tour that is a process of its own, from outside: it says what happens as JSON lines, and does what its standard input asks.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long any step may take before the tour gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process.
pub(super) struct Part {
    name: &'static str,
    process: Child,
    orders: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
}

impl Part {
    /// Starts the tour of `folder` as another part of it, by these options.
    pub(super) fn start(name: &'static str, options: &[&str], folder: &Path) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--log", "off", "demo"])
            .args(options)
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = process.stdin.take().context("its input is a pipe")?;
        let events = BufReader::new(process.stdout.take().context("its output is a pipe")?).lines();
        Ok(Self { name, process, orders, events })
    }

    /// What happens next; `wanted` is what the tour waits for.
    pub(super) async fn next<E: DeserializeOwned>(&mut self, wanted: &str) -> Result<E> {
        let Ok(line) = tokio::time::timeout(PATIENCE, self.events.next_line()).await else {
            bail!("the {} said nothing for {} s on its way to {wanted}", self.name, PATIENCE.as_secs());
        };
        let line = line?.with_context(|| format!("the {} ended early", self.name))?;
        serde_json::from_str(&line).with_context(|| format!("the {} said {line}", self.name))
    }

    /// Asks for something.
    pub(super) async fn order(&mut self, order: &str) -> Result<()> {
        Ok(self.orders.write_all(format!("{order}\n").as_bytes()).await?)
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.process.id().with_context(|| format!("the {} ended early", self.name))?;
        let pid = Pid::from_raw(id.cast_signed()).context("a process has an id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Ends it without a word.
    pub(super) async fn kill(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Lets it end.
    pub(super) async fn stop(mut self) -> Result<()> {
        drop(self.orders);
        let status = self.process.wait().await?;
        ensure!(status.success(), "the {} ended with {status}", self.name);
        Ok(())
    }
}
