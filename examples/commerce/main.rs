//! A day in an online shop, whose prices change while customers buy: `cargo run --release --example commerce -- --seconds 10`.
//!
//! Visits are normally distributed around an afternoon's peak. A merchant changes prices and promotions in versions meanwhile. A cart keeps
//! the state that its first thing was priced with, an `Arc<State>`, and so its customer is charged what they saw, however many versions come
//! in between: a state never changes and costs no copy to keep. Once in the day somebody states euros in place of cents; a validator refuses
//! that, and the shop never hears of it. In the end every order is computed anew, from a plain list of what the merchant did and from the
//! versions in the store.
//!
//! A seed gives the same day again, whatever `--seconds` says. A shop follows by itself, at each announcement; this one refreshes when the
//! day says that prices apply, so that the same visits see the same versions. The merchant publishes beside the visits all the same.

mod assortment;
mod audit;
mod book;
mod day;
mod merchant;
mod report;
mod sales;
mod shop;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use object_store::ObjectStore;

use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, Memory, Refresh, RefreshListener};
use hollowcast::environment::{Environment, Random, SeededRandom};

use assortment::Assortment;
use day::Pace;
use merchant::Merchant;
use report::Report;
use sales::{Ledger, Sales};

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod commerce_capnp;
}

/// What the dataset is called.
const DATASET: &str = "commerce";

#[derive(Parser, Clone)]
#[command(about = "A day in an online shop, checked")]
struct Arguments {
    /// How long the day takes; 0 for as fast as possible
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Visits of the day: each puts something into a cart, or checks out
    #[arg(long, default_value_t = 10_000)]
    events: u32,
    /// How many customers there are
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// How many products there are
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    products: u32,
    /// How often prices change
    #[arg(long, default_value_t = 48)]
    price_changes: u32,
    /// Another number, another day
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let report = run(&arguments).await?;
    report.print(&arguments);
    Ok(())
}

async fn run(arguments: &Arguments) -> Result<Report> {
    let store = hollowcast::store::memory();
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(arguments.seed));
    let assortment = Assortment::draw(arguments.products, &*random);
    let visits = day::draw_visits(arguments, &*random);
    let producer = merchant::producer(Arc::clone(&store)).await?;
    let merchant = Merchant::open(producer, random, assortment, arguments.price_changes).await?;

    let consumer = consumer(&store).await?;
    let pace = Pace::new(Environment::system(), Duration::from_secs(arguments.seconds));
    let sales = Sales::new(&consumer, visits, pace)?;
    let (ledger, merchant) = trade(sales, merchant, &consumer, arguments.price_changes).await?;
    let (book, refused) = merchant.close().await;
    audit::by_book(&ledger, &book)?;
    audit::by_store(&ledger, &store).await?;
    Ok(Report { ledger, refused, versions: consumer.read().version() })
}

/// The day: prices change at equal intervals, and are published in the second half of each, beside the visits.
async fn trade(
    mut sales: Sales<'_>,
    mut merchant: Merchant,
    consumer: &Consumer,
    changes: u32,
) -> Result<(Ledger, Merchant)> {
    let share = |intervals: f64| intervals / f64::from(changes + 1);
    for change in 1..=changes {
        sales.serve_until(share(f64::from(change) - 0.5)).await?;
        let publishing = tokio::spawn(merchant.change_prices(change));
        sales.serve_until(share(f64::from(change))).await?;
        merchant = publishing.await??;
        consumer.refresh().await?;
    }
    sales.serve_until(1.0).await?;
    Ok((sales.close(), merchant))
}

/// A consumer that refreshes when it is told to: polls would have nothing to add. It has looked when it started and when it began to follow.
async fn consumer(store: &Arc<dyn ObjectStore>) -> hollowcast::Result<Consumer> {
    let never = Duration::from_secs(86_400);
    let builder = Consumer::builder(DATASET, Arc::clone(store)).memory(Memory::Heap);
    let (looks, mut looked) = tokio::sync::watch::channel(0);
    let builder =
        builder.poll(PollOptions { interval: never, unprompted: never }).listener(Arc::new(Looks(looks)));
    let consumer = builder.start().await?;
    looked.wait_for(|looks| *looks >= 2).await.expect("the consumer has the listener");
    Ok(consumer)
}

/// Counts looks at the log.
struct Looks(tokio::sync::watch::Sender<u32>);

impl RefreshListener for Looks {
    fn refreshed(&self, _: &Refresh) {
        self.0.send_modify(|looks| *looks += 1);
    }

    fn failed(&self, _: &hollowcast::Error) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Arguments =
        Arguments { seconds: 0, events: 600, customers: 20, products: 200, price_changes: 8, seed: 7 };

    #[tokio::test(flavor = "multi_thread")]
    async fn a_seed_gives_the_same_day_again_and_another_one_another() {
        let first = run(&SMALL).await.unwrap();
        first.print(&SMALL);
        let slower = run(&Arguments { seconds: 1, ..SMALL }).await.unwrap();
        assert_eq!(slower.ledger.orders, first.ledger.orders);
        let other = run(&Arguments { seed: 8, ..SMALL }).await.unwrap();
        assert_ne!(other.ledger.orders, first.ledger.orders);
    }

    #[tokio::test]
    async fn checkouts_cross_versions_and_the_wrong_update_is_no_version() {
        let report = run(&SMALL).await.unwrap();
        assert_eq!(report.versions.0, u64::from(SMALL.price_changes) + 1);
        assert!(report.refused.unwrap().contains("type Price"));
        let crossed = report.ledger.orders.iter().filter(|order| order.shown_in != order.checked_out_in);
        assert!(crossed.clone().any(|order| order.cents != order.cents_at_checkout));
        assert!(crossed.count() < report.ledger.orders.len());
    }

    #[tokio::test]
    async fn a_day_with_next_to_nothing_is_a_day() {
        let quiet = Arguments { events: 0, price_changes: 0, products: 1, ..SMALL };
        let report = run(&quiet).await.unwrap();
        report.print(&quiet);
        assert!(report.ledger.orders.is_empty() && report.refused.is_none());
        let unsettled = Arguments { events: 20, price_changes: 1, products: 1, ..SMALL };
        assert!(run(&unsettled).await.unwrap().refused.is_some());
    }
}
