//! `publish`: files become a version.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{ArgGroup, Args};
use hollowcast::log::Tail;
use hollowcast::producer::{CycleOptions, Dataset, Outcome, Producer};
use hollowcast::progress::{Progress, Stage, Unit};
use hollowcast::replica::Chain;
use hollowcast::schema::infer::{Inference, Observed, infer};
use hollowcast::schema::{Schema, TypeIndex};
use serde_json::json;

use crate::arguments::{Common, TowardsOthers};
use crate::checks::Checks;
use crate::dataset_url::DatasetUrl;
use crate::exit::{self, Usage};
use crate::ingest::{Format, KeyParser, Source, encode, observe, read_keys};
use crate::output::{bytes, print, print_json};
use crate::progress::bars;
use crate::session::{Session, memory, store_to_write};

/// Publish files as the next version
///
/// One full cycle: what the files do not have is removed. CSV (`.csv`) and JSON lines (`.jsonl`, `.ndjson`, `.json`), also as `.gz` and
/// `.zst`; `-` is JSON lines on standard input. The schema is inferred from the first files and kept; a new column becomes a new field.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("what").required(true).multiple(true).args(["files", "upsert", "delete"]),
    after_help = "Examples:
  hollowcast publish ./data/airports airports.csv --type Airport --key icao
  hollowcast publish ./data/airports airports-march.csv.zst --tag release=20260304
  zcat movies.jsonl.gz | hollowcast publish ./data/movies - --type Movie --key id
  hollowcast publish ./data/airports airports.csv --min-count 5000 --max-shrink 10%
  hollowcast publish ./data/airports --upsert changed.csv --delete gone.txt"
)]
pub struct Publish {
    /// The dataset; it is made if it is not there
    url: DatasetUrl,
    /// Files that state the whole dataset
    #[arg(value_name = "FILE", conflicts_with_all = ["upsert", "delete"])]
    files: Vec<PathBuf>,
    /// The type of the records; needed for the first version
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Key columns, in key order; needed for the first version unless records have no key
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    key: Vec<String>,
    /// Records to add or replace by key; everything else is carried over
    #[arg(long, value_name = "FILE")]
    upsert: Vec<PathBuf>,
    /// Keys to remove, one a line; `-` for standard input
    #[arg(long, value_name = "FILE")]
    delete: Vec<PathBuf>,
    /// How the files are written, whatever their names say
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// A tag that travels with the version
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = parse_tag)]
    tags: Vec<(String, String)>,
    /// Files may lack columns that the dataset has; their records get null or the default
    #[arg(long)]
    allow_missing: bool,
    /// The files may have no record although the dataset has some
    #[arg(long)]
    allow_empty: bool,
    /// Publish, but leave consumers where they are until `unpin`; WHY is what `log` and `versions` say
    #[arg(long, value_name = "WHY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    hold_back: Option<String>,
    #[command(flatten)]
    manners: TowardsOthers,
    #[command(flatten)]
    checks: Checks,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum FileFormat {
    Csv,
    Jsonl,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Jsonl => Self::JsonLines,
        }
    }
}

fn parse_tag(text: &str) -> Result<(String, String), String> {
    let tag = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = tag.ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Publish {
    /// Infers or extends the schema, then runs one cycle.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let started = Instant::now();
        let paths = if self.files.is_empty() { &self.upsert } else { &self.files };
        let sources = self.open(paths)?;
        let stored = self.stored_schema(common).await?;
        let type_name = self.type_name(stored.as_ref())?;
        let progress = bars();
        let schema = self.schema(&sources, &type_name, stored, &*progress)?;
        let dataset = Dataset::dynamic(self.url.name.clone(), schema.clone());
        let producer = Producer::builder(dataset, store_to_write(&self.url)?)
            .memory(memory(common))
            .manners(self.manners.chosen()?)
            .writer(format!("hollowcast publish, process {}", std::process::id()))
            .progress(Arc::clone(&progress));
        let mut producer = self.checks.add_to(producer).start().await?;
        let outcome = self.cycle(&mut producer, &sources, &schema, &type_name, &*progress).await;
        producer.stop().await;
        let outcome = outcome?;
        report(&outcome, started.elapsed(), common.json)?;
        Ok(exit::DONE)
    }

    fn open(&self, paths: &[PathBuf]) -> Result<Vec<Source>> {
        let format = self.format.map(Format::from);
        let open = |path: &PathBuf| {
            Source::open(path, format).map_err(|error| hollowcast::Error::from(error).into())
        };
        paths.iter().map(open).collect()
    }

    /// The schema of the newest version, if there is one.
    async fn stored_schema(&self, common: &Common) -> Result<Option<Schema>> {
        let session = match Session::open(&self.url, common) {
            Err(error) if exit::code_of(&error) == exit::NOT_FOUND => return Ok(None),
            session => session?,
        };
        let mut tail = Tail::new(session.replica.store().clone());
        let entry = tail.find().await.map_err(hollowcast::Error::from)?;
        if entry.is_none_or(|entry| entry.entry.latest.is_none()) {
            return Ok(None);
        }
        let chain = Chain::open(session.replica.store()).await?;
        let loaded = session.replica.load(&chain, None, None, &session.progress).await?;
        Ok(Some(Schema::clone(loaded.state.schema())))
    }

    fn type_name(&self, stored: Option<&Schema>) -> Result<String> {
        match (&self.type_name, stored.map(Schema::types)) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some([only])) => Ok(only.name.clone()),
            (None, None) => {
                Err(Usage("the first version needs --type, such as --type Airport".to_owned()).into())
            }
            (None, Some(_)) => Err(Usage("the dataset has several types: say --type".to_owned()).into()),
        }
    }

    /// The stored schema, extended by what the files have besides.
    fn schema(
        &self,
        sources: &[Source],
        type_name: &str,
        stored: Option<Schema>,
        progress: &dyn Progress,
    ) -> Result<Schema> {
        if sources.is_empty() {
            return stored.ok_or_else(|| Usage("there is no version yet to delete from".to_owned()).into());
        }
        let bytes_read = reading("looking at the files", sources, progress)?;
        let records = observe(sources, &bytes_read).map_err(hollowcast::Error::from)?;
        let names: Vec<String> = sources.iter().map(|source| source.name().to_owned()).collect();
        let is_empty = records.members().is_empty();
        if let Some(stored) =
            stored.as_ref().filter(|stored| is_empty && stored.find_type(type_name).is_some())
        {
            return Ok(stored.clone());
        }
        let observed = Observed { type_name, key: &self.key, records: &records, files: &names };
        let inference = infer(&observed, stored.as_ref()).map_err(hollowcast::Error::from)?;
        self.tell(&inference, stored.is_some())?;
        Ok(inference.schema)
    }

    fn tell(&self, inference: &Inference, is_known: bool) -> Result<()> {
        if !inference.missing_columns.is_empty() && self.upsert.is_empty() && !self.allow_missing {
            let error = MissingColumns { columns: inference.missing_columns.join(", ") };
            return Err(hollowcast::Error::from(error).into());
        }
        if !is_known {
            eprint!("inferred schema:\n{}", inference.schema.to_text());
        }
        for column in &inference.new_columns {
            eprintln!("new column {column} becomes a field");
        }
        for column in &inference.waiting_columns {
            eprintln!("column {column} has no value yet: it becomes a field when it has one");
        }
        Ok(())
    }

    async fn cycle(
        &self,
        producer: &mut Producer,
        sources: &[Source],
        schema: &Schema,
        type_name: &str,
        progress: &dyn Progress,
    ) -> Result<Outcome> {
        let tags: BTreeMap<String, String> = self.tags.iter().cloned().collect();
        let options = CycleOptions {
            tags,
            allow_empty: self.allow_empty,
            hold_back: self.hold_back.clone(),
            ..CycleOptions::default()
        };
        let index = schema
            .find_type(type_name)
            .ok_or_else(|| Usage(format!("the dataset has no type {type_name}")))?;
        if !self.files.is_empty() {
            let populate = |writer: &hollowcast::producer::Writer| {
                let to = writer.type_index(type_name)?;
                let bytes_read = reading("reading the files", sources, progress)?;
                encode(sources, schema, index, &bytes_read, |words| writer.add_words(to, words))?;
                Ok(())
            };
            return Ok(producer.cycle_with(options, populate).await?);
        }
        let keys = self.keys_to_delete(schema, index)?;
        let change = |writer: &hollowcast::producer::ChangeWriter| {
            let to = writer.type_index(type_name)?;
            let bytes_read = reading("reading the files", sources, progress)?;
            encode(sources, schema, index, &bytes_read, |words| writer.upsert_words(to, words))?;
            keys.iter().try_for_each(|key| writer.delete_bytes(to, key))
        };
        Ok(producer.incremental_with(options, change).await?)
    }

    fn keys_to_delete(&self, schema: &Schema, index: TypeIndex) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        if !self.delete.is_empty() {
            let parser = KeyParser::new(schema, index).map_err(hollowcast::Error::from)?;
            for path in &self.delete {
                read_keys(path, &parser, |key| keys.push(key)).map_err(hollowcast::Error::from)?;
            }
        }
        Ok(keys)
    }
}

/// Begins a stage that reads all of the files; what it returns is told how far it has come.
fn reading<'p>(
    name: &str,
    sources: &[Source],
    progress: &'p dyn Progress,
) -> hollowcast::Result<impl Fn(u64) + Sync + 'p> {
    let total = sources.iter().map(Source::len).sum::<Result<u64, _>>()?;
    progress.stage(Stage { name, unit: Unit::Bytes, total: Some(total) });
    Ok(|bytes| progress.advance(bytes))
}

/// Says what a cycle came to.
pub(super) fn report(outcome: &Outcome, elapsed: Duration, as_json: bool) -> Result<()> {
    match (outcome, as_json) {
        (Outcome::Unchanged(version), false) => print(format!("unchanged, version {version}\n").as_bytes()),
        (Outcome::Unchanged(version), true) => print_json(&json!({
            "outcome": "unchanged",
            "version": version.0,
            "elapsed_ms": elapsed.as_millis() as u64,
        })),
        (Outcome::Published(publication), false) => {
            let mut text = format!("published version {}", publication.version);
            for (name, records, counts) in &publication.types {
                text.push_str(&format!(
                    ", {name}: {records} records ({} added, {} removed, {} changed)",
                    counts.added, counts.removed, counts.changed
                ));
            }
            let sizes = [("snapshot", publication.bytes.snapshot), ("delta", publication.bytes.delta)];
            for (what, length) in sizes {
                if let Some(length) = length {
                    text.push_str(&format!(", {what} {}", bytes(length)));
                }
            }
            text.push_str(&format!(", {:.2} s\n", elapsed.as_secs_f64()));
            print(text.as_bytes())
        }
        (Outcome::Published(publication), true) => {
            let records: serde_json::Map<_, _> = publication
                .types
                .iter()
                .map(|(name, records, _)| (name.clone(), (*records).into()))
                .collect();
            print_json(&json!({
                "outcome": "published",
                "version": publication.version.0,
                "records": records,
                "bytes": {
                    "snapshot": publication.bytes.snapshot,
                    "delta": publication.bytes.delta,
                    "reverse": publication.bytes.reverse,
                },
                "elapsed_ms": elapsed.as_millis() as u64,
            }))
        }
    }
}

/// Files without columns that the dataset has.
#[derive(Debug, thiserror::Error)]
#[error("the files lack columns that the dataset has: {columns}; add them, or say --allow-missing")]
struct MissingColumns {
    columns: String,
}

impl hollowcast::error::Classify for MissingColumns {
    fn kind(&self) -> hollowcast::ErrorKind {
        hollowcast::ErrorKind::Invalid
    }
}
