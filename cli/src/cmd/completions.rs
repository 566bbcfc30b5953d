//! `completions`: what a shell needs to complete command lines.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit;
use crate::output::print;

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast completions bash > ~/.local/share/bash-completion/completions/hollowcast
  hollowcast completions zsh > ~/.zfunc/_hollowcast
  hollowcast completions fish > ~/.config/fish/completions/hollowcast.fish")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(&self) -> Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "hollowcast", &mut script);
        print(&script)?;
        Ok(exit::DONE)
    }
}
