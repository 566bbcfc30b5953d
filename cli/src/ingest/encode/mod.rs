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

/// In which order records are given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In none that is promised, from all threads of the pool.
    Any,
    /// In that of their lines: of two with one key, the later is the last word. Keeps the records of some chunks in memory.
    Lines,
}

/// Makes every line of these files a record of `record_type`, and gives its canonical message, root pointer word first, to
/// `sink`. Returns the number of records.
///
/// Fails with the first wrong line of the first file that has one; in any order, `sink` may have been given records of later lines by
/// then. An error of `sink` fails the line of its record.
pub fn encode<F>(
    sources: &[Source],
    schema: &Schema,
    record_type: TypeIndex,
    order: Order,
    bytes_read: &BytesRead<'_>,
    sink: F,
) -> Result<u64, InputError>
where
    F: Fn(&[u64]) -> hollowcast::Result<()> + Sync,
{
    let target = Target::new(schema, record_type);
    let give = |batch: &mut Batch, line, record: &[u64]| match order {
        Order::Any => sink(record).map_err(Fault::Refused),
        Order::Lines => {
            batch.keep(line, record);
            Ok(())
        }
    };
    let mut records = 0;
    for source in sources {
        encode_source(source, &target, bytes_read, &give, |batch| {
            records += batch.records;
            batch.pass_on(&sink).map_err(|(line, error)| source.error(line, Fault::Refused(error)))
        })?;
    }
    Ok(records)
}

/// The records of a chunk.
#[derive(Default)]
struct Batch {
    records: u64,
    /// Of those that are kept for their turn, the line and the end of the message in `words`.
    ends: Vec<(u64, usize)>,
    words: Vec<u64>,
}

impl Batch {
    fn keep(&mut self, line: u64, record: &[u64]) {
        self.words.extend_from_slice(record);
        self.ends.push((line, self.words.len()));
    }

    /// Gives what was kept to `sink`, up to the first record that it refuses; says in which line.
    fn pass_on(
        &self,
        sink: &impl Fn(&[u64]) -> hollowcast::Result<()>,
    ) -> Result<(), (u64, hollowcast::Error)> {
        let mut start = 0;
        self.ends.iter().try_for_each(|(line, end)| {
            let record = &self.words[std::mem::replace(&mut start, *end)..*end];
            sink(record).map_err(|error| (*line, error))
        })
    }
}

/// Encodes one file by its format: `give` is given each record from all threads, `fold` each chunk in order.
fn encode_source(
    source: &Source,
    target: &Target<'_>,
    bytes_read: &BytesRead<'_>,
    give: &(impl Fn(&mut Batch, u64, &[u64]) -> Result<(), Fault> + Sync),
    fold: impl FnMut(Batch) -> Result<(), InputError> + Send,
) -> Result<(), InputError> {
    match source.format() {
        Format::JsonLines => encode_lines(source, target, bytes_read, give, fold),
        Format::Csv => encode_rows(source, target, bytes_read, give, fold),
    }
}

fn encode_lines(
    source: &Source,
    target: &Target<'_>,
    bytes_read: &BytesRead<'_>,
    give: &(impl Fn(&mut Batch, u64, &[u64]) -> Result<(), Fault> + Sync),
    fold: impl FnMut(Batch) -> Result<(), InputError> + Send,
) -> Result<(), InputError> {
    let work = |(parser, encoder): &mut (JsonParser, RecordEncoder<'_>), chunk: &Chunk| {
        let mut batch = Batch::default();
        for_each_line(source, chunk, |line, bytes| {
            let Some(document) = parser.parse(bytes)? else { return Ok(()) };
            batch.records += 1;
            give(&mut batch, line, encoder.object(&document)?)
        })?;
        Ok(batch)
    };
    let worker = || (JsonParser::default(), RecordEncoder::new(target));
    process(source, bytes_read, worker, work, fold)
}

fn encode_rows<'t>(
    source: &Source,
    target: &'t Target<'t>,
    bytes_read: &BytesRead<'_>,
    give: &(impl Fn(&mut Batch, u64, &[u64]) -> Result<(), Fault> + Sync),
    fold: impl FnMut(Batch) -> Result<(), InputError> + Send,
) -> Result<(), InputError> {
    let header = Header::read(source)?;
    let columns = target.columns(&header.columns).map_err(|fault| source.error(header.line, fault))?;
    let work = |encoder: &mut RecordEncoder<'t>, chunk: &Chunk| {
        let mut batch = Batch::default();
        header.for_each_row(source, chunk, |line, row| {
            batch.records += 1;
            let cells = row
                .iter()
                .zip(&header.columns)
                .map(|(cell, column)| utf8(cell).map_err(|fault| fault.within(column)));
            give(&mut batch, line, encoder.row(&columns, cells)?)
        })?;
        Ok(batch)
    };
    process(source, bytes_read, || RecordEncoder::new(target), work, fold)
}
