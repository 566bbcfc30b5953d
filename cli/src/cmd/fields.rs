//! Records, keys and fields that differ, for people and programs.

use anyhow::Result;
use hollowcast::schema::{FieldPath, Schema};
use hollowcast::state::Row;
use hollowcast::tools::json::{FieldDifference, JsonPrinter};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A field of a changed record. A member of a union has no value on the side on which it is not set.
#[derive(Serialize)]
pub(super) struct Field {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Box<RawValue>>,
}

impl Field {
    pub(super) fn new(difference: FieldDifference) -> Result<Self> {
        let raw = |value: Option<String>| value.map(RawValue::from_string).transpose();
        Ok(Self { field: difference.path, from: raw(difference.older)?, to: raw(difference.newer)? })
    }

    /// A line for people.
    pub(super) fn line(&self) -> String {
        let shown =
            |value: &Option<Box<RawValue>>| value.as_ref().map_or("unset", |value| value.get()).to_owned();
        format!("    {}: {} -> {}\n", self.field, shown(&self.from), shown(&self.to))
    }
}

/// A record of the type called `name` as JSON.
pub(super) fn record_json(
    schema: &Schema,
    printer: &JsonPrinter,
    name: &str,
    row: Row<'_>,
) -> Result<Box<RawValue>> {
    let index = schema.find_type(name).expect("a row is of a type of its schema");
    let mut text = Vec::new();
    printer
        .print(schema.record_type(index).structure, row.reader(), &mut text)
        .map_err(hollowcast::Error::from)?;
    Ok(RawValue::from_string(String::from_utf8(text)?)?)
}

/// A record's key: its fields in key order, by name; without a name the whole record, if its type has no key.
pub(super) struct RecordKey(Vec<(String, Value)>);

impl RecordKey {
    /// The key of `record`, of the type called `name`, as it is printed.
    pub(super) fn of(schema: &Schema, name: &str, record: &RawValue) -> Result<Self> {
        let record: Value = serde_json::from_str(record.get())?;
        let index = schema.find_type(name).expect("a record is of a type of its schema");
        let record_type = schema.record_type(index);
        if record_type.key.is_empty() {
            return Ok(Self(vec![(String::new(), record)]));
        }
        // Shown names may hold dots, so a value is found step by step.
        let value = |path: &FieldPath| {
            let steps = (1..=path.0.len()).map(|steps| FieldPath(path.0[..steps].to_vec()));
            let mut names = steps.map(|path| schema.field(record_type.structure, &path).shown_name());
            names.try_fold(&record, |value, name| value.get(name)).cloned().unwrap_or(Value::Null)
        };
        Ok(Self(schema.key_names(index).into_iter().zip(record_type.key.iter().map(value)).collect()))
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        match &self.0[..] {
            [(name, record)] if name.is_empty() => record.clone(),
            fields => Value::Object(fields.iter().cloned().collect()),
        }
    }

    /// As `get` takes it: of several fields, one CSV row.
    pub(super) fn shown(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let quoted = |text: String| match text.contains([',', '"', '\n', '\r']) {
            true if self.0.len() > 1 => format!("\"{}\"", text.replace('"', "\"\"")),
            _ => text,
        };
        self.0.iter().map(|(_, value)| quoted(text(value))).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(fields: &[(&str, Value)]) -> RecordKey {
        RecordKey(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_key_is_shown_as_it_is_typed() {
        assert_eq!(key(&[("icao", json!("Ehl, Tarter"))]).shown(), "Ehl, Tarter");
        let fields =
            [("d", json!(42)), ("c", json!("Ehl, Tarter")), ("b", json!("say \"hi\"")), ("a", json!("x"))];
        assert_eq!(key(&fields).shown(), "42,\"Ehl, Tarter\",\"say \"\"hi\"\"\",x");
        assert_eq!(key(&fields[2..]).json(), json!({"a": "x", "b": "say \"hi\""}));
        assert_eq!(key(&[("", json!({"a": 1}))]).json(), json!({"a": 1}));
    }
}
