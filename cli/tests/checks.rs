//! Checks that `publish` makes before anything is published. Keeps semantics 7.

use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::producer::{Dataset, Producer};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::wire::Draft;
use support::Place;

mod support;

const FOUR: &str = "icao,name\nEDDF,Frankfurt\nEDDM,Munich\nLOWW,Vienna\nLSZH,Zurich\n";
const THREE: &str = "icao,name\nEDDF,Frankfurt\nEDDM,Munich\nLOWW,Vienna\n";
const SIX: &str =
    "icao,name\nEDDF,Frankfurt\nEDDM,Munich\nLOWW,Vienna\nLSZH,Zurich\nEHAM,Amsterdam\nEBBR,Brussels\n";

fn place() -> Place {
    let place = Place::new();
    place.publish("four.csv", FOUR, &["--type", "Airport", "--key", "icao"]).succeeds();
    place
}

#[test]
fn counts_that_are_wrong_are_refused_all_of_them_told_and_nothing_published() {
    let place = place();
    let checks = ["--min-count", "Airport=4", "--max-shrink", "20%", "--max-change", "Airport=0"];
    place.publish("three.csv", THREE, &checks).fails(
        3,
        &[
            "minimum count: type Airport",
            "at least 4, found 3",
            "at most 20 % fewer than 4, found 3 (1 fewer, 25.0 %)",
            "at most 0 fewer than 4",
        ],
    );
    place.publish("six.csv", SIX, &["--max-change", "1"]).fails(3, &["at most 1 more than 4, found 6"]);
    place.publish("three.csv", THREE, &["--min-count", "Lake=1"]).fails(3, &["type Lake", "no such type"]);
    assert_eq!(place.versions(), [1]);
    place.publish("six.csv", SIX, &["--max-shrink", "0", "--min-count", "6"]).succeeds();
    assert_eq!(place.versions(), [2, 1]);
}

#[test]
fn a_limit_that_is_none_is_wrong_usage() {
    let place = place();
    place.publish("three.csv", THREE, &["--max-shrink", "some"]).fails(2, &["such as 10%"]);
    place.publish("three.csv", THREE, &["--min-count", "=3"]).fails(2, &["name"]);
}

/// `Airport` with a text `hub` that references another airport.
fn hubs() -> Schema {
    let text = |name: &str, ordinal, references: Option<&str>| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: references.map(str::to_owned),
        collection: None,
        ordinal,
        value_type: DeclaredType::Text,
        default: Default::Zero,
    };
    let members = vec![text("icao", 0, None), text("hub", 1, Some("Airport"))];
    let structure = StructDeclaration { id: None, name: "Airport".to_owned(), members };
    let record_type = TypeDeclaration { name: "Airport".to_owned(), key: vec!["icao".to_owned()] };
    let declaration =
        SchemaDeclaration { types: vec![record_type], structs: vec![structure], enums: Vec::new() };
    Schema::from_declaration(&declaration).unwrap()
}

/// An airport as words; its hub may be null.
fn airport(icao: &str, hub: Option<&str>) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(0, 2).unwrap();
    draft.set_text(draft.pointer(root, 0), icao).unwrap();
    if let Some(hub) = hub {
        draft.set_text(draft.pointer(root, 1), hub).unwrap();
    }
    draft.words().to_vec()
}

/// Each run is a process that knows nothing of the versions before, so all references are looked at.
#[tokio::test]
async fn references_that_lead_nowhere_are_refused() {
    let place = Place::new();
    let root = place.dataset().parent().unwrap().to_owned();
    let store = hollowcast::store::local(root, &Environment::system()).unwrap();
    let producer = Producer::builder(Dataset::dynamic("airports", hubs()), store).memory(Memory::Heap);
    let mut producer = producer.start().await.unwrap();
    let first = producer.cycle(|writer| {
        let index = writer.type_index("Airport")?;
        writer.add_words(index, &airport("EDDF", None))?;
        writer.add_words(index, &airport("EDDM", Some("EDDF")))
    });
    first.await.unwrap();
    producer.stop().await;

    let upsert = |row: &str, rest: &[&str]| {
        let file = place.file("row.csv", format!("icao,hub\n{row}\n")).display().to_string();
        place.run("publish", &[&["--upsert", &file], rest].concat())
    };
    let checked = ["--no-dangling"];
    upsert("LOWW,EHAM", &checked)
        .fails(3, &["Airport.hub leads to no record of Airport, 1 in all: LOWW to EHAM"]);
    let gone = place.file("gone.txt", "EDDF\n").display().to_string();
    let delete = ["--delete", &gone, "--no-dangling"];
    place.run("publish", &delete).fails(3, &["that this version removes, 1 in all: EDDM to EDDF"]);
    upsert("LOWW,EDDM", &checked).succeeds();
    upsert("LSZH,EHAM", &[]).succeeds();
    upsert("EBBR,EDDF", &checked).fails(3, &["LSZH to EHAM"]);
    assert_eq!(place.versions(), [3, 2, 1]);
}
