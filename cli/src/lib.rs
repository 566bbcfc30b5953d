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

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use tracing_subscriber::EnvFilter;

use arguments::Arguments;
use exit::Usage;
use ingest::json_lines::STACK_BYTES;

/// Parses the command line, runs its verb, and says how it went.
#[must_use]
pub fn run() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let is_by_environment = matches.value_source("log") == Some(ValueSource::EnvVariable);
    if let Err(error) = init_log(&arguments.common.log, is_by_environment) {
        return end_with(&error.into());
    }
    match on_deep_stack(|| start(arguments)) {
        Ok(code) => code,
        Err(error) => cannot_start(&error),
    }
}

/// Runs `work` on a thread whose stack the deepest record fits on; the first one's is as the system likes.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    let thread = std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| {
        let done = thread.spawn_scoped(scope, work)?.join();
        Ok(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn start(arguments: Arguments) -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = match runtime.enable_all().thread_stack_size(STACK_BYTES).build() {
        Ok(runtime) => runtime,
        Err(error) => return cannot_start(&error),
    };
    match runtime.block_on(cmd::run(arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => end_with(&error),
    }
}

fn cannot_start(error: &std::io::Error) -> ExitCode {
    eprintln!("error: no threads can be started: {error}");
    ExitCode::from(exit::OTHER)
}

/// Says what went wrong; the exit status of it.
fn end_with(error: &anyhow::Error) -> ExitCode {
    exit::explain(error);
    ExitCode::from(exit::code_of(error))
}

fn init_log(wanted: &str, is_by_environment: bool) -> Result<(), Usage> {
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        let origin = if is_by_environment { "RUST_LOG=" } else { "--log " };
        Usage(format!("{origin}{wanted}: {error}; write warn, or hollowcast=debug"))
    })?;
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .without_time()
        .init();
    Ok(())
}
