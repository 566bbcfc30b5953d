//! Cycles of a chain: full ones, incremental ones, rollbacks, and such as must fail.

use hollowcast::Error;
use hollowcast::identifiers::Version;
use hollowcast::producer::{CycleOptions, Outcome};

use super::chain::Chain;
use super::content::Content;
use super::outcomes::Expected;
use super::record::KeyShape;
use super::statements::{Stated, write};

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
        let expected = Expected::of(&content, self.form, &options);
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
        let expected = Expected::of(&content, self.form, &options);
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
        // Breaks are rare, so there are two tries to get over one.
        let places = [self.any_kept(), self.any_kept()].map(|place| place.map(|place| &self.versions[place]));
        let [Some(one), Some(other)] = places else { return };
        let known = if self.is_break(one.form) { one } else { other };
        let (version, content, form) = (Version(known.number), known.content.clone(), known.form);
        let mut tags = known.tags.clone();
        // The producer's own schema has no say in it.
        let is_break = self.is_break(form);
        let options = self.options(is_break);
        tags.extend(options.tags.clone());
        let expected = Expected { tags, ..Expected::of(&content, form, &options) };
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
}
