//! Schemas from files: text and compiled, what they may import, what they refuse, and the way from one dataset to another.

use std::process::Command;

use serde_json::json;

use support::{Place, Ran};

mod support;

const SHOP: &str = r#"@0xb1c7f3a95d20e846;
using Hollowcast = import "/hollowcast.capnp";

struct Item $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  title @1 :Text $Hollowcast.name("item_title");
  price @2 :Float64;
}

struct Sale $Hollowcast.key(["shop", "number"]) {
  shop @0 :Text;
  number @1 :UInt16;
  item @2 :UInt32 $Hollowcast.references("Item");
}
"#;

const ITEMS: &str = "id,item_title,price\n1,Tea,2.5\n2,Cup,4\n";
const SALES: &str = "{\"shop\":\"Ulm\",\"number\":1,\"item\":2}\n";

fn path(place: &Place, name: &str) -> String {
    place.folder().join(name).display().to_string()
}

/// `publish --schema shop.capnp` with the items and what else is said.
fn publish_items(place: &Place, schema: &str, rest: &[&str]) -> Ran {
    let schema = place.file("shop.capnp", schema).display().to_string();
    let items = format!("Item={}", place.file("items.csv", ITEMS).display());
    place.run("publish", &[&[items.as_str(), "--schema", schema.as_str()], rest].concat())
}

#[test]
fn a_schema_in_text_makes_a_dataset_of_its_types() {
    let place = Place::new();
    let sales = format!("Sale={}", place.file("sales.jsonl", SALES).display());
    let report = publish_items(&place, SHOP, &[sales.as_str(), "--json"]).succeeds().json();
    assert_eq!(report["records"], json!({"Item": 2, "Sale": 1}));
    let found = place.run("get", &["2", "--type", "Item"]).succeeds().lines();
    assert_eq!(found, [json!({"id": 2, "item_title": "Cup", "price": 4.0})]);
    let schema = place.run("schema", &[]).succeeds().out;
    assert!(schema.contains("item @2 :UInt32 $references(\"Item\");"), "{schema}");
    assert!(schema.contains("struct Sale @") && schema.contains("$key([\"shop\", \"number\"])"), "{schema}");
}

/// Types that no file is about are there, without records.
#[test]
fn one_type_of_a_schema_may_come_first() {
    let place = Place::new();
    publish_items(&place, SHOP, &[]).succeeds();
    let sales = format!("Sale={}", place.file("sales.jsonl", SALES).display());
    let report = place.run("publish", &[sales.as_str(), "--json"]).succeeds().json();
    assert_eq!(report["records"], json!({"Item": 2, "Sale": 1}));
    place.run("verify", &[]).succeeds();
}

fn compiled(place: &Place, text: &str) -> Vec<u8> {
    place.file("to-compile.capnp", text);
    let imports = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/../schemas");
    let mut command = Command::new("capnp");
    command
        .args(["compile", imports, "-o-", "to-compile.capnp"])
        .current_dir(place.folder())
        .env_remove("PWD");
    let output = command.output().expect("this test needs Cap'n Proto's compiler");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Told by what is in it, not by its name, and without a compiler on the PATH.
#[test]
fn a_compiled_schema_needs_no_compiler() {
    let place = Place::new();
    let schema = place.file("schema.capnp", compiled(&place, SHOP));
    let items = format!("Item={}", place.file("items.csv", ITEMS).display());
    let publish = |schema: &str| {
        let mut command = place.command("publish");
        let ran = command.args([items.as_str(), "--schema", schema]).env("PATH", "").output().unwrap();
        Ran::from(ran)
    };
    let text = place.file("text.bin", SHOP);
    publish(text.to_str().unwrap()).fails(3, &["text.bin", "apt install capnproto", "capnp compile -o-"]);
    publish(schema.to_str().unwrap()).succeeds();
}

#[test]
fn text_may_import_its_neighbours_declare_annotations_itself_and_come_by_stream() {
    let place = Place::new();
    place.file("colours.capnp", "@0xd0f1a2b3c4e5f607; enum Colour { red @0; green @1; }");
    let text = r#"@0xc0f1a2b3c4e5f608;
        using Colours = import "colours.capnp";
        annotation key @0x9a5c2f1de07b4836 (struct) :List(Text);
        struct Item $key(["id"]) { id @0 :UInt32; colour @1 :Colours.Colour = green; }"#;
    place.file("items.capnp", text);
    let items = format!(
        "Item={}",
        place.file("items.jsonl", "{\"id\":1,\"colour\":\"red\"}\n{\"id\":2}\n").display()
    );
    place.run("publish", &[&items, "--schema", &path(&place, "items.capnp")]).succeeds();
    let found = place.run("export", &["--sorted"]).lines();
    assert_eq!(found, [json!({"id": 1, "colour": "red"}), json!({"id": 2, "colour": "green"})]);

    let other = Place::new();
    let own = place.run("schema", &[]).succeeds().out;
    other.run_with("publish", &[&items, "--schema", "-"], own).succeeds();
    assert_eq!(fingerprint(&other), fingerprint(&place));
    other.run("publish", &["-", "--schema", "-"]).fails(2, &["standard input"]);
}

#[test]
fn what_is_no_schema_is_refused_with_advice() {
    let place = Place::new();
    let refused = |text: &str, words: &[&str]| publish_items(&place, text, &[]).fails(3, words);
    refused(&SHOP.replace(":Float64", ":Double"), &["shop.capnp:7:", "Not defined: Double"]);
    refused(&SHOP.replace("/hollowcast.capnp", "/nowhere.capnp"), &["shop.capnp:2:", "Import failed"]);
    refused("", &["shop.capnp:1:1", "does not declare an ID"]);
    let keyless = "@0xb1c7f3a95d20e846; struct Item { id @0 :UInt32; }";
    refused(keyless, &["shop.capnp", "no struct is a record type", "$Hollowcast.key"]);
    refused(&SHOP.replace("[\"id\"]", "[\"ident\"]"), &["shop.capnp", "`ident`", "id"]);
    refused(&SHOP.replace(":Float64", ":AnyPointer"), &["shop.capnp", "price", "AnyPointer"]);
    let torn = place.file("torn.bin", &compiled(&place, SHOP)[..100]);
    let items = format!("Item={}", path(&place, "items.csv"));
    place.run("publish", &[&items, "--schema", torn.to_str().unwrap()]).fails(3, &["torn.bin"]);
    place.run("publish", &[&items, "--schema", &path(&place, "none.capnp")]).fails(3, &["none.capnp"]);
    assert!(!place.dataset().exists(), "nothing was made");
}

#[test]
fn files_fit_the_schema_as_it_is() {
    let place = Place::new();
    let schema = place.file("shop.capnp", SHOP).display().to_string();
    let publish = |type_name: &str, name: &str, content: &str, rest: &[&str]| {
        let file = format!("{type_name}={}", place.file(name, content).display());
        place.run("publish", &[&[file.as_str(), "--schema", schema.as_str()], rest].concat())
    };
    let titled = "id,title,price\n1,Tea,2.5\n";
    publish("Item", "own.csv", titled, &[]).fails(3, &["own.csv:2", "`title`", "`item_title`"]);
    let more = "{\"id\":1,\"item_title\":\"Tea\",\"price\":1.5,\"colour\":null}\n";
    publish("Item", "more.jsonl", more, &[]).fails(3, &["more.jsonl:1", "`colour`", "id, item_title, price"]);
    publish("Item", "less.csv", "id,price\n1,2.5\n", &[])
        .fails(3, &["Item", "item_title", "--allow-missing"]);
    publish("Film", "items.csv", ITEMS, &[]).fails(3, &["Film", "Item", "Sale"]);
    publish("Item", "items.csv", ITEMS, &["--key", "item_title"]).fails(3, &["Item", "key", "id"]);
    assert!(!place.dataset().exists(), "nothing was made");
    publish("Item", "large.csv", "id,item_title,price\n4294967296,Tea,1\n", &[])
        .fails(3, &["large.csv:2", "id"]);
    publish("Item", "wrong.csv", "id,item_title,price\n1,Tea,high\n", &[])
        .fails(3, &["wrong.csv:2", "price"]);
    publish("Item", "less.csv", "id,price\n1,2.5\n", &["--allow-missing", "--key", "id"]).succeeds();
    assert_eq!(place.run("get", &["1", "--type", "Item"]).lines()[0]["item_title"], json!(null));
}

#[test]
fn a_dataset_takes_what_a_schema_adds_and_refuses_all_that_breaks() {
    let place = Place::new();
    publish_items(&place, SHOP, &[]).succeeds();
    let broken =
        SHOP.replace("price @2 :Float64", "cost @2 :Int64").replace("title @1 :Text", "title @1 :Data");
    publish_items(&place, &broken, &[])
        .fails(3, &["`Item.price`", "`Item.title`", "Float64", "Int64", "Data"]);
    assert_eq!(place.versions(), [1]);

    let extended = SHOP.replace("price @2 :Float64;", "price @2 :Float64; stock @3 :UInt32 = 7;")
        + "struct Shop $Hollowcast.key([\"name\"]) { name @0 :Text; }\n";
    let changed = place.file("changed.csv", "id,item_title,price,stock\n2,Cup,4,0\n");
    let schema = place.file("extended.capnp", extended).display().to_string();
    let (upsert, shops) = (format!("Item={}", changed.display()), place.file("shops.csv", "name\nUlm\n"));
    let shops = format!("Shop={}", shops.display());
    place.run("publish", &["--upsert", &upsert, "--upsert", &shops, "--schema", &schema]).succeeds();
    let items = place.run("export", &["--type", "Item", "--sorted"]).lines();
    assert_eq!((&items[0]["stock"], &items[1]["stock"]), (&json!(7), &json!(0)));
    let newest = &place.run("versions", &["--json"]).json()[0];
    assert_eq!(newest["records"], json!({"Item": 2, "Sale": 0, "Shop": 1}));
    assert!(newest["bytes"]["delta"].is_u64(), "{newest}");

    // One that knows less is none that breaks: what it lacks stays.
    publish_items(&place, SHOP, &["--allow-missing"]).succeeds();
    assert!(place.run("schema", &[]).out.contains("stock @3 :UInt32 = 7;"));
    place.run("verify", &[]).succeeds();
}

fn fingerprint(place: &Place) -> String {
    place.run("versions", &["--json"]).json()[0]["fingerprint"].as_str().unwrap().to_owned()
}

const EVERYTHING: &str = r#"@0xe7a1c95b3d20f846;
using Hollowcast = import "/hollowcast.capnp";

struct All $Hollowcast.key(["id", "place.row"]) {
  id @0 :Int16;
  place :group $Hollowcast.name("the place") { row @1 :Text; column @2 :UInt8 = 9; }
  bool @3 :Bool = true;
  int8 @4 :Int8;
  int32 @5 :Int32 = -5;
  int64 @6 :Int64;
  uint16 @7 :UInt16;
  uint32 @8 :UInt32;
  uint64 @9 :UInt64 = 18446744073709551615;
  float32 @10 :Float32 = 0.1;
  float64 @11 :Float64 = -inf;
  text @12 :Text = "by \"default\"\n";
  data @13 :Data = 0x"00ff";
  kind @14 :Kind = wide;
  inner @15 :Inner;
  list @16 :List(List(Int8));
  inners @17 :List(Inner);
  nothing @18 :Void;
  kinds @19 :List(Kind);
  texts @20 :List(Text);
  datas @21 :List(Data);
  bools @22 :List(Bool);
  union { first @23 :UInt32; second @24 :Text; third :group { a @25 :Int64; b @26 :Inner; } fourth @27 :Void; }
  shape :union { dot @28 :Void; line @29 :Float32; deep :union { x @30 :Data; y @31 :List(Float64); } }
  maybe :group { union { none @32 :Void; value @33 :Int32; } }

  enum Kind { narrow @0; wide @1; endless @2; }
  struct Inner { name @0 :Text $Hollowcast.name("full name"); kind @1 :Kind; of @2 :Inner; }
}

struct Outer { struct Nested $Hollowcast.key([]) { word @0 :Text; all @1 :Int16; } }
"#;

const ALL: &str = r#"{"id":-32768,"the place":{"row":"","column":0},"bool":false,"int8":-128,"int32":0,"int64":-9223372036854775808,"uint16":65535,"uint32":4294967295,"uint64":0,"float32":3.4028235e38,"float64":5e-324,"text":"","data":"","kind":"narrow","inner":{},"list":[[],[1,-1],null],"inners":[{"full name":"a","kind":"endless","of":{"of":{}}},{}],"kinds":["wide","narrow"],"texts":["","é\u0000"],"datas":["AP8=","",null],"bools":[true,false,true],"first":0,"shape":{"dot":null},"maybe":null}
{"id":32767,"the place":{"row":"r","column":9},"bool":true,"int8":127,"int32":-5,"int64":9223372036854775807,"uint16":0,"uint32":0,"uint64":18446744073709551615,"float32":"NaN","float64":"-Infinity","second":"two","shape":{"line":-0.0},"maybe":0,"list":[]}
{"id":0,"the place":{"row":"s"},"third":{"a":5,"b":{"full name":null,"kind":"wide"}},"shape":{"deep":{"y":[1.5,"Infinity"]}},"maybe":-1}
{"id":0,"the place":{"row":"t"},"fourth":null,"shape":{"deep":{"x":null}},"float64":0.1,"text":null,"data":null}
{"id":0,"the place":{"row":"u"},"second":null}
"#;

/// The text and the compiled form of a dataset's own schema, and its export, make a dataset of the same content.
fn same_elsewhere(place: &Place) {
    let out = path(place, "export");
    place.run("export", &["--out", &out, "--force"]).succeeds();
    let text = place.run("schema", &[]).succeeds().out;
    let text = place.file("own.capnp", text).display().to_string();
    let compiled = place.command("schema").arg("--compiled").output().unwrap().stdout;
    let compiled = place.file("own.bin", compiled).display().to_string();
    let records = place.run("versions", &["--json"]).json()[0]["records"].clone();
    let types: Vec<&String> = records.as_object().unwrap().keys().collect();
    let files: Vec<String> = types.iter().map(|name| format!("{name}={out}/{name}.jsonl")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for schema in [&text, &compiled] {
        let other = Place::new();
        other.run("publish", &[&files[..], &["--schema", schema]].concat()).succeeds();
        assert_eq!(fingerprint(&other), fingerprint(place), "by {schema}");
        assert_eq!(other.run("schema", &[]).out, place.run("schema", &[]).out, "by {schema}");
    }
}

#[test]
fn whatever_records_hold_goes_from_dataset_to_dataset() {
    let place = Place::new();
    let schema = place.file("all.capnp", EVERYTHING).display().to_string();
    let all = format!("All={}", place.file("all.jsonl", ALL).display());
    let words = "{\"word\":\"a\",\"all\":1}\n{\"word\":null,\"all\":1}\n{\"word\":\"a\",\"all\":1}\n";
    let words = format!("Nested={}", place.file("words.jsonl", words).display());
    let arguments = [all.as_str(), words.as_str(), "--schema", schema.as_str(), "--json"];
    let report = place.run("publish", &arguments).succeeds().json();
    assert_eq!(report["records"], json!({"All": 5, "Nested": 2}));
    let found = place.run("get", &["0,s", "0,u", "--type", "All"]).succeeds().lines();
    assert_eq!(found[0]["third"], json!({"a": 5, "b": {"full name": null, "kind": "wide", "of": null}}));
    assert_eq!((&found[0]["the place"]["column"], &found[0]["uint64"]), (&json!(9), &json!(u64::MAX)));
    assert_eq!((&found[1]["second"], &found[1]["shape"]), (&json!(null), &json!({"dot": null})));
    same_elsewhere(&place);
    let null = place.file("null.jsonl", "{\"id\":1,\"the place\":{\"row\":\"\"},\"bools\":[true,null]}\n");
    let null = format!("All={}", null.display());
    place
        .run("publish", &["--upsert", &null, "--schema", &schema])
        .fails(3, &["null.jsonl:1", "bools.1", "null"]);

    // A file for a type that lies within a struct finds it again without a schema, and adds to it.
    let words =
        format!("Nested={}", place.file("words.jsonl", "{\"word\":\"b\",\"all\":1,\"more\":2}\n").display());
    place.run("publish", &[&words]).succeeds();
    assert!(place.run("schema", &[]).out.contains("more :group"));
}

/// A dataset whose schema was inferred, of several types and versions.
#[test]
fn inferred_schemas_go_from_dataset_to_dataset() {
    let place = Place::new();
    let city = "{\"id\":1,\"city name\":\"Ulm\",\"at\":{\"x\":1.5,\"Ü\":[[true],[]]}}\n";
    let city = format!("City={}", place.file("city.jsonl", city).display());
    let word = format!("Word={}", place.file("word.csv", "word,count\na,1\nb,\n").display());
    place.run("publish", &[city.as_str(), word.as_str(), "--key", "City=id"]).succeeds();
    same_elsewhere(&place);
}
