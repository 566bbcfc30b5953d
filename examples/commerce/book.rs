//! What the merchant did, in plain lists that know nothing of datasets: what the audit compares with.

use hollowcast::identifiers::Version;

use super::assortment::{Assortment, CATEGORIES, discounted};

/// Every price and promotion there was, by the version from which on it applied, oldest first.
pub(crate) struct Book {
    categories: Vec<u16>,
    cents: Vec<Vec<(Version, u32)>>,
    percent_off: Vec<Vec<(Version, u8)>>,
}

impl Book {
    /// What `version`, the first, begins with.
    pub(crate) fn new(assortment: Assortment, version: Version) -> Self {
        let (categories, cents): (Vec<u16>, Vec<u32>) = assortment.products.into_iter().unzip();
        let cents = cents.into_iter().map(|cents| vec![(version, cents)]).collect();
        Self { categories, cents, percent_off: vec![vec![(version, 0)]; CATEGORIES.len()] }
    }

    pub(crate) fn product_count(&self) -> u32 {
        self.cents.len() as u32
    }

    pub(crate) fn set_price(&mut self, product: u32, version: Version, cents: u32) {
        self.cents[product as usize].push((version, cents));
    }

    pub(crate) fn set_promotion(&mut self, category: u16, version: Version, percent_off: u8) {
        self.percent_off[usize::from(category)].push((version, percent_off));
    }

    pub(crate) fn newest_cents(&self, product: u32) -> u32 {
        at(&self.cents[product as usize], Version(u64::MAX))
    }

    /// Percent off everything of the category.
    pub(crate) fn newest_promotion(&self, category: u16) -> u8 {
        at(&self.percent_off[usize::from(category)], Version(u64::MAX))
    }

    /// What was asked for a product in `version`, and what it was sold as.
    pub(crate) fn asked(&self, product: u32, version: Version) -> (u64, &'static str) {
        let category = usize::from(self.categories[product as usize]);
        let cents = at(&self.cents[product as usize], version);
        (discounted(cents, at(&self.percent_off[category], version)), CATEGORIES[category])
    }
}

/// What applied in `version`.
fn at<T: Copy>(history: &[(Version, T)], version: Version) -> T {
    let last = history.iter().rev().find(|(since, _)| *since <= version);
    last.expect("everything has a first version").1
}
