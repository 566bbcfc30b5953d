//! The command line, run as a user runs it: a program, a folder, standard streams.

// Each test program uses its part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) mod airports;
#[cfg(target_os = "linux")]
pub(crate) mod standstill;

/// A folder for datasets, files and a state directory.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The folder of the dataset that all verbs are about.
    pub(crate) fn dataset(&self) -> PathBuf {
        self.0.path().join("data/airports")
    }

    pub(crate) fn state_directory(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `hollowcast <verb> <dataset>`, with this place's state directory and nothing on standard input.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = hollowcast();
        command.env("HOLLOWCAST_STATE_DIR", self.state_directory()).env_remove("RUST_LOG");
        command.arg(verb).arg(self.dataset()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, verb: &str, rest: &[&str]) -> Ran {
        self.command(verb).args(rest).output().unwrap().into()
    }

    pub(crate) fn run_with(&self, verb: &str, rest: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(verb));
        command.args(rest).write_stdin(input).output().unwrap().into()
    }

    pub(crate) fn publish(&self, name: &str, content: &str, rest: &[&str]) -> Ran {
        let path = self.file(name, content).display().to_string();
        self.run("publish", &[&[path.as_str()], rest].concat())
    }

    /// The numbers of the versions, newest first.
    pub(crate) fn versions(&self) -> Vec<u64> {
        let versions = self.run("versions", &["--json"]).json();
        versions.as_array().unwrap().iter().map(|version| version["version"].as_u64().unwrap()).collect()
    }
}

/// A byte of every log entry and blob that its hash covers. One bit of a compressed section may change nothing.
pub(crate) const IN_THE_HEADER: usize = 80;

/// The program.
pub(crate) fn hollowcast() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin("hollowcast"))
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) words: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
            out: String::from_utf8(output.stdout).unwrap(),
            words: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Standard output, which is one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output, which is JSON lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.words.contains(word), "{word} is not in {self:?}");
        }
    }
}
