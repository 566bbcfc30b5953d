//! Records as deep as they may be.

use hollowcast::schema::{
    DeclaredType as T, Default, MemberDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration,
    limits,
};
use hollowcast::tools::json::MAX_DEPTH;
use hollowcast::wire::MAX_NESTING;

use super::*;

/// Records with as many groups in each other as a schema may have, and in the innermost a list of records.
fn schema() -> Schema {
    let records = MemberDeclaration::Field {
        name: "l".to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal: 0,
        value_type: T::List(Box::new(T::Struct("T".to_owned()))),
        default: Default::Zero,
    };
    let members = (0..limits::NESTING).fold(records, |inner, _| MemberDeclaration::Group {
        name: "g".to_owned(),
        original_name: None,
        members: vec![inner],
    });
    Schema::from_declaration(&SchemaDeclaration {
        types: vec![TypeDeclaration { name: "T".to_owned(), key: Vec::new() }],
        structs: vec![StructDeclaration { id: None, name: "T".to_owned(), members: vec![members] }],
        enums: Vec::new(),
    })
    .unwrap()
}

/// A record with so many pointers on the way to the innermost.
fn record(pointers: u32) -> String {
    let (open, close) = ("{\"g\":".repeat(limits::NESTING), "}".repeat(limits::NESTING + 1));
    let of = |list: &str| format!("{open}{{\"l\":{list}{close}");
    (1..pointers).fold(of("null"), |inner, _| of(&format!("[{inner}]")))
}

#[test]
fn what_may_be_published_is_printed_and_read_again() {
    crate::on_deep_stack(round_trip).unwrap();
}

fn round_trip() {
    let (schema, deepest) = (schema(), record(MAX_NESTING));
    assert_eq!(encoded(json_lines(&deepest), &schema).unwrap(), [deepest.as_str()]);
    let shape = observed(json_lines(&deepest)).unwrap();
    assert_eq!(inferred(&shape, &[], Some(&schema)).schema, schema);
    let refused = message(encoded(json_lines(record(MAX_NESTING + 1)), &schema));
    assert!(refused.contains(&format!("at most {MAX_DEPTH} levels")), "{refused}");
}

#[test]
fn records_that_no_schema_takes_are_refused_however_deep() {
    assert_eq!(limits::INFERRED_NESTING, 2 * MAX_NESTING as usize);
    let files = ["file".to_owned()];
    let levels = MAX_DEPTH as usize;
    let objects = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let lists = format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    for line in [objects, lists] {
        let records = &observed(json_lines(line)).unwrap();
        let refused =
            infer(&Observed { type_name: "T", key: &[], records, files: &files }, None).unwrap_err();
        assert!(refused.to_string().contains("values in each other"), "{refused}");
    }
}
