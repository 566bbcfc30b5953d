//! Which types of a dataset somebody wants (keeps semantics 22).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Schema;

/// All types of a dataset, or some of them by name. Cheap to clone.
///
/// A name may belong to a type that the dataset gains later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeFilter {
    /// `None` for all.
    chosen: Option<Arc<BTreeSet<String>>>,
}

impl TypeFilter {
    /// Every type, those that come later too.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The types of these names, and no other.
    #[must_use]
    pub fn only<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { chosen: Some(Arc::new(names.into_iter().map(|name| name.as_ref().to_owned()).collect())) }
    }

    /// Whether the type called `name` is wanted.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(name))
    }

    /// The names that were chosen, in order; `None` for all.
    #[must_use]
    pub fn chosen(&self) -> Option<&BTreeSet<String>> {
        self.chosen.as_deref()
    }

    /// The first of the wanted types that is not among `present`; for all types, of those that `schema` has.
    pub(crate) fn missing_from<'n>(
        &'n self,
        present: &BTreeSet<&str>,
        schema: &'n Schema,
    ) -> Option<&'n str> {
        match &self.chosen {
            Some(chosen) => chosen.iter().map(String::as_str).find(|name| !present.contains(name)),
            None => {
                let names = schema.types().iter().map(|record_type| record_type.name.as_str());
                names.into_iter().find(|name| !present.contains(name))
            }
        }
    }
}

impl fmt::Display for TypeFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.chosen {
            Some(chosen) => out.write_str(&chosen.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
            None => out.write_str("all types"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_what_it_names_and_all_has_everything() {
        let some = TypeFilter::only(["Movie", "Actor"]);
        assert!(some.has("Movie") && some.has("Actor") && !some.has("movie") && !some.has(""));
        assert!(TypeFilter::all().has("Movie") && !TypeFilter::only(Vec::<String>::new()).has("Movie"));
        assert_eq!(some, TypeFilter::only(["Actor", "Movie", "Actor"]), "order and repetition say nothing");
        assert_ne!(some, TypeFilter::all());
    }
}
