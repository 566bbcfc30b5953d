//! Figures, each beside the limit it is held against.

use serde_json::{Value, json};

/// The values of one figure over the rounds.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Lowest, middle and highest value.
    #[must_use]
    pub fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
    }

    #[must_use]
    pub fn median(&self) -> f64 {
        self.spread().1
    }
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    rows: Vec<Value>,
}

impl Report {
    /// A heading, on the terminal only.
    pub fn heading(text: &str) {
        println!("\n{text}");
    }

    /// A figure and its limit, both in `unit`; printed at once.
    pub fn add(&mut self, name: &str, unit: &str, samples: &Samples, limit: Option<(&str, &Samples)>) {
        let (low, median, high) = samples.spread();
        let own = format!("{:>9} {unit:<5} ({} .. {})", digits(median), digits(low), digits(high));
        let mut row = json!({"name": name, "unit": unit, "median": median, "low": low, "high": high});
        match limit {
            Some((what, limit)) => {
                let ratio = median / limit.median();
                println!("  {name:<46} {own:<34} {} x {what} ({})", digits(ratio), digits(limit.median()));
                row["limit"] = json!({"name": what, "median": limit.median(), "ratio": ratio});
            }
            None => println!("  {name:<46} {own}"),
        }
        self.rows.push(row);
    }

    /// Everything, for programs.
    #[must_use]
    pub fn json(&self, machine: &str) -> Value {
        json!({"machine": machine, "figures": self.rows})
    }
}

/// Three significant digits.
fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
