//! The second pass: each line becomes a canonical record.
//!
//! Values are written by the schema's fields, found by their names in files, into a `Draft`, and copied from there into
//! canonical form. The mapping is that of `hollowcast::tools::json`, and more forgiving: integers may be strings, members
//! may come in any order, and one that is missing is null or its default. What it never does is to lose something: an
//! unknown member is refused unless it says nothing (`null`, `[]`, `{}`), an integer that a float cannot hold exactly is
//! refused, and so is `null` where the schema has a plain number.

mod record;
mod scalar;
mod structure;

use hollowcast::schema::{Schema, TypeIndex};

pub(super) use record::{RecordEncoder, Target};
pub(super) use scalar::{bytes_of_base64, cell_value};

use super::BytesRead;
use super::chunks::{Chunk, process};
use super::csv_rows::{Header, utf8};
use super::error::{Fault, InputError};
use super::json_lines::JsonParser;
use super::observe::for_each_line;
use super::source::{Format, Source};

/// Makes every line of these files a record of `record_type`, and gives its canonical message, root pointer word first, to
/// `sink`: in no promised order, from all threads of the pool. Returns the number of records.
///
/// Fails with the first wrong line of the first file that has one; `sink` may have been given records of later lines by
/// then. An error of `sink` fails the line of its record.
pub fn encode<F>(
    sources: &[Source],
    schema: &Schema,
    record_type: TypeIndex,
    bytes_read: &BytesRead<'_>,
    sink: F,
) -> Result<u64, InputError>
where
    F: Fn(&[u64]) -> hollowcast::Result<()> + Sync,
{
    let target = Target::new(schema, record_type);
    let mut records = 0;
    for source in sources {
        records += match source.format() {
            Format::JsonLines => encode_lines(source, &target, bytes_read, &sink)?,
            Format::Csv => encode_rows(source, &target, bytes_read, &sink)?,
        };
    }
    Ok(records)
}

fn encode_lines(
    source: &Source,
    target: &Target<'_>,
    bytes_read: &BytesRead<'_>,
    sink: &(impl Fn(&[u64]) -> hollowcast::Result<()> + Sync),
) -> Result<u64, InputError> {
    let work = |(parser, encoder): &mut (JsonParser, RecordEncoder<'_>), chunk: &Chunk| {
        let mut records = 0;
        for_each_line(source, chunk, |_, bytes| {
            let Some(document) = parser.parse(bytes)? else { return Ok(()) };
            records += 1;
            sink(encoder.object(&document)?).map_err(Fault::Refused)
        })?;
        Ok(records)
    };
    let worker = || (JsonParser::default(), RecordEncoder::new(target));
    let mut records = 0;
    process(source, bytes_read, worker, work, |more: u64| records += more)?;
    Ok(records)
}

fn encode_rows<'t>(
    source: &Source,
    target: &'t Target<'t>,
    bytes_read: &BytesRead<'_>,
    sink: &(impl Fn(&[u64]) -> hollowcast::Result<()> + Sync),
) -> Result<u64, InputError> {
    let header = Header::read(source)?;
    let columns = target.columns(&header.columns).map_err(|fault| source.error(header.line, fault))?;
    let work = |encoder: &mut RecordEncoder<'t>, chunk: &Chunk| {
        let mut records = 0;
        header.for_each_row(source, chunk, |_, row| {
            records += 1;
            let cells = row
                .iter()
                .zip(&header.columns)
                .map(|(cell, column)| utf8(cell).map_err(|fault| fault.within(column)));
            sink(encoder.row(&columns, cells)?).map_err(Fault::Refused)
        })?;
        Ok(records)
    };
    let mut records = 0;
    process(source, bytes_read, || RecordEncoder::new(target), work, |more: u64| records += more)?;
    Ok(records)
}
