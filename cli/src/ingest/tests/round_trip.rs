//! Through both passes and out again: what was said is said again.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::json_lines::{self, JsonParser};
use super::*;

/// A line as `serde_json` has it, floats rounded by the standard library.
fn read(line: &str) -> Value {
    fn value(seen: json_lines::Value<'_>) -> Value {
        match seen {
            json_lines::Value::Null => Value::Null,
            json_lines::Value::Bool(value) => value.into(),
            json_lines::Value::Number(number) if number.is_integer() => {
                serde_json::from_str(number.text()).unwrap()
            }
            json_lines::Value::Number(number) => number.text().parse::<f64>().unwrap().into(),
            json_lines::Value::Text(text) => text.into(),
            json_lines::Value::List(elements) => elements.into_iter().map(value).collect(),
            json_lines::Value::Object(members) => {
                members.into_iter().map(|(name, seen)| (name.to_owned(), value(seen))).collect()
            }
        }
    }
    let mut parser = JsonParser::default();
    let document = parser.parse(line.as_bytes()).unwrap().unwrap();
    document.members().into_iter().map(|(name, seen)| (name.to_owned(), value(seen))).collect()
}

/// Whether two values mean the same: absent is null, order of members does not count, 1 is 1.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            let mut pairs = names
                .into_iter()
                .map(|name| (one.get(name).unwrap_or(&Value::Null), other.get(name).unwrap_or(&Value::Null)));
            pairs.all(|(one, other)| same(one, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Number(one), Value::Number(other)) => {
            let integers =
                |one: &serde_json::Number| one.as_i64().map(i128::from).or(one.as_u64().map(i128::from));
            match (integers(one), integers(other)) {
                (Some(one), Some(other)) => one == other,
                _ => one.as_f64() == other.as_f64(),
            }
        }
        _ => one == other,
    }
}

/// The rows with an `id` each, published and read back in order.
fn round_trip(rows: &[Value], chunk: usize) -> Vec<Value> {
    let numbered = rows.iter().enumerate().map(|(id, row)| {
        let mut row = row.as_object().unwrap().clone();
        row.insert("id".to_owned(), id.into());
        Value::Object(row).to_string()
    });
    let content = numbered.collect::<Vec<_>>().join("\n");
    let shape = observed(json_lines(&content).in_chunks_of(chunk)).unwrap();
    let schema = inferred(&shape, &["id"], None).schema;
    // The schema is one that Cap'n Proto's own rules accept, and can be stored and read again.
    assert_eq!(Schema::from_stored_bytes(&schema.stored_bytes()).unwrap(), schema);
    let lines = encoded(json_lines(&content).in_chunks_of(chunk), &schema).unwrap();
    let again = encoded(json_lines(lines.join("\n")), &schema).unwrap();
    assert_eq!(again, lines, "what was printed prints the same again");
    let mut read: Vec<_> = lines.iter().map(|line| read(line)).collect();
    read.sort_by_key(|row| row["id"].as_u64());
    read
}

fn assert_round_trip(rows: &[Value]) {
    for (row, mut back) in rows.iter().zip(round_trip(rows, 1 << 20)) {
        back.as_object_mut().unwrap().remove("id");
        assert!(same(row, &back), "{row} came back as {back}");
    }
}

#[test]
fn awkward_records_come_back() {
    let deep = |levels: usize| (1..levels).fold(json!({"n": 1}), |inner, _| json!({"d": inner}));
    let lists = |levels: usize| (1..levels).fold(json!([1]), |inner, _| json!([inner]));
    assert_round_trip(&[json!({"a": "x"}), json!({}), json!({"a": null})]);
    assert_round_trip(&[json!({"ключ": 1, "": "empty", "2x": true, "a-b": 0.5, "\u{1f600}": "s", "$": [1]})]);
    assert_round_trip(&[
        json!({"text": {"data": {"list": [{"void": 1}]}}, "union": {"union": {"group": false}}}),
    ]);
    assert_round_trip(&[json!({"x": [{"a": deep(50)}]})]);
    assert_round_trip(&[json!({"a": deep(59)})]);
    assert_round_trip(&[json!({"a": lists(30)})]);
    assert_round_trip(&[json!({"i": i64::MIN, "u": u64::MAX}), json!({"i": i64::MAX, "u": 0})]);
    assert_round_trip(&[
        json!({"f": -0.0}),
        json!({"f": 5e-324}),
        json!({"f": 1.797_693_134_862_315_7e308}),
        json!({"f": 1}),
    ]);
    assert_round_trip(&[
        json!({"l": []}),
        json!({"l": [[]]}),
        json!({"l": [[{"a": [1]}], []]}),
        json!({"l": [[{}, {"b": ["x"]}]]}),
    ]);
    assert_round_trip(&[json!({"s": "\u{0}\u{1}\u{7f}\u{2028}\"\\/\u{10ffff}"}), json!({"s": ""})]);
    assert_round_trip(&[json!({"o": {}}), json!({"o": {"x": 1}}), json!({"o": null})]);
    assert_round_trip(&[json!({"none": 1, "value": {"none": null, "value": 2}})]);
    assert_round_trip(&[json!({"name": "n", "key": "k", "references": ["r"]})]);
}

#[test]
fn minus_zero_keeps_its_sign() {
    let lines = published(Format::JsonLines, "{\"f\":-0.0}\n{\"f\":0.5}", &[]).unwrap();
    assert_eq!(lines, ["{\"f\":-0.0}", "{\"f\":0.5}"]);
}

/// Keeps semantics 30: null and empty differ, once a column has a type.
#[test]
fn null_and_empty_differ() {
    let content = "{\"t\":\"\",\"l\":[],\"o\":{}}\n{\"t\":null,\"l\":null,\"o\":null}\n{\"t\":\"x\",\"l\":[1],\"o\":{\"n\":1}}";
    let lines = published(Format::JsonLines, content, &[]).unwrap();
    let expected = [
        r#"{"t":"","l":[],"o":{"n":null}}"#,
        r#"{"t":"x","l":[1],"o":{"n":1}}"#,
        r#"{"t":null,"l":null,"o":null}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn numbers_beyond_a_float_are_refused() {
    let refused = |content: &str| match published(Format::JsonLines, content, &[]) {
        Err(error) => error.to_string(),
        Ok(lines) => panic!("{lines:?}"),
    };
    assert!(
        refused("{\"f\":1e400}")
            .starts_with("file:1: field f: expected a number (Float64), in its range, found 1e400")
    );
}

#[test]
fn a_column_that_waited_gets_its_type_later() {
    let first = inferred(&observed(json_lines("{\"id\":1,\"l\":[],\"n\":null}")).unwrap(), &["id"], None);
    assert_eq!(first.waiting_columns, ["l", "n"]);
    let next = "{\"id\":1,\"l\":[2.5],\"n\":\"x\"}\n{\"id\":2,\"l\":null}";
    let second = inferred(&observed(json_lines(next)).unwrap(), &[], Some(&first.schema));
    assert_eq!(second.new_columns, ["l", "n"]);
    let lines = encoded(json_lines(next), &second.schema).unwrap();
    assert_eq!(lines, [r#"{"id":1,"l":[2.5],"n":"x"}"#, r#"{"id":2,"l":null,"n":null}"#]);
}

/// Rows of the airports data (MIT licence), and one that is not.
const AIRPORTS: &str = r#""icao","iata","name","city","subd","country","elevation","lat","lon","tz","lid"
"00AA","","Aero B Ranch Airport","Leoti","Kansas","US",3435,38.70402,-101.47391,"America/Chicago","00AA"
"00AK","","Lowell Field","Anchor Point","Alaska","US",252,59.94889,-151.69222,"America/Anchorage","00AK"
"01","","Quote ""and"", comma","","","",-3.5,0,,"",""
"#;

#[test]
fn airports_have_the_schema_that_one_would_write() {
    let shape = observed(csv(AIRPORTS)).unwrap();
    let schema = inferred(&shape, &["icao"], None).schema;
    let text = schema.to_text();
    for line in
        ["icao @0 :Text;", "iata @1 :Text;", "elevation :group {", "value @6 :Float64;", "lid @12 :Text;"]
    {
        assert_eq!(text.contains(line), line != "iata @1 :Text;", "{line} in\n{text}");
    }
    assert_eq!(schema.key_names(first_type(&schema)), ["icao"]);
    assert_eq!(inferred(&shape, &["icao"], None).waiting_columns, ["iata"]);
    let lines = encoded(csv(AIRPORTS), &schema).unwrap();
    assert!(lines[0].starts_with(r#"{"icao":"00AA","name":"Aero B Ranch Airport","#), "{}", lines[0]);
    assert!(
        lines[0].contains(r#""elevation":3435.0,"lat":38.70402,"lon":-101.47391,"tz":"America/Chicago""#),
        "{}",
        lines[0]
    );
    assert!(lines[2].contains(r#""name":"Quote \"and\", comma","city":null"#), "{}", lines[2]);
    assert!(lines[2].contains(r#""elevation":-3.5,"lat":0.0,"lon":null"#), "{}", lines[2]);
}

/// What the values of a column are like.
#[derive(Clone, Debug)]
enum Column {
    Signed,
    Unsigned,
    Float,
    Bool,
    Text,
    List(Box<Column>),
    Object(Vec<(String, Column)>),
}

fn column() -> impl Strategy<Value = Column> {
    let scalar = prop_oneof![
        Just(Column::Signed),
        Just(Column::Unsigned),
        Just(Column::Float),
        Just(Column::Bool),
        Just(Column::Text),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| Column::List(Box::new(element))),
            members(inner).prop_map(Column::Object),
        ]
    })
}

fn members(column: impl Strategy<Value = Column>) -> impl Strategy<Value = Vec<(String, Column)>> {
    let names = ["a", "b_c", "Über", "", "union", "text", "2x", "list", "none", "value", "x.y", "struct"];
    let names = prop::sample::subsequence(names.to_vec(), 0..4).prop_shuffle();
    (names, prop::collection::vec(column, 4))
        .prop_map(|(names, columns)| names.into_iter().map(str::to_owned).zip(columns).collect())
}

fn value(column: &Column) -> BoxedStrategy<Value> {
    match column {
        Column::Signed => any::<i64>().prop_map(Into::into).boxed(),
        Column::Unsigned => any::<u64>().prop_map(Into::into).boxed(),
        Column::Bool => any::<bool>().prop_map(Into::into).boxed(),
        Column::Text => any::<String>().prop_map(Into::into).boxed(),
        Column::Float => {
            let finite = any::<f64>().prop_filter("JSON has no others", |value| value.is_finite());
            prop_oneof![finite.prop_map(Value::from), any::<i32>().prop_map(Value::from)].boxed()
        }
        Column::List(element) => prop::collection::vec(value(element), 0..4).prop_map(Into::into).boxed(),
        Column::Object(members) => object(members).boxed(),
    }
}

fn object(members: &[(String, Column)]) -> impl Strategy<Value = Value> + use<> {
    let values: Vec<_> = members
        .iter()
        .map(|(name, column)| (Just(name.clone()), prop::option::of(value(column)), any::<bool>()))
        .collect();
    values.prop_map(|members| {
        // An absent value is left out or null.
        let said = members.into_iter().filter(|(_, value, is_said)| value.is_some() || *is_said);
        Value::Object(
            said.map(|(name, value, _)| (name, value.unwrap_or(Value::Null))).collect::<Map<_, _>>(),
        )
    })
}

fn rows() -> impl Strategy<Value = Vec<Value>> {
    members(column()).prop_flat_map(|members| prop::collection::vec(object(&members), 1..8))
}

/// Without what says nothing anywhere: lists and objects of a column that never has a type.
fn without_void(value: &Value) -> Value {
    let is_void = |value: &Value| match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), without_void(value)));
            Value::Object(members.filter(|(_, value)| !is_void(value)).collect())
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(without_void).collect();
            if elements.iter().all(is_void) { Value::Null } else { elements.into() }
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn generated_records_come_back(rows in rows(), chunk in 1usize..200) {
        let back = round_trip(&rows, chunk);
        prop_assert_eq!(back.len(), rows.len());
        for (row, mut back) in rows.iter().zip(back) {
            back.as_object_mut().unwrap().remove("id");
            prop_assert!(same(&without_void(row), &without_void(&back)), "{} came back as {}", row, back);
        }
    }
}
