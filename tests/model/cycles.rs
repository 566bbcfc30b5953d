//! Cycles of a chain: what is stated, what should come of it, what came of it.

use std::collections::BTreeMap;

use hollowcast::format::Tags;
use hollowcast::identifiers::{Fingerprint, Version};
use hollowcast::producer::{CycleOptions, Outcome, Writer};
use hollowcast::state::Table;
use hollowcast::{Error, ErrorKind};

use super::chain::Chain;
use super::content::{Content, Counts, KnownVersion};
use super::record::{KeyShape, Record};
use super::world::SchemaForm;

/// A statement of an incremental cycle about a type by its number.
enum Change {
    Upsert(usize, Record),
    Delete(usize, Vec<u8>),
}

/// What a version shall be.
struct Expected {
    content: Content,
    form: SchemaForm,
    tags: Tags,
    is_held_back: bool,
}

/// A record as it is handed to a writer: number of its type, and its words.
pub(crate) type Stated = (usize, Vec<u64>);

impl Chain {
    /// States a whole content, in any order.
    pub(crate) async fn full_cycle(&mut self) {
        let content = self.next_content();
        let before = self.content();
        let emptied = before.0.iter().zip(&content.0).any(|(old, new)| !old.is_empty() && new.is_empty());
        let is_meant = !emptied || self.choices.chance(70);
        let is_break = self.is_break(self.form);
        let options =
            CycleOptions { allow_empty: is_break || (emptied && is_meant), ..self.options(is_break) };
        let expected = self.expected(&content, self.form, &options);
        let is_accepted = options.accept_break;
        let outcome = self.state_all(&content, options, |_| ()).await;
        if is_break && !is_accepted {
            self.expect_break_refusal(outcome, "--accept-break");
        } else if is_meant {
            self.expect(outcome, expected);
        } else {
            self.expect_refusal(outcome, "states none");
        }
    }

    /// States some changes; at times only such that change nothing.
    pub(crate) async fn incremental_cycle(&mut self) {
        let mut content = self.content();
        let changes = match self.choices.below(10) {
            0 => self.changes_to_nothing(&content),
            _ => self.changes(&content),
        };
        for change in &changes {
            self.apply(change, &mut content);
        }
        let is_break = self.is_break(self.form);
        let options = self.options(is_break);
        let expected = self.expected(&content, self.form, &options);
        let is_accepted = options.accept_break;
        let drafted: Vec<_> = changes.iter().map(|change| self.draft_change(change)).collect();
        let names = self.names();
        let outcome = self.producer().incremental_with(options, |writer| {
            for (number, words, key) in &drafted {
                let index = writer.type_index(&names[*number])?;
                match key {
                    Some(key) => writer.delete_bytes(index, key)?,
                    None => writer.upsert_words(index, words)?,
                }
            }
            Ok(())
        });
        let outcome = outcome.await;
        match (is_break, is_accepted) {
            (true, true) => self.expect_break_refusal(outcome, "full cycle"),
            (true, false) => self.expect_break_refusal(outcome, "--accept-break"),
            (false, _) => self.expect(outcome, expected),
        }
    }

    /// Publishes the content and the tags of some version again.
    pub(crate) async fn roll_back(&mut self) {
        let Some(place) = self.any_kept() else { return };
        let known = &self.versions[place];
        let (version, content, form) = (Version(known.number), known.content.clone(), known.form);
        let mut tags = known.tags.clone();
        // The producer's own schema has no say in it.
        let is_break = self.is_break(form);
        let options = self.options(is_break);
        tags.extend(options.tags.clone());
        let expected = Expected { tags, ..self.expected(&content, form, &options) };
        let is_accepted = options.accept_break;
        let outcome = self.producer().rollback_with(version, options).await;
        if is_break && !is_accepted {
            return self.expect_break_refusal(outcome, "--accept-break");
        }
        self.expect(outcome, expected);
        self.tally.count(if is_break { "rolled back over a break" } else { "rolled back" });
    }

    /// A cycle that must fail and leave everything as it was.
    pub(crate) async fn refused_cycle(&mut self) {
        let content = self.next_content();
        let keyed =
            self.own_types().into_iter().filter(|number| self.shape_key(*number) != KeyShape::Keyless);
        let keyed: Vec<_> = keyed.filter(|number| !content.0[*number].is_empty()).collect();
        let options = CycleOptions { allow_empty: true, accept_break: true, ..CycleOptions::default() };
        if keyed.is_empty() || self.choices.chance(30) {
            let outcome =
                self.producer().cycle_with(options, |writer| writer.type_index("Nowhere").map(|_| ()));
            let outcome = outcome.await;
            return self.expect_refusal(outcome, "no type Nowhere");
        }
        let number = *self.choices.pick(&keyed);
        let records: Vec<_> = content.0[number].values().cloned().collect();
        let record = self.choices.pick(&records).clone();
        let twice = (number, self.draft(number, &record));
        let outcome = self.state_all(&content, options, |stated| stated.push(twice)).await;
        self.expect_refusal(outcome, "two records with the key");
    }

    /// States all records of `content` after `disturb` had a look at them.
    async fn state_all(
        &mut self,
        content: &Content,
        options: CycleOptions,
        disturb: impl FnOnce(&mut Vec<Stated>),
    ) -> Result<Outcome, Error> {
        let mut stated = self.stated(content);
        disturb(&mut stated);
        self.choices.shuffle(&mut stated);
        let names = self.names();
        let outcome = self.producer().cycle_with(options, |writer| write(writer, &stated, &names));
        outcome.await
    }

    /// All records of `content`; keyless ones at times twice.
    pub(crate) fn stated(&mut self, content: &Content) -> Vec<Stated> {
        let mut stated = Vec::new();
        for number in self.own_types() {
            for record in content.0[number].values() {
                let words = self.draft(number, record);
                if self.shape_key(number) == KeyShape::Keyless && self.choices.chance(20) {
                    stated.push((number, words.clone()));
                }
                stated.push((number, words));
            }
        }
        stated
    }

    /// A content that the producer can state: like the newest one, like an older one, or unlike any.
    fn next_content(&mut self) -> Content {
        let from = match self.choices.below(10) {
            0 => self.without_records(),
            1 => self.any_content(),
            2 => self.every_key(),
            _ => self.content(),
        };
        let mut content = self.narrowed(&from);
        let edits = *self.choices.pick(&[0, 1, 2, 5, 20, 300]);
        for _ in 0..edits {
            let change = self.change(&content);
            self.apply(&change, &mut content);
        }
        if self.choices.chance(5) {
            let number = *self.choices.pick(&self.own_types());
            content.0[number].clear();
        }
        content
    }

    /// The content of some version of the producer's own edition.
    fn any_content(&mut self) -> Content {
        let of_own = self.versions.iter().filter(|version| version.form.edition == self.form.edition);
        let of_own: Vec<&Content> = of_own.map(|version| &version.content).collect();
        match of_own.is_empty() {
            true => self.without_records(),
            false => (*self.choices.pick(&of_own)).clone(),
        }
    }

    /// No records of the producer's own edition.
    pub(crate) fn without_records(&self) -> Content {
        self.world.edition(self.form).without_records()
    }

    /// As many records as there can be.
    pub(crate) fn every_key(&mut self) -> Content {
        let mut content = self.without_records();
        for number in self.own_types() {
            let record_type = &self.world.edition(self.form).shape.types[number];
            for key in 0..record_type.keys {
                let record = record_type.record(&mut self.choices, key, self.form.growth);
                content.0[number].insert(record_type.key.identity(&record), record);
            }
        }
        content
    }

    /// `content` as the producer's own schema can say it: without types and fields that it lacks.
    fn narrowed(&self, content: &Content) -> Content {
        let growth = self.form.growth;
        let types = self.world.edition(self.form).shape.types.iter().zip(&content.0);
        let types = types.map(|(record_type, records)| match record_type.since <= growth {
            false => BTreeMap::new(),
            true => {
                let records = records.values().map(|record| record_type.narrowed(record, growth));
                records.map(|record| (record_type.key.identity(&record), record)).collect()
            }
        });
        Content(types.collect())
    }

    fn changes(&mut self, content: &Content) -> Vec<Change> {
        let mut changes: Vec<_> =
            (0..*self.choices.pick(&[1, 2, 6, 30])).map(|_| self.change(content)).collect();
        // Twice about one key, so that the last word counts.
        if self.choices.chance(50)
            && let Change::Upsert(number, record) = &changes[self.choices.below(changes.len())]
            && self.shape_key(*number) != KeyShape::Keyless
        {
            let (number, key) = (*number, self.shape_key(*number).identity(record));
            changes.push(Change::Delete(number, key));
        }
        self.choices.shuffle(&mut changes);
        changes
    }

    /// One change by a producer of the own growth: half of the keys are new, gone before, or never there.
    fn change(&mut self, content: &Content) -> Change {
        let number = *self.choices.pick(&self.own_types());
        let record_type = &self.world.edition(self.form).shape.types[number];
        let key = self.choices.below(record_type.keys as usize) as u32;
        if record_type.key != KeyShape::Keyless && self.choices.chance(35) {
            return Change::Delete(number, record_type.key.identity(&Record(record_type.key.values(key))));
        }
        let known = &content.0[number];
        if !known.is_empty() && self.choices.chance(15) {
            let place = self.choices.below(known.len());
            let record = known.values().nth(place).expect("it is within the map");
            return Change::Upsert(number, record_type.narrowed(record, self.form.growth));
        }
        Change::Upsert(number, record_type.record(&mut self.choices, key, self.form.growth))
    }

    /// Deletes of absent keys, and records that are there already.
    fn changes_to_nothing(&mut self, content: &Content) -> Vec<Change> {
        let mut changes = Vec::new();
        for number in self.own_types() {
            let record_type = &self.world.edition(self.form).shape.types[number];
            for key in (0..record_type.keys).filter(|_| record_type.key != KeyShape::Keyless).take(20) {
                let identity = record_type.key.identity(&Record(record_type.key.values(key)));
                match content.0[number].get(&identity) {
                    Some(record) if record_type.narrowed(record, self.form.growth) == *record => {
                        changes.push(Change::Upsert(number, record.clone()));
                    }
                    Some(_) => (),
                    None => changes.push(Change::Delete(number, identity)),
                }
            }
        }
        changes
    }

    fn apply(&self, change: &Change, content: &mut Content) {
        match change {
            Change::Upsert(number, record) => {
                content.0[*number].insert(self.shape_key(*number).identity(record), record.clone());
            }
            // In a full cycle a keyless record is taken out by not stating it.
            Change::Delete(number, identity) => drop(content.0[*number].remove(identity)),
        }
    }

    /// Number of the type, words of a record, key bytes of a deletion.
    fn draft_change(&self, change: &Change) -> (usize, Vec<u64>, Option<Vec<u8>>) {
        match change {
            Change::Upsert(number, record) => (*number, self.draft(*number, record), None),
            Change::Delete(number, key) => (*number, Vec::new(), Some(key.clone())),
        }
    }

    fn draft(&self, number: usize, record: &Record) -> Vec<u64> {
        let record_type = &self.world.edition(self.form).shape.types[number];
        let values = record_type.padded(record, self.form.growth);
        self.world.drafter(self.form).words(&record_type.name, &values)
    }

    /// Options of a cycle that has to be a break, or need not be one.
    fn options(&mut self, is_break: bool) -> CycleOptions {
        CycleOptions {
            tags: self.tags(),
            accept_break: self.choices.chance(if is_break { 70 } else { 10 }),
            hold_back: self.hold_back(),
            ..CycleOptions::default()
        }
    }

    fn expected(&self, content: &Content, form: SchemaForm, options: &CycleOptions) -> Expected {
        let (tags, is_held_back) = (options.tags.clone(), options.hold_back.is_some());
        Expected { content: content.clone(), form, tags, is_held_back }
    }

    /// Holds the outcome of a cycle against what is expected, and notes the version that came of it.
    fn expect(&mut self, outcome: Result<Outcome, Error>, expected: Expected) {
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
        self.target.follow(self.versions.len() - 1, is_held_back, &mut self.tally);
        self.check_producer("publishing");
    }

    /// Those of the producer's own state, by number of the type.
    fn type_fingerprints(&mut self, form: SchemaForm) -> Vec<Fingerprint> {
        let (names, state) = (self.world.edition(form).names(), self.producer().state());
        let tables = names.iter().map(|name| state.table(name));
        tables.map(|table| table.map_or(Fingerprint::default(), Table::fingerprint)).collect()
    }

    fn expect_break_refusal(&mut self, outcome: Result<Outcome, Error>, message: &str) {
        self.expect_refusal(outcome, message);
        self.tally.count("break refused");
    }

    fn expect_refusal(&mut self, outcome: Result<Outcome, Error>, message: &str) {
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

    /// Numbers of the types that the producer knows.
    pub(crate) fn own_types(&self) -> Vec<usize> {
        let types = self.world.edition(self.form).shape.types.iter().enumerate();
        types
            .filter(|(_, record_type)| record_type.since <= self.form.growth)
            .map(|(number, _)| number)
            .collect()
    }

    fn shape_key(&self, number: usize) -> KeyShape {
        self.world.edition(self.form).shape.types[number].key
    }

    /// Names of the types of the producer's own edition, by number.
    pub(crate) fn names(&self) -> Vec<String> {
        self.world.edition(self.form).names()
    }
}

/// Adds all that is stated, of the types of these names.
pub(crate) fn write(writer: &Writer, stated: &[Stated], names: &[String]) -> Result<(), Error> {
    for (number, words) in stated {
        writer.add_words(writer.type_index(&names[*number])?, words)?;
    }
    Ok(())
}
