//! The tour's consumer: a process that follows the dataset, says what happens as JSON lines, and does what its standard input asks.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, Memory, Refresh, RefreshListener};
use hollowcast::state::State;
use serde::{Deserialize, Serialize};

use super::folder::Tour;
use crate::output::print_json;

/// How often the store is looked at, so that nobody waits: a fleet would look every ten seconds, or have a bus.
const POLL: PollOptions =
    PollOptions { interval: Duration::from_millis(100), unprompted: Duration::from_secs(5) };
/// Lookups that are timed.
const LOOKUPS: usize = 1_000_000;
/// What the consumer is asked for.
pub(super) const LOOK_UP: &str = "look up";

/// What the consumer says, one JSON object a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// A version became visible.
    Refreshed { version: u64, route: String, fetched_bytes: u64, records: u64, milliseconds: f64 },
    /// It could not move.
    Failed { error: String },
    /// Records were looked up, each lookup timed.
    LookedUp {
        version: u64,
        lookups: usize,
        p50_nanoseconds: u32,
        p99_nanoseconds: u32,
        /// What the timer takes by itself, in the middle.
        timer_nanoseconds: u32,
    },
}

/// Follows until standard input ends.
pub(super) async fn run(folder: &Path) -> Result<()> {
    let tour = Tour::of(folder);
    let store = hollowcast::store::existing_local(&tour.store).map_err(hollowcast::Error::from)?;
    let consumer = Consumer::builder("airports", store)
        .memory(Memory::Mapped(Some(tour.consumer_state)))
        .poll(POLL)
        .listener(Arc::new(Teller))
        .start()
        .await?;
    let asked = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            if line? == LOOK_UP {
                print_json(&look_up(&consumer.state())?)?;
            }
        }
        Ok(())
    });
    asked.await?
}

struct Teller;

impl RefreshListener for Teller {
    fn refreshed(&self, refresh: &Refresh) {
        let Some(route) = refresh.route else { return };
        tell(&Event::Refreshed {
            version: refresh.to.0,
            route: route.to_string(),
            fetched_bytes: refresh.fetched_bytes,
            records: refresh.records,
            milliseconds: refresh.elapsed.as_secs_f64() * 1e3,
        });
    }

    fn failed(&self, error: &hollowcast::Error) {
        tell(&Event::Failed { error: error.to_string() });
    }
}

/// Whoever listened may be gone, and then standard input ends too.
fn tell(event: &Event) {
    let _ = print_json(event);
}

/// Looks up airports at random, and reads the elevation of each: the time of every single lookup, the timer's own included.
fn look_up(state: &State) -> Result<Event> {
    let table = state.table("Airport").context("the dataset has airports")?;
    let mut keys = Vec::new();
    for row in table.rows() {
        let mut key = Vec::new();
        table.keys().write_bytes(row.reader(), &mut key).map_err(hollowcast::Error::from)?;
        keys.push(key);
    }
    let mut random = 1u64;
    let (mut lookups, mut timer) = (Vec::with_capacity(LOOKUPS), Vec::with_capacity(LOOKUPS));
    for _ in 0..LOOKUPS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Whoever looks a record up has its key at hand.
        let key = keys[(random >> 33) as usize % keys.len()].clone();
        let started = Instant::now();
        let found = table.get_bytes(std::hint::black_box(&key)).map(|row| row.reader().u64(0));
        lookups.push(started.elapsed().as_nanos() as u32);
        std::hint::black_box(found.context("every key of the state is found")?);
        timer.push(Instant::now().elapsed().as_nanos() as u32);
    }
    lookups.sort_unstable();
    timer.sort_unstable();
    Ok(Event::LookedUp {
        version: state.version().0,
        lookups: LOOKUPS,
        p50_nanoseconds: lookups[LOOKUPS / 2],
        p99_nanoseconds: lookups[LOOKUPS / 100 * 99],
        timer_nanoseconds: timer[LOOKUPS / 2],
    })
}
