//! Verbs on one type of several, which fetch little more than that type (semantics 22).

use std::fs;
use std::path::Path;

use hollowcast::consumer::Memory;
use hollowcast::environment::{Environment, Random, SeededRandom};
use hollowcast::producer::{Dataset, Producer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::wire::Draft;
use serde_json::json;

use support::Place;

mod support;

/// Records of each type.
const RECORDS: [(&str, u32); 2] = [("Large", 30_000), ("Small", 1_000)];

fn schema() -> Schema {
    let field = |name: &str, ordinal, value_type| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: Default::Zero,
    };
    let members = vec![field("id", 0, DeclaredType::UInt32), field("value", 1, DeclaredType::UInt64)];
    let declaration = SchemaDeclaration {
        types: RECORDS
            .map(|(name, _)| TypeDeclaration { name: name.to_owned(), key: vec!["id".to_owned()] })
            .to_vec(),
        structs: RECORDS
            .map(|(name, _)| StructDeclaration { id: None, name: name.to_owned(), members: members.clone() })
            .to_vec(),
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

/// One version of both types.
fn publish(place: &Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store =
            hollowcast::store::local(place.dataset().parent().unwrap(), &Environment::system()).unwrap();
        let producer = Producer::builder(Dataset::dynamic("airports", schema()), store).memory(Memory::Heap);
        let mut producer = producer.start().await.unwrap();
        let random = SeededRandom::new(5);
        let published = producer.cycle(|writer| {
            for (name, records) in RECORDS {
                for id in 0..records {
                    let mut draft = Draft::new();
                    let root = draft.root(2, 0).unwrap();
                    draft.set_bits_at(root, 0, 32, u64::from(id));
                    draft.set_bits_at(root, 1, 64, random.next_u64());
                    writer.add_words(writer.type_index(name)?, draft.words())?;
                }
            }
            Ok(())
        });
        published.await.unwrap();
        producer.stop().await;
    });
}

/// Bytes of all files in a folder.
fn size(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn one_type_of_several_is_fetched_alone_semantics_22() {
    let place = Place::new();
    publish(&place);
    let all = size(&place.dataset().join("snapshots"));
    let exported = place.run("export", &["--type", "Small"]).succeeds().lines();
    assert_eq!(exported.len(), 1_000);
    let one = place.run("get", &["7", "--type", "Small"]).succeeds().lines();
    assert_eq!((&one[0]["id"], exported.contains(&one[0])), (&json!(7), true));
    let kept = size(&place.state_directory().join("segments"));
    assert!(kept < all / 5, "{kept} bytes of {all} are on this host");

    let watched =
        place.run("watch", &["--type", "Small", "--until", "1", "--json", "--heap"]).succeeds().lines();
    assert_eq!((&watched[0]["records"], &watched[0]["route"]), (&json!(1_000), &json!("snapshot")));
    assert!(watched[0]["bytes"].as_u64().unwrap() < all / 5, "{watched:?}");
    let both = ["--type", "Small", "--type", "Large", "--until", "1", "--json", "--heap"];
    assert_eq!(place.run("watch", &both).succeeds().lines()[0]["records"], json!(31_000));
}

#[test]
fn a_wrong_type_is_said_so_semantics_22() {
    let place = Place::new();
    publish(&place);
    place.run("export", &["--type", "Smal"]).fails(4, &["no type Smal; it has Large, Small"]);
    place.run("get", &["7"]).fails(2, &["--type: the dataset has Large, Small"]);
    place
        .run("watch", &["--type", "Smal", "--until", "1"])
        .fails(4, &["no type Smal to load", "Large, Small"]);
}
