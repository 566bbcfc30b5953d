//! Sinks that keep sections in memory, wait, or fail.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::super::SectionSink;
use crate::error::{Classify, ErrorKind};
use crate::format::{SectionEntry, SectionId};

/// Where a sink fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    Open,
    Write,
    Close,
}

/// Keeps sections in memory.
#[derive(Debug, Default)]
pub(super) struct MemorySink {
    pub(super) failing: Option<Failing>,
    /// Writers that neither were closed nor dropped.
    pub(super) open: Arc<AtomicUsize>,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl MemorySink {
    pub(super) fn failing(at: Failing) -> Arc<Self> {
        Arc::new(Self { failing: Some(at), ..Self::default() })
    }

    /// A sink whose writers are not opened until [`MemorySink::open_the_gate`].
    pub(super) fn gated() -> Arc<Self> {
        Arc::new(Self { closed: Mutex::new(true), ..Self::default() })
    }

    pub(super) fn open_the_gate(&self) {
        *self.closed.lock().expect("not poisoned") = false;
        self.opened.notify_all();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the sink is told to fail")]
struct AsTold;

impl Classify for AsTold {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Conflict
    }
}

pub(super) struct MemoryWriter {
    bytes: Vec<u8>,
    fails: bool,
    open: Arc<AtomicUsize>,
}

impl Write for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fails { Err(io::ErrorKind::StorageFull.into()) } else { self.bytes.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl SectionSink for MemorySink {
    type Writer = MemoryWriter;
    type Output = (SectionId, Vec<u8>);

    fn open(&self, _: &SectionEntry) -> crate::Result<MemoryWriter> {
        drop(self.opened.wait_while(self.closed.lock().expect("not poisoned"), |closed| *closed));
        if self.failing == Some(Failing::Open) {
            return Err(AsTold.into());
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        let fails = self.failing == Some(Failing::Write);
        Ok(MemoryWriter { bytes: Vec::new(), fails, open: Arc::clone(&self.open) })
    }

    fn close(&self, section: &SectionEntry, mut writer: MemoryWriter) -> crate::Result<Self::Output> {
        if self.failing == Some(Failing::Close) {
            return Err(AsTold.into());
        }
        Ok((section.id, std::mem::take(&mut writer.bytes)))
    }
}
