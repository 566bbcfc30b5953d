//! The binary `hollowcast`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    hollowcast_cli::run()
}
