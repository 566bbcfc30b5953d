//! `export`: a whole version as JSON lines.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hollowcast::state::{Row, State, Table};
use hollowcast::tools::json::JsonPrinter;
use rayon::prelude::*;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit::{self, Usage};
use crate::keys::sort_key;
use crate::output::{NOT_WRITTEN, stdout};
use crate::session::{Session, table_of};

/// Records that one task prints.
const BATCH: usize = 1024;
/// Batches in memory at a time.
const BATCHES: usize = 64;

/// Print a whole version as JSON lines, one record a line, in no promised order
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast export ./data/airports > airports.jsonl
  hollowcast export ./data/airports --version 3 --sorted
  hollowcast export ./data/shop --out ./shop-export")]
pub struct Export {
    /// The dataset
    url: DatasetUrl,
    /// The type, if the dataset has several
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// The version, if not the newest
    #[arg(long)]
    version: Option<u64>,
    /// Sort by key; takes memory for all keys
    #[arg(long)]
    sorted: bool,
    /// Write a file TYPE.jsonl for each type into this folder, which is made if it is not there; a file appears when it is complete
    #[arg(long, value_name = "DIR", conflicts_with = "type_name")]
    out: Option<PathBuf>,
    /// Replace files in the folder that are there already
    #[arg(long, requires = "out")]
    force: bool,
}

impl Export {
    /// Prints the records.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?.of_type(self.type_name.as_deref());
        let loaded = session.load(self.version).await?;
        let state = &loaded.state;
        match &self.out {
            None => {
                let table = table_of(state, self.type_name.as_deref())?;
                let mut out = stdout();
                match self.print(state, table, &mut out) {
                    Err(error) if is_broken_pipe(&error) => {}
                    other => other.map_err(|error| unwritten(error, NOT_WRITTEN.to_owned()))?,
                }
            }
            Some(folder) => self.write(state, folder)?,
        }
        Ok(exit::DONE)
    }

    /// Writes a file for each type: all of them under other names, then all of them under their own.
    fn write(&self, state: &State, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path_of = |table: &Table| folder.join(format!("{}.jsonl", table.name()));
        for path in state.tables().iter().map(|table| path_of(table)).filter(|_| !self.force) {
            if path.try_exists().with_context(|| not_written(&path))? {
                return Err(exists(&path));
            }
        }
        let mut written = Vec::new();
        for table in state.tables() {
            let path = path_of(table);
            // Made as any file is, not as private as temporary files are.
            let file =
                tempfile::Builder::new().prefix(table.name()).make_in(folder, |path| File::create_new(path));
            let mut file = file.with_context(|| not_written(&path))?;
            let printed = self.print(state, table, &mut BufWriter::new(file.as_file_mut()));
            printed.map_err(|error| unwritten(error, not_written(&path)))?;
            written.push((file, path));
        }
        for (file, path) in written {
            let persisted = if self.force { file.persist(&path) } else { file.persist_noclobber(&path) };
            match persisted {
                Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(exists(&path));
                }
                persisted => persisted.with_context(|| not_written(&path))?,
            };
        }
        Ok(())
    }

    fn print(&self, state: &State, table: &Table, out: &mut impl Write) -> Result<()> {
        if self.sorted {
            let mut rows =
                table.rows().map(|row| Ok((sort_key(table, row)?, row))).collect::<Result<Vec<_>>>()?;
            rows.par_sort_by(|(left, _), (right, _)| left.cmp(right));
            print_rows(state, table, rows.into_iter().map(|(_, row)| row), out)?;
        } else {
            print_rows(state, table, table.rows(), out)?;
        }
        Ok(out.flush()?)
    }
}

/// Prints rows in their order: several batches at a time in parallel, in bounded memory.
fn print_rows<'s>(
    state: &State,
    table: &Table,
    mut rows: impl Iterator<Item = Row<'s>>,
    out: &mut impl Write,
) -> Result<()> {
    let schema = state.schema();
    let index = schema.find_type(table.name()).expect("a table is of a type of its schema");
    let structure = schema.record_type(index).structure;
    let printer = JsonPrinter::new(schema);
    loop {
        let round: Vec<Row<'_>> = rows.by_ref().take(BATCH * BATCHES).collect();
        if round.is_empty() {
            return Ok(());
        }
        let texts = round.par_chunks(BATCH).map(|batch| {
            let mut text = Vec::with_capacity(batch.len() * 256);
            for row in batch {
                printer.print(structure, row.reader(), &mut text)?;
                text.push(b'\n');
            }
            Ok::<_, hollowcast::Error>(text)
        });
        for text in texts.collect::<Result<Vec<_>, _>>()? {
            out.write_all(&text)?;
        }
    }
}

fn not_written(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

fn exists(path: &Path) -> anyhow::Error {
    Usage(format!("{} is there already: choose another folder, or say --force", path.display())).into()
}

/// Says where to, if what failed is writing.
fn unwritten(error: anyhow::Error, what: String) -> anyhow::Error {
    if error.is::<io::Error>() { error.context(what) } else { error }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
