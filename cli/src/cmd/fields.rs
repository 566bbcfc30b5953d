//! Records, keys and fields that differ, for people and programs.

use anyhow::Result;
use hollowcast::schema::Schema;
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

/// The key's fields by name; the whole record if its type has no key.
pub(super) fn key_json(schema: &Schema, name: &str, record: &RawValue) -> Result<Value> {
    let record: Value = serde_json::from_str(record.get())?;
    let index = schema.find_type(name).expect("a record is of a type of its schema");
    let names = schema.key_names(index);
    if names.is_empty() {
        return Ok(record);
    }
    let value = |name: &str| name.split('.').try_fold(&record, |value, step| value.get(step)).cloned();
    Ok(Value::Object(names.iter().map(|name| (name.clone(), value(name).unwrap_or(Value::Null))).collect()))
}

/// A key as `get` takes it: of several fields, one CSV row.
pub(super) fn shown_key(key: &Value) -> String {
    let Value::Object(fields) = key else { return key.to_string() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let quoted = |text: String| match text.contains([',', '"', '\n', '\r']) {
        true if fields.len() > 1 => format!("\"{}\"", text.replace('"', "\"\"")),
        _ => text,
    };
    fields.values().map(|value| quoted(text(value))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_shown_as_it_is_typed() {
        assert_eq!(shown_key(&json!({"icao": "Ehl, Tarter"})), "Ehl, Tarter");
        let key = json!({"a": 42, "b": "Ehl, Tarter", "c": "say \"hi\"", "d": "x"});
        assert_eq!(shown_key(&key), "42,\"Ehl, Tarter\",\"say \"\"hi\"\"\",x");
    }
}
