//! Files, records, and JSON again.

mod depth;
mod files;
mod keys;
mod mapping;
mod round_trip;

use std::sync::Mutex;

use hollowcast::schema::infer::{Inference, ObjectShape, Observed, infer};
use hollowcast::schema::{Schema, TypeIndex};
use hollowcast::tools::json::JsonPrinter;
use hollowcast::wire::StructReader;

use super::{Format, InputError, Order, Source, encode, observe};

pub(super) fn source_of(format: Format, content: impl AsRef<[u8]>) -> Source {
    Source::spooled("file", &mut content.as_ref(), Some(format)).unwrap()
}

fn csv(content: impl AsRef<[u8]>) -> Source {
    source_of(Format::Csv, content)
}

fn json_lines(content: impl AsRef<[u8]>) -> Source {
    source_of(Format::JsonLines, content)
}

fn observed(source: Source) -> Result<ObjectShape, InputError> {
    observe(&[source], &|_| {})
}

/// The schema of a type `T`.
fn inferred(records: &ObjectShape, key: &[&str], existing: Option<&Schema>) -> Inference {
    let key: Vec<_> = key.iter().map(|&column| column.to_owned()).collect();
    let files = ["file".to_owned()];
    infer(&Observed { type_name: "T", key: &key, records, files: &files }, existing).unwrap()
}

/// Every record as a line of JSON, in byte order.
fn encoded(source: Source, schema: &Schema) -> Result<Vec<String>, InputError> {
    let record_type = schema.find_type("T").unwrap();
    let structure = schema.record_type(record_type).structure;
    let printer = JsonPrinter::new(schema);
    let lines = Mutex::new(Vec::new());
    let sink = |message: &[u64]| {
        let mut line = Vec::new();
        printer.print(structure, StructReader::root(message)?, &mut line)?;
        lines.lock().unwrap().push(String::from_utf8(line).unwrap());
        Ok(())
    };
    let count = encode(&[source], schema, record_type, Order::Any, &|_| {}, sink)?;
    let mut lines = lines.into_inner().unwrap();
    assert_eq!(count, lines.len() as u64);
    lines.sort();
    Ok(lines)
}

/// Both passes over the same content.
fn published(format: Format, content: &str, key: &[&str]) -> Result<Vec<String>, InputError> {
    let records = observed(source_of(format, content))?;
    encoded(source_of(format, content), &inferred(&records, key, None).schema)
}

fn first_type(schema: &Schema) -> TypeIndex {
    schema.find_type("T").unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T, InputError>) -> String {
    result.unwrap_err().to_string()
}
