//! Sets and maps on the command line: arrays in files and output, put in order on the way in.

use hollowcast::consumer::Memory;
use hollowcast::environment::Environment;
use hollowcast::producer::{Dataset, Producer};
use hollowcast::schema::{
    CollectionDeclaration, DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration,
    StructDeclaration, TypeDeclaration,
};
use hollowcast::wire::Draft;
use serde_json::json;

use support::Place;

mod support;

fn field(
    name: &str,
    ordinal: u16,
    value_type: DeclaredType,
    collection: Option<CollectionDeclaration>,
) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection,
        ordinal,
        value_type,
        default: Default::Zero,
    }
}

/// `Movie` with a set of tags and a map of titles.
fn schema() -> Schema {
    let list = |element| DeclaredType::List(Box::new(element));
    let titles = list(DeclaredType::Struct("Title".to_owned()));
    let by_language = CollectionDeclaration::Map { key: "language".to_owned() };
    let movie = vec![
        field("id", 0, DeclaredType::Int64, None),
        field("tags", 1, list(DeclaredType::Text), Some(CollectionDeclaration::Set)),
        field("titles", 2, titles, Some(by_language)),
    ];
    let title =
        vec![field("language", 0, DeclaredType::Text, None), field("text", 1, DeclaredType::Text, None)];
    let structure = |name: &str, members| StructDeclaration { id: None, name: name.to_owned(), members };
    let declaration = SchemaDeclaration {
        types: vec![TypeDeclaration { name: "Movie".to_owned(), key: vec!["id".to_owned()] }],
        structs: vec![structure("Movie", movie), structure("Title", title)],
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

/// A dataset with that schema and one movie without tags and titles, which files are then published to.
fn place() -> Place {
    let place = Place::new();
    let store = hollowcast::store::local(place.dataset().parent().unwrap(), &Environment::system()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let dataset = Dataset::dynamic("airports", schema());
        let mut producer = Producer::builder(dataset, store).memory(Memory::Heap).start().await.unwrap();
        let mut draft = Draft::new();
        draft.root(1, 2).unwrap();
        producer.cycle(|writer| writer.add_words(writer.type_index("Movie")?, draft.words())).await.unwrap();
        producer.stop().await;
    });
    place
}

#[test]
fn a_file_states_sets_and_maps_as_arrays_in_any_order() {
    let place = place();
    let first = r#"{"id":1,"tags":["war","art","war"],"titles":[{"language":"en","text":"Stalker"},{"language":"de","text":"Der Stalker"}]}"#;
    place.publish("1.jsonl", first, &["--type", "Movie"]).succeeds();
    let records = place.run("export", &[]).lines();
    let expected = json!({
        "id": 1,
        "tags": ["art", "war"],
        "titles": [{"language": "de", "text": "Der Stalker"}, {"language": "en", "text": "Stalker"}],
    });
    assert_eq!(records, [expected]);

    let turned = r#"{"id":1,"tags":["art","war"],"titles":[{"language":"de","text":"Der Stalker"},{"language":"en","text":"Stalker"}]}"#;
    let again = place.publish("2.jsonl", turned, &["--type", "Movie", "--json"]).succeeds().json();
    assert_eq!(again["outcome"], "unchanged");

    let schema = place.run("schema", &[]).succeeds().out;
    assert!(schema.contains("tags @1 :List(Text) $set;"), "{schema}");
    assert!(schema.contains("titles @2 :List(Title) $map(\"language\");"), "{schema}");
}

#[test]
fn two_entries_under_one_key_are_refused_by_name() {
    let twice = r#"{"id":1,"tags":[],"titles":[{"language":"de","text":"a"},{"language":"de","text":"b"}]}"#;
    let place = place();
    place.publish("1.jsonl", twice, &["--type", "Movie"]).fails(3, &["Movie.titles", "\"de\"", "keep one"]);
    assert_eq!(place.versions(), [1]);
}
