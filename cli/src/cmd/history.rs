//! `history`: one record through the kept versions.

use anyhow::Result;
use clap::Args;
use hollowcast::schema::Schema;
use hollowcast::tools::{HistoryEntry, HistoryQuery, RecordChange};
use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::Field;
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::ingest::KeyParser;
use crate::output::{print, print_json, time};
use crate::session::{Session, table_of};

/// Print what each kept version made of one record, newest first
///
/// For a version that added or removed it the record, for one that changed it the dotted paths of the fields that differ, with both values. The last
/// entry is the version that added it, or `oldest`: as the oldest kept version has it.
///
/// Versions that did not change it are not loaded: of each no more than the part of its delta is fetched in which the key would be. If the record
/// is in no kept version, that goes to standard error, and the exit status is 4.
///
/// With --json one line a version: {"version", "time", "change": "added", "removed" or "oldest", "record"}, or {"version", "time", "change":
/// "changed", "fields": [{"field", "from", "to"}]}.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast history ./data/airports EDDF
  hollowcast history ./data/airports EDDF --limit 1
  hollowcast history ./data/cities '3039154,\"Ehl, Tarter\"' --type City --json")]
pub struct History {
    /// The dataset
    url: DatasetUrl,
    /// The key; a composite key is one CSV row
    key: String,
    /// The type, if the dataset has several
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// At most so many versions that changed it, the newest ones
    #[arg(long, value_name = "VERSIONS", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl History {
    /// Prints the versions.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?.of_type(self.type_name.as_deref());
        let kept = hollowcast::tools::History::open(&session.replica, &session.progress).await?;
        let type_name = table_of(kept.newest(), self.type_name.as_deref())?.name();
        let key = |schema: &Schema| {
            let index = schema.find_type(type_name).expect("it is asked for types that are there");
            Ok(KeyParser::new(schema, index)?.parse(&self.key)?)
        };
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut printing = Ok(());
        let is_found = kept
            .of(&HistoryQuery { type_name, key: &key, limit }, &mut |entry| {
                printing = show(entry, common.json);
                printing.is_ok()
            })
            .await?;
        printing?;
        if !is_found {
            eprintln!("not found in any kept version: {}", self.key);
            return Ok(exit::NOT_FOUND);
        }
        Ok(exit::DONE)
    }
}

/// A line for programs.
#[derive(Serialize)]
struct Line {
    version: u64,
    time: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Field>>,
}

fn show(entry: HistoryEntry, as_json: bool) -> Result<()> {
    let (change, record, fields) = match entry.change {
        RecordChange::Added(record) => ("added", Some(record), None),
        RecordChange::Removed(record) => ("removed", Some(record), None),
        RecordChange::Oldest(record) => ("oldest", Some(record), None),
        RecordChange::Changed(fields) => ("changed", None, Some(fields)),
    };
    let fields =
        fields.map(|fields| fields.into_iter().map(Field::new).collect::<Result<Vec<_>>>()).transpose()?;
    let (version, time) = (entry.version.0, time(entry.at));
    if as_json {
        let record = record.map(RawValue::from_string).transpose()?;
        return print_json(&Line { version, time, change, record, fields });
    }
    let mut text = format!("version {version}, {time}: {change}\n");
    record.iter().for_each(|record| text += &format!("    {record}\n"));
    fields.iter().flatten().for_each(|field| text += &field.line());
    print(text.as_bytes())
}
