//! How many records a type may have.

use std::fmt;

use super::Validator;
use super::candidate::Candidate;
use super::verdict::Finding;
use crate::state::Table;

/// Refuses a version in which a type has fewer records than it should.
#[derive(Clone, Debug)]
pub struct MinimumCount {
    /// The type; every type of the new version for `None`.
    pub type_name: Option<String>,
    /// Fewest records it may have.
    pub records: u64,
}

impl MinimumCount {
    /// No type may have fewer records.
    #[must_use]
    pub fn new(records: u64) -> Self {
        Self { type_name: None, records }
    }

    /// Judges this type only.
    #[must_use]
    pub fn of_type(mut self, type_name: impl Into<String>) -> Self {
        self.type_name = Some(type_name.into());
        self
    }
}

impl Validator for MinimumCount {
    fn name(&self) -> &'static str {
        "minimum count"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let after = candidate.after();
        if let Some(name) = self.type_name.as_ref().filter(|name| after.table(name).is_none()) {
            return vec![Finding::no_such_type(name)];
        }
        let wanted = after.tables().iter().filter(|table| is_wanted(self.type_name.as_ref(), table.name()));
        let few = wanted.filter(|table| table.len() < self.records).map(|table| {
            let finding = Finding::new("it has fewer records than it should").of_type(table.name());
            finding.expected(format_args!("at least {}", self.records), table.len())
        });
        few.collect()
    }
}

/// Whether a validator of one type or of all judges the type called `name`.
fn is_wanted(only: Option<&String>, name: &str) -> bool {
    only.is_none_or(|only| only == name)
}

/// How much a number of records may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// By so many records.
    Records(u64),
    /// By such a share of the records before, in percent. A type without records before is not judged by it.
    Percent(f64),
}

impl Limit {
    fn is_exceeded(self, before: u64, difference: u64) -> bool {
        match self {
            Self::Records(limit) => difference > limit,
            Self::Percent(limit) => before > 0 && difference as f64 * 100.0 > limit * before as f64,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(records) => records.fmt(out),
            Self::Percent(percent) => write!(out, "{percent} %"),
        }
    }
}

/// Refuses a version in which a type's number of records changes too much. The first version is compared with nothing, and passes; so does a
/// type that the version before did not have.
#[derive(Clone, Debug)]
pub struct CountChange {
    /// The type; every type of the version before for `None`.
    pub type_name: Option<String>,
    /// How many more records it may have; `None` for any number.
    pub growth: Option<Limit>,
    /// How many fewer.
    pub shrinkage: Option<Limit>,
}

impl CountChange {
    /// No type may have more records than before by more than `limit`.
    #[must_use]
    pub fn growth(limit: Limit) -> Self {
        Self { type_name: None, growth: Some(limit), shrinkage: None }
    }

    /// No type may have fewer records than before by more than `limit`: "not more than 10 % fewer".
    #[must_use]
    pub fn shrinkage(limit: Limit) -> Self {
        Self { type_name: None, growth: None, shrinkage: Some(limit) }
    }

    /// Both.
    #[must_use]
    pub fn either_way(limit: Limit) -> Self {
        Self { type_name: None, growth: Some(limit), shrinkage: Some(limit) }
    }

    /// Judges this type only.
    #[must_use]
    pub fn of_type(mut self, type_name: impl Into<String>) -> Self {
        self.type_name = Some(type_name.into());
        self
    }

    fn judge_type(&self, type_name: &str, before: u64, after: u64) -> Option<Finding> {
        let (limit, difference, direction) = match after < before {
            true => (self.shrinkage?, before - after, "fewer"),
            false => (self.growth?, after - before, "more"),
        };
        if !limit.is_exceeded(before, difference) {
            return None;
        }
        let share = match before {
            0 => String::new(),
            _ => format!(", {:.1} %", difference as f64 * 100.0 / before as f64),
        };
        let found = format!("{after} ({difference} {direction}{share})");
        let finding = Finding::new(format!("too many records {direction} than in the version before"));
        let expected = format!("at most {limit} {direction} than {before}");
        Some(finding.of_type(type_name).expected(expected, found))
    }
}

impl Validator for CountChange {
    fn name(&self) -> &'static str {
        "count change"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let after = candidate.after();
        let wanted = |(name, _): &(&str, u64)| is_wanted(self.type_name.as_ref(), name);
        let before: Vec<(&str, u64)> = candidate.counts_before().filter(wanted).collect();
        if let Some(name) = &self.type_name
            && before.is_empty()
            && after.table(name).is_none()
        {
            return vec![Finding::no_such_type(name)];
        }
        if candidate.before().version().is_none() {
            return Vec::new();
        }
        let findings = before.into_iter().filter_map(|(name, records)| {
            let left = after.table(name).map_or(0, Table::len);
            self.judge_type(name, records, left)
        });
        findings.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(change: &CountChange, before: u64, after: u64) -> bool {
        change.judge_type("City", before, after).is_some()
    }

    #[test]
    fn a_limit_is_what_is_still_allowed() {
        let tenth = CountChange::shrinkage(Limit::Percent(10.0));
        assert!(!refuses(&tenth, 30, 27) && refuses(&tenth, 30, 26) && !refuses(&tenth, 30, 300));
        assert!(!refuses(&tenth, 0, 0));
        let all = CountChange::shrinkage(Limit::Percent(100.0));
        assert!(!refuses(&all, 30, 0));
        let none = CountChange::either_way(Limit::Percent(0.0));
        assert!(refuses(&none, 1000, 999) && refuses(&none, 1000, 1001) && !refuses(&none, 1000, 1000));
        assert!(!refuses(&none, 0, 7), "a share of nothing says nothing");
        let few = CountChange::growth(Limit::Records(5));
        assert!(!refuses(&few, 0, 5) && refuses(&few, 0, 6) && !refuses(&few, 9, 0));
    }

    #[test]
    fn figures_say_what_was_and_what_would_be() {
        let finding = CountChange::shrinkage(Limit::Percent(12.5)).judge_type("City", 200, 150).unwrap();
        assert_eq!(
            finding.to_string(),
            "type City: too many records fewer than in the version before: \
             expected at most 12.5 % fewer than 200, found 150 (50 fewer, 25.0 %)"
        );
    }
}
