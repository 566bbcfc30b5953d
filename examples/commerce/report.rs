//! What is told of the day.

use hollowcast::identifiers::Version;

use super::Arguments;
use super::sales::{Ledger, Order};

/// The day, after it was found to be in order.
pub(crate) struct Report {
    pub(crate) ledger: Ledger,
    /// What was said of the wrong prices.
    pub(crate) refused: Option<String>,
    /// The last version.
    pub(crate) versions: Version,
}

impl Report {
    pub(crate) fn print(&self, arguments: &Arguments) {
        let Arguments { events, customers, products, seconds, seed, .. } = arguments;
        println!(
            "{events} visits of {customers} customers to {products} products, a day in {seconds} s, seed {seed}"
        );
        self.print_orders();
        let Ledger { carts_left, versions_seen, most_held, lookups, nanoseconds, .. } = &self.ledger;
        println!("carts left     {carts_left} at the end of the day");
        println!(
            "versions       {} published, {} seen by customers, {most_held} at most kept by carts at a time",
            self.versions,
            versions_seen.len()
        );
        println!(
            "lookups        {lookups}; those of one visit take {:.1} µs (p50) and {:.1} µs (p99) together",
            nanoseconds.value_at_quantile(0.5) as f64 / 1e3,
            nanoseconds.value_at_quantile(0.99) as f64 / 1e3
        );
        for (category, cents) in &self.ledger.revenue_cents {
            println!("revenue        {:>12} from {category}", money(*cents));
        }
        if let Some(refused) = &self.refused {
            println!("refused        {refused}");
        }
        println!(
            "audit          every order agrees with the merchant's book and with the versions in the store"
        );
    }

    fn print_orders(&self) {
        let orders = &self.ledger.orders;
        let total = money(orders.iter().map(|order| order.cents).sum());
        println!("orders         {} for {total}, each at the prices its customer saw", orders.len());
        let crossed = orders.iter().filter(|order| order.shown_in != order.checked_out_in);
        println!("crossed        {} of them had newer prices at the checkout", crossed.count());
        let dearer = orders.iter().filter(|order| order.cents_at_checkout > order.cents);
        println!("became dearer  {}", spared(dearer, |order| order.cents_at_checkout - order.cents));
        let cheaper = orders.iter().filter(|order| order.cents_at_checkout < order.cents);
        println!("became cheaper {}", spared(cheaper, |order| order.cents - order.cents_at_checkout));
    }
}

/// How many orders, and by how much they differ.
fn spared<'o>(orders: impl Iterator<Item = &'o Order>, difference: impl Fn(&Order) -> u64) -> String {
    let differences: Vec<u64> = orders.map(difference).collect();
    let (sum, most) = (differences.iter().sum(), differences.iter().max().copied().unwrap_or_default());
    format!("{}, by {} in all and {} at most", differences.len(), money(sum), money(most))
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
