//! What should come of a cycle, and what came of it.

use hollowcast::format::Tags;
use hollowcast::identifiers::Fingerprint;
use hollowcast::producer::{CycleOptions, Outcome};
use hollowcast::state::Table;
use hollowcast::{Error, ErrorKind};

use super::chain::Chain;
use super::content::{Content, Counts, KnownVersion};
use super::world::SchemaForm;

/// What a version shall be.
pub(crate) struct Expected {
    pub(crate) content: Content,
    pub(crate) form: SchemaForm,
    pub(crate) tags: Tags,
    pub(crate) is_held_back: bool,
}

impl Expected {
    /// Of a cycle with these options that states `content` under a schema of `form`.
    pub(crate) fn of(content: &Content, form: SchemaForm, options: &CycleOptions) -> Self {
        let (tags, is_held_back) = (options.tags.clone(), options.hold_back.is_some());
        Self { content: content.clone(), form, tags, is_held_back }
    }
}

impl Chain {
    /// Options of a cycle that has to be a break, or need not be one.
    pub(crate) fn options(&mut self, is_break: bool) -> CycleOptions {
        CycleOptions {
            tags: self.tags(),
            accept_break: self.choices.chance(if is_break { 80 } else { 10 }),
            hold_back: self.hold_back(),
            ..CycleOptions::default()
        }
    }

    /// Holds the outcome of a cycle against what is expected, and notes the version that came of it.
    pub(crate) fn expect(&mut self, outcome: Result<Outcome, Error>, expected: Expected) {
        let Expected { content, form, tags, is_held_back } = expected;
        let (before, is_break) = (self.ground(form), self.is_break(form));
        let outcome = outcome.unwrap_or_else(|error| panic!("version {}: {error}", self.newest() + 1));
        assert_eq!(matches!(outcome, Outcome::Unchanged(_)), !is_break && before == content, "{outcome:?}");
        let Outcome::Published(publication) = outcome else {
            assert_eq!(outcome.version().0, self.newest());
            self.tally.count("unchanged");
            return self.check_producer("changing nothing");
        };
        assert_eq!(publication.version.0, self.newest() + 1);
        for (name, records, counts) in &publication.types {
            let number = self.world.edition(form).shape.find(name);
            let counts = Counts { added: counts.added, removed: counts.removed, changed: counts.changed };
            assert_eq!(*records, content.0[number].len() as u64, "records of {name}");
            assert_eq!(counts, Counts::between(&before.0[number], &content.0[number]), "counts of {name}");
        }
        assert_eq!(publication.bytes.delta.is_none(), is_break || self.versions.is_empty());
        let form = self.form_of_next(form);
        let fingerprint = self.producer().state().fingerprint();
        for other in self.versions.iter().filter(|other| other.form.edition == form.edition) {
            let number = other.number;
            assert_eq!(other.fingerprint == fingerprint, other.content == content, "like version {number}");
        }
        self.tally.count("published");
        if publication.bytes.snapshot.is_some() {
            self.tally.count("published with snapshot");
        }
        if is_break {
            self.tally.count("broken off");
        } else if self.versions.last().is_some_and(|version| version.form.growth < form.growth) {
            self.tally.count("grown");
        }
        self.world.remember(form, &content);
        let (number, reference) = (self.newest() + 1, publication.manifest);
        let type_fingerprints = self.type_fingerprints(form);
        let has_snapshot = publication.bytes.snapshot.is_some();
        self.versions.push(KnownVersion {
            number,
            content,
            form,
            is_break,
            is_readable: true,
            has_snapshot,
            tags,
            reference,
            fingerprint,
            type_fingerprints,
        });
        self.targets.follow(self.versions.len() - 1, is_held_back, &mut self.tally);
        self.check_producer("publishing");
    }

    /// Those of the producer's own state, by number of the type.
    fn type_fingerprints(&mut self, form: SchemaForm) -> Vec<Fingerprint> {
        let (names, state) = (self.world.edition(form).names(), self.producer().state());
        let tables = names.iter().map(|name| state.table(name));
        tables.map(|table| table.map_or(Fingerprint::default(), Table::fingerprint)).collect()
    }

    pub(crate) fn expect_break_refusal(&mut self, outcome: Result<Outcome, Error>, message: &str) {
        self.expect_refusal(outcome, message);
        self.tally.count("break refused");
    }

    pub(crate) fn expect_refusal(&mut self, outcome: Result<Outcome, Error>, message: &str) {
        let error = outcome.expect_err(message);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        self.check_producer("failing");
        self.tally.count("refused");
    }

    fn tags(&mut self) -> Tags {
        let mut tags = Tags::new();
        if self.choices.chance(50) {
            tags.insert("step".to_owned(), self.choices.below(5).to_string());
        }
        tags
    }
}
