//! A dataset from its first version to a reader, in one process.

use std::sync::Arc;

use hollowcast::consumer::{Consumer, Memory, RefreshRoute, Wait};
use hollowcast::producer::{Dataset, Outcome, Producer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::wire::Draft;

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
    let declaration = SchemaDeclaration {
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
    };
    Schema::from_declaration(&declaration).unwrap()
}

fn city(id: u32, name: &str, people: u64) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(2, 1).unwrap();
    draft.set_bits_at(root, 0, 32, u64::from(id));
    draft.set_bits_at(root, 1, 64, people);
    draft.set_text(draft.pointer(root, 0), name).unwrap();
    draft.words().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_follows_full_and_incremental_cycles() {
    let store = hollowcast::store::memory();
    let folder = tempfile::tempdir().unwrap();
    let memory = || Memory::Mapped(Some(folder.path().join("state")));
    let dataset = Dataset::dynamic("cities", schema());
    let mut producer = Producer::builder(dataset, Arc::clone(&store)).memory(memory()).start().await.unwrap();
    let outcome = producer
        .cycle(|writer| {
            let cities = writer.type_index("City")?;
            for id in 0..10_000 {
                writer.add_words(cities, &city(id, &format!("City {id}"), u64::from(id) * 10))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(outcome.version().0, 1);

    let consumer = Consumer::builder("cities", Arc::clone(&store))
        .memory(memory())
        .wait(Wait::Never)
        .start()
        .await
        .unwrap();
    assert_eq!(consumer.read().len(), 10_000);
    let heap = Consumer::builder("cities", Arc::clone(&store)).memory(Memory::Heap).start().await.unwrap();

    let outcome = producer
        .incremental(|writer| {
            let cities = writer.type_index("City")?;
            writer.upsert_words(cities, &city(7, "Seven", 77))?;
            writer.upsert_words(cities, &city(20_000, "New", 1))?;
            writer.delete_bytes(cities, &8u32.to_le_bytes())?;
            writer.delete_bytes(cities, &99_999u32.to_le_bytes())
        })
        .await
        .unwrap();
    let Outcome::Published(publication) = outcome else { panic!("{outcome:?}") };
    assert_eq!(publication.version.0, 2);
    let (_, records, counts) = &publication.types[0];
    assert_eq!((*records, counts.added, counts.removed, counts.changed), (10_000, 1, 1, 1));

    for consumer in [&consumer, &heap] {
        let refresh = consumer.refresh().await.unwrap();
        assert_eq!((refresh.from.0, refresh.to.0, refresh.route), (1, 2, Some(RefreshRoute::Delta)));
        let state = consumer.state();
        assert_eq!(state.fingerprint(), producer.state().fingerprint());
        let table = state.table("City").unwrap();
        let people = |id: u32| table.get_bytes(&id.to_le_bytes()).map(|row| row.reader().u64(1));
        assert_eq!(people(7), Some(77));
        assert_eq!(people(8), None);
        assert_eq!(people(9), Some(90));
        assert_eq!(people(20_000), Some(1));
        assert_eq!(table.rows().count(), 10_000);
    }

    let same = producer.incremental(|_| Ok(())).await.unwrap();
    assert!(matches!(same, Outcome::Unchanged(version) if version.0 == 2));
    producer.stop().await;
}
