//! Two record types and a reference between them, always from one version: `cargo run --example shop`.

use std::sync::Arc;

use hollowcast::consumer::{Consumer, Memory};
use hollowcast::producer::{DanglingReferences, Dataset, Producer, Writer};
use hollowcast::state::{State, TypedReference, TypedTable};

use generated::shop_capnp::{product, supplier};

mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod shop_capnp;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = hollowcast::store::memory();
    let dataset = Dataset::builder("shop").record::<product::Owned>().record::<supplier::Owned>().build()?;
    let mut producer = Producer::builder(dataset, Arc::clone(&store))
        .memory(Memory::Heap)
        .validator(DanglingReferences::default()) // no version with a product whose supplier is not there
        .start()
        .await?;
    producer.cycle(|writer| stock(writer, "Nuts & Sons")).await?;

    let consumer = Consumer::builder("shop", store).memory(Memory::Heap).start().await?;
    let shop = Shop { products: consumer.table()?, supplier: consumer.reference("supplier")? };
    // Both lookups are made in one state, so the reference cannot lead into another version.
    assert_eq!(shop.supplier_of(&consumer.read(), "bolt-8")?, Some("Nuts & Sons".to_owned()));
    assert_eq!(shop.supplier_of(&consumer.read(), "bolt-9")?, None);

    let held = consumer.state();
    producer.cycle(|writer| stock(writer, "Nuts & Daughters")).await?;
    consumer.refresh().await?;
    assert_eq!(shop.supplier_of(&held, "bolt-8")?, Some("Nuts & Sons".to_owned()));
    assert_eq!(shop.supplier_of(&consumer.read(), "bolt-8")?, Some("Nuts & Daughters".to_owned()));
    // Back again: everything that the supplier delivers, by a scan over the products.
    for product in shop.supplier.referring(&consumer.read(), 7)? {
        println!("{} costs {} cents", product.get_name()?.to_str()?, product.get_cents());
    }
    let unsupplied = producer.incremental(|writer| writer.delete::<supplier::Owned, u32>(7)).await;
    println!("{}", unsupplied.expect_err("a product needs its supplier"));
    producer.stop().await;
    Ok(())
}

/// States everything there is: a full cycle, of which only the differences are published.
fn stock(writer: &Writer, supplier_name: &str) -> hollowcast::Result<()> {
    writer.add::<supplier::Owned>(|mut supplier| {
        supplier.set_id(7);
        supplier.set_name(supplier_name);
        supplier.set_country("DE");
    })?;
    writer.add::<product::Owned>(|mut product| {
        product.set_sku("bolt-8");
        product.set_name("Bolt, 8 mm");
        product.set_cents(12);
        product.set_supplier(7);
    })
}

/// Handles that are checked against the schema once and serve every later state.
struct Shop {
    products: TypedTable<product::Owned, String>,
    supplier: TypedReference<product::Owned, supplier::Owned, u32>,
}

impl Shop {
    /// Follows the reference from a product to its supplier.
    fn supplier_of(&self, state: &State, sku: &str) -> Result<Option<String>, Box<dyn std::error::Error>> {
        let Some(product) = self.products.get(state, sku) else { return Ok(None) };
        let Some(supplier) = self.supplier.follow(state, product.get_supplier()) else { return Ok(None) };
        Ok(Some(supplier.get_name()?.to_string()?))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs() {
        super::main().unwrap();
    }
}
