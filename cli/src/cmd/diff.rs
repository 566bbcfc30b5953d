//! `diff`: what changed between two versions.

use anyhow::Result;
use clap::Args;
use hollowcast::identifiers::Version;
use hollowcast::schema::{Schema, StructIndex};
use hollowcast::state::{Row, State};
use hollowcast::tools::Difference;
use hollowcast::tools::json::JsonPrinter;
use serde_json::{Map, Value, json};

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{print, print_json};
use crate::session::Session;

/// Print what changed between two versions, by key
///
/// For changed records the dotted paths of the fields that differ, with both values.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast diff ./data/airports 1 2 --summary
  hollowcast diff ./data/airports 5 6 --json")]
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
}

impl Diff {
    /// Prints the differences.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?;
        let chain = session.chain().await?;
        let older = session.replica.load(&chain, Some(Version(self.from)), None, &session.progress).await?;
        let newer =
            session.replica.load(&chain, Some(Version(self.to)), Some(&older), &session.progress).await?;
        let differences = Difference::between(&older.state, &newer.state).map_err(hollowcast::Error::from)?;
        if self.summary {
            summarize(&differences, common.json)?;
        } else {
            let printer = DiffPrinter::new(&older.state, &newer.state, common.json);
            for difference in &differences {
                printer.print(difference)?;
            }
        }
        Ok(exit::DONE)
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

struct DiffPrinter<'s> {
    older: &'s Schema,
    newer: &'s Schema,
    older_json: JsonPrinter,
    newer_json: JsonPrinter,
    as_json: bool,
}

impl<'s> DiffPrinter<'s> {
    fn new(older: &'s State, newer: &'s State, as_json: bool) -> Self {
        let (older, newer) = (&**older.schema(), &**newer.schema());
        Self {
            older,
            newer,
            older_json: JsonPrinter::new(older),
            newer_json: JsonPrinter::new(newer),
            as_json,
        }
    }

    fn print(&self, difference: &Difference<'_>) -> Result<()> {
        let name = difference.name;
        for row in &difference.added {
            self.line(name, "added", self.value(name, *row, true)?, &[])?;
        }
        for row in &difference.removed {
            self.line(name, "removed", self.value(name, *row, false)?, &[])?;
        }
        for (before, after) in &difference.changed {
            let (before, after) = (self.value(name, *before, false)?, self.value(name, *after, true)?);
            let mut fields = Vec::new();
            compare("", &before, &after, &mut fields);
            self.line(name, "changed", after, &fields)?;
        }
        Ok(())
    }

    fn value(&self, name: &str, row: Row<'_>, is_newer: bool) -> Result<Value> {
        let (schema, printer) =
            if is_newer { (self.newer, &self.newer_json) } else { (self.older, &self.older_json) };
        let mut text = Vec::new();
        printer
            .print(structure_of(schema, name), row.reader(), &mut text)
            .map_err(hollowcast::Error::from)?;
        Ok(serde_json::from_slice(&text)?)
    }

    fn line(&self, name: &str, what: &str, record: Value, fields: &[(String, Value, Value)]) -> Result<()> {
        let key = self.key_of(name, &record);
        if self.as_json {
            let fields: Vec<Value> = fields
                .iter()
                .map(|(path, from, to)| json!({"field": path, "from": from, "to": to}))
                .collect();
            let mut line = json!({"type": name, "change": what, "key": key});
            if what == "changed" {
                line["fields"] = fields.into();
            } else {
                line["record"] = record;
            }
            return print_json(&line);
        }
        let sign = match what {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        let mut text = format!("{sign} {name} {}\n", shown_key(&key));
        for (path, from, to) in fields {
            text.push_str(&format!("    {path}: {from} -> {to}\n"));
        }
        print(text.as_bytes())
    }

    /// The key's fields by name; the whole record of a keyless type.
    fn key_of(&self, name: &str, record: &Value) -> Value {
        let schema = if self.newer.find_type(name).is_some() { self.newer } else { self.older };
        let index = schema.find_type(name).expect("a difference is of a known type");
        let names = schema.key_names(index);
        if names.is_empty() {
            return record.clone();
        }
        let field = |name: &String| (name.clone(), at_path(record, name));
        Value::Object(names.iter().map(field).collect())
    }
}

fn structure_of(schema: &Schema, name: &str) -> StructIndex {
    let index = schema.find_type(name).expect("a difference is of a known type");
    schema.record_type(index).structure
}

fn at_path(record: &Value, path: &str) -> Value {
    let found = path.split('.').try_fold(record, |value, step| value.get(step));
    found.cloned().unwrap_or(Value::Null)
}

fn shown_key(key: &Value) -> String {
    let Value::Object(fields) = key else { return key.to_string() };
    let shown = fields.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    shown.collect::<Vec<_>>().join(",")
}

/// Collects the paths at which two values differ; objects are compared member by member, everything else as a whole.
fn compare(path: &str, before: &Value, after: &Value, fields: &mut Vec<(String, Value, Value)>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        fields.push((path.to_owned(), before.clone(), after.clone()));
        return;
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    for name in new.keys().chain(gone) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = |values: &Map<String, Value>| values.get(name).cloned().unwrap_or(Value::Null);
        compare(&path, &value(old), &value(new), fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_objects_differ_by_their_members() {
        let before = json!({"a": 1, "b": {"c": [1, 2], "d": null}, "e": "x"});
        let after = json!({"a": 1, "b": {"c": [1, 3], "d": 0.5}, "f": true});
        let mut fields = Vec::new();
        compare("", &before, &after, &mut fields);
        let mut paths: Vec<_> = fields.into_iter().collect();
        paths.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(
            paths,
            [
                ("b.c".to_owned(), json!([1, 2]), json!([1, 3])),
                ("b.d".to_owned(), Value::Null, json!(0.5)),
                ("e".to_owned(), json!("x"), Value::Null),
                ("f".to_owned(), Value::Null, json!(true)),
            ]
        );
    }
}
