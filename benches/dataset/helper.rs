//! A process that does a part of a measurement, so that its memory and its files are its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;

/// Told on its standard input what to do, a line each; answers on its standard output, a line each. Killed when it is dropped.
pub struct Helper {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Helper {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("its output is a pipe")?);
        Ok(Self { process, orders, answers })
    }

    /// Its number, for what the operating system tells of it.
    pub fn number(&self) -> String {
        self.process.id().to_string()
    }

    pub fn ask(&mut self, order: &str) -> anyhow::Result<String> {
        writeln!(self.orders.as_mut().context("nobody asks after the end")?, "{order}")?;
        self.answer()
    }

    pub fn answer(&mut self) -> anyhow::Result<String> {
        let mut answer = String::new();
        anyhow::ensure!(self.answers.read_line(&mut answer)? > 0, "the process ended early");
        Ok(answer)
    }

    /// Lets it end, and returns its last answer, if any.
    pub fn stop(mut self) -> anyhow::Result<String> {
        self.orders = None;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "the process ended with {status}");
        Ok(answer)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
