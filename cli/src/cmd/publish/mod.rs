//! `publish`: files become a version.

mod inputs;
mod report;
mod schema;
mod typed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::{ArgGroup, Args};
use hollowcast::log::Tail;
use hollowcast::producer::{ChangeWriter, CycleOptions, Dataset, Outcome, Producer, ProducerBuilder, Writer};
use hollowcast::progress::{Progress, Stage, Unit};
use hollowcast::replica::Chain;
use hollowcast::schema::{Schema, TypeIndex};

use crate::arguments::{Common, TowardsOthers};
use crate::checks::Checks;
use crate::dataset_url::DatasetUrl;
use crate::exit::{self, Usage};
use crate::ingest::{Format, KeyParser, Order, Source, encode, read_keys};
use crate::progress::bars;
use crate::schema_file::read_schema;
use crate::session::{Session, memory, store_to_write};
use inputs::TypeInput;
pub(super) use report::report;
use typed::{TypedKey, TypedPath};

/// Publish files as the next version
///
/// One full cycle: each file states all records of its type, and what the files of a type do not have is removed. Types of the dataset without a
/// file stay as they are. CSV (`.csv`) and JSON lines (`.jsonl`, `.ndjson`, `.json`), also as `.gz` and `.zst`; `-` is JSON lines on standard
/// input.
///
/// The schema comes from --schema, or is inferred from the first files, and kept; a new column becomes a new field. With --schema columns and
/// members are matched to fields by `$name`, or by the field's own name where it has none; what matches none is refused.
///
/// Several types: TYPE=FILE. What stands before the first `=` is a type if it is made of letters and digits and begins with a capital; write
/// ./A=b.csv for a file called so.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("what").required(true).multiple(true).args(["files", "upsert", "delete"]),
    after_help = "Examples:
  hollowcast publish ./data/airports airports.csv --type Airport --key icao
  hollowcast publish ./data/airports airports-march.csv.zst --tag release=20260304
  zcat movies.jsonl.gz | hollowcast publish ./data/movies - --type Movie --key id
  hollowcast publish ./data/shop Item=items.csv Sale=sales.csv --key Item=id --key Sale=shop,day
  hollowcast publish ./data/shop Item=items.jsonl --schema shop.capnp
  hollowcast publish ./data/airports airports.csv --min-count 5000 --max-shrink 10%
  hollowcast publish ./data/airports renumbered.csv --accept-break
  hollowcast publish ./data/airports --upsert changed.csv --delete gone.txt
  hollowcast publish ./data/shop --upsert Item=new.csv --delete Sale=cancelled.txt"
)]
pub struct Publish {
    /// The dataset; it is made if it is not there
    url: DatasetUrl,
    /// Files that state their types whole
    #[arg(value_name = "[TYPE=]FILE", conflicts_with_all = ["upsert", "delete"], value_parser = TypedPath::parser())]
    files: Vec<TypedPath>,
    /// The type of files without TYPE=; needed for the first version, unless a schema has only one
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Key columns, in key order; needed for the first version without --schema unless records have no key
    #[arg(long, value_name = "[TYPE=]COLUMN,...")]
    key: Vec<TypedKey>,
    /// The schema: Cap'n Proto text, or what `capnp compile -o-` prints; `-` for standard input
    ///
    /// Text is compiled by `capnp`, which must be on the PATH; it may import `/hollowcast.capnp`, or files beside it. The record types are the
    /// structs with a `$key`. A dataset that is there takes new fields and types and refuses what would break with its own schema.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Records to add or replace by key; everything else is carried over
    ///
    /// Records are replaced whole: what a line of JSON leaves out is null afterwards, or the default. A CSV file needs all columns of its type,
    /// unless --allow-missing.
    #[arg(long, value_name = "[TYPE=]FILE", value_parser = TypedPath::parser())]
    upsert: Vec<TypedPath>,
    /// Keys to remove, one a line; `-` for standard input
    #[arg(long, value_name = "[TYPE=]FILE", value_parser = TypedPath::parser())]
    delete: Vec<TypedPath>,
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
    /// Accept a version without a delta, which carries nothing over, where files or schema do not fit the dataset's schema, or its newest version
    /// cannot be read
    #[arg(long)]
    accept_break: bool,
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
        let (producer, records) = self.ready(common).await?;
        let mut producer = producer.start().await?;
        let outcome = self.cycle(&mut producer, &records).await;
        let entry = producer.entry().clone();
        producer.stop().await;
        report(&outcome?, &entry, started.elapsed(), common.json)?;
        Ok(exit::DONE)
    }

    /// The producer to start, and what it is to publish.
    pub(super) async fn ready(&self, common: &Common) -> Result<(ProducerBuilder, Records)> {
        self.refuse_second_reader_of_standard_input()?;
        let given = self.schema.as_deref().map(read_schema).transpose().map_err(hollowcast::Error::from)?;
        let stored = self.stored_schema(common).await?;
        let known = match given {
            Some(given) => {
                Some(schema::together(stored, given, self.accept_break).map_err(hollowcast::Error::from)?)
            }
            None => stored,
        };
        let inputs = self.inputs(known.as_ref())?;
        let progress = bars();
        let schema = self.schema_for(&inputs, known, &*progress)?;
        let dataset = Dataset::dynamic(self.url.name.clone(), schema.clone());
        let producer = Producer::builder(dataset, store_to_write(&self.url)?)
            .memory(memory(common))
            .manners(self.manners.chosen())
            .break_if_unreadable(self.accept_break)
            .writer(format!("hollowcast publish, process {}", std::process::id()))
            .progress(Arc::clone(&progress));
        Ok((self.checks.add_to(producer), Records { inputs, schema, progress }))
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
        match session.replica.load(&chain, None, None, &session.progress).await {
            Ok(loaded) => Ok(Some(Schema::clone(loaded.state.schema()))),
            Err(error) if self.accept_break && error.is_loss() => {
                eprintln!(
                    "the newest version cannot be read: {error}\na break is accepted: it is gone on without"
                );
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Each file states its type as a whole, or changes to it; types without a file stay as they are.
    pub(super) async fn cycle(&self, producer: &mut Producer, records: &Records) -> Result<Outcome> {
        let Records { inputs, schema, progress } = records;
        let progress = &**progress;
        let tags: BTreeMap<String, String> = self.tags.iter().cloned().collect();
        let options = CycleOptions {
            tags,
            allow_empty: self.allow_empty,
            accept_break: self.accept_break,
            hold_back: self.hold_back.clone(),
            ..CycleOptions::default()
        };
        let types = inputs.iter().map(|input| input.within(schema)).collect::<Result<Vec<_>>>()?;
        if !self.files.is_empty() {
            let populate = |writer: &Writer| {
                let targets = inputs.iter().map(|input| writer.type_index(&input.name));
                let targets = targets.collect::<hollowcast::Result<Vec<_>>>()?;
                writer.carry_over_all_but(&targets);
                let bytes_read = reading("reading the files", inputs, progress)?;
                for ((input, index), to) in inputs.iter().zip(&types).zip(targets) {
                    let add = |words: &[u64]| writer.add_words(to, words);
                    encode(&input.sources, schema, *index, Order::Any, &bytes_read, add)?;
                }
                Ok(())
            };
            return Ok(producer.cycle_with(options, populate).await?);
        }
        let deletes = inputs.iter().zip(&types).map(|(input, index)| input.keys_to_delete(schema, *index));
        let deletes = deletes.collect::<Result<Vec<_>>>()?;
        let change = |writer: &ChangeWriter| {
            let bytes_read = reading("reading the files", inputs, progress)?;
            for ((input, index), keys) in inputs.iter().zip(&types).zip(&deletes) {
                let to = writer.type_index(&input.name)?;
                let upsert = |words: &[u64]| writer.upsert_words(to, words);
                encode(&input.sources, schema, *index, Order::Lines, &bytes_read, upsert)?;
                keys.iter().try_for_each(|key| writer.delete_bytes(to, key))?;
            }
            Ok(())
        };
        Ok(producer.incremental_with(options, change).await?)
    }
}

/// What is to be published.
pub(super) struct Records {
    inputs: Vec<TypeInput>,
    schema: Schema,
    progress: Arc<dyn Progress>,
}

impl TypeInput {
    /// The type within the schema of its records.
    fn within(&self, schema: &Schema) -> Result<TypeIndex> {
        let unknown = || Usage(format!("the dataset has no type {}", self.name));
        Ok(schema.find_type(&self.name).ok_or_else(unknown)?)
    }

    fn keys_to_delete(&self, schema: &Schema, index: TypeIndex) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        if !self.deletes.is_empty() {
            let parser = KeyParser::new(schema, index).map_err(hollowcast::Error::from)?;
            for path in &self.deletes {
                read_keys(path, &parser, |key| keys.push(key)).map_err(hollowcast::Error::from)?;
            }
        }
        Ok(keys)
    }
}

/// Begins a stage that reads all of the files; what it returns is told how far it has come.
fn reading<'p>(
    name: &str,
    inputs: &[TypeInput],
    progress: &'p dyn Progress,
) -> hollowcast::Result<impl Fn(u64) + Sync + 'p> {
    let total = inputs.iter().flat_map(|input| &input.sources).map(Source::len).sum::<Result<u64, _>>()?;
    progress.stage(Stage { name, unit: Unit::Bytes, total: Some(total) });
    Ok(|bytes| progress.advance(bytes))
}
