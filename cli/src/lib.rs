//! The command line of Hollowcast: one file a verb in [`cmd`], files in [`ingest`].
//!
//! Results go to standard output, words to standard error, and the exit status says what to do next ([`exit`]).

#![forbid(unsafe_code)]

pub mod arguments;
pub mod checks;
pub mod cmd;
pub mod dataset_url;
pub mod exit;
pub mod ingest;
pub mod keys;
pub mod output;
pub mod progress;
pub mod schema_file;
pub mod session;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

/// Parses the command line, runs its verb, and says how it went.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    init_log(&arguments);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::from(exit::OTHER);
        }
    };
    match runtime.block_on(cmd::run(arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            exit::explain(&error);
            ExitCode::from(exit::code_of(&error))
        }
    }
}

fn init_log(arguments: &Arguments) {
    let wanted = arguments.common.log.as_deref().unwrap_or("warn");
    let filter = tracing_subscriber::EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        eprintln!("--log {wanted}: {error}; logging warnings and errors");
        tracing_subscriber::EnvFilter::new("warn")
    });
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .without_time()
        .init();
}
