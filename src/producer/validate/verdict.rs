//! What a validator says.

use std::fmt;

/// Records that a finding names at most; it counts the others.
pub const MAX_EXAMPLES: usize = 10;

/// What one validator said of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Name of the validator.
    pub validator: String,
    /// Everything it found wrong; nothing if the candidate passed.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether the candidate may be published as far as this validator knows.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that is wrong with a candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The type that it is about, if it is about one.
    pub type_name: Option<String>,
    /// What is wrong, in words.
    pub reason: String,
    /// What should be, and what is.
    pub figures: Option<(String, String)>,
    /// How many records (or references) it is about; 0 if it is not about single ones.
    pub count: u64,
    /// Keys of some of them, at most [`MAX_EXAMPLES`].
    pub examples: Vec<String>,
}

impl Finding {
    /// Something that is wrong: lower-case, without a full stop.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }

    /// A validator of a type that is not there has been given a wrong name, and finds that.
    pub(super) fn no_such_type(type_name: &str) -> Self {
        Self::new("the dataset has no such type").of_type(type_name)
    }

    /// The type that it is about.
    #[must_use]
    pub fn of_type(mut self, type_name: impl Into<String>) -> Self {
        self.type_name = Some(type_name.into());
        self
    }

    /// What should be, and what is: "at least 100 records", "7".
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.figures = Some((expected.to_string(), found.to_string()));
        self
    }

    /// How many records it is about, and keys of some; those beyond [`MAX_EXAMPLES`] are left out.
    #[must_use]
    pub fn records(mut self, count: u64, examples: impl IntoIterator<Item = String>) -> Self {
        self.count = count;
        self.examples = examples.into_iter().take(MAX_EXAMPLES).collect();
        self
    }
}

/// `type City: fewer records than asked for: expected at least 4, found 3`
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(type_name) = &self.type_name {
            write!(out, "type {type_name}: ")?;
        }
        out.write_str(&self.reason)?;
        if let Some((expected, found)) = &self.figures {
            write!(out, ": expected {expected}, found {found}")?;
        }
        if self.count > 0 {
            write!(out, ", {} in all", self.count)?;
        }
        match self.examples.as_slice() {
            [] => Ok(()),
            examples if examples.len() as u64 == self.count => write!(out, ": {}", examples.join("; ")),
            examples => write!(out, ", among them {}", examples.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_a_few_records_and_counts_all() {
        let keys = |count: u64| (0..count).map(|key| key.to_string());
        let many = Finding::new("prices double").of_type("Product").records(12, keys(12));
        assert_eq!(many.examples.len(), MAX_EXAMPLES);
        let words = "type Product: prices double, 12 in all, among them 0; 1; 2; 3; 4; 5; 6; 7; 8; 9";
        assert_eq!(many.to_string(), words);
        let few = Finding::new("prices double").expected("at most 1", 2).records(2, keys(2));
        assert_eq!(few.to_string(), "prices double: expected at most 1, found 2, 2 in all: 0; 1");
    }
}
