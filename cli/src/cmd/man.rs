//! `man`: manual pages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::exit;
use crate::output::print;

/// Print the manual page, or write one for each verb
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast man > hollowcast.1
  hollowcast man --out ~/.local/share/man/man1")]
pub struct ManPage {
    /// Write a page for the program and one for each verb into this folder: hollowcast.1, hollowcast-get.1 and so on
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManPage {
    /// Prints or writes the pages.
    pub fn run(&self) -> Result<u8> {
        let program = Arguments::command().disable_help_subcommand(true);
        if let Some(folder) = &self.out {
            fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(program, folder))
                .with_context(|| format!("cannot write pages into {}", folder.display()))?;
        } else {
            let mut page = Vec::new();
            Man::new(program).render(&mut page)?;
            print(&page)?;
        }
        Ok(exit::DONE)
    }
}
