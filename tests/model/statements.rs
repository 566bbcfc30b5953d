//! What the cycles of a chain state: contents, changes, and the words of their records.

use std::collections::BTreeMap;

use hollowcast::Error;
use hollowcast::producer::Writer;

use super::chain::Chain;
use super::content::Content;
use super::record::{KeyShape, Record};

/// A statement of an incremental cycle about a type by its number.
pub(crate) enum Change {
    Upsert(usize, Record),
    Delete(usize, Vec<u8>),
}

/// A record as it is handed to a writer: number of its type, and its words.
pub(crate) type Stated = (usize, Vec<u64>);

impl Chain {
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
    pub(crate) fn next_content(&mut self) -> Content {
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

    pub(crate) fn changes(&mut self, content: &Content) -> Vec<Change> {
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
    pub(crate) fn changes_to_nothing(&mut self, content: &Content) -> Vec<Change> {
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

    pub(crate) fn apply(&self, change: &Change, content: &mut Content) {
        match change {
            Change::Upsert(number, record) => {
                content.0[*number].insert(self.shape_key(*number).identity(record), record.clone());
            }
            // In a full cycle a keyless record is taken out by not stating it.
            Change::Delete(number, identity) => drop(content.0[*number].remove(identity)),
        }
    }

    /// Number of the type, words of a record, key bytes of a deletion.
    pub(crate) fn draft_change(&self, change: &Change) -> (usize, Vec<u64>, Option<Vec<u8>>) {
        match change {
            Change::Upsert(number, record) => (*number, self.draft(*number, record), None),
            Change::Delete(number, key) => (*number, Vec::new(), Some(key.clone())),
        }
    }

    pub(crate) fn draft(&self, number: usize, record: &Record) -> Vec<u64> {
        let record_type = &self.world.edition(self.form).shape.types[number];
        let values = record_type.padded(record, self.form.growth);
        self.world.drafter(self.form).words(&record_type.name, &values)
    }

    /// Numbers of the types that the producer knows.
    pub(crate) fn own_types(&self) -> Vec<usize> {
        let types = self.world.edition(self.form).shape.types.iter().enumerate();
        types
            .filter(|(_, record_type)| record_type.since <= self.form.growth)
            .map(|(number, _)| number)
            .collect()
    }

    pub(crate) fn shape_key(&self, number: usize) -> KeyShape {
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
