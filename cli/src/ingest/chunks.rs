//! Reading a source in parallel: whole lines are cut off its beginning, threads take them, results come back in order.
//!
//! A chunk is about a megabyte, and as much longer as its last line needs. There are as many in memory as there are
//! threads.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::BytesRead;
use super::csv_rows::RowCutter;
use super::error::{Fault, InputError};
use super::json_lines::{MAX_LINE, STACK_BYTES};
use super::source::{BYTE_ORDER_MARK, Format, Source};

/// Whole lines of a source.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Number of its first line, from 1.
    pub(super) first_line: u64,
    pub(super) bytes: Vec<u8>,
}

/// Threads that have room for the deepest line.
static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let builder =
        ThreadPoolBuilder::new().stack_size(STACK_BYTES).thread_name(|number| format!("read-{number}"));
    builder.build().expect("a process can start as many threads as the machine has processors")
});

/// Runs `work` on every chunk of a source, on all threads of the pool, and `fold` on what it returns, in the order of the
/// chunks. Each thread has one `W` of its own.
///
/// Fails with the first wrong line, whichever thread found what first: chunks are handed out in order, and all that were
/// handed out are finished.
pub(super) fn process<W, T: Send>(
    source: &Source,
    bytes_read: &BytesRead<'_>,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &Chunk) -> Result<T, InputError> + Sync,
    fold: impl FnMut(T) -> Result<(), InputError> + Send,
) -> Result<(), InputError> {
    let processing = Processing {
        reader: Mutex::new(ChunkReader::new(source, bytes_read)?),
        failed: AtomicBool::new(false),
        failure: Mutex::new(None),
        in_order: Mutex::new(InOrder { next: 0, early: BTreeMap::new(), fold }),
    };
    POOL.scope(|scope| {
        for _ in 0..POOL.current_num_threads() {
            scope.spawn(|_| processing.run(worker(), &work));
        }
    });
    match processing.failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

struct Processing<'a, T, F> {
    reader: Mutex<ChunkReader<'a>>,
    failed: AtomicBool,
    /// The failure of the lowest chunk so far.
    failure: Mutex<Option<(u64, InputError)>>,
    in_order: Mutex<InOrder<T, F>>,
}

/// Gives results on in order, and keeps those that came early.
struct InOrder<T, F> {
    next: u64,
    early: BTreeMap<u64, T>,
    fold: F,
}

impl<T: Send, F: FnMut(T) -> Result<(), InputError> + Send> Processing<'_, T, F> {
    fn run<W>(&self, mut worker: W, work: &(impl Fn(&mut W, &Chunk) -> Result<T, InputError> + Sync)) {
        let mut chunk = Chunk::default();
        while let Some(number) = self.next(&mut chunk) {
            let result = work(&mut worker, &chunk).map_err(|error| (number, error));
            if let Err((number, error)) = result.and_then(|result| lock(&self.in_order).add(number, result)) {
                self.fail(number, error);
            }
        }
    }

    /// Fills `chunk` with the next one, and returns its number.
    fn next(&self, chunk: &mut Chunk) -> Option<u64> {
        let mut reader = lock(&self.reader);
        if self.failed.load(Ordering::Acquire) {
            return None;
        }
        let number = reader.number;
        match reader.next(chunk) {
            Ok(is_there) => is_there.then_some(number),
            Err(error) => {
                self.fail(number, error);
                None
            }
        }
    }

    fn fail(&self, number: u64, error: InputError) {
        let mut failure = lock(&self.failure);
        if failure.as_ref().is_none_or(|(known, _)| number < *known) {
            *failure = Some((number, error));
        }
        self.failed.store(true, Ordering::Release);
    }
}

impl<T, F: FnMut(T) -> Result<(), InputError>> InOrder<T, F> {
    /// Gives on what has its turn, up to one that fails; says which.
    fn add(&mut self, number: u64, result: T) -> Result<(), (u64, InputError)> {
        self.early.insert(number, result);
        while let Some(result) = self.early.remove(&self.next) {
            (self.fold)(result).map_err(|error| (self.next, error))?;
            self.next += 1;
        }
        Ok(())
    }
}

/// A lock that a panicking thread left behind guards nothing that could be half done; the panic goes on in the pool.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Cuts a source into chunks.
pub(super) struct ChunkReader<'a> {
    source: &'a Source,
    reader: Box<dyn Read + Send + 'a>,
    cutter: Cutter,
    /// Number of the next chunk, from 0.
    number: u64,
    /// Line at which the next chunk begins.
    line: u64,
    /// The beginning of a line whose end was not read yet; the cutter has seen it.
    rest: Vec<u8>,
    /// What is wrong behind the lines that are whole; told after them.
    failure: Option<InputError>,
    has_ended: bool,
}

/// How the ends of records are found.
enum Cutter {
    Lines,
    Rows(RowCutter),
}

impl<'a> ChunkReader<'a> {
    /// Opens a source, and skips the byte order mark it may begin with.
    pub(super) fn new(source: &'a Source, bytes_read: &'a BytesRead<'a>) -> Result<Self, InputError> {
        let mut reader = source.read(bytes_read)?;
        let mut beginning = Vec::new();
        let read = (&mut reader).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut beginning);
        read.map_err(|error| source.read_error(0, error))?;
        if beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff") {
            return Err(source.error(1, Fault::syntax(0, "UTF-8", "the byte order mark of UTF-16")));
        }
        if beginning == BYTE_ORDER_MARK {
            beginning.clear();
        }
        Ok(Self {
            source,
            reader: Box::new(Cursor::new(beginning).chain(reader)),
            cutter: match source.format() {
                Format::JsonLines => Cutter::Lines,
                Format::Csv => Cutter::Rows(RowCutter::default()),
            },
            number: 0,
            line: 1,
            rest: Vec::new(),
            failure: None,
            has_ended: false,
        })
    }

    /// Fills `chunk` with the next lines; `false` when there are none.
    pub(super) fn next(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        chunk.bytes.clear();
        chunk.bytes.append(&mut self.rest);
        chunk.first_line = self.line;
        while !self.has_ended {
            let seen = chunk.bytes.len();
            self.fill(&mut chunk.bytes);
            if let Some(end) = self.cut(&chunk.bytes[seen..]) {
                self.rest.extend_from_slice(&chunk.bytes[seen + end..]);
                chunk.bytes.truncate(seen + end);
                return Ok(self.hand_out(chunk));
            }
            if chunk.bytes.len() > MAX_LINE {
                self.fail(self.too_long());
            }
        }
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if chunk.bytes.is_empty() {
            return Ok(false);
        }
        if let Cutter::Rows(rows) = &self.cutter {
            rows.finish().map_err(|(line, fault)| self.source.error(line, fault))?;
        }
        Ok(self.hand_out(chunk))
    }

    fn hand_out(&mut self, chunk: &mut Chunk) -> bool {
        self.number += 1;
        self.line += memchr::memchr_iter(b'\n', &chunk.bytes).count() as u64;
        true
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) {
        match (&mut self.reader).take(self.source.chunk_bytes() as u64).read_to_end(bytes) {
            Ok(0) => self.has_ended = true,
            Ok(_) => {}
            Err(error) => {
                let lines = self.line - 1 + memchr::memchr_iter(b'\n', bytes).count() as u64;
                self.fail(self.source.read_error(lines, error));
            }
        }
    }

    /// The end of the last record that ends within `bytes`, which follow those looked at before.
    fn cut(&mut self, bytes: &[u8]) -> Option<usize> {
        match &mut self.cutter {
            Cutter::Lines => memchr::memrchr(b'\n', bytes).map(|at| at + 1),
            Cutter::Rows(rows) => {
                let (end, fault) = rows.scan(bytes);
                if let Some((line, fault)) = fault {
                    self.fail(self.source.error(line, fault));
                }
                end
            }
        }
    }

    /// Keeps the first thing that is wrong; nothing is read behind it.
    fn fail(&mut self, error: InputError) {
        self.failure.get_or_insert(error);
        self.has_ended = true;
    }

    fn too_long(&self) -> InputError {
        let advice = match &self.cutter {
            Cutter::Lines => ": write one record a line",
            Cutter::Rows(_) => ": look for a double quote that is never closed",
        };
        InputError::TooLong { file: self.source.name().to_owned(), line: self.line, limit: MAX_LINE, advice }
    }
}
