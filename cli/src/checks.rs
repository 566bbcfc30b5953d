//! What must hold before `publish` releases a version, as flags.

use std::str::FromStr;

use clap::Args;
use hollowcast::producer::{CountChange, DanglingReferences, Limit, MinimumCount, ProducerBuilder};

/// Checks of the new version; if one fails, nothing is published.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Checks before anything is published")]
pub struct Checks {
    /// Refuse fewer records: `100` for every type, `Airport=100` for one
    #[arg(long, value_name = "[TYPE=]COUNT")]
    min_count: Vec<OfType<u64>>,
    /// Refuse fewer records than in the version before by more than this: `10%`, `1000`, `Airport=10%`
    #[arg(long, value_name = "[TYPE=]LIMIT")]
    max_shrink: Vec<OfType<CountLimit>>,
    /// The same for fewer records as well as for more
    #[arg(long, value_name = "[TYPE=]LIMIT")]
    max_change: Vec<OfType<CountLimit>>,
    /// Refuse references that lead to no record
    #[arg(long)]
    no_dangling: bool,
}

impl Checks {
    /// Has `producer` make them.
    #[must_use]
    pub fn add_to(&self, mut producer: ProducerBuilder) -> ProducerBuilder {
        for OfType { type_name, value } in self.min_count.clone() {
            producer = producer.validator(MinimumCount { type_name, records: value });
        }
        for OfType { type_name, value } in self.max_shrink.clone() {
            producer = producer.validator(CountChange { type_name, ..CountChange::shrinkage(value.0) });
        }
        for OfType { type_name, value } in self.max_change.clone() {
            producer = producer.validator(CountChange { type_name, ..CountChange::either_way(value.0) });
        }
        match self.no_dangling {
            true => producer.validator(DanglingReferences::default()),
            false => producer,
        }
    }
}

/// A value for every type, or for one that is named before it.
#[derive(Clone, Debug, PartialEq)]
struct OfType<V> {
    type_name: Option<String>,
    value: V,
}

impl<V: FromStr<Err: std::fmt::Display>> FromStr for OfType<V> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (type_name, value) = match text.split_once('=') {
            Some(("", _)) => return Err("a type's name goes before the =".to_owned()),
            Some((name, value)) => (Some(name.to_owned()), value),
            None => (None, text),
        };
        let value = value.parse().map_err(|error: V::Err| error.to_string())?;
        Ok(Self { type_name, value })
    }
}

/// [`Limit`] as it is typed: `1000` or `10%`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CountLimit(Limit);

impl FromStr for CountLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = match text.strip_suffix('%') {
            Some(percent) => {
                percent.trim().parse().ok().filter(|percent| *percent >= 0.0).map(Limit::Percent)
            }
            None => text.parse().ok().map(Limit::Records),
        };
        limit.map(Self).ok_or("expected a number of records, such as 1000, or a share, such as 10%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_shares_of_one_type_or_of_all() {
        let of = |type_name: Option<&str>, limit| OfType {
            type_name: type_name.map(str::to_owned),
            value: CountLimit(limit),
        };
        let parse = |text: &str| text.parse::<OfType<CountLimit>>();
        assert_eq!(parse("10%"), Ok(of(None, Limit::Percent(10.0))));
        assert_eq!(parse("Airport=0.5 %"), Ok(of(Some("Airport"), Limit::Percent(0.5))));
        assert_eq!(parse("1000"), Ok(of(None, Limit::Records(1000))));
        assert_eq!(parse("Airport=0"), Ok(of(Some("Airport"), Limit::Records(0))));
        for wrong in ["", "%", "-1", "-1%", "NaN%", "ten", "1.5", "=5", "Airport=", "A=B=5"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!("Airport=five".parse::<OfType<u64>>().unwrap_err().contains("invalid digit"));
    }
}
