//! Reading: what a lookup costs when each depends on the last, in a loop, and when everything is cached.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use hollowcast::state::{State, TypedTable};

use super::Options;
use hollowcast_measure::dataset::{CHANGED, Setup, consumer, mapped_bytes};
use hollowcast_measure::generator::{Movie, Stream};
use hollowcast_measure::lookups::sum_of_answers as run;
use hollowcast_measure::machine::DependentLoads;
use hollowcast_measure::movies_capnp::movie;
use hollowcast_measure::report::{Report, Samples};

/// Lookups of one figure in one round.
const LOOKUPS: u64 = 2_000_000;
/// Keys of the figures for which everything is cached.
const CACHED: usize = 1000;

type Movies = TypedTable<movie::Owned, u32>;

/// A figure: what is done with each key.
struct Figure {
    name: &'static str,
    run: fn(&Subject, &[u32]) -> u64,
    /// Whether the keys are all of the dataset's or a few.
    cached: bool,
    samples: Samples,
}

/// What is looked up in.
struct Subject {
    movies: Movies,
    state: std::sync::Arc<State>,
    map: HashMap<u32, Movie>,
}

/// Measures on a state with one delta of 1 % over its snapshot, as a consumer has most of the time.
pub async fn measure(options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    Report::heading("Lookups (keys at random over all records; a state one delta of 1 % after its snapshot)");
    let mut setup = Setup::<Movie>::new(options.records, folder, u64::MAX).await?;
    setup.full().await?;
    let consumer = consumer(&setup.store, &folder.join("consumer")).await?;
    let change = setup.live.change(CHANGED);
    setup.incremental(&change).await?;
    consumer.refresh().await?;
    let state = consumer.state();
    let loads = DependentLoads::new(&folder.join("limit"), mapped_bytes(&state)?)?;
    let map = setup.live.records().map(|(id, version)| (id, Movie::new(id, version))).collect();
    let subject = Subject { movies: consumer.table()?, state, map };

    let mut stream = Stream::new(7);
    let ids = setup.live.ids();
    let keys: Vec<u32> = (0..LOOKUPS).map(|_| ids[stream.below(ids.len() as u64) as usize]).collect();
    let cached: Vec<u32> = keys.iter().cycle().take(CACHED).copied().collect();
    let cached: Vec<u32> = cached.iter().cycle().take(LOOKUPS as usize).copied().collect();

    let mut figures = figures();
    let (mut dependent, mut independent) = (Samples::default(), Samples::default());
    for _ in 0..options.rounds {
        dependent.push(loads.nanoseconds(LOOKUPS));
        independent.push(loads.independent_nanoseconds(LOOKUPS));
        for figure in &mut figures {
            let keys = if figure.cached { &cached } else { &keys };
            let started = Instant::now();
            black_box((figure.run)(&subject, keys));
            figure.samples.push(started.elapsed().as_nanos() as f64 / keys.len() as f64);
        }
    }
    report.add(
        "loads that do not depend on each other",
        "ns",
        &independent,
        Some(("a dependent load", &dependent)),
    );
    for figure in &figures {
        report.add(figure.name, "ns", &figure.samples, Some(("a dependent load", &dependent)));
    }
    scan(options, &subject, report);
    setup.producer.stop().await;
    Ok(())
}

fn figures() -> Vec<Figure> {
    let figure = |name, run, cached| Figure { name, run, cached, samples: Samples::default() };
    vec![
        figure("lookup + number, isolated", isolated_number, false),
        figure("lookup + number, in a loop", number, false),
        figure("lookup + number + text, isolated", isolated_text, false),
        figure("lookup + number + text, in a loop", text, false),
        figure("lookup + number by key bytes, in a loop", by_bytes, false),
        figure("lookup of an absent key, in a loop", absent, false),
        figure("lookup + number, everything cached", number, true),
        figure("std's HashMap of structs + number, isolated", map_isolated, false),
        figure("std's HashMap of structs + number, in a loop", map_number, false),
    ]
}

fn isolated_number(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, true, |key| year(subject, key))
}

fn number(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, false, |key| year(subject, key))
}

fn isolated_text(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, true, |key| year_and_title(subject, key))
}

fn text(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, false, |key| year_and_title(subject, key))
}

fn by_bytes(subject: &Subject, keys: &[u32]) -> u64 {
    let table = &subject.state.tables()[0];
    run(keys, false, |key| {
        table.get_bytes(&key.to_le_bytes()).map_or(0, |row| row.reader().u64(0) & 0xFFFF_FFFF)
    })
}

fn absent(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, false, |key| u64::from(subject.movies.get(&subject.state, key | 1 << 31).is_none()))
}

fn map_isolated(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, true, |key| u64::from(subject.map[&key].year))
}

fn map_number(subject: &Subject, keys: &[u32]) -> u64 {
    run(keys, false, |key| u64::from(subject.map[&key].year))
}

#[inline(always)]
fn year(subject: &Subject, key: u32) -> u64 {
    u64::from(subject.movies.get(&subject.state, key).expect("every key is there").get_year())
}

#[inline(always)]
fn year_and_title(subject: &Subject, key: u32) -> u64 {
    let movie = subject.movies.get(&subject.state, key).expect("every key is there");
    let title = movie.get_title().expect("every movie has a title").as_bytes();
    u64::from(movie.get_year()) + u64::from(title[title.len() - 1])
}

fn scan(options: &Options, subject: &Subject, report: &mut Report) {
    let mut samples = Samples::default();
    for _ in 0..options.rounds {
        let started = Instant::now();
        black_box(subject.movies.iter(&subject.state).map(|movie| u64::from(movie.get_year())).sum::<u64>());
        samples.push(started.elapsed().as_nanos() as f64 / subject.state.len() as f64);
    }
    report.add("scan of one number, a record", "ns", &samples, None);
}
