//! What a collector of metrics reads from a line of the export, against what there is to tell.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use hollowcast::consumer::Consumer;

use super::business::Figures;
use super::collector::{Collector, Cycles, Durations, Refreshes};

/// A wall clock goes on while one looks at it, in whole milliseconds.
const TICK: Duration = Duration::from_millis(2);

/// What `line` says, which was made after `begun`; fails if it says anything but what collector and consumers hold.
pub(crate) fn read(
    line: &str,
    begun: Instant,
    collector: &Collector,
    consumers: &[Arc<Consumer>],
) -> Result<Value> {
    let read: Value = serde_json::from_str(line)?;
    let keys: Vec<&String> = read.as_object().context("the line is no object")?.keys().collect();
    ensure!(keys == ["after", "business", "consumers", "cycles", "refreshes"], "the line has {keys:?}");
    same("cycles", &read["cycles"], &cycles(&collector.cycles()))?;
    // A rebase goes on by itself, and may have ended since.
    let rebases = number(&read["refreshes"]["rebases"])?;
    ensure!(rebases <= collector.rebases(), "{rebases} rebases, of {}", collector.rebases());
    same("refreshes", &read["refreshes"], &refreshes(&collector.refreshes(), rebases))?;
    let gauges = read["consumers"].as_array().context("there are no consumers")?;
    ensure!(gauges.len() == consumers.len(), "{} consumers", gauges.len());
    consumers.iter().zip(gauges).try_for_each(|(consumer, gauges)| check_gauges(gauges, begun, consumer))?;
    check_figures(&read["business"], &Figures::of(&consumers[0].read())?)?;
    Ok(read)
}

/// A whole number.
pub(crate) fn number(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("{value} is no number"))
}

fn same(what: &str, read: &Value, held: &Value) -> Result<()> {
    ensure!(read == held, "{what}: {held}, and the line says {read}");
    Ok(())
}

fn cycles(held: &Cycles) -> Value {
    let stages = held.stages.iter().map(|(stage, took)| ((*stage).to_owned(), durations(took)));
    json!({
        "published": held.published,
        "unchanged": held.unchanged,
        "failed": held.failed,
        "uploaded_bytes": held.uploaded_bytes,
        "changed_records": held.changed_records,
        "stages": stages.collect::<Map<_, _>>(),
    })
}

fn refreshes(held: &Refreshes, rebases: u64) -> Value {
    json!({
        "looks": held.looks,
        "moves": held.moves,
        "failed": held.failed,
        "refused_blobs": held.refused_blobs,
        "fetched_bytes": held.fetched_bytes,
        "rebases": rebases,
        "rebases_failed": held.rebases_failed,
        "took": durations(&held.took),
    })
}

fn durations(held: &Durations) -> Value {
    json!({
        "count": held.count(),
        "median_us": held.quantile(0.5),
        "p99_us": held.quantile(0.99),
        "longest_us": held.quantile(1.0),
    })
}

fn check_gauges(gauges: &Value, begun: Instant, consumer: &Consumer) -> Result<()> {
    let keys: Vec<&String> = gauges.as_object().context("gauges are no object")?.keys().collect();
    let expected = ["age_ms", "held_by", "oldest_retired_ms", "pinned_to", "retired_states", "version"];
    ensure!(keys == expected, "gauges are {keys:?}");
    let version = number(&gauges["version"])?;
    ensure!(version == consumer.read().version().0, "version {version} is not served");
    let (held_by, pinned_to) =
        (consumer.hold().map(|hold| hold.by.clone()), consumer.pinned().map(|at| at.0));
    same("who holds it", &gauges["held_by"], &json!(held_by))?;
    same("where it pinned itself", &gauges["pinned_to"], &json!(pinned_to))?;
    let told = Duration::from_millis(number(&gauges["age_ms"])?);
    let age = SystemTime::now().duration_since(consumer.confirmed_at())?;
    let is_right = told <= age + TICK && age <= told + begun.elapsed() + TICK;
    ensure!(is_right, "data is {age:?} old, and the line says {told:?}");
    let retired = number(&gauges["retired_states"])?;
    let oldest = &gauges["oldest_retired_ms"];
    ensure!(oldest.is_null() == (retired == 0), "{retired} retired states, the oldest for {oldest}");
    Ok(())
}

fn check_figures(read: &Value, held: &Figures) -> Result<()> {
    let totals = (number(&read["version"])?, number(&read["records"])?);
    ensure!(totals == (held.version, held.records), "figures of {totals:?}");
    let categories = read["categories"].as_object().context("there are no categories")?;
    ensure!(categories.len() == held.categories.len(), "{} categories", categories.len());
    for (name, held) in &held.categories {
        let read = categories.get(*name).with_context(|| format!("{name} is not told of"))?;
        let (records, stock) = (number(&read["records"])?, number(&read["stock"])?);
        ensure!((records, stock) == (held.records, held.stock), "{name}: {stock} of {records}");
        let cents = read["average_cents"].as_f64().context("the average is no number")?;
        ensure!((cents - held.average_cents).abs() < 1e-6, "{name}: {cents} cents");
    }
    Ok(())
}
