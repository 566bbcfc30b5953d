//! A dataset whose schema is known only at run time, without generated code: `cargo run --example dynamic`.

use std::sync::Arc;

use hollowcast::consumer::{Consumer, Memory};
use hollowcast::producer::{Dataset, Producer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::tools::json::JsonPrinter;
use hollowcast::wire::{Draft, DynamicStruct, DynamicValue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = Schema::from_declaration(&city())?;
    let cities = schema.find_type("City").ok_or("the type was declared")?;
    let structure = schema.record_type(cities).structure;
    let store = hollowcast::store::memory();
    let dataset = Dataset::dynamic("cities", schema.clone());
    let mut producer = Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap).start().await?;
    producer
        .cycle(|writer| {
            let cities = writer.type_index("City")?;
            for (id, name, people) in [(1, "Köln", 1_087_353), (2, "Bonn", 335_789)] {
                writer.add_words(cities, record(&schema, id, name, people).words())?;
            }
            Ok(())
        })
        .await?;

    let consumer = Consumer::builder("cities", store).memory(Memory::Heap).start().await?;
    let state = consumer.read();
    let table = state.table("City").ok_or("the type was published")?;
    // The key is the bytes of its fields: a little-endian number here.
    let row = table.get_bytes(&1u32.to_le_bytes()).ok_or("city 1 is there")?;
    let city = DynamicStruct::new(state.schema(), structure, row.reader());
    assert!(matches!(city.get("name")?, Some(DynamicValue::Text("Köln"))));
    let printer = JsonPrinter::new(state.schema());
    for row in table.rows() {
        let mut line = Vec::new();
        printer.print(structure, row.reader(), &mut line)?;
        println!("{}", String::from_utf8(line)?);
    }
    producer.stop().await;
    Ok(())
}

/// `struct City $key(["id"]) { id @0 :UInt32; name @1 :Text; people @2 :UInt64; }`
fn city() -> SchemaDeclaration {
    let field = |name: &str, ordinal, value_type| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: Default::Zero,
    };
    SchemaDeclaration {
        types: vec![TypeDeclaration { name: "City".into(), key: vec!["id".into()] }],
        structs: vec![StructDeclaration {
            id: None,
            name: "City".into(),
            members: vec![
                field("id", 0, DeclaredType::UInt32),
                field("name", 1, DeclaredType::Text),
                field("people", 2, DeclaredType::UInt64),
            ],
        }],
        enums: Vec::new(),
    }
}

/// A record, written where the schema says that its fields lie.
fn record(schema: &Schema, id: u32, name: &str, people: u64) -> Draft {
    let cities = schema.find_type("City").expect("the type was declared");
    let definition = schema.structure(schema.record_type(cities).structure);
    let mut draft = Draft::new();
    let root = draft.root(definition.data_words, definition.pointer_words).expect("an empty draft has room");
    draft.set_bits(root, &definition.fields[0], u64::from(id));
    draft.set_text(draft.pointer(root, 0), name).expect("a name has room");
    draft.set_bits(root, &definition.fields[2], people);
    draft
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs() {
        super::main().unwrap();
    }
}
