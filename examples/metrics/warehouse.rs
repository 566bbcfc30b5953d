//! What the warehouse has: the plain list that figures are checked by.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use hollowcast::environment::{Random, SeededRandom};
use hollowcast::producer::{ChangeWriter, Writer};

use super::business::Figures;
use super::generated::stock_capnp::{Category, item};

/// Items that are sold, delivered and priced anew between two versions.
const TRADES: u64 = 50;

pub(crate) struct Warehouse {
    items: Vec<Item>,
    /// Those that no version has as they are.
    changed: BTreeSet<usize>,
    random: SeededRandom,
}

/// An item; its number is its place in the list.
struct Item {
    cents: u32,
    stock: u32,
}

/// What an item of this number is.
fn category(sku: u32) -> Category {
    match sku % 5 {
        0 => Category::Garden,
        1 | 2 => Category::Kitchen,
        _ => Category::Tools,
    }
}

/// What people call a category.
pub(crate) fn name_of(category: Category) -> &'static str {
    match category {
        Category::Tools => "tools",
        Category::Garden => "garden",
        Category::Kitchen => "kitchen",
    }
}

impl Warehouse {
    pub(crate) fn new(items: u32) -> Self {
        let item = |sku| Item { cents: 100 + sku % 9_900, stock: sku % 100 };
        let (items, random) = ((0..items).map(item).collect::<Vec<_>>(), SeededRandom::new(u64::from(items)));
        Self { changed: (0..items.len()).collect(), items, random }
    }

    /// Some items get another price and another stock.
    pub(crate) fn trade(&mut self) {
        for _ in 0..TRADES {
            let at = (self.random.next_u64() % self.items.len() as u64) as usize;
            self.changed.insert(at);
            self.items[at].cents += 1;
            self.items[at].stock = (self.random.next_u64() % 100) as u32;
        }
    }

    /// How many items changed since the last time that this was asked.
    pub(crate) fn take_changed(&mut self) -> u64 {
        std::mem::take(&mut self.changed).len() as u64
    }

    /// Everything there is; the producer finds out what changed.
    pub(crate) fn state_all(&self, writer: &Writer) -> hollowcast::Result<()> {
        (0..).zip(&self.items).try_for_each(|(sku, item)| {
            writer.add::<item::Owned>(|record| write(record, sku, item.cents, item.stock))
        })
    }

    /// What nobody may publish.
    pub(crate) fn state_without_price(writer: &ChangeWriter) -> hollowcast::Result<()> {
        writer.upsert::<item::Owned>(|record| write(record, 0, 0, 1))
    }

    /// Holds figures against sums over the list, in whole cents.
    pub(crate) fn check(&self, figures: &Figures) -> Result<()> {
        let mut sums = BTreeMap::<_, (u64, u64, u64)>::new();
        for (sku, item) in (0..).zip(&self.items) {
            let sum = sums.entry(name_of(category(sku))).or_default();
            *sum = (sum.0 + 1, sum.1 + u64::from(item.cents), sum.2 + u64::from(item.stock));
        }
        ensure!(figures.records == self.items.len() as u64, "{} records", figures.records);
        ensure!(figures.categories.len() == sums.len(), "{} categories", figures.categories.len());
        for (name, (records, cents, stock)) in sums {
            let found = figures.categories.get(name).with_context(|| format!("{name} is gone"))?;
            let average = cents as f64 / records as f64;
            ensure!(
                (found.records, found.stock) == (records, stock),
                "{name}: {} of {}",
                found.stock,
                found.records
            );
            ensure!((found.average_cents - average).abs() < 1e-6, "{name}: {} cents", found.average_cents);
        }
        Ok(())
    }
}

fn write(mut record: item::Builder<'_>, sku: u32, cents: u32, stock: u32) {
    record.set_sku(sku);
    record.set_category(category(sku));
    record.set_cents(cents);
    record.set_stock(stock);
}
