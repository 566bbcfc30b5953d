//! Regenerates the Cap'n Proto code under `src/generated` from `schemas/`, or checks that it is up to date.
//!
//! Needs `capnp` on the PATH; building and running the product does not.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the Hollowcast repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write src/generated from schemas/
    Generate {
        /// Write nothing; fail if a generated file differs
        #[arg(long)]
        check: bool,
    },
}

/// Folders of schemas, the folder of the code generated from each, and the module that is that folder.
const FOLDERS: [(&str, &str, &[&str]); 5] = [
    ("schemas", "src/generated", &["generated"]),
    ("examples/schemas", "examples/generated", &["generated"]),
    ("benches/support", "benches/support", &[]),
    ("tests/schemas", "tests/generated", &["generated"]),
    ("src/schema/testdata", "src/schema/testdata", &["schema", "testdata"]),
];

fn main() -> Result<()> {
    let Chore::Generate { check } = Arguments::parse().chore;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (schemas, generated, module) in FOLDERS {
        let (schemas, generated) = (root.join(schemas), root.join(generated));
        if schemas.exists() {
            generate(&root, &schemas, &generated, module, check)?;
        }
    }
    Ok(())
}

fn generate(root: &Path, schemas: &Path, generated: &Path, module: &[&str], check: bool) -> Result<()> {
    let fresh = tempfile::tempdir()?;
    let mut command = capnpc::CompilerCommand::new();
    command
        .src_prefix(schemas)
        .import_path(root.join("schemas"))
        .output_path(fresh.path())
        .default_parent_module(module.iter().map(ToString::to_string).collect());
    for schema in files(schemas, "capnp")? {
        command.file(schema);
    }
    command.run().context("`capnp compile` failed; is Cap'n Proto installed?")?;
    for file in files(fresh.path(), "rs")? {
        let target = generated.join(file.file_name().context("a generated file without a name")?);
        let text = fs::read_to_string(&file)?;
        if !check {
            fs::create_dir_all(generated)?;
            fs::write(&target, text)?;
        } else if fs::read_to_string(&target).ok().as_deref() != Some(text.as_str()) {
            bail!("{} is out of date: run `cargo run -p xtask -- generate`", target.display());
        }
    }
    Ok(())
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
