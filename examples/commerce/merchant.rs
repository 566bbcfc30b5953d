//! Who publishes: the assortment, and prices that change all day.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use object_store::ObjectStore;

use hollowcast::consumer::Memory;
use hollowcast::environment::Random;
use hollowcast::producer::{
    ChangeWriter, ChangedRecord, ChangedRecords, DanglingReferences, Dataset, Producer,
};

use super::DATASET;
use super::assortment::{Assortment, CATEGORIES, CHEAPEST_CENTS, DEAREST_CENTS, below, set_price};
use super::book::Book;
use super::generated::commerce_capnp::{category, price, product, promotion};

/// One product in so many gets another price at a time.
const CHANGED: u32 = 20;

/// Owns the dataset, and writes down for the audit what it did.
pub(crate) struct Merchant {
    producer: Producer,
    random: Arc<dyn Random>,
    book: Book,
    /// The change before which somebody takes euros for cents.
    wrong_before: u32,
    refused: Option<String>,
}

/// What is changed at a time: prices by product, and the promotion of one category; none of 0 % is published.
struct Change {
    cents: BTreeMap<u32, u32>,
    category: u16,
    percent_off: u8,
}

/// A producer that no wrong price and no dangling reference gets past.
pub(crate) async fn producer(store: Arc<dyn ObjectStore>) -> Result<Producer> {
    let dataset = Dataset::builder(DATASET)
        .record::<category::Owned>()
        .record::<product::Owned>()
        .record::<price::Owned>()
        .record::<promotion::Owned>()
        .build()?;
    let builder = Producer::builder(dataset, store).memory(Memory::Heap);
    let sane = ChangedRecords::new("no price more than doubles or halves", "Price", is_sane);
    Ok(builder.validator(sane).validator(DanglingReferences::default()).start().await?)
}

impl Merchant {
    /// Publishes the assortment.
    pub(crate) async fn open(
        mut producer: Producer,
        random: Arc<dyn Random>,
        assortment: Assortment,
        changes: u32,
    ) -> Result<Self> {
        let outcome = producer.cycle(|writer| assortment.state(writer)).await?;
        let book = Book::new(assortment, outcome.version());
        Ok(Self { producer, random, book, wrong_before: changes.div_ceil(2), refused: None })
    }

    /// Publishes the next prices; once in the day, a mistake before them.
    pub(crate) async fn change_prices(mut self, number: u32) -> Result<Self> {
        if number == self.wrong_before {
            self.state_euros().await?;
        }
        let change = self.draw();
        let outcome = self.producer.incremental(|writer| change.state(writer)).await?;
        let version = outcome.version();
        change.cents.iter().for_each(|(product, cents)| self.book.set_price(*product, version, *cents));
        self.book.set_promotion(change.category, version, change.percent_off);
        Ok(self)
    }

    fn draw(&self) -> Change {
        let products = self.book.product_count();
        let cents = (0..products.div_ceil(CHANGED)).map(|_| {
            let product = below(&*self.random, products);
            let percent = 80 + below(&*self.random, 46);
            (product, (self.book.newest_cents(product) * percent / 100).clamp(CHEAPEST_CENTS, DEAREST_CENTS))
        });
        let cents = cents.collect();
        let category = below(&*self.random, CATEGORIES.len() as u32) as u16;
        let percent_off = match self.book.newest_promotion(category) {
            0 => 10 * (1 + below(&*self.random, 3)) as u8,
            _ => 0,
        };
        Change { cents, category, percent_off }
    }

    /// What a wrong column in a file does: every price is a hundredth of what it was.
    async fn state_euros(&mut self) -> Result<()> {
        let products = 0..self.book.product_count();
        let euros = |product| (product, self.book.newest_cents(product) / 100);
        let prices: Vec<(u32, u32)> = products.map(euros).collect();
        let published = self.producer.incremental(|writer| {
            prices.iter().try_for_each(|&(product, cents)| {
                writer.upsert::<price::Owned>(|price| set_price(price, product, cents))
            })
        });
        match published.await {
            Err(error) => self.refused = Some(error.to_string()),
            Ok(outcome) => bail!("version {} sells everything for a hundredth", outcome.version()),
        }
        Ok(())
    }

    /// What it did, and what was refused.
    pub(crate) async fn close(self) -> (Book, Option<String>) {
        self.producer.stop().await;
        (self.book, self.refused)
    }
}

impl Change {
    fn state(&self, writer: &ChangeWriter) -> hollowcast::Result<()> {
        self.cents.iter().try_for_each(|(product, cents)| {
            writer.upsert::<price::Owned>(|price| set_price(price, *product, *cents))
        })?;
        match self.percent_off {
            0 => writer.delete::<promotion::Owned, u16>(self.category),
            percent_off => writer.upsert::<promotion::Owned>(|mut promotion| {
                promotion.set_category(self.category);
                promotion.set_percent_off(percent_off);
            }),
        }
    }
}

/// The validator is shown nothing but what changes: of a price that is new or goes there is nothing to compare.
fn is_sane(change: &ChangedRecord<'_>) -> bool {
    let (Some(before), Some(after)) = (change.before(), change.after()) else { return true };
    let [before, after] = [before, after].map(|row| row.typed::<price::Owned>().get_cents());
    after >= before / 2 && after <= before * 2
}
