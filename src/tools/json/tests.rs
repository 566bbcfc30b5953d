use super::*;
use crate::schema::{
    DeclaredType as T, Default, EnumDeclaration, MemberDeclaration, Schema, SchemaDeclaration,
    StructDeclaration, StructIndex, TypeDeclaration,
};
use crate::wire::{CopyPlans, Draft, ElementSize, StructReader};

fn field(name: &str, ordinal: u16, value_type: T) -> MemberDeclaration {
    with_default(name, ordinal, value_type, Default::Zero)
}

fn with_default(name: &str, ordinal: u16, value_type: T, default: Default) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: (name == "original").then(|| "ori\"ginal".to_owned()),
        references: None,
        collection: None,
        ordinal,
        value_type,
        default,
    }
}

fn group(name: &str, members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Group { name: name.to_owned(), original_name: None, members }
}

fn union(members: Vec<MemberDeclaration>) -> MemberDeclaration {
    MemberDeclaration::Union { members }
}

/// A schema of one type, `Record`, that holds lists of `Inner`s and itself.
fn schema(members: Vec<MemberDeclaration>) -> Schema {
    let structure = |name: &str, members| StructDeclaration { id: None, name: name.to_owned(), members };
    Schema::from_declaration(&SchemaDeclaration {
        types: vec![TypeDeclaration { name: "Record".to_owned(), key: Vec::new() }],
        structs: vec![
            structure("Record", members),
            structure("Record.Inner", vec![field("x", 0, T::UInt8), field("t", 1, T::Text)]),
        ],
        enums: vec![EnumDeclaration {
            id: None,
            name: "Record.Colour".to_owned(),
            enumerants: vec!["red".to_owned(), "green".to_owned()],
        }],
    })
    .unwrap()
}

fn record_struct(schema: &Schema) -> StructIndex {
    schema.types()[0].structure
}

/// A draft of a root of 4 data words and 4 pointers, filled by `fill`, as JSON.
fn printed(
    members: Vec<MemberDeclaration>,
    fill: impl FnOnce(&mut Draft, crate::wire::StructPosition),
) -> Result<String, JsonError> {
    let schema = schema(members);
    let mut draft = Draft::new();
    let root = draft.root(4, 4).unwrap();
    fill(&mut draft, root);
    let mut out = b"before ".to_vec();
    JsonPrinter::new(&schema).print(record_struct(&schema), draft.reader(), &mut out)?;
    Ok(String::from_utf8(out.split_off(7)).unwrap())
}

#[test]
fn integers_of_every_width_keep_sign_and_size() {
    let members = vec![
        field("a", 0, T::Int8),
        field("b", 1, T::UInt8),
        field("c", 2, T::Int16),
        field("d", 3, T::Int32),
        field("e", 4, T::Int64),
        field("f", 5, T::UInt64),
        field("g", 6, T::Bool),
    ];
    let json = printed(members, |draft, root| {
        draft.set_bits_at(root, 0, 64, 0x8000_0000_8000_ff80);
        draft.set_bits_at(root, 1, 64, 1 << 63);
        draft.set_bits_at(root, 2, 64, u64::MAX);
        draft.set_bits_at(root, 3, 64, 1);
    });
    let expected = r#"{"a":-128,"b":255,"c":-32768,"d":-2147483648,"e":-9223372036854775808,"f":18446744073709551615,"g":true}"#;
    assert_eq!(json.unwrap(), expected);
}

#[test]
fn floats_are_the_shortest_and_have_a_point_or_an_exponent() {
    let of = |value: f64| {
        let json = printed(vec![field("x", 0, T::Float64)], |draft, root| {
            draft.set_bits_at(root, 0, 64, value.to_bits());
        });
        json.unwrap()
    };
    let cases = [
        (3435.0, "3435.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (f64::NAN, "\"NaN\""),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ];
    for (value, expected) in cases {
        assert_eq!(of(value), format!("{{\"x\":{expected}}}"));
    }
    for value in [1e15, 1e16, 1e17, 1e21, 123_456_789_012_345_680.0, 9_007_199_254_740_992.0, 1e-5] {
        let json = of(value);
        assert!(json.contains(['.', 'e']), "{json}");
        assert_eq!(json[5..json.len() - 1].parse::<f64>().unwrap().to_bits(), value.to_bits());
    }
}

#[test]
fn a_float32_is_shortest_among_its_own_kind() {
    let json = printed(vec![field("x", 0, T::Float32)], |draft, root| {
        draft.set_bits_at(root, 0, 32, u64::from(0.1f32.to_bits()));
    });
    assert_eq!(json.unwrap(), r#"{"x":0.1}"#);
}

#[test]
fn defaults_of_data_show_and_those_of_pointers_do_not() {
    let text = Default::Pointer(vec![0x0000_001a_0000_0001, u64::from_le_bytes(*b"ab\0\0\0\0\0\0")]);
    let members = vec![with_default("n", 0, T::Int16, Default::Bits(7)), with_default("t", 1, T::Text, text)];
    assert_eq!(printed(members.clone(), |_, _| {}).unwrap(), r#"{"n":7,"t":null}"#);
    let set = printed(members, |draft, root| draft.set_bits_at(root, 0, 16, 7));
    assert_eq!(set.unwrap(), r#"{"n":0,"t":null}"#);
}

/// Keeps semantics 30: null and empty differ.
#[test]
fn null_and_empty_differ() {
    let members = || {
        vec![
            field("t", 0, T::Text),
            field("d", 1, T::Data),
            field("l", 2, T::List(Box::new(T::Int64))),
            field("s", 3, T::Struct("Record.Inner".to_owned())),
        ]
    };
    assert_eq!(printed(members(), |_, _| {}).unwrap(), r#"{"t":null,"d":null,"l":null,"s":null}"#);
    let empty = printed(members(), |draft, root| {
        draft.set_text(draft.pointer(root, 0), "").unwrap();
        draft.set_data(draft.pointer(root, 1), &[]).unwrap();
        draft.init_list(draft.pointer(root, 2), ElementSize::EightBytes, 0).unwrap();
        draft.init_struct(draft.pointer(root, 3), 0, 0).unwrap();
    });
    assert_eq!(empty.unwrap(), r#"{"t":"","d":"","l":[],"s":{"x":0,"t":null}}"#);
}

#[test]
fn lists_of_everything() {
    let list = |element| T::List(Box::new(element));
    let members = vec![
        field("l", 0, list(list(T::Text))),
        field("s", 1, list(T::Struct("Record.Inner".to_owned()))),
        field("e", 2, list(T::Enum("Record.Colour".to_owned()))),
        field("b", 3, list(T::Bool)),
    ];
    let json = printed(members, |draft, root| {
        let outer = draft.init_list(draft.pointer(root, 0), ElementSize::Pointer, 3).unwrap();
        let inner = draft.init_list(draft.element_pointer(outer, 1), ElementSize::Pointer, 2).unwrap();
        draft.set_text(draft.element_pointer(inner, 0), "a\n").unwrap();
        draft.init_list(draft.element_pointer(outer, 2), ElementSize::Pointer, 0).unwrap();
        let widths = ElementSize::Composite { data_words: 1, pointer_words: 0 };
        let structs = draft.init_list(draft.pointer(root, 1), widths, 2).unwrap();
        draft.set_bits_at(draft.element_struct(structs, 1), 0, 8, 9);
        let enums = draft.init_list(draft.pointer(root, 2), ElementSize::TwoBytes, 3).unwrap();
        (0..3).for_each(|index| draft.set_element(enums, index, u64::from(index)));
        let bools = draft.init_list(draft.pointer(root, 3), ElementSize::Bit, 2).unwrap();
        draft.set_element(bools, 1, 1);
    });
    let expected = r#"{"l":[null,["a\n",null],[]],"s":[{"x":0,"t":null},{"x":9,"t":null}],"e":["red","green",2],"b":[false,true]}"#;
    assert_eq!(json.unwrap(), expected);
}

fn union_members() -> Vec<MemberDeclaration> {
    vec![
        field("id", 0, T::UInt64),
        union(vec![field("nothing", 1, T::Void), field("number", 2, T::Int32)]),
        group("shape", vec![union(vec![field("circle", 3, T::Float32), field("square", 4, T::Text)])]),
        group("height", vec![union(vec![field("none", 5, T::Void), field("value", 6, T::Bool)])]),
        group("plain", vec![field("original", 7, T::UInt8)]),
    ]
}

#[test]
fn unions_show_the_member_that_is_set_and_optional_groups_their_value() {
    let first = printed(union_members(), |_, _| {}).unwrap();
    assert_eq!(
        first,
        r#"{"id":0,"nothing":null,"shape":{"circle":0.0},"height":null,"plain":{"ori\"ginal":0}}"#
    );
    let schema = schema(union_members());
    let second = printed(union_members(), |draft, root| {
        let record = schema.structure(record_struct(&schema));
        draft.select_arm(root, record, &record.fields[2]);
        for name in ["shape", "height"] {
            let Some(crate::schema::FieldKind::Group(group)) =
                record.fields.iter().find(|field| field.name == name).map(|field| field.kind.clone())
            else {
                panic!("{name} is a group")
            };
            let definition = schema.structure(group);
            draft.select_arm(root, definition, &definition.fields[1]);
        }
    });
    assert_eq!(
        second.unwrap(),
        r#"{"id":0,"number":0,"shape":{"square":null},"height":false,"plain":{"ori\"ginal":0}}"#
    );
}

#[test]
fn a_member_that_the_schema_does_not_know_is_refused() {
    let schema = schema(union_members());
    let offset = schema.structure(record_struct(&schema)).discriminant_offset.unwrap();
    let refused = printed(union_members(), |draft, root| draft.set_bits_at(root, offset, 16, 9)).unwrap_err();
    assert_eq!(refused, JsonError::UnknownMember { structure: "Record".to_owned(), expected: 2, found: 9 });
}

#[test]
fn wrong_words_are_refused_whatever_they_are() {
    let text = || vec![field("t", 0, T::Text), field("l", 1, T::List(Box::new(T::Int32)))];
    let unterminated = printed(text(), |draft, root| draft.set_data(draft.pointer(root, 0), b"x").unwrap());
    assert!(matches!(unterminated, Err(JsonError::Wire(_))));
    let bytes = printed(text(), |draft, root| {
        draft.init_list(draft.pointer(root, 1), ElementSize::Byte, 3).unwrap();
    });
    assert!(matches!(bytes, Err(JsonError::Wire(_))), "a list of bytes is no list of Int32");
}

#[test]
fn a_record_that_contains_itself_ends() {
    let schema = schema(vec![field("r", 0, T::Struct("Record".to_owned()))]);
    // A root of no data and one pointer, which leads back to the root: offset -1, one pointer word.
    let words = [0x0001_0000_0000_0000, 0x0001_0000_ffff_fffc];
    let mut out = Vec::new();
    let root = StructReader::root(&words).unwrap();
    let refused = JsonPrinter::new(&schema).print(record_struct(&schema), root, &mut out);
    assert_eq!(refused, Err(JsonError::TooDeep));
}

/// `record` in at most `limit` bytes: what was refused, and how long the buffer had become.
fn refused_within(limit: usize, schema: &Schema, record: StructReader<'_>) -> (JsonError, usize) {
    let mut out = Vec::new();
    let printed = JsonPrinter::new(schema).print_within(record_struct(schema), record, limit, &mut out);
    (printed.unwrap_err(), out.len())
}

/// Bug: a record of few words could become more JSON than there is memory. Mechanism: the length was looked at behind the elements of lists
/// only. Fix: before each member, text and data.
#[test]
fn the_limit_of_length_holds_without_lists() {
    let record = |name, ordinal| field(name, ordinal, T::Struct("Record".to_owned()));
    let links = schema(vec![record("one", 0), record("two", 1)]);
    // Both pointers of each struct lead to the next one.
    let words = [vec![2 << 48], [2 << 48 | 4, 2 << 48].repeat(50), vec![0; 2]].concat();
    let (error, length) = refused_within(10_000, &links, StructReader::root(&words).unwrap());
    assert_eq!((error, length <= 10_010), (JsonError::TooLong, true), "{length}");

    let bytes = schema(vec![field("t", 0, T::Text), field("d", 1, T::Data)]);
    for pointer in 0..2 {
        let mut draft = Draft::new();
        let root = draft.root(0, 2).unwrap();
        match pointer {
            0 => draft.set_text(draft.pointer(root, 0), &"\0".repeat(2_000)).unwrap(),
            _ => draft.set_data(draft.pointer(root, 1), &[1; 8_000]).unwrap(),
        }
        let (error, length) = refused_within(10_000, &bytes, draft.reader());
        assert_eq!((error, length <= 30), (JsonError::TooLong, true), "{length}");
    }
}

#[test]
fn what_is_as_long_as_the_limit_is_printed() {
    let schema = schema(vec![field("t", 0, T::Text), field("d", 1, T::Data)]);
    let mut draft = Draft::new();
    let root = draft.root(0, 2).unwrap();
    draft.set_text(draft.pointer(root, 0), "ab\ncd").unwrap();
    draft.set_data(draft.pointer(root, 1), &[1; 5]).unwrap();
    let expected = r#"{"t":"ab\ncd","d":"AQEBAQE="}"#;
    let mut out = Vec::new();
    let printer = JsonPrinter::new(&schema);
    printer.print_within(record_struct(&schema), draft.reader(), expected.len(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    for limit in 0..expected.len() {
        assert_eq!(refused_within(limit, &schema, draft.reader()).0, JsonError::TooLong, "{limit}");
    }
}

/// `Record` is as many groups in each other as a schema may have, and in the innermost a list of `Record`.
fn deepest_schema() -> Schema {
    let records = field("l", 0, T::List(Box::new(T::Struct("Record".to_owned()))));
    let groups = (0..crate::schema::limits::NESTING).fold(records, |inner, _| group("g", vec![inner]));
    schema(vec![groups])
}

/// Lists of one record each, `pointers` on the way to the innermost.
fn deep_draft(pointers: u32) -> Draft {
    let mut draft = Draft::new();
    let mut at = draft.root(0, 1).unwrap();
    for _ in 1..pointers {
        let widths = ElementSize::Composite { data_words: 0, pointer_words: 1 };
        let list = draft.init_list(draft.pointer(at, 0), widths, 1).unwrap();
        at = draft.element_struct(list, 0);
    }
    draft
}

/// Bug: records that could be published could not be printed. Mechanism: groups, and lists and the structs in them, counted as levels of their
/// own. Fix: pointers are counted, as the canonical copy counts them.
#[test]
fn what_may_be_published_is_printed() {
    let schema = deepest_schema();
    let (structure, printer) = (record_struct(&schema), JsonPrinter::new(&schema));
    let (mut message, mut json) = (Vec::new(), Vec::new());
    CopyPlans::new(&schema).copy(structure, deep_draft(MAX_NESTING).reader(), &mut message).unwrap();
    printer.print(structure, StructReader::root(&message).unwrap(), &mut json).unwrap();
    let depths = json.iter().scan(0, |depth, byte| {
        *depth += i32::from(b"{[".contains(byte)) - i32::from(b"}]".contains(byte));
        Some(*depth)
    });
    assert_eq!(depths.max(), Some(MAX_DEPTH.cast_signed()));
    let deeper = deep_draft(MAX_NESTING + 1);
    assert!(CopyPlans::new(&schema).copy(structure, deeper.reader(), &mut message).is_err());
    assert_eq!(printer.print(structure, deeper.reader(), &mut json), Err(JsonError::TooDeep));
    let differences = FieldComparison::new(&schema, &schema);
    let [one, other] = [1, MAX_NESTING].map(deep_draft);
    let found = differences.differences((structure, one.reader()), (structure, other.reader())).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn narrow_rows_read_the_defaults_of_newer_fields() {
    let schema = schema(vec![
        field("a", 0, T::UInt64),
        with_default("b", 1, T::UInt64, Default::Bits(5)),
        field("t", 2, T::Text),
    ]);
    let mut draft = Draft::new();
    draft.root(0, 0).unwrap();
    let mut out = Vec::new();
    JsonPrinter::new(&schema).print(record_struct(&schema), draft.reader(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":0,"b":5,"t":null}"#);
}
