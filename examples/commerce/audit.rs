//! Whether everyone was charged what they saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use object_store::ObjectStore;

use hollowcast::identifiers::Version;

use super::book::Book;
use super::sales::{Ledger, Order};
use super::shop::Shop;

/// Computes every order and the revenue from what the merchant wrote down, without a dataset.
pub(crate) fn by_book(ledger: &Ledger, book: &Book) -> Result<()> {
    let mut revenue_cents: BTreeMap<String, u64> = BTreeMap::new();
    for order in &ledger.orders {
        let total = |version| order.products.iter().map(|product| book.asked(*product, version).0).sum();
        compare(order, order.shown_in, order.cents, total(order.shown_in))?;
        compare(order, order.checked_out_in, order.cents_at_checkout, total(order.checked_out_in))?;
        for product in &order.products {
            let (cents, category) = book.asked(*product, order.shown_in);
            *revenue_cents.entry(category.to_owned()).or_default() += cents;
        }
    }
    let found = &ledger.revenue_cents;
    ensure!(*found == revenue_cents, "the revenue is {found:?}, by the book {revenue_cents:?}");
    Ok(())
}

/// Computes every order from the versions in the store: a consumer goes to one after the other.
pub(crate) async fn by_store(ledger: &Ledger, store: &Arc<dyn ObjectStore>) -> Result<()> {
    let consumer = super::consumer(store).await?;
    let shop = Shop::new(&consumer)?;
    let mut by_version: BTreeMap<Version, Vec<&Order>> = BTreeMap::new();
    for order in &ledger.orders {
        by_version.entry(order.shown_in).or_default().push(order);
    }
    for (version, orders) in by_version {
        consumer.pin(version).await?;
        for order in orders {
            compare(order, version, order.cents, shop.total_cents(&consumer.read(), &order.products)?)?;
        }
    }
    Ok(())
}

fn compare(order: &Order, version: Version, found: u64, expected: u64) -> Result<()> {
    ensure!(found == expected, "version {version} asks {expected} cents, not {found}, for {order:?}");
    Ok(())
}
