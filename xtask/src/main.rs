//! Regenerates the Cap'n Proto code of the repository from its schemas, or checks that it is up to date.
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
    /// Write the code of every folder of schemas
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

/// How the names of generated files end.
const GENERATED: &str = "_capnp.rs";

fn main() -> Result<()> {
    let Chore::Generate { check } = Arguments::parse().chore;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (schemas, generated, module) in FOLDERS {
        let (schemas, generated) = (root.join(schemas), root.join(generated));
        generate(&root, &schemas, &generated, module, check)?;
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
    for schema in files(schemas, ".capnp")? {
        command.file(schema);
    }
    command.run().context("`capnp compile` failed; is Cap'n Proto installed?")?;
    let fresh = files(fresh.path(), GENERATED)?;
    for stored in files(generated, GENERATED)? {
        if !fresh.iter().any(|file| file.file_name() == stored.file_name()) {
            bail!("{} is of a schema that is gone: remove it", stored.display());
        }
    }
    for file in fresh {
        let target = generated.join(file.file_name().context("a generated file without a name")?);
        let text = fs::read_to_string(&file)?;
        if !check {
            fs::write(&target, text)?;
        } else if fs::read_to_string(&target).ok().as_deref() != Some(text.as_str()) {
            bail!("{} is out of date: run `cargo run -p xtask -- generate`", target.display());
        }
    }
    Ok(())
}

/// The files of `folder` whose names end so, in order.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.to_str().is_some_and(|name| name.ends_with(end)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
