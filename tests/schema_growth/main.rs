//! Schemas that grow under a running dataset.

use std::sync::Arc;

use hollowcast::cache::SegmentStore;
use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::log::politeness::Manners;
use hollowcast::log::{LogEntry, Tail};
use hollowcast::producer::{Dataset, Outcome, Producer, Publication};
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::store::DatasetStore;
use hollowcast::wire::Draft;
use object_store::ObjectStore;
use object_store::path::Path;

mod texts;

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
#[path = "../generated"]
mod generated {
    pub(crate) mod growth_first_capnp;
    pub(crate) mod growth_last_capnp;
    pub(crate) mod growth_middle_capnp;
}

/// Types of these names, each with nothing but a key.
fn schema(types: &[&str]) -> Schema {
    let id = || MemberDeclaration::Field {
        name: "id".to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal: 0,
        value_type: DeclaredType::UInt64,
        default: Default::Zero,
    };
    let structs = types.iter().map(|name| StructDeclaration {
        id: None,
        name: (*name).to_owned(),
        members: vec![id()],
    });
    let declaration = SchemaDeclaration {
        types: types
            .iter()
            .map(|name| TypeDeclaration { name: (*name).to_owned(), key: vec!["id".to_owned()] })
            .collect(),
        structs: structs.collect(),
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

fn record(id: u64) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(1, 0).unwrap();
    draft.set_bits_at(root, 0, 64, id);
    draft.words().to_vec()
}

async fn producer(store: &Arc<dyn ObjectStore>, types: &[&str]) -> Producer {
    let dataset = Dataset::dynamic("growing", schema(types));
    let producer = Producer::builder(dataset, Arc::clone(store)).memory(Memory::Heap);
    producer.manners(Manners::TakeOver).start().await.unwrap()
}

fn publication(outcome: Outcome) -> Publication {
    match outcome {
        Outcome::Published(publication) => *publication,
        Outcome::Unchanged(version) => panic!("version {version} is not left"),
    }
}

/// Bug: a cycle that brought the first records of a new type failed with "the encoded delta does not lead to the new state".
/// Mechanism: its reverse delta named the type, which the schema that it leads back to does not have. Fix: the reverse delta leaves it out;
/// the type goes with the schema.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_comes_with_its_first_records_and_goes_by_reverse_delta_semantics_25() {
    let store = hollowcast::store::memory();
    let mut before = producer(&store, &["City"]).await;
    let first = before.cycle(|writer| writer.add_words(writer.type_index("City")?, &record(1))).await;
    let (first, city) = (publication(first.unwrap()), Arc::clone(before.state()));
    drop(before);
    let mut after = producer(&store, &["City", "River"]).await;
    let second =
        after.incremental(|writer| writer.upsert_words(writer.type_index("River")?, &record(7))).await;
    let second = publication(second.unwrap());

    let dataset = DatasetStore::new(store, Path::from("growing"), Environment::system());
    let replica = Replica::new(dataset.clone(), SegmentStore::heap(), TransferOptions::default());
    let entry = Tail::new(dataset).find().await.unwrap().unwrap().entry.clone();
    let deltas_only = LogEntry { snapshots: Vec::new(), ..entry.clone() };
    let silent: Arc<dyn Progress> = Arc::new(());
    let start = replica.move_to(None, &entry, &first.manifest, &silent).await.unwrap();
    let there = replica.move_to(Some(&start.loaded), &deltas_only, &second.manifest, &silent).await.unwrap();
    assert_eq!(there.route.name(), "delta");
    let rivers = there.loaded.state.table("River").expect("the type came");
    assert!(rivers.get_bytes(&7u64.to_le_bytes()).is_some());
    let back = replica.move_to(Some(&there.loaded), &deltas_only, &first.manifest, &silent).await.unwrap();
    assert_eq!(back.route.name(), "reverse delta");
    assert!(back.loaded.state.table("River").is_none());
    assert_eq!(back.loaded.state.fingerprint(), city.fingerprint());
}
