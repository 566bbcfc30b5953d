//! Tables, JSON and numbers for people.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::time::SystemTime;

use anyhow::{Context, Result};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// What goes before the reason when standard output takes no more.
pub const NOT_WRITTEN: &str = "cannot write to standard output";

/// Standard output, buffered: flush it when done.
#[must_use]
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(256 << 10, io::stdout().lock())
}

/// Writes to standard output; a reader that has gone is no error.
pub fn print(bytes: &[u8]) -> Result<()> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context(NOT_WRITTEN),
    }
}

/// Prints one JSON value and a line break.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    print(&text)
}

/// Prints rows under their headings; columns of numbers are aligned to the right.
pub fn print_table(headings: &[&str], numbers: &[usize], rows: Vec<Vec<String>>) -> Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(headings.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    print(lines.concat().as_bytes())
}

/// Whether a person is reading.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Bytes as people write them.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// A number of things, in the singular if it is one.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A moment as RFC 3339, to the second.
#[must_use]
pub fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
