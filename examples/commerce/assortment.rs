//! What the shop sells.

use hollowcast::environment::Random;
use hollowcast::producer::Writer;

use super::generated::commerce_capnp::{category, price, product};

/// What a product may be, in the order of their ids.
pub(crate) const CATEGORIES: [&str; 8] =
    ["books", "garden", "kitchen", "lamps", "music", "shoes", "tools", "toys"];
/// What anything costs at most, but for promotions.
pub(crate) const DEAREST_CENTS: u32 = 20_000;
/// What it costs at least.
pub(crate) const CHEAPEST_CENTS: u32 = 100;

/// Products by id, made up: the category of each, and what it costs when the day begins.
pub(crate) struct Assortment {
    pub(crate) products: Vec<(u16, u32)>,
}

impl Assortment {
    pub(crate) fn draw(products: u32, random: &dyn Random) -> Self {
        let product = |_| {
            let category = below(random, CATEGORIES.len() as u32) as u16;
            (category, CHEAPEST_CENTS + below(random, DEAREST_CENTS - CHEAPEST_CENTS))
        };
        Self { products: (0..products).map(product).collect() }
    }

    /// States all of it.
    pub(crate) fn state(&self, writer: &Writer) -> hollowcast::Result<()> {
        for (id, name) in (0..).zip(CATEGORIES) {
            writer.add::<category::Owned>(|mut category| {
                category.set_id(id);
                category.set_name(name);
            })?;
        }
        (0..).zip(&self.products).try_for_each(|(id, &(category, cents))| {
            writer.add::<product::Owned>(|mut product| {
                product.set_id(id);
                product.set_name(format!("{} no. {id}", CATEGORIES[usize::from(category)]));
                product.set_category(category);
            })?;
            writer.add::<price::Owned>(|price| set_price(price, id, cents))
        })
    }
}

pub(crate) fn set_price(mut price: price::Builder<'_>, product: u32, cents: u32) {
    price.set_product(product);
    price.set_cents(cents);
}

/// What is asked for something of `cents` in a promotion.
pub(crate) fn discounted(cents: u32, percent_off: u8) -> u64 {
    u64::from(cents) * u64::from(100 - percent_off) / 100
}

/// A number below `limit`.
pub(crate) fn below(random: &dyn Random, limit: u32) -> u32 {
    (random.next_u64() % u64::from(limit)) as u32
}
