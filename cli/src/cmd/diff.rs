//! `diff`: what changed between two versions.

use anyhow::Result;
use clap::Args;
use hollowcast::identifiers::Version;
use hollowcast::schema::{Schema, StructIndex};
use hollowcast::state::{Row, State};
use hollowcast::tools::Difference;
use hollowcast::tools::json::FieldComparison;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::fields::{Field, RecordKey, record_json};
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::keys::sort_key;
use crate::output::{counted, print, print_json};
use crate::session::{Session, no_type};

/// Print what changed between two versions, by key
///
/// For changed records the dotted paths of the fields that differ, with both values: structs member by member, everything else as a whole.
///
/// With --json one line a record: {"type", "change": "added" or "removed", "key", "record"}, or {"type", "change": "changed", "key", "fields": [{"field",
/// "from", "to"}]}. A member of a union that is not set on one side has no "from" or no "to"; a record without a key is its own "key".
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast diff ./data/airports 1 2
  hollowcast diff ./data/airports 1 2 --summary
  hollowcast diff ./data/shop 5 6 --type Price --limit 20 --json")]
pub struct Diff {
    /// The dataset
    url: DatasetUrl,
    /// The version to compare with
    from: u64,
    /// The version that is looked at
    to: u64,
    /// Only how many records of each type were added, removed and changed
    #[arg(long)]
    summary: bool,
    /// Only this type
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// At most so many records
    #[arg(long, value_name = "RECORDS", conflicts_with = "summary")]
    limit: Option<usize>,
}

impl Diff {
    /// Prints the differences.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?.of_type(self.type_name.as_deref());
        let chain = session.chain().await?;
        let older = session.replica.load(&chain, Some(Version(self.from)), None, &session.progress).await?;
        let newer =
            session.replica.load(&chain, Some(Version(self.to)), Some(&older), &session.progress).await?;
        let differences = Difference::between(&older.state, &newer.state)?;
        if let (Some(name), []) = (&self.type_name, &differences[..]) {
            return Err(no_type(name, &[&older.state, &newer.state]).into());
        }
        if self.summary {
            summarize(&differences, common.json)?;
        } else {
            self.print(&differences, &DiffPrinter::new(&older.state, &newer.state, common.json))?;
        }
        Ok(exit::DONE)
    }

    fn print(&self, differences: &[Difference<'_>], printer: &DiffPrinter<'_>) -> Result<()> {
        let mut left = self.limit.unwrap_or(usize::MAX);
        let mut untold = 0;
        for difference in differences {
            let changes = printer.by_key(difference)?;
            let told = changes.len().min(left);
            for change in &changes[..told] {
                printer.print(difference.name, change)?;
            }
            left -= told;
            untold += changes.len() - told;
        }
        if untold > 0 {
            eprintln!("and {}", counted(untold as u64, "more record", "more records"));
        }
        Ok(())
    }
}

fn summarize(differences: &[Difference<'_>], as_json: bool) -> Result<()> {
    let counts = differences.iter().map(|difference| (difference.name, difference.counts()));
    if as_json {
        let counts = counts.map(|(name, counts)| {
            let counts = json!({"added": counts.added, "removed": counts.removed, "changed": counts.changed});
            (name.to_owned(), counts)
        });
        return print_json(&counts.collect::<Map<String, Value>>());
    }
    for (name, counts) in counts {
        let line = format!(
            "{name}: {} added, {} removed, {} changed\n",
            counts.added, counts.removed, counts.changed
        );
        print(line.as_bytes())?;
    }
    Ok(())
}

/// What became of a record.
#[derive(Clone, Copy)]
enum Change<'s> {
    Added(Row<'s>),
    Removed(Row<'s>),
    Changed(Row<'s>, Row<'s>),
}

/// A line for programs.
#[derive(Serialize)]
struct Line<'l> {
    #[serde(rename = "type")]
    type_name: &'l str,
    change: &'static str,
    key: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'l RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'l [Field]>,
}

struct DiffPrinter<'s> {
    older: &'s State,
    newer: &'s State,
    comparison: FieldComparison,
    as_json: bool,
}

impl<'s> DiffPrinter<'s> {
    fn new(older: &'s State, newer: &'s State, as_json: bool) -> Self {
        let comparison = FieldComparison::new(older.schema(), newer.schema());
        Self { older, newer, comparison, as_json }
    }

    /// The changes in the order of their keys.
    fn by_key<'d>(&self, difference: &Difference<'d>) -> Result<Vec<Change<'d>>> {
        let added = difference.added.iter().map(|row| Change::Added(*row));
        let removed = difference.removed.iter().map(|row| Change::Removed(*row));
        let changed = difference.changed.iter().map(|(older, newer)| Change::Changed(*older, *newer));
        let all = added.chain(removed).chain(changed);
        let mut keyed = all
            .map(|change| Ok((self.sort_key(difference.name, change)?, change)))
            .collect::<Result<Vec<_>>>()?;
        keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(keyed.into_iter().map(|(_, change)| change).collect())
    }

    fn sort_key(&self, name: &str, change: Change<'_>) -> Result<Vec<u8>> {
        let (state, row) = match change {
            Change::Added(row) | Change::Changed(_, row) => (self.newer, row),
            Change::Removed(row) => (self.older, row),
        };
        sort_key(state.table(name).expect("a row is of a table of its state"), row)
    }

    fn print(&self, name: &str, change: &Change<'_>) -> Result<()> {
        let (older, newer) = (&**self.older.schema(), &**self.newer.schema());
        let (what, sign, schema, record) = match *change {
            Change::Added(row) => {
                ("added", '+', newer, record_json(newer, self.comparison.newer(), name, row)?)
            }
            Change::Removed(row) => {
                ("removed", '-', older, record_json(older, self.comparison.older(), name, row)?)
            }
            Change::Changed(_, row) => {
                ("changed", '~', newer, record_json(newer, self.comparison.newer(), name, row)?)
            }
        };
        let key = RecordKey::of(schema, name, &record)?;
        let fields = match *change {
            Change::Changed(before, after) => Some(self.fields(name, before, after)?),
            _ => None,
        };
        if self.as_json {
            let record = fields.is_none().then_some(&*record);
            return print_json(&Line {
                type_name: name,
                change: what,
                key: key.json(),
                record,
                fields: fields.as_deref(),
            });
        }
        let mut text = format!("{sign} {name} {}\n", key.shown());
        fields.iter().flatten().for_each(|field| text += &field.line());
        print(text.as_bytes())
    }

    fn fields(&self, name: &str, before: Row<'_>, after: Row<'_>) -> Result<Vec<Field>> {
        let before = (structure_of(self.older.schema(), name), before.reader());
        let after = (structure_of(self.newer.schema(), name), after.reader());
        let found = self.comparison.differences(before, after).map_err(hollowcast::Error::from)?;
        found.into_iter().map(Field::new).collect()
    }
}

fn structure_of(schema: &Schema, name: &str) -> StructIndex {
    let index = schema.find_type(name).expect("a difference is of a known type");
    schema.record_type(index).structure
}
