//! Threads that read while all this goes on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;

use hollowcast::consumer::Consumer;
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::state::TypedTable;

use super::generated::stock_capnp::item;

/// Lookups between two looks at the clock, which costs more than one of them.
const BATCH: u64 = 1_000;

/// A thread for each consumer.
pub(crate) struct Readers {
    progress: Arc<Progress>,
    threads: Vec<JoinHandle<Result<Histogram<u64>>>>,
}

#[derive(Default)]
struct Progress {
    lookups: AtomicU64,
    is_over: AtomicBool,
}

impl Readers {
    pub(crate) fn start(consumers: &[Arc<Consumer>], items: u32) -> Result<Self> {
        let progress = Arc::new(Progress::default());
        let mut threads = Vec::new();
        for consumer in consumers {
            let (table, consumer, progress) =
                (consumer.table()?, Arc::clone(consumer), Arc::clone(&progress));
            threads.push(std::thread::spawn(move || read(&consumer, &table, items, &progress)));
        }
        Ok(Self { progress, threads })
    }

    /// How many lookups there were so far.
    pub(crate) fn lookups(&self) -> u64 {
        self.progress.lookups.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(self) -> Result<Read> {
        self.progress.is_over.store(true, Ordering::Relaxed);
        let mut nanoseconds = Histogram::new(3)?;
        for thread in self.threads {
            nanoseconds.add(thread.join().map_err(|_| anyhow!("a reader panicked"))??)?;
        }
        let lookups = self.progress.lookups.load(Ordering::Relaxed);
        ensure!(lookups > 0, "nothing was read");
        Ok(Read { lookups, nanoseconds })
    }
}

fn read(
    consumer: &Consumer,
    table: &TypedTable<item::Owned, u32>,
    items: u32,
    progress: &Progress,
) -> Result<Histogram<u64>> {
    let (random, mut nanoseconds) = (SeededRandom::new(u64::from(items)), Histogram::new(3)?);
    while !progress.is_over.load(Ordering::Relaxed) {
        let (state, begun) = (consumer.read(), Instant::now());
        for _ in 0..BATCH {
            let sku = (random.next_u64() % u64::from(items)) as u32;
            let item = table.get(&state, sku).with_context(|| format!("item {sku} is gone"))?;
            ensure!(item.get_sku() == sku && item.get_cents() > 0, "item {sku} is another, or has no price");
        }
        nanoseconds.record(begun.elapsed().as_nanos() as u64 / BATCH)?;
        progress.lookups.fetch_add(BATCH, Ordering::Relaxed);
    }
    Ok(nanoseconds)
}

/// What readers did.
pub(crate) struct Read {
    lookups: u64,
    /// A lookup, on the average of a batch.
    nanoseconds: Histogram<u64>,
}

impl fmt::Display for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, longest) =
            (self.nanoseconds.value_at_quantile(0.5), self.nanoseconds.value_at_quantile(0.99));
        write!(
            out,
            "{} lookups meanwhile; one took {median} ns, in the slowest hundredth {longest} ns",
            self.lookups
        )
    }
}
