//! What the shop looks up.

use anyhow::{Context, Result};

use hollowcast::consumer::Consumer;
use hollowcast::state::{State, TypedReference, TypedTable};

use super::assortment::discounted;
use super::generated::commerce_capnp::{category, price, product, promotion};

/// Handles that are checked against the schema once and serve every later state.
#[derive(Clone)]
pub(crate) struct Shop {
    products: TypedTable<product::Owned, u32>,
    prices: TypedTable<price::Owned, u32>,
    promotions: TypedTable<promotion::Owned, u16>,
    category: TypedReference<product::Owned, category::Owned, u16>,
}

/// What is asked for a product in one state, and the name of its category, which lies there.
#[derive(Clone, Copy)]
pub(crate) struct Offer<'s> {
    pub(crate) cents: u64,
    pub(crate) category: &'s str,
}

impl Shop {
    /// Lookups that an offer takes.
    pub(crate) const LOOKUPS: u64 = 4;

    pub(crate) fn new(consumer: &Consumer) -> hollowcast::Result<Self> {
        let (products, prices, promotions) = (consumer.table()?, consumer.table()?, consumer.table()?);
        Ok(Self { products, prices, promotions, category: consumer.reference("category")? })
    }

    /// Product, price, promotion and category are of one version: no promotion can meet a price that was made for another.
    pub(crate) fn offer<'s>(&self, state: &'s State, id: u32) -> Result<Offer<'s>> {
        let product = self.products.get(state, id).context("nothing is taken from the assortment")?;
        let price = self.prices.get(state, id).context("every product has a price")?;
        let promotion = self.promotions.get(state, product.get_category());
        let percent_off = promotion.map_or(0, promotion::Reader::get_percent_off);
        let category = self.category.follow(state, product.get_category());
        let category = category.context("a validator sees to it that every product has a category")?;
        let category = category.get_name()?.to_str()?;
        Ok(Offer { cents: discounted(price.get_cents(), percent_off), category })
    }

    /// What several products cost in one state.
    pub(crate) fn total_cents(&self, state: &State, products: &[u32]) -> Result<u64> {
        products.iter().map(|product| Ok(self.offer(state, *product)?.cents)).sum()
    }
}
