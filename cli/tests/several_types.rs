//! Several types in one dataset: published together or alone, and looked at one by one.

use std::fs;

use serde_json::{Value, json};

use support::{Place, Ran};

mod support;

const MOVIES: &str = "id,title\n1,Solaris\n2,Stalker\n";
const ACTORS: &str = "{\"id\":\"lem\",\"born\":1921}\n{\"id\":\"tar\",\"born\":1932}\n";

/// `publish` with files of this place: what follows an `@` is the path of a file in it.
fn publish(place: &Place, arguments: &[&str]) -> Ran {
    let folder = format!("{}/", place.folder().display());
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace('@', &folder)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    place.run("publish", &arguments)
}

fn files(place: &Place) {
    place.file("movies.csv", MOVIES);
    place.file("actors.jsonl", ACTORS);
}

fn two_types() -> Place {
    let place = Place::new();
    files(&place);
    let arguments =
        ["Movie=@movies.csv", "Actor=@actors.jsonl", "--key", "Movie=id", "--key", "Actor=id", "--json"];
    let report = publish(&place, &arguments).succeeds().json();
    assert_eq!((&report["version"], &report["records"]), (&json!(1), &json!({"Movie": 2, "Actor": 2})));
    place
}

fn exported(place: &Place, type_name: &str) -> Vec<Value> {
    place.run("export", &["--type", type_name, "--sorted"]).succeeds().lines()
}

#[test]
fn types_come_in_one_version_and_by_themselves() {
    let place = two_types();
    assert_eq!(
        exported(&place, "Movie"),
        [json!({"id": 1, "title": "Solaris"}), json!({"id": 2, "title": "Stalker"})]
    );
    assert_eq!(
        exported(&place, "Actor"),
        [json!({"id": "lem", "born": 1921}), json!({"id": "tar", "born": 1932})]
    );

    place.file("movies.csv", "id,title\n2,Stalker\n3,Mirror\n");
    let report = publish(&place, &["Movie=@movies.csv", "--json"]).succeeds().json();
    assert_eq!((&report["version"], &report["records"]), (&json!(2), &json!({"Movie": 2, "Actor": 2})));
    let counts = place.run("diff", &["1", "2", "--summary", "--json"]).json();
    let unchanged = json!({"added": 0, "removed": 0, "changed": 0});
    assert_eq!(counts, json!({"Movie": {"added": 1, "removed": 1, "changed": 0}, "Actor": unchanged}));
    let again = publish(&place, &["--type", "Movie", "@movies.csv", "--json"]).succeeds().json();
    assert_eq!((&again["outcome"], &again["version"]), (&json!("unchanged"), &json!(2)));

    place.file("none.csv", "id,title\n");
    publish(&place, &["Movie=@none.csv"]).fails(3, &["Movie", "2 records"]);
    publish(&place, &["Movie=@none.csv", "--allow-empty"]).succeeds();
    assert_eq!((exported(&place, "Movie").len(), exported(&place, "Actor").len()), (0, 2));
    place.run("verify", &[]).succeeds();
}

#[test]
fn changes_name_their_types() {
    let place = two_types();
    place.file("new.csv", "id,title\n3,Mirror\n");
    place.file("gone.txt", "lem\n");
    let arguments = ["--upsert", "Movie=@new.csv", "--delete", "Actor=@gone.txt", "--json"];
    let report = publish(&place, &arguments).succeeds().json();
    assert_eq!(report["records"], json!({"Movie": 3, "Actor": 1}));
    publish(&place, &["--upsert", "@new.csv"]).fails(2, &["Movie", "Actor", "TYPE=FILE"]);
    publish(&place, &["--delete", "Film=@gone.txt"]).fails(2, &["Film"]);
}

#[test]
fn a_type_that_comes_later_comes_by_delta() {
    let place = Place::new();
    files(&place);
    publish(&place, &["@movies.csv", "--type", "Movie", "--key", "id"]).succeeds();
    let second = publish(&place, &["Actor=@actors.jsonl", "--key", "id"]).succeeds();
    assert!(second.words.contains("struct Actor"), "{second:?}");
    let newest = &place.run("versions", &["--json"]).json()[0];
    assert_eq!(newest["records"], json!({"Movie": 2, "Actor": 2}));
    assert!(newest["bytes"]["delta"].is_u64(), "{newest}");
    place.run("verify", &[]).succeeds();
}

#[test]
fn files_of_a_type_are_put_together() {
    let place = Place::new();
    files(&place);
    place.file("more=movies.csv", "id,title\n3,Mirror\n");
    place.file("A=b.csv", "id,title\n4,Nostalghia\n");
    let folder = place.folder();
    let run = |arguments: &[&str]| {
        let ran = place.command("publish").args(arguments).current_dir(folder).output().unwrap();
        Ran::from(ran)
    };
    let arguments =
        ["Movie=movies.csv", "more=movies.csv", "./A=b.csv", "--type", "Movie", "--key", "Movie=id"];
    run(&arguments).succeeds();
    assert_eq!(exported(&place, "Movie").len(), 4);
    run(&["A=b.csv", "--key", "id"]).fails(3, &["b.csv"]);
}

#[test]
fn a_key_of_several_columns_belongs_to_its_type() {
    let place = Place::new();
    files(&place);
    place.file("cities.csv", "country,code,name\nDE,1,Ehl\nFR,1,Paris\n");
    let arguments =
        ["City=@cities.csv", "Movie=@movies.csv", "--key", "City=country,code", "--key", "Movie=id"];
    publish(&place, &arguments).succeeds();
    let found = place.run("get", &["FR,1", "--type", "City"]).succeeds().lines();
    assert_eq!(found[0]["name"], "Paris");
}

#[test]
fn what_does_not_name_its_type_is_wrong_usage() {
    let place = Place::new();
    files(&place);
    let both = ["Movie=@movies.csv", "Actor=@actors.jsonl"];
    let with = |rest: &[&str]| publish(&place, &[&both[..], rest].concat());
    with(&["--key", "id"]).fails(2, &["Movie=id"]);
    with(&["--key", "Film=id"]).fails(2, &["Film"]);
    with(&["--key", "Movie=id", "--key", "Movie=title"]).fails(2, &["two keys for Movie", "Movie=id,title"]);
    with(&["--type", "Movie"]).fails(2, &["--type Movie"]);
    with(&["@movies.csv"]).fails(2, &["--type"]);
    publish(&place, &["Movie=-", "Actor=-"]).fails(2, &["standard input"]);
    publish(&place, &["@movies.csv", "--type", "Movie", "--key", "id", "--key", "title"])
        .fails(2, &["id,title"]);
    publish(&place, &["Movie=@nowhere.csv"]).fails(3, &["nowhere.csv"]);
    assert!(!place.dataset().exists(), "nothing was made");
    with(&["--key", "Movie=id", "--key", "Movie=id", "--key", "Actor=id"]).succeeds();
}

/// Each verb says what it says of each type, or asks for one.
#[test]
fn every_verb_takes_several_types() {
    let place = two_types();
    place.run("get", &["1"]).fails(2, &["--type", "Movie", "Actor"]);
    assert_eq!(place.run("get", &["lem", "--type", "Actor"]).succeeds().lines()[0]["born"], 1921);
    place.run("get", &["lem", "--type", "Film"]).fails(4, &["Film", "Movie", "Actor"]);
    place.run("export", &[]).fails(2, &["--type"]);
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<String> =
            list.as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(&place.run("stats", &["--json"]).json()["types"]), ["Actor", "Movie"]);
    let schema = place.run("schema", &[]).succeeds().out;
    assert!(schema.contains("struct Movie ") && schema.contains("struct Actor "), "{schema}");
    let watched = place.run("watch", &["--until", "1", "--json"]).succeeds().lines();
    assert_eq!(watched[0]["version"], 1);
}

/// The names of what lies in a folder.
fn listed(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn export_writes_a_file_for_each_type_and_replaces_none_unasked() {
    let place = two_types();
    let out = place.folder().join("out");
    let arguments = ["--sorted", "--out", out.to_str().unwrap()];
    place.run("export", &arguments).succeeds();
    assert_eq!(listed(&out), ["Actor.jsonl", "Movie.jsonl"]);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(read("Movie.jsonl"), place.run("export", &["--type", "Movie", "--sorted"]).out);
    fs::write(out.join("Movie.jsonl"), "mine").unwrap();
    fs::remove_file(out.join("Actor.jsonl")).unwrap();
    place.run("export", &arguments).fails(2, &["Movie.jsonl", "--force"]);
    assert_eq!((listed(&out), read("Movie.jsonl")), (vec!["Movie.jsonl".to_owned()], "mine".to_owned()));
    place.run("export", &[&arguments[..], &["--force"]].concat()).succeeds();
    assert_eq!(listed(&out), ["Actor.jsonl", "Movie.jsonl"]);
    assert_eq!(read("Actor.jsonl").lines().count(), 2);
    assert!(read("Movie.jsonl").contains("Solaris"));
}
