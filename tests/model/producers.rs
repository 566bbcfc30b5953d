//! The producer of a chain: how it starts, with which schema, and how it ends.

use std::sync::Arc;

use hollowcast::log::politeness::Manners;
use hollowcast::producer::{Dataset, Producer, ProducerBuilder};

use super::chain::{Chain, DATASET, environment};
use super::kind::Growth;
use super::world::{EDITIONS, SchemaForm};

impl Chain {
    /// The producer.
    pub(crate) fn producer(&mut self) -> &mut Producer {
        self.producer.as_mut().expect("a producer is open between steps")
    }

    /// Compares the producer's own state with the newest version.
    pub(crate) fn check_producer(&self, when: &str) {
        let producer = self.producer.as_ref().expect("a producer is open between steps");
        match self.versions.last() {
            Some(newest) if newest.is_readable => self.world.check(producer.state(), newest, when),
            _ => assert!(producer.version().0 == self.newest() && producer.state().is_empty(), "{when}"),
        }
    }

    /// Ends the producer, in one way or another, and starts one with a schema of its own.
    pub(crate) async fn reopen_producer(&mut self) {
        self.end_producer().await;
        self.form = self.next_form();
        if self.choices.chance(30) {
            self.memory = self.any_memory();
        }
        self.open_producer().await;
        self.check_producer("restoring");
        self.tally.count("restored");
    }

    /// Stops the producer, or lets go of it without a word.
    pub(crate) async fn end_producer(&mut self) {
        let producer = self.producer.take().expect("a producer is open between steps");
        match self.choices.chance(50) {
            true => producer.stop().await,
            false => drop(producer),
        }
    }

    /// The schema of the next producer: it may have gained fields, or lack some, or be one that cannot follow.
    pub(crate) fn next_form(&mut self) -> SchemaForm {
        let SchemaForm { edition, growth } = self.form;
        let any = Growth(self.choices.below(usize::from(Growth::FULL.0) + 1) as u8);
        match self.choices.below(20) {
            0..8 => SchemaForm { edition, growth: Growth((growth.0 + 1).min(Growth::FULL.0)) },
            8..10 => SchemaForm { edition, growth: growth.min(any) },
            10..13 => SchemaForm { edition: (edition + 1) % EDITIONS, growth: any },
            _ => self.form,
        }
    }

    pub(crate) async fn open_producer(&mut self) {
        let producer = self.producer_builder(self.form).start().await;
        self.producer = Some(producer.expect("a producer starts"));
    }

    /// What a producer with a schema of `form` starts from.
    pub(crate) fn producer_builder(&mut self, form: SchemaForm) -> ProducerBuilder {
        let schema = self.world.drafter(form).schema().clone();
        Producer::builder(Dataset::dynamic(DATASET, schema), Arc::clone(&self.store))
            .environment(environment(&self.clock, &mut self.choices))
            .memory(self.memory.clone())
            .spool_folder(self.folder.path())
            .manners(Manners::TakeOver)
            .snapshot_every(self.snapshot_every)
            .snapshots_behind(self.choices.chance(35))
    }
}
