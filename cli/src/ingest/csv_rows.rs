//! CSV: rows of cells under a row of names.
//!
//! The syntax is that of RFC 4180, with `\n` as well as `\r\n` at the end of a row, as the `csv` crate reads it. What that
//! crate would let pass is refused here: rows that are shorter or longer than the row of names, text behind a closing quote,
//! a quote that is never closed, rows that end in a carriage return alone. A cell has no type of its own; an empty one is null, quoted or not.

use std::io::Read;

use csv::ByteRecord;

use super::chunks::{Chunk, ChunkReader};
use super::error::{Fault, InputError, shown};
use super::json_lines::Number;
use super::source::Source;

/// The row of names.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// Names of the columns; none for an empty file.
    pub(super) columns: Vec<String>,
    /// Its line.
    pub(super) line: u64,
}

impl Header {
    /// Reads the first row of a source. Refuses names that come twice or are no UTF-8.
    pub(super) fn read(source: &Source) -> Result<Self, InputError> {
        let mut reader = ChunkReader::new(source, &|_| {})?;
        let mut chunk = Chunk::default();
        while reader.next(&mut chunk)? {
            let mut rows = Rows::new(&chunk);
            if let Some((line, row)) = rows.next(source)? {
                return Self::from_row(line, row).map_err(|fault| source.error(line, fault));
            }
        }
        Ok(Self::default())
    }

    fn from_row(line: u64, row: &ByteRecord) -> Result<Self, Fault> {
        let columns = row.iter().map(|cell| utf8(cell).map(str::to_owned)).collect::<Result<_, _>>()?;
        let header = Self { columns, line };
        header.refuse_duplicates()?;
        Ok(header)
    }

    /// Runs `each` on the rows of a chunk below the names, with their lines. No two rows begin on one line.
    pub(super) fn for_each_row(
        &self,
        source: &Source,
        chunk: &Chunk,
        mut each: impl FnMut(u64, &ByteRecord) -> Result<(), Fault>,
    ) -> Result<(), InputError> {
        for_each_row(source, chunk, |line, row| {
            if line <= self.line {
                return Ok(());
            }
            self.refuse_other_length(row)?;
            each(line, row)
        })
    }

    fn refuse_duplicates(&self) -> Result<(), Fault> {
        let mut known = std::collections::HashSet::new();
        match self.columns.iter().find(|column| !known.insert(column.as_str())) {
            Some(column) => Err(Fault::value("each column once", "it again").within(column)),
            None => Ok(()),
        }
    }

    fn refuse_other_length(&self, row: &ByteRecord) -> Result<(), Fault> {
        if row.len() == self.columns.len() {
            return Ok(());
        }
        let (expected, found) = (self.columns.len(), row.len());
        Err(Fault::value(format!("{expected} cells, as many as there are columns"), format!("{found}")))
    }
}

/// Runs `each` on every row of a chunk, with its line.
pub(super) fn for_each_row(
    source: &Source,
    chunk: &Chunk,
    mut each: impl FnMut(u64, &ByteRecord) -> Result<(), Fault>,
) -> Result<(), InputError> {
    let mut rows = Rows::new(chunk);
    while let Some((line, row)) = rows.next(source)? {
        each(line, row).map_err(|fault| source.error(line, fault))?;
    }
    Ok(())
}

/// What is put before a chunk: a byte order mark that happens to begin a chunk would be taken for that of a file.
const BEFORE: &[u8] = b"\n";

/// The rows of a chunk, empty lines left out.
struct Rows<'a> {
    chunk: &'a Chunk,
    reader: csv::Reader<std::io::Chain<&'static [u8], &'a [u8]>>,
    row: ByteRecord,
}

impl<'a> Rows<'a> {
    fn new(chunk: &'a Chunk) -> Self {
        let input = BEFORE.chain(chunk.bytes.as_slice());
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        Self { chunk, reader, row: ByteRecord::new() }
    }

    fn next(&mut self, source: &Source) -> Result<Option<(u64, &ByteRecord)>, InputError> {
        let is_there = self.reader.read_byte_record(&mut self.row);
        let is_there =
            is_there.map_err(|error| source.read_error(self.chunk.first_line - 1, error.into()))?;
        Ok(is_there.then(|| (self.line(), &self.row)))
    }

    /// Line of the file at which the row begins. The reader tells where it began to look: at line ends, perhaps, that it
    /// then passed over.
    fn line(&self) -> u64 {
        let looked = self.row.position().expect("a row that was read has a position");
        let at = looked.byte() as usize;
        let passed = BEFORE.iter().chain(&self.chunk.bytes).skip(at);
        let line_ends =
            passed.take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
        self.chunk.first_line + looked.line() + line_ends.count() as u64 - 2
    }
}

/// What a cell may be, before it is known what its column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Null,
    Bool,
    Integer { negative: bool, magnitude: u64 },
    Float,
    Text,
}

impl CellKind {
    /// Integers and numbers are what JSON takes for such; `01234`, `+1`, `1e400` and integers beyond 64 bits are text, and
    /// so is everything but `true` and `false` themselves.
    pub(super) fn of(cell: &str) -> Self {
        match cell.as_bytes() {
            [] => Self::Null,
            b"true" | b"false" => Self::Bool,
            [b'-' | b'0'..=b'9', ..] => Number::parse(cell).map_or(Self::Text, Self::of_number),
            _ => Self::Text,
        }
    }

    fn of_number(number: Number<'_>) -> Self {
        match number.integer() {
            Some(integer) => Self::Integer { negative: integer.negative, magnitude: integer.magnitude },
            None if number.is_integer() || number.float64().is_none() => Self::Text,
            None => Self::Float,
        }
    }
}

/// A cell as text.
pub(super) fn utf8(cell: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(cell).map_err(|error| {
        let valid = String::from_utf8_lossy(&cell[..error.valid_up_to()]);
        let found = format!("byte 0x{:02x} after {}", cell[error.valid_up_to()], shown(&valid));
        Fault::value("UTF-8", found)
    })
}

/// Finds the ends of rows: line ends that do not lie between quotes.
#[derive(Debug)]
pub(super) struct RowCutter {
    state: State,
    /// Line that is looked at, from 1.
    line: u64,
    /// Bytes of that line before those that are scanned next.
    column: usize,
    /// Line of the last quote that was opened.
    quote_line: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote within a quoted cell: its end, or the first of two that stand for one.
    Closed,
    /// Behind a carriage return that is not between quotes.
    Return,
}

impl Default for RowCutter {
    fn default() -> Self {
        Self { state: State::CellStart, line: 1, column: 0, quote_line: 1 }
    }
}

impl RowCutter {
    /// The end of the last row that ends in `bytes`, which follow those scanned before, and a fault behind it, with its
    /// line, where there is one.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> (Option<usize>, Option<(u64, Fault)>) {
        let mut row_end = None;
        for (at, byte) in bytes.iter().enumerate() {
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Closed,
                (State::Quoted, b'\n') => {
                    self.line += 1;
                    State::Quoted
                }
                (State::Quoted, _) | (State::Closed, b'"') => State::Quoted,
                (State::CellStart, b'"') => {
                    self.quote_line = self.line;
                    State::Quoted
                }
                (_, b'\n') => {
                    self.line += 1;
                    row_end = Some(at + 1);
                    State::CellStart
                }
                (_, b'\r') => State::Return,
                (State::CellStart | State::Plain | State::Closed, b',') => State::CellStart,
                (State::CellStart | State::Plain, _) => State::Plain,
                (State::Closed | State::Return, other) => {
                    return (row_end, Some((self.line, self.stray(&bytes[..at], *other))));
                }
            };
        }
        self.column = self.column_after(bytes);
        (row_end, None)
    }

    /// Refuses a source that ends between quotes.
    pub(super) fn finish(&self) -> Result<(), (u64, Fault)> {
        match self.state {
            State::Quoted => {
                let fault =
                    Fault::value("the double quote that is opened here to be closed", "the end of the file");
                Err((self.quote_line, fault))
            }
            State::CellStart | State::Plain | State::Closed | State::Return => Ok(()),
        }
    }

    fn column_after(&self, bytes: &[u8]) -> usize {
        match memchr::memrchr(b'\n', bytes) {
            Some(line_end) => bytes.len() - line_end - 1,
            None => self.column + bytes.len(),
        }
    }

    #[cold]
    fn stray(&self, before: &[u8], found: u8) -> Fault {
        let (expected, place) = match self.state {
            State::Return => ("a line feed", "behind a carriage return"),
            _ => ("`,`, the end of the row, or a double quote written twice", "behind a closing quote"),
        };
        let found = format!("{:?} {place}", char::from(found));
        Fault::syntax(self.column_after(before), expected, found)
    }
}
