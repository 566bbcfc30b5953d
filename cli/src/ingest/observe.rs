//! The first pass: what values are there.

use hollowcast::schema::infer::{ObjectShape, Place, Shape};

use super::BytesRead;
use super::chunks::{Chunk, process};
use super::csv_rows::{CellKind, Header, utf8};
use super::error::{Fault, InputError};
use super::json_lines::{JsonParser, MAX_LINE, Members, Number, Value};
use super::source::{Format, Source};

/// The shape of the records in these files, in parallel and in the memory of a few chunks.
///
/// Places in it number the files as they are given. The columns of a CSV file are all there, in its order, whether they
/// have values or not.
pub fn observe(sources: &[Source], bytes_read: &BytesRead<'_>) -> Result<ObjectShape, InputError> {
    let mut records = ObjectShape::default();
    for (source, file) in sources.iter().zip(0..) {
        match source.format() {
            Format::JsonLines => observe_lines(source, file, bytes_read, &mut records)?,
            Format::Csv => observe_rows(source, file, bytes_read, &mut records)?,
        }
    }
    Ok(records)
}

fn observe_lines(
    source: &Source,
    file: u32,
    bytes_read: &BytesRead<'_>,
    records: &mut ObjectShape,
) -> Result<(), InputError> {
    let work = |parser: &mut JsonParser, chunk: &Chunk| {
        let mut shape = ObjectShape::default();
        for_each_line(source, chunk, |line, bytes| {
            let Some(document) = parser.parse(bytes)? else { return Ok(()) };
            let place = Place { file, line };
            shape.observe(place);
            observe_members(&mut shape, document.members(), place)
        })?;
        Ok(shape)
    };
    let merge = |shape| {
        records.merge(shape);
        Ok(())
    };
    process(source, bytes_read, JsonParser::default, work, merge)
}

/// Runs `each` on the lines of a chunk, with their numbers.
pub(super) fn for_each_line(
    source: &Source,
    chunk: &Chunk,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), Fault>,
) -> Result<(), InputError> {
    let mut rest = chunk.bytes.as_slice();
    let mut number = chunk.first_line;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        if end > MAX_LINE {
            let file = source.name().to_owned();
            return Err(InputError::TooLong {
                file,
                line: number,
                limit: MAX_LINE,
                advice: ": split the record",
            });
        }
        each(number, &rest[..end]).map_err(|fault| source.error(number, fault))?;
        rest = rest.get(end + 1..).unwrap_or_default();
        number += 1;
    }
    Ok(())
}

fn observe_members(object: &mut ObjectShape, members: Members<'_>, place: Place) -> Result<(), Fault> {
    let mut cursor = 0;
    for (name, value) in members {
        if let Some(shape) = object.member(&mut cursor, name, place) {
            observe_value(shape, value, place).map_err(|fault| fault.within(name))?;
        }
    }
    Ok(())
}

fn observe_value(shape: &mut Shape, value: Value<'_>, place: Place) -> Result<(), Fault> {
    match value {
        Value::Null => shape.observe_null(place),
        Value::Bool(_) => shape.observe_bool(place),
        Value::Text(_) => shape.observe_text(place),
        Value::Number(number) => observe_number(shape, number, place)?,
        Value::Object(members) => observe_members(shape.observe_object(place), members, place)?,
        Value::List(elements) => {
            let element = shape.observe_list(place);
            for (index, value) in elements.into_iter().enumerate() {
                observe_value(element, value, place).map_err(|fault| fault.within(&index))?;
            }
        }
    }
    Ok(())
}

fn observe_number(shape: &mut Shape, number: Number<'_>, place: Place) -> Result<(), Fault> {
    match number.integer() {
        Some(integer) => shape.observe_integer(integer.negative, integer.magnitude, place),
        None if number.is_integer() && number.float64().is_none() => {
            let expected = "an integer of 64 bits, or a string";
            return Err(Fault::value(expected, Value::Number(number).describe()));
        }
        None => shape.observe_float(place),
    }
    Ok(())
}

fn observe_rows(
    source: &Source,
    file: u32,
    bytes_read: &BytesRead<'_>,
    records: &mut ObjectShape,
) -> Result<(), InputError> {
    let header = Header::read(source)?;
    let mut cursor = 0;
    for column in &header.columns {
        records.member(&mut cursor, column, Place { file, line: header.line });
    }
    let work = |(): &mut (), chunk: &Chunk| {
        let mut shape = ObjectShape::default();
        header.for_each_row(source, chunk, |line, row| {
            let place = Place { file, line };
            shape.observe(place);
            let mut cursor = 0;
            for (column, cell) in header.columns.iter().zip(row) {
                if let Some(shape) = shape.member(&mut cursor, column, place) {
                    observe_cell(shape, cell, place).map_err(|fault| fault.within(column))?;
                }
            }
            Ok(())
        })?;
        Ok(shape)
    };
    let merge = |shape| {
        records.merge(shape);
        Ok(())
    };
    process(source, bytes_read, || (), work, merge)
}

fn observe_cell(shape: &mut Shape, cell: &[u8], place: Place) -> Result<(), Fault> {
    shape.cells = true;
    match CellKind::of(utf8(cell)?) {
        CellKind::Null => shape.observe_null(place),
        CellKind::Bool => shape.observe_bool(place),
        CellKind::Integer { negative, magnitude } => shape.observe_integer(negative, magnitude, place),
        CellKind::Float => shape.observe_float(place),
        CellKind::Text => shape.observe_text(place),
    }
    Ok(())
}
