//! Figures of the business, from a state.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use hollowcast::state::State;

use super::generated::stock_capnp::item;
use super::warehouse::name_of;

/// Figures of one version: a state does not change while they are computed.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) version: u64,
    pub(crate) records: u64,
    pub(crate) categories: BTreeMap<&'static str, Category>,
}

#[derive(Default, Serialize)]
pub(crate) struct Category {
    pub(crate) records: u64,
    pub(crate) average_cents: f64,
    pub(crate) stock: u64,
}

impl Figures {
    /// One scan over all items.
    pub(crate) fn of(state: &State) -> Result<Self> {
        let table = state.table("Item").context("the dataset has no items")?;
        let mut categories = BTreeMap::<_, Category>::new();
        for item in table.rows().map(|row| row.typed::<item::Owned>()) {
            let category = categories.entry(name_of(item.get_category()?)).or_default();
            category.records += 1;
            category.stock += u64::from(item.get_stock());
            // A running average: no sum that could overflow.
            category.average_cents +=
                (f64::from(item.get_cents()) - category.average_cents) / category.records as f64;
        }
        Ok(Self { version: state.version().0, records: table.len(), categories })
    }
}
