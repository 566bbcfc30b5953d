//! Keys as people type them, against the key bytes of records.

use hollowcast::wire::KeyPlan;

use super::super::{KeyParser, read_keys};
use super::*;

/// A schema whose key is `key`, and the key bytes of its only record.
fn keyed(line: &str, key: &[&str]) -> (Schema, Vec<u8>) {
    let schema = inferred(&observed(json_lines(line)).unwrap(), key, None).schema;
    let plan = KeyPlan::new(&schema, first_type(&schema));
    let bytes = Mutex::new(Vec::new());
    let sink = |message: &[u64]| {
        plan.write_bytes(StructReader::root(message)?, &mut bytes.lock().unwrap())?;
        Ok(())
    };
    encode(&[json_lines(line)], &schema, first_type(&schema), Order::Any, &|_| {}, sink).unwrap();
    let bytes = bytes.into_inner().unwrap();
    (schema, bytes)
}

fn parse(schema: &Schema, text: &str) -> Result<Vec<u8>, InputError> {
    KeyParser::new(schema, first_type(schema)).unwrap().parse(text)
}

#[test]
fn typed_keys_are_those_of_records() {
    let cases: [(&str, &[&str], &str); 7] = [
        (r#"{"id":-42}"#, &["id"], "-42"),
        (r#"{"id":18446744073709551615}"#, &["id"], "18446744073709551615"),
        (r#"{"id":true}"#, &["id"], "true"),
        (r#"{"id":"Ehl, \"Tarter\""}"#, &["id"], "Ehl, \"Tarter\""),
        (r#"{"id":""}"#, &["id"], ""),
        (r#"{"name":"Ehl, Tarter","id":3039154}"#, &["id", "name"], "3039154,\"Ehl, Tarter\""),
        (r#"{"a":{"b":"x\ny"},"id":1}"#, &["a.b", "id"], "\"x\ny\",1\n"),
    ];
    for (line, key, text) in cases {
        let (schema, expected) = keyed(line, key);
        assert_eq!(parse(&schema, text).unwrap(), expected, "{text}");
    }
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (numbers, _) = keyed(r#"{"id":1}"#, &["id"]);
    let expected = "key \"x\": field id: expected an integer from -2^63 to 2^63 - 1, found \"x\"";
    assert_eq!(message(parse(&numbers, "x")), expected);
    assert!(parse(&numbers, "").is_err());
    assert!(parse(&numbers, "1.0").is_err());
    let (composite, _) = keyed(r#"{"id":1,"n":"x"}"#, &["id", "n"]);
    assert_eq!(message(parse(&composite, "1")), "key \"1\": field (key): expected 2 cells: id,n, found 1");
    assert!(message(parse(&composite, "1,x\n2,y")).contains("expected one row"));
    assert!(message(parse(&composite, "1,\"x")).contains("to be closed"));
    assert!(message(parse(&composite, "1,\"x\"y")).contains("behind a closing quote"));
    let (keyless, _) = keyed(r#"{"id":1}"#, &["id"]);
    drop(keyless);
    let schema = inferred(&observed(json_lines("{\"id\":1}")).unwrap(), &[], None).schema;
    assert!(
        KeyParser::new(&schema, first_type(&schema)).err().unwrap().to_string().starts_with("T has no key")
    );
}

#[test]
fn files_of_keys_have_one_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let read = |schema: &Schema, content: &str| {
        std::fs::write(&path, content).unwrap();
        let mut keys = Vec::new();
        let parser = KeyParser::new(schema, first_type(schema)).unwrap();
        read_keys(&path, &parser, |key| keys.push(key)).map(|()| keys).map_err(|error| error.to_string())
    };
    let (numbers, _) = keyed(r#"{"id":1}"#, &["id"]);
    assert_eq!(read(&numbers, "1\r\n\n2").unwrap(), [1u64.to_le_bytes(), 2u64.to_le_bytes()]);
    let refused = read(&numbers, "1\n\nx\n").unwrap_err();
    assert!(
        refused.ends_with("keys:3: field id: expected an integer from -2^63 to 2^63 - 1, found \"x\""),
        "{refused}"
    );
    let (composite, _) = keyed(r#"{"id":1,"n":"x"}"#, &["id", "n"]);
    let expected = [parse(&composite, "1,\"a\nb\"").unwrap(), parse(&composite, "2,\"\"").unwrap()];
    assert_eq!(read(&composite, "1,\"a\nb\"\n\n2,\n").unwrap(), expected);
    assert!(read(&composite, "1,\"a\nb\"\n\n2\n").unwrap_err().contains("keys:4: "));
}
