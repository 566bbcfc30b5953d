//! Tables, JSON and numbers for people.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    print_to_reader(bytes).map(|_| ())
}

/// The same; says whether there still is a reader.
pub fn print_to_reader(bytes: &[u8]) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context(NOT_WRITTEN),
    }
}

/// Prints one JSON value and a line break.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&json_line(value)?)
}

/// One JSON value and a line break.
pub fn json_line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
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

/// A moment as RFC 3339, to the second; the format ends with the year 9999.
#[must_use]
pub fn time(at: SystemTime) -> String {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) if since < YEAR_10000 => humantime::format_rfc3339_seconds(at).to_string(),
        _ => "out of range".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clocks can be wrong, and so can bytes.
    #[test]
    fn no_time_is_too_much() {
        let shown = |seconds| time(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(shown(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(shown(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(shown(253_402_300_800), "out of range");
        assert_eq!(shown(i64::MAX as u64), "out of range");
        assert_eq!(time(UNIX_EPOCH - Duration::from_secs(1)), "out of range");
    }
}
