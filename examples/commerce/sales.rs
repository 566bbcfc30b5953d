//! Carts, each with the state that it was priced with, and the orders that come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use hollowcast::consumer::Consumer;
use hollowcast::identifiers::Version;
use hollowcast::state::State;

use super::day::{Pace, Visit, Visits};
use super::shop::Shop;

/// What a customer has picked.
struct Cart {
    /// The version that was there when the cart was begun, for as long as the cart is there.
    state: Arc<State>,
    products: Vec<u32>,
    /// What the customer was shown, added up.
    shown_cents: u64,
}

/// What a customer was charged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) products: Vec<u32>,
    /// The version of the prices that the customer saw.
    pub(crate) shown_in: Version,
    pub(crate) cents: u64,
    /// The version that was there at the checkout, and what it would have asked.
    pub(crate) checked_out_in: Version,
    pub(crate) cents_at_checkout: u64,
}

/// What came of the day.
pub(crate) struct Ledger {
    pub(crate) orders: Vec<Order>,
    pub(crate) revenue_cents: BTreeMap<String, u64>,
    pub(crate) carts_left: usize,
    /// Versions that carts were begun in.
    pub(crate) versions_seen: BTreeSet<Version>,
    /// The most versions that carts held at a time.
    pub(crate) most_held: usize,
    pub(crate) lookups: u64,
    /// What the lookups of a visit took together.
    pub(crate) nanoseconds: Histogram<u64>,
}

/// The shop at work.
pub(crate) struct Sales<'c> {
    consumer: &'c Consumer,
    shop: Shop,
    visits: Visits,
    pace: Pace,
    carts: BTreeMap<u32, Cart>,
    ledger: Ledger,
}

impl<'c> Sales<'c> {
    pub(crate) fn new(consumer: &'c Consumer, visits: Visits, pace: Pace) -> Result<Self> {
        let ledger = Ledger {
            orders: Vec::new(),
            revenue_cents: BTreeMap::new(),
            carts_left: 0,
            versions_seen: BTreeSet::new(),
            most_held: 0,
            lookups: 0,
            nanoseconds: Histogram::new(3)?,
        };
        Ok(Self { consumer, shop: Shop::new(consumer)?, visits, pace, carts: BTreeMap::new(), ledger })
    }

    /// Serves whoever comes before it is `until`, a share of the day, and waits for that.
    pub(crate) async fn serve_until(&mut self, until: f64) -> Result<()> {
        while let Some(visit) = self.visits.next_if(|visit| visit.at < until) {
            self.pace.wait_until(visit.at).await;
            match self.carts.remove(&visit.customer) {
                Some(cart) if visit.checks_out => self.check_out(cart)?,
                cart => self.pick(cart, visit)?,
            }
        }
        self.pace.wait_until(until).await;
        let held: BTreeSet<Version> = self.carts.values().map(|cart| cart.state.version()).collect();
        self.ledger.most_held = self.ledger.most_held.max(held.len());
        Ok(())
    }

    /// The first thing decides on the state; whatever comes later is priced by the same.
    fn pick(&mut self, cart: Option<Cart>, visit: Visit) -> Result<()> {
        let begun = || Cart { state: self.consumer.state(), products: Vec::new(), shown_cents: 0 };
        let mut cart = cart.unwrap_or_else(begun);
        let started = Instant::now();
        let offer = self.shop.offer(&cart.state, visit.product)?;
        self.ledger.note_lookups(started, 1)?;
        cart.products.push(visit.product);
        cart.shown_cents += offer.cents;
        self.ledger.versions_seen.insert(cart.state.version());
        self.carts.insert(visit.customer, cart);
        Ok(())
    }

    /// Charges by the cart's state, and asks what the newest would have charged.
    fn check_out(&mut self, cart: Cart) -> Result<()> {
        let started = Instant::now();
        let cents = self.shop.total_cents(&cart.state, &cart.products)?;
        self.ledger.note_lookups(started, cart.products.len())?;
        ensure!(cents == cart.shown_cents, "{cents} cents are charged, {} were shown", cart.shown_cents);
        for product in &cart.products {
            let offer = self.shop.offer(&cart.state, *product)?;
            *self.ledger.revenue_cents.entry(offer.category.to_owned()).or_default() += offer.cents;
        }
        let newest = self.consumer.read();
        self.ledger.orders.push(Order {
            shown_in: cart.state.version(),
            cents,
            checked_out_in: newest.version(),
            cents_at_checkout: self.shop.total_cents(&newest, &cart.products)?,
            products: cart.products,
        });
        Ok(())
    }

    /// The end of the day.
    pub(crate) fn close(self) -> Ledger {
        Ledger { carts_left: self.carts.len(), ..self.ledger }
    }
}

impl Ledger {
    fn note_lookups(&mut self, started: Instant, offers: usize) -> Result<()> {
        self.nanoseconds.record(started.elapsed().as_nanos() as u64)?;
        self.lookups += offers as u64 * Shop::LOOKUPS;
        Ok(())
    }
}
