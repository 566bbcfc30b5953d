//! One producer after another: those that stand by, take over, are fenced, and stand by again.

use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::producer::{CycleOptions, Standby};

use super::chain::Chain;
use super::statements::write;
use super::world::SchemaForm;

/// Longer than a producer may show no sign of life.
const PATIENCE: Duration = Duration::from_secs(20);

impl Chain {
    /// Lets a producer that stands by take over from one that ends. Time stands still but for what is waited for.
    pub(crate) async fn hand_over(&mut self) {
        let (standby, form) = match self.choices.chance(50) {
            true => self.fence().await,
            false => {
                let form = self.next_form();
                (self.producer_builder(form).stand_by().expect("a producer stands by"), form)
            }
        };
        tokio::time::pause();
        let waiting = tokio::spawn(standby.take_over());
        if self.choices.chance(70) {
            tokio::time::sleep(PATIENCE).await;
        }
        if self.choices.chance(50) {
            self.incremental_cycle().await;
        }
        assert!(!waiting.is_finished(), "the holder lives");
        self.end_producer().await;
        let taken_over = waiting.await.expect("it did not panic");
        self.producer = Some(taken_over.expect("a standby takes over"));
        tokio::time::resume();
        self.form = form;
        self.check_producer("taking over");
        self.tally.count("took over");
    }

    /// Fences the producer by another one. It is told so, publishes nothing, and stands by.
    async fn fence(&mut self) -> (Standby, SchemaForm) {
        let (mut fenced, form) = (self.producer.take().expect("a producer is open between steps"), self.form);
        // Anything that differs from what the producer believes to be the newest content.
        let is_empty = self.versions.last().is_none_or(|newest| newest.content.is_empty());
        let content = if is_empty { self.every_key() } else { self.without_records() };
        let (stated, names) = (self.stated(&content), self.names());
        self.open_producer().await;
        if self.choices.chance(50) {
            self.full_cycle().await;
        }
        let options = CycleOptions { allow_empty: true, accept_break: true, ..CycleOptions::default() };
        let outcome = fenced.cycle_with(options, |writer| write(writer, &stated, &names)).await;
        let told = outcome.expect_err("another producer claimed the dataset");
        assert_eq!(told.kind(), ErrorKind::Fenced, "{told}");
        let told = fenced.restore().await.expect_err("another producer claimed the dataset");
        assert_eq!(told.kind(), ErrorKind::Fenced, "{told}");
        self.check_producer("being fenced off from");
        self.tally.count("fenced");
        (fenced.stand_by().await, form)
    }
}
