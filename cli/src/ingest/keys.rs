//! Keys that people type.
//!
//! The key of a type with one key field is the text as it is: `00AA`, `42`, `Ehl, Tarter`. A composite key is one CSV row:
//! `3039154,"Ehl, Tarter"`. Files of keys have one a line, written in the same way.

use std::path::Path;

use hollowcast::schema::{FieldKind, Schema, Type, TypeIndex};
use hollowcast::wire::KeyPlan;

use super::chunks::{Chunk, ChunkReader};
use super::csv_rows::{RowCutter, for_each_row, utf8};
use super::encode::{Target, bytes_of_base64, cell_value};
use super::error::{Fault, InputError};
use super::observe::for_each_line;
use super::source::{Format, Source};

/// Turns the text of keys into key bytes.
pub struct KeyParser<'s> {
    target: Target<'s>,
    fields: Vec<KeyField<'s>>,
}

struct KeyField<'s> {
    /// Its name in files, dotted.
    name: String,
    value_type: &'s Type,
    /// Bytes it takes, for numbers, bools and enums.
    width: Option<usize>,
}

impl<'s> KeyParser<'s> {
    /// For the keys of a record type. Refuses a type without a key: its records have no name but their content.
    pub fn new(schema: &'s Schema, record_type: TypeIndex) -> Result<Self, InputError> {
        let record = schema.record_type(record_type);
        if record.key.is_empty() {
            return Err(InputError::Keyless { type_name: record.name.clone() });
        }
        let widths =
            KeyPlan::new(schema, record_type).kinds().iter().map(|kind| kind.width()).collect::<Vec<_>>();
        let fields =
            record.key.iter().zip(schema.key_names(record_type)).zip(widths).map(|((path, name), width)| {
                let FieldKind::Slot { value_type, .. } = &schema.field(record.structure, path).kind else {
                    unreachable!("a schema refuses a group as a key")
                };
                KeyField { name, value_type, width }
            });
        Ok(Self { fields: fields.collect(), target: Target::new(schema, record_type) })
    }

    /// The bytes of a key: its fields in key order, as `hollowcast::wire::KeyPlan` writes them.
    pub fn parse(&self, text: &str) -> Result<Vec<u8>, InputError> {
        let bytes =
            if let [field] = self.fields.as_slice() { self.single(field, text) } else { self.row(text) };
        bytes.map_err(|fault| fault.in_key(text))
    }

    fn single(&self, field: &KeyField<'_>, text: &str) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.write(field, text, &mut bytes)?;
        Ok(bytes)
    }

    fn row(&self, text: &str) -> Result<Vec<u8>, Fault> {
        let mut cutter = RowCutter::default();
        let (end, fault) = cutter.scan(text.as_bytes());
        fault.map_or(Ok(()), |(_, fault)| Err(fault))?;
        cutter.finish().map_err(|(_, fault)| fault)?;
        if end.is_some_and(|end| end < text.len()) {
            return Err(Fault::value("one row", "more"));
        }
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut row = csv::ByteRecord::new();
        reader.read_byte_record(&mut row).map_err(|error| Fault::value("a CSV row", error.to_string()))?;
        self.cells(&row)
    }

    fn cells(&self, row: &csv::ByteRecord) -> Result<Vec<u8>, Fault> {
        if row.len() != self.fields.len() {
            let names = self.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(",");
            return Err(Fault::value(format!("{} cells: {names}", self.fields.len()), row.len().to_string()));
        }
        let mut bytes = Vec::new();
        for (field, cell) in self.fields.iter().zip(row) {
            self.write(field, utf8(cell)?, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn write(&self, field: &KeyField<'_>, cell: &str, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let within = |fault: Fault| fault.within(&field.name);
        if let Some(width) = field.width {
            let value = cell_value(field.value_type, cell);
            let bits = self.target.bits(field.value_type, value).map_err(within)?;
            bytes.extend_from_slice(&bits.to_le_bytes()[..width]);
            return Ok(());
        }
        let decoded;
        let value = if matches!(field.value_type, Type::Data) {
            decoded = bytes_of_base64(cell).map_err(within)?;
            decoded.as_slice()
        } else {
            cell.as_bytes()
        };
        let len = u32::try_from(value.len()).map_err(|_| within(Fault::value("at most 4 GiB", "more")))?;
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(value);
        Ok(())
    }
}

/// Gives the bytes of every key in a file, or standard input for `-`, to `sink`, in order; empty lines are passed over.
/// Memory: a few chunks.
pub fn read_keys(
    path: &Path,
    parser: &KeyParser<'_>,
    mut sink: impl FnMut(Vec<u8>),
) -> Result<(), InputError> {
    let is_single = parser.fields.len() == 1;
    let source = Source::open(path, Some(if is_single { Format::JsonLines } else { Format::Csv }))?;
    let mut reader = ChunkReader::new(&source, &|_| {})?;
    let mut chunk = Chunk::default();
    while reader.next(&mut chunk)? {
        if is_single {
            for_each_line(&source, &chunk, |_, line| read_key(parser, line, &mut sink))?;
        } else {
            for_each_row(&source, &chunk, |_, row| {
                sink(parser.cells(row)?);
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn read_key(parser: &KeyParser<'_>, line: &[u8], sink: &mut impl FnMut(Vec<u8>)) -> Result<(), Fault> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.is_empty() {
        sink(parser.single(&parser.fields[0], utf8(line)?)?);
    }
    Ok(())
}
