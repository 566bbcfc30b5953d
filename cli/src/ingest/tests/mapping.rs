//! Values and fields, one by one.

use hollowcast::schema::{
    DeclaredType as T, Default, EnumDeclaration, MemberDeclaration, SchemaDeclaration, StructDeclaration,
    TypeDeclaration,
};

use super::*;

fn field(name: &str, ordinal: u16, value_type: T) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: if name == "defaulted" { Default::Bits(7) } else { Default::Zero },
    }
}

fn group(name: &str, members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Group { name: name.to_owned(), original_name: None, members }
}

fn union(members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Union { members }
}

fn schema(key: &[&str], members: Vec<MemberDeclaration>) -> Schema {
    let key = key.iter().map(|&name| name.to_owned()).collect();
    Schema::from_declaration(&SchemaDeclaration {
        types: vec![TypeDeclaration { name: "T".to_owned(), key }],
        structs: vec![
            StructDeclaration { id: None, name: "T".to_owned(), members },
            StructDeclaration {
                id: None,
                name: "T.Inner".to_owned(),
                members: vec![field("x", 0, T::UInt8), field("t", 1, T::Text)],
            },
        ],
        enums: vec![EnumDeclaration {
            id: None,
            name: "T.Colour".to_owned(),
            enumerants: vec!["red".to_owned(), "green".to_owned()],
        }],
    })
    .unwrap()
}

/// A record with the one field `v`, made from a JSON value.
fn one(value_type: T, value: &str) -> Result<String, InputError> {
    let schema = schema(&[], vec![field("v", 0, value_type)]);
    let mut lines = encoded(json_lines(format!("{{\"v\":{value}}}")), &schema)?;
    let line = lines.remove(0);
    Ok(line.strip_prefix("{\"v\":").unwrap().strip_suffix('}').unwrap().to_owned())
}

fn list(element: T) -> T {
    T::List(Box::new(element))
}

fn inner() -> T {
    T::Struct("T.Inner".to_owned())
}

#[test]
fn values_that_fit_come_back() {
    let cases: Vec<(T, &str, &str)> = vec![
        (T::Int8, "-128", "-128"),
        (T::Int8, "\"127\"", "127"),
        (T::Int16, "-32768", "-32768"),
        (T::Int32, "2147483647", "2147483647"),
        (T::Int64, "-9223372036854775808", "-9223372036854775808"),
        (T::Int64, "-0", "0"),
        (T::UInt64, "\"18446744073709551615\"", "18446744073709551615"),
        (T::UInt8, "255", "255"),
        (T::Float64, "3435", "3435.0"),
        (T::Float64, "-0.0", "-0.0"),
        (T::Float64, "\"NaN\"", "\"NaN\""),
        (T::Float64, "\"-Infinity\"", "\"-Infinity\""),
        (T::Float64, "0.1", "0.1"),
        (T::Float32, "0.1", "0.1"),
        (T::Float32, "\"Infinity\"", "\"Infinity\""),
        (T::Float32, "\"NaN\"", "\"NaN\""),
        (T::Bool, "true", "true"),
        (T::Void, "null", "null"),
        (T::Text, "\"\\u00e9\\n\"", "\"é\\n\""),
        (T::Text, "\"a\\u0000b\"", "\"a\\u0000b\""),
        (T::Text, "null", "null"),
        (T::Data, "\"AP8=\"", "\"AP8=\""),
        (T::Data, "\"\"", "\"\""),
        (T::Enum("T.Colour".to_owned()), "\"green\"", "\"green\""),
        (inner(), "{\"t\":\"a\",\"x\":3}", "{\"x\":3,\"t\":\"a\"}"),
        (inner(), "{}", "{\"x\":0,\"t\":null}"),
        (list(T::Text), "[\"a\",null,\"\"]", "[\"a\",null,\"\"]"),
        (list(list(T::Int16)), "[[],[-1,2],null]", "[[],[-1,2],null]"),
        (list(inner()), "[{\"x\":1},{}]", "[{\"x\":1,\"t\":null},{\"x\":0,\"t\":null}]"),
        (list(T::Bool), "[true,false,true]", "[true,false,true]"),
        (list(T::Void), "[null,null]", "[null,null]"),
        (list(T::Data), "[\"AA==\"]", "[\"AA==\"]"),
        (list(T::Enum("T.Colour".to_owned())), "[\"green\",\"red\"]", "[\"green\",\"red\"]"),
    ];
    for (value_type, value, expected) in cases {
        assert_eq!(one(value_type.clone(), value).unwrap(), expected, "{value_type:?} {value}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_by_field() {
    let cases: Vec<(T, &str, &str)> = vec![
        (T::Int8, "128", "expected an integer from -128 to 127, found 128"),
        (T::Int8, "-129", "found -129"),
        (T::UInt8, "-1", "expected an integer from 0 to 255, found -1"),
        (T::Int64, "9223372036854775808", "found 9223372036854775808"),
        (T::UInt64, "18446744073709551616", "found 18446744073709551616"),
        (T::Int64, "1.0", "found 1.0"),
        (T::Int64, "\"x\"", "found \"x\""),
        (T::Int64, "true", "found true"),
        (T::Int64, "null", "as only optional fields may be null, found null"),
        (T::Float64, "9007199254740993", "an integer that it holds exactly, found 9007199254740993"),
        (T::Float64, "1e400", "in its range, found 1e400"),
        (T::Float64, "\"nan\"", "found \"nan\""),
        (T::Float32, "16777217", "an integer that it holds exactly"),
        (T::Bool, "\"true\"", "expected true or false, found \"true\""),
        (T::Void, "0", "expected null, found 0"),
        (T::Text, "5", "expected a string, found 5"),
        (T::Text, "[]", "expected a string, found a list"),
        (T::Data, "\"A\"", "expected base64, padded, in a string, found \"A\""),
        (T::Enum("T.Colour".to_owned()), "\"blue\"", "expected one of red, green, found \"blue\""),
        (T::Enum("T.Colour".to_owned()), "1", "expected one of red, green, found 1"),
        (inner(), "[]", "expected an object, found a list"),
        (list(T::Int8), "{}", "expected a list, found an object"),
        (list(inner()), "[null]", "expected an object, found null"),
    ];
    for (value_type, value, expected) in cases {
        let error = message(one(value_type.clone(), value));
        assert!(
            error.starts_with("file:1: field v") && error.contains(expected),
            "{value_type:?} {value}: {error}"
        );
    }
    let deep = message(one(list(list(T::Int8)), "[[1],[2,\"x\"]]"));
    assert!(deep.starts_with("file:1: field v.1.1: "), "{deep}");
    let nested = message(one(list(inner()), "[{\"x\":1},{\"x\":256}]"));
    assert!(nested.starts_with("file:1: field v.1.x: "), "{nested}");
}

#[test]
fn unknown_members_are_refused_unless_they_say_nothing() {
    let schema = schema(&[], vec![field("v", 0, T::Text), field("w", 1, inner())]);
    let refused = message(encoded(json_lines("{\"v\":\"a\",\"V\":1}"), &schema));
    assert_eq!(refused, "file:1: field V: expected nothing, as T has no field of this name, found 1");
    let nested = message(encoded(json_lines("{\"w\":{\"z\":\"\"}}"), &schema));
    assert!(nested.starts_with("file:1: field w.z: expected nothing, as T.Inner has no field"), "{nested}");
    let nothing = encoded(json_lines("{\"q\":null,\"r\":[[]],\"s\":{\"t\":{}}}"), &schema).unwrap();
    assert_eq!(nothing, ["{\"v\":null,\"w\":null}"]);
    let cell = message(encoded(csv("v,q\na,\nb,c\n"), &schema));
    assert!(
        cell.starts_with("file:3: field q: expected nothing, as T has no field of this name, found c"),
        "{cell}"
    );
}

#[test]
fn members_that_are_missing_are_null_or_the_default() {
    let members = vec![
        field("a", 0, T::Text),
        field("defaulted", 1, T::UInt16),
        group("o", vec![union(vec![field("none", 2, T::Void), field("value", 3, T::Int8)])]),
        group("g", vec![field("x", 4, T::Bool)]),
    ];
    let schema = schema(&[], members);
    let lines = encoded(json_lines("{}\n{\"defaulted\":0,\"o\":0,\"g\":{\"x\":true}}"), &schema).unwrap();
    assert_eq!(
        lines,
        [
            r#"{"a":null,"defaulted":0,"o":0,"g":{"x":true}}"#,
            r#"{"a":null,"defaulted":7,"o":null,"g":{"x":false}}"#
        ]
    );
    assert!(
        message(encoded(json_lines("{\"g\":null}"), &schema))
            .contains("field g: expected an object, found null")
    );
}

#[test]
fn unions_are_set_by_the_member_that_has_a_value() {
    let members = vec![
        union(vec![field("nothing", 0, T::Void), field("number", 1, T::Int8), field("text", 2, T::Text)]),
        group(
            "shape",
            vec![union(vec![
                field("circle", 3, T::Float32),
                group("square", vec![field("side", 4, T::Int8), field("name", 5, T::Text)]),
            ])],
        ),
    ];
    let schema = schema(&[], members);
    let of = |line: &str| encoded(json_lines(line), &schema).map(|lines| lines[0].clone());
    let circle = r#""shape":{"circle":0.0}"#;
    assert_eq!(of("{}").unwrap(), format!("{{\"nothing\":null,{circle}}}"));
    assert_eq!(of("{\"number\":0}").unwrap(), format!("{{\"number\":0,{circle}}}"));
    assert_eq!(of("{\"text\":null}").unwrap(), format!("{{\"text\":null,{circle}}}"));
    assert_eq!(of("{\"text\":null,\"number\":3}").unwrap(), format!("{{\"number\":3,{circle}}}"));
    assert_eq!(of("{\"number\":3,\"nothing\":null}").unwrap(), format!("{{\"number\":3,{circle}}}"));
    assert_eq!(of("{\"text\":null,\"number\":null}").unwrap(), format!("{{\"nothing\":null,{circle}}}"));
    let square = r#"{"nothing":null,"shape":{"square":{"side":2,"name":"q"}}}"#;
    assert_eq!(of("{\"shape\":{\"square\":{\"name\":\"q\",\"side\":2}}}").unwrap(), square);
    assert!(
        message(of("{\"number\":1,\"text\":\"a\"}"))
            .contains("field text: expected no value, as the union is set to `number`")
    );
    assert!(message(of("{\"number\":null}")).contains("only optional fields may be null"));

    let cells = encoded(csv("nothing,number,text\n,5,\n,,x\n,,\n"), &schema).unwrap();
    let expected = ["{\"nothing\":null,", "{\"number\":5,", "{\"text\":\"x\","]
        .map(|start| format!("{start}{circle}}}"));
    assert_eq!(cells, expected);
}

/// Keeps semantics 4: a null in a key fails, by line and field.
#[test]
fn a_null_in_a_key_is_refused() {
    let nested =
        StructDeclaration { id: None, name: "T.K".to_owned(), members: vec![field("id", 0, T::Int64)] };
    let declaration = SchemaDeclaration {
        types: vec![TypeDeclaration { name: "T".to_owned(), key: vec!["a".to_owned(), "k.id".to_owned()] }],
        structs: vec![
            StructDeclaration {
                id: None,
                name: "T".to_owned(),
                members: vec![field("a", 0, T::Int64), field("k", 1, T::Struct("T.K".to_owned()))],
            },
            nested,
        ],
        enums: Vec::new(),
    };
    let schema = Schema::from_declaration(&declaration).unwrap();
    let of =
        |line: &str| message(encoded(json_lines(format!("{{\"a\":1,\"k\":{{\"id\":1}}}}\n{line}")), &schema));
    let expected = "expected a value, as it is part of the key, found null or nothing";
    assert_eq!(of("{\"k\":{\"id\":1}}"), format!("file:2: field a: {expected}"));
    assert_eq!(of("{\"a\":null,\"k\":{\"id\":1}}"), format!("file:2: field a: {expected}"));
    assert_eq!(of("{\"a\":1,\"k\":{}}"), format!("file:2: field k.id: {expected}"));
    assert_eq!(of("{\"a\":1,\"k\":null}"), format!("file:2: field k: {expected}"));
    assert_eq!(of("{\"a\":1}"), format!("file:2: field k: {expected}"));
}

#[test]
fn an_empty_cell_of_a_key_is_refused() {
    let schema = schema(&["a"], vec![field("a", 0, T::Text), field("b", 1, T::Text)]);
    let error = message(encoded(csv("a,b\nx,\n\"\",y\n"), &schema));
    assert_eq!(error, "file:3: field a: expected a value, as it is part of the key, found null or nothing");
    let gone = message(encoded(csv("b\ny\n"), &schema));
    assert_eq!(gone, "file:1: field a: expected a column of this name, as it is part of the key, found none");
    assert_eq!(
        encoded(json_lines("{\"a\":\"\"}"), &schema).unwrap(),
        ["{\"a\":\"\",\"b\":null}"],
        "an empty key is a key"
    );
}

#[test]
fn cells_are_read_as_their_fields_say() {
    let members = vec![
        field("t", 0, T::Text),
        field("f", 1, T::Float64),
        field("i", 2, T::Int32),
        field("b", 3, T::Bool),
        field("e", 4, T::Enum("T.Colour".to_owned())),
        field("d", 5, T::Data),
        group("o", vec![union(vec![field("none", 6, T::Void), field("value", 7, T::UInt8)])]),
    ];
    let schema = schema(&[], members);
    let lines =
        encoded(csv("t,f,i,b,e,d,o\n01234,NaN,-7,true,green,AA==,\n12,5,0,false,red,,9\n"), &schema).unwrap();
    assert_eq!(
        lines,
        [
            r#"{"t":"01234","f":"NaN","i":-7,"b":true,"e":"green","d":"AA==","o":null}"#,
            r#"{"t":"12","f":5.0,"i":0,"b":false,"e":"red","d":null,"o":9}"#,
        ]
    );
    let row = |row: &str| message(encoded(csv(format!("t,f,i,b,e,d,o\n{row}\n")), &schema));
    assert!(
        row("a,1,x,true,red,,")
            .contains("field i: expected an integer from -2147483648 to 2147483647, found \"x\"")
    );
    assert!(
        row("a,,1,true,red,,")
            .contains("field f: expected a number (Float64), as only optional fields may be null")
    );
    assert!(row("a,1,1,True,red,,").contains("field b: expected true or false, found \"True\""));
    assert!(row("a,1,1,true,red,,256").contains("field o: expected an integer from 0 to 255, found 256"));
}

#[test]
fn records_beyond_the_limits_are_refused_by_line() {
    let long = "x".repeat(16 << 20);
    let schema = schema(&[], vec![field("v", 0, T::Text)]);
    assert_eq!(
        encoded(json_lines(format!("{{\"v\":\"{long}\"}}")), &schema).unwrap()[0].len(),
        (16 << 20) + 8
    );
    let error = message(encoded(json_lines(format!("{{}}\n{{\"v\":\"{long}y\"}}")), &schema));
    assert!(error.starts_with("file:2: ") && error.contains("16777216"), "{error}");
}
