use proptest::prelude::*;

use super::*;
use crate::schema::testing;
use crate::schema::{DeclaredType, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration};

/// A value of a file, as far as a shape sees it.
#[derive(Clone, Debug)]
enum Seen {
    Null,
    Bool,
    Integer(i128),
    Float,
    Text,
    List(Vec<Seen>),
    Object(Vec<(String, Seen)>),
}

use Seen::{Bool, Float, Integer, List, Null, Text};

fn object(members: &[(&str, Seen)]) -> Seen {
    Seen::Object(members.iter().map(|(name, seen)| ((*name).to_owned(), seen.clone())).collect())
}

fn observe(shape: &mut Shape, seen: &Seen, place: Place) {
    match seen {
        Null => shape.observe_null(place),
        Bool => shape.observe_bool(place),
        Integer(value) => {
            shape.observe_integer(*value < 0, u64::try_from(value.unsigned_abs()).unwrap(), place);
        }
        Float => shape.observe_float(place),
        Text => shape.observe_text(place),
        List(elements) => {
            let element = shape.observe_list(place);
            for seen in elements {
                observe(element, seen, place);
            }
        }
        Seen::Object(members) => observe_members(shape.observe_object(place), members, place),
    }
}

fn observe_members(object: &mut ObjectShape, members: &[(String, Seen)], place: Place) {
    let mut cursor = 0;
    for (name, seen) in members {
        if let Some(shape) = object.member(&mut cursor, name, place) {
            observe(shape, seen, place);
        }
    }
}

/// The records of one file, one a line from line `first` on.
fn records_from(first: u64, rows: &[Seen]) -> ObjectShape {
    let mut records = ObjectShape::default();
    for (row, line) in rows.iter().zip(first..) {
        let Seen::Object(members) = row else { panic!("a record is an object") };
        let place = Place { file: 0, line };
        records.observe(place);
        observe_members(&mut records, members, place);
    }
    records
}

fn records(rows: &[&[(&str, Seen)]]) -> ObjectShape {
    records_from(1, &rows.iter().map(|row| object(row)).collect::<Vec<_>>())
}

/// Columns of CSV: every value is a cell.
fn cells(rows: &[&[(&str, Seen)]]) -> ObjectShape {
    let mut records = ObjectShape::default();
    for (row, line) in rows.iter().zip(2..) {
        let place = Place { file: 0, line };
        records.observe(place);
        let mut cursor = 0;
        for (name, seen) in *row {
            let shape = records.member(&mut cursor, name, place).unwrap();
            shape.cells = true;
            observe(shape, seen, place);
        }
    }
    records
}

fn infer_with(
    records: &ObjectShape,
    key: &[&str],
    existing: &SchemaDeclaration,
) -> Result<Inference<SchemaDeclaration>, InferenceError> {
    let key: Vec<_> = key.iter().map(|&column| column.to_owned()).collect();
    let files = ["a.jsonl".to_owned()];
    let observed = Observed { type_name: "Movie", key: &key, records, files: &files };
    infer_declaration(&observed, existing.clone())
}

fn infer_new(rows: &[&[(&str, Seen)]], key: &[&str]) -> Result<Inference<SchemaDeclaration>, InferenceError> {
    infer_with(&records(rows), key, &SchemaDeclaration::default())
}

fn inferred(rows: &[&[(&str, Seen)]], key: &[&str]) -> String {
    print(&infer_new(rows, key).unwrap().schema)
}

fn refused(rows: &[&[(&str, Seen)]], key: &[&str]) -> String {
    infer_new(rows, key).unwrap_err().to_string()
}

/// Declarations in few words: `Movie[id]{id@0:Int64 year@1?Int64}`, `?` for an optional group by its first ordinal.
fn print(declaration: &SchemaDeclaration) -> String {
    let structs: Vec<_> =
        declaration.structs.iter().map(|structure| print_struct(declaration, structure)).collect();
    structs.join(" ")
}

fn print_struct(declaration: &SchemaDeclaration, structure: &StructDeclaration) -> String {
    let record_type = declaration.types.iter().find(|known| known.name == structure.name);
    let key = record_type.map(|known| format!("[{}]", known.key.join(","))).unwrap_or_default();
    format!("{}{key}{{{}}}", structure.name, print_members(&structure.members))
}

fn print_members(members: &[MemberDeclaration]) -> String {
    members.iter().map(print_member).collect::<Vec<_>>().join(" ")
}

fn print_member(member: &MemberDeclaration) -> String {
    let named = |name: &str, original: &Option<String>| match original {
        Some(original) => format!("{name}$\"{original}\""),
        None => name.to_owned(),
    };
    match member {
        MemberDeclaration::Field { name, original_name, ordinal, value_type, .. } => {
            format!("{}@{ordinal}:{}", named(name, original_name), print_type(value_type))
        }
        MemberDeclaration::Group { name, original_name, members } => match fit::optional_value(member) {
            Some(value_type) => {
                let MemberDeclaration::Union { members: arms } = &members[0] else { unreachable!() };
                let MemberDeclaration::Field { ordinal, .. } = arms[0] else { unreachable!() };
                format!("{}@{ordinal}?{}", named(name, original_name), print_type(value_type))
            }
            None => format!("{}:({})", named(name, original_name), print_members(members)),
        },
        MemberDeclaration::Union { members } => format!("<{}>", print_members(members)),
    }
}

fn print_type(value_type: &DeclaredType) -> String {
    fit::Declared::words(value_type)
}

#[test]
fn scalars_become_their_types_and_numbers_are_optional_outside_the_key() {
    let row = [
        ("id", Integer(7)),
        ("title", Text),
        ("year", Integer(-3)),
        ("views", Integer(1 << 63)),
        ("score", Float),
        ("seen", Bool),
    ];
    assert_eq!(
        inferred(&[&row], &["id"]),
        "Movie[id]{id@0:Int64 title@1:Text year@2?Int64 views@4?UInt64 score@6?Float64 seen@8?Bool}"
    );
}

#[test]
fn a_keyless_type_has_only_optional_numbers() {
    assert_eq!(inferred(&[&[("id", Integer(7))]], &[]), "Movie[]{id@0?Int64}");
}

#[test]
fn composite_keys_keep_their_order_and_reach_into_objects() {
    let row = [("a_b", Text), ("place", object(&[("id", Integer(1)), ("n", Integer(2))])), ("ok", Bool)];
    assert_eq!(
        inferred(&[&row], &["place.id", "a_b", "ok"]),
        "Movie[place.id,aB,ok]{aB$\"a_b\"@0:Text place@1:Movie.Place ok@2:Bool} Movie.Place{id@0:Int64 n@1?Int64}"
    );
}

#[test]
fn a_dot_in_the_name_of_a_key_column_is_tried_whole_first() {
    assert_eq!(inferred(&[&[("a.b", Text)]], &["a.b"]), "Movie[aB]{aB$\"a.b\"@0:Text}");
}

#[test]
fn integers_and_floats_are_a_float_column() {
    let rows: [&[_]; 2] = [&[("x", Integer(1 << 60))], &[("x", Float)]];
    assert_eq!(inferred(&rows, &[]), "Movie[]{x@0?Float64}");
}

#[test]
fn integers_that_no_float_holds_do_not_mix_with_floats() {
    let rows: [&[_]; 2] = [&[("x", Integer((1 << 53) + 1))], &[("x", Float)]];
    let message = refused(&rows, &[]);
    assert!(message.starts_with("a.jsonl:2: field x: a number with a point or exponent here, but an integer that no Float64 holds exactly in a.jsonl:1 (1 against 1"), "{message}");
}

#[test]
fn integers_below_zero_and_above_an_int64_are_refused() {
    let rows: [&[_]; 3] = [&[("x", Integer(5))], &[("x", Integer(1 << 63))], &[("x", Integer(-1))]];
    let message = refused(&rows, &[]);
    assert!(
        message.starts_with(
            "a.jsonl:3: field x: an integer below 0 here, but an integer of 2^63 or more in a.jsonl:2"
        ),
        "{message}"
    );
}

#[test]
fn the_least_and_the_largest_integers_have_types() {
    assert_eq!(inferred(&[&[("x", Integer(i128::from(i64::MIN)))]], &[]), "Movie[]{x@0?Int64}");
    assert_eq!(inferred(&[&[("x", Integer(i128::from(i64::MAX)))]], &[]), "Movie[]{x@0?Int64}");
    assert_eq!(inferred(&[&[("x", Integer(i128::from(u64::MAX)))]], &[]), "Movie[]{x@0?UInt64}");
}

#[test]
fn lists_of_lists_of_objects_are_nested_structs() {
    let inner = object(&[("score", Float), ("tag", Text)]);
    let row = [
        ("id", Text),
        ("ratings", List(vec![List(vec![]), List(vec![inner])])),
        ("n", List(vec![Integer(1)])),
    ];
    assert_eq!(
        inferred(&[&row], &["id"]),
        "Movie[id]{id@0:Text ratings@1:List(List(Movie.Ratings)) n@2:List(Int64)} Movie.Ratings{score@0?Float64 tag@2:Text}"
    );
}

#[test]
fn objects_are_the_union_of_all_rows_in_order_of_appearance() {
    let rows: [&[_]; 2] =
        [&[("o", object(&[("b", Text)]))], &[("o", object(&[("a", Text), ("b", Text)])), ("z", Text)]];
    assert_eq!(inferred(&rows, &[]), "Movie[]{o@0:Movie.O z@1:Text} Movie.O{b@0:Text a@1:Text}");
}

#[test]
fn columns_without_a_typed_value_wait() {
    let row = [
        ("a", Null),
        ("b", List(vec![])),
        ("c", List(vec![List(vec![])])),
        ("d", object(&[])),
        ("e", object(&[("f", Null)])),
        ("g", Text),
    ];
    let inference = infer_new(&[&row], &[]).unwrap();
    assert_eq!(print(&inference.schema), "Movie[]{g@0:Text}");
    assert_eq!(inference.waiting_columns, ["a", "b", "c", "d", "e.f", "e"]);
}

#[test]
fn nulls_do_not_change_a_type() {
    let rows: [&[_]; 3] = [&[("x", Null)], &[("x", List(vec![Text]))], &[("x", List(vec![]))]];
    assert_eq!(inferred(&rows, &[]), "Movie[]{x@0:List(Text)}");
}

#[test]
fn rows_that_disagree_are_refused_with_both_sides() {
    let all = [
        ("true or false", Bool),
        ("a string", Text),
        ("a list", List(vec![])),
        ("an object", object(&[])),
        ("an integer", Integer(1)),
    ];
    for (first_words, first) in &all {
        for (second_words, second) in all.iter().filter(|(words, _)| words != first_words) {
            let (first, second) = (first.clone(), second.clone());
            let rows: [&[_]; 3] =
                [&[("n", Null)], &[("n", object(&[("x", first)]))], &[("n", object(&[("x", second)]))]];
            let message = refused(&rows, &[]);
            let expected = format!(
                "a.jsonl:3: field n.x: {second_words} here, but {first_words} in a.jsonl:2 (1 against 1"
            );
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}

#[test]
fn null_inside_a_list_is_refused() {
    let rows: [&[_]; 2] = [&[("x", List(vec![Text]))], &[("x", List(vec![Text, Null]))]];
    assert!(
        refused(&rows, &[]).starts_with("a.jsonl:2: field x[]: expected a value, found null inside a list")
    );
    let nested: [&[_]; 1] = [&[("x", List(vec![List(vec![Null])]))]];
    assert!(refused(&nested, &[]).starts_with("a.jsonl:1: field x[][]: "));
}

#[test]
fn more_than_512_members_are_refused_and_512_are_not() {
    let row = |count: usize| -> Vec<(String, Seen)> { (0..count).map(|n| (format!("m{n}"), Text)).collect() };
    let many = records_from(1, &[Seen::Object(row(MAX_MEMBERS)), Seen::Object(row(MAX_MEMBERS + 2))]);
    let message = infer_with(&many, &[], &SchemaDeclaration::default()).unwrap_err().to_string();
    assert!(
        message.starts_with("a.jsonl:2: field (record): the member `m512` is one more than 512"),
        "{message}"
    );
    let enough = records_from(1, &[Seen::Object(row(MAX_MEMBERS))]);
    assert!(infer_with(&enough, &[], &SchemaDeclaration::default()).is_ok());
}

#[test]
fn columns_that_share_a_field_name_are_refused() {
    let message = refused(&[&[("icao_code", Text), ("icaoCode", Text)]], &[]);
    assert!(message.contains("`icao_code` and `icaoCode` would both be the field `icaoCode`"), "{message}");
    let waiting = infer_new(&[&[("icao_code", Text), ("icaoCode", Null)]], &[]);
    assert!(waiting.is_ok(), "a column that waits has no name yet");
}

#[test]
fn awkward_names_get_legal_ones() {
    let row = [("", Text), ("2024", Text), ("名", Text), ("union", Text), ("text", object(&[("x", Text)]))];
    assert_eq!(
        inferred(&[&row], &[]),
        "Movie[]{empty$\"\"@0:Text n2024$\"2024\"@1:Text u540d$\"名\"@2:Text union@3:Text text@4:Movie.TextValue} \
         Movie.TextValue{x@0:Text}"
    );
}

#[test]
fn keys_that_cannot_be_keys_are_refused() {
    let row =
        [("f", Float), ("l", List(vec![Text])), ("o", object(&[("x", Text)])), ("n", Null), ("t", Text)];
    assert!(
        refused(&[&row], &["f"])
            .contains("field f: a number with a point or exponent cannot be part of a key")
    );
    assert!(refused(&[&row], &["l"]).contains("field l: a list cannot"));
    assert!(refused(&[&row], &["o"]).contains("field o: an object cannot"));
    assert!(
        refused(&[&row], &["n"])
            .contains("`n` has no value in any row: the columns with values are f, l, o, t")
    );
    assert!(refused(&[&row], &["q"]).contains("`q` has no value"));
    assert!(refused(&[&row], &["o.q"]).contains("`o.q` has no value"));
    assert!(refused(&[&row], &["t", "t"]).contains("names `t` twice"));
}

#[test]
fn files_without_values_have_no_schema() {
    assert!(refused(&[], &[]).contains("no column has a value"));
    assert!(refused(&[&[("a", Null)]], &[]).contains("no column has a value"));
}

#[test]
fn type_names_are_checked() {
    let files = ["a".to_owned()];
    let records = records(&[&[("a", Text)]]);
    let observed = Observed { type_name: "movie", key: &[], records: &records, files: &files };
    let message = infer_declaration(&observed, SchemaDeclaration::default()).unwrap_err().to_string();
    assert!(message.starts_with("`movie` cannot name a type"), "{message}");
}

#[test]
fn cells_that_disagree_are_text() {
    let rows: [&[_]; 3] = [
        &[("a", Integer(1)), ("b", Bool), ("c", Integer((1 << 53) + 1)), ("d", Integer(1)), ("e", Null)],
        &[("a", Text), ("b", Integer(1)), ("c", Float), ("d", Float), ("e", Null)],
        &[("a", Null), ("b", Null), ("c", Null), ("d", Null), ("e", Null)],
    ];
    let inference = infer_with(&cells(&rows), &[], &SchemaDeclaration::default()).unwrap();
    assert_eq!(print(&inference.schema), "Movie[]{a@0:Text b@1:Text c@2:Text d@3?Float64}");
    let message = infer_with(
        &cells(&[&[("x", Integer(-1))], &[("x", Integer(1 << 63))]]),
        &[],
        &SchemaDeclaration::default(),
    );
    assert!(
        message.unwrap_err().to_string().starts_with("a.jsonl:3: field x: an integer of 2^63 or more here")
    );
}

fn existing() -> SchemaDeclaration {
    let row = [
        ("id", Integer(1)),
        ("title", Text),
        ("score", Float),
        ("n", Integer(1)),
        ("ratings", List(vec![object(&[("by", Text)])])),
    ];
    infer_new(&[&row], &["id"]).unwrap().schema
}

#[test]
fn new_columns_are_appended_with_new_ordinals() {
    let row = [
        ("year", Integer(1)),
        ("id", Integer(1)),
        ("wait", Null),
        ("ratings", List(vec![object(&[("at", Integer(5)), ("o", object(&[("p", Text)]))])])),
        ("title", Text),
        ("score", Integer(1)),
        ("n", Null),
    ];
    let inference = infer_with(&records(&[&row]), &[], &existing()).unwrap();
    assert_eq!(
        print(&inference.schema),
        "Movie[id]{id@0:Int64 title@1:Text score@2?Float64 n@4?Int64 ratings@6:List(Movie.Ratings) year@7?Int64} \
         Movie.Ratings{by@0:Text at@1?Int64 o@3:Movie.Ratings.O} Movie.Ratings.O{p@0:Text}"
    );
    assert_eq!(inference.new_columns, ["year", "ratings[].at", "ratings[].o"]);
    assert_eq!(inference.waiting_columns, ["wait"]);
    assert_eq!(inference.missing_columns, [""; 0]);
}

#[test]
fn keeps_semantics_9_columns_that_are_gone_are_told() {
    let inference =
        infer_with(&records(&[&[("id", Integer(1)), ("n", Null)]]), &["id"], &existing()).unwrap();
    assert_eq!(inference.missing_columns, ["title", "score", "ratings"]);
    assert_eq!(print(&inference.schema), print(&existing()));
}

/// A schema that is given stays as it is: what it has no field for is refused by name, with what could be meant.
#[test]
fn members_that_a_given_schema_lacks_are_refused_with_advice() {
    let mut declaration = existing();
    declaration.structs[0].name = "Films.Movie".into();
    declaration.types[0].name = "Films.Movie".into();
    let MemberDeclaration::Field { original_name, .. } = &mut declaration.structs[0].members[1] else {
        panic!("`title` is a field");
    };
    *original_name = Some("movie_title".into());
    let schema = Schema::from_declaration(&declaration).unwrap();
    let conform_to = |name: &str, row: &[(&str, Seen)]| {
        let (records, files) = (records(&[row]), ["a.jsonl".to_owned()]);
        let observed = Observed { type_name: name, key: &[], records: &records, files: &files };
        conform(&observed, &schema)
    };
    let row = [("id", Integer(1)), ("movie_title", Text), ("n", Null)];
    assert_eq!(conform_to("Movie", &row).unwrap(), ["score", "ratings"]);
    let cases = [
        (
            "title",
            Text,
            "a.jsonl:1: field title: the schema has no field for `title`: files call it `movie_title`",
        ),
        ("Title", Null, "field Title: the schema has no field for `Title`: files call it `movie_title`"),
        ("SCORE", Float, "rename it to `score`, or give that field $name(\"SCORE\")"),
        ("more", Null, "leave it out or declare it; the fields here are id, movie_title, score, n, ratings"),
        (
            "ratings",
            List(vec![object(&[("By", Text)])]),
            "field ratings[].By: the schema has no field for `By`",
        ),
    ];
    for (member, seen, expected) in cases {
        let refusal = conform_to("Movie", &[("id", Integer(1)), (member, seen)]).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let refusal = conform_to("Film", &row).unwrap_err().to_string();
    assert!(refusal.contains("no record type `Film`: it has Movie"), "{refusal}");
}

/// A schema may have more fields than are ever inferred.
#[test]
fn a_given_schema_may_have_more_fields_than_are_looked_at() {
    let names: Vec<_> = (0..=MAX_MEMBERS + 1).map(|at| format!("f{at}")).collect();
    let members = names.iter().zip(0..).map(|(name, at)| testing::field(name, at, DeclaredType::Text));
    let mut declaration = testing::empty();
    testing::add_type(&mut declaration, "Movie", &["f0"], members.collect());
    let schema = Schema::from_declaration(&declaration).unwrap();
    let row: Vec<_> = names.iter().map(|name| (name.as_str(), Text)).collect();
    let (records, files) = (records(&[&row]), ["a.jsonl".to_owned()]);
    let observed = Observed { type_name: "Movie", key: &[], records: &records, files: &files };
    assert_eq!(conform(&observed, &schema).unwrap(), [""; 0]);
}

#[test]
fn values_that_an_existing_field_cannot_hold_are_refused() {
    let cases = [
        ("n", Float, "n: the dataset declares Int64, found a number with a point"),
        ("n", Integer(1 << 63), "n: the dataset declares Int64, found an integer of 2^63 or more"),
        ("n", Bool, "n: the dataset declares Int64, found true or false"),
        ("title", Integer(5), "title: the dataset declares Text, found an integer"),
        ("title", List(vec![]), "title: the dataset declares Text, found a list"),
        (
            "score",
            Integer((1 << 53) + 1),
            "score: the dataset declares Float64, found an integer that no Float64",
        ),
        ("score", object(&[]), "score: the dataset declares Float64, found an object"),
        ("ratings", Text, "ratings: the dataset declares List(Movie.Ratings), found a string"),
        ("ratings", List(vec![Text]), "ratings[]: the dataset declares Movie.Ratings, found a string"),
        (
            "ratings",
            List(vec![object(&[("by", Bool)])]),
            "ratings[].by: the dataset declares Text, found true",
        ),
    ];
    for (name, seen, expected) in cases {
        let message =
            infer_with(&records(&[&[], &[(name, seen)]]), &[], &existing()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("a.jsonl:2: field {expected}")), "{message}");
    }
    assert!(infer_with(&records(&[&[("ratings", List(vec![Null]))]]), &[], &existing()).is_err());
}

#[test]
fn cells_fit_text_and_text_cells_fit_no_number() {
    assert!(infer_with(&cells(&[&[("title", Integer(5))]]), &[], &existing()).is_ok());
    assert!(infer_with(&cells(&[&[("n", Text)]]), &[], &existing()).is_err());
    assert!(
        infer_with(&records(&[&[("n", Text)]]), &[], &existing()).is_ok(),
        "a JSON string may spell an integer"
    );
}

#[test]
fn a_changed_key_is_refused() {
    let rows = records(&[&[("id", Integer(1)), ("title", Text)]]);
    let message = infer_with(&rows, &["title"], &existing()).unwrap_err().to_string();
    assert!(message.contains("the dataset's key is id, not title"), "{message}");
}

#[test]
fn a_new_column_must_not_take_the_name_of_a_field() {
    let message = infer_with(&records(&[&[("Title", Text)]]), &[], &existing()).unwrap_err().to_string();
    assert!(message.contains("`title` and `Title` would both be the field `title`"), "{message}");
}

fn union_of(arms: &[(&str, u16)]) -> MemberDeclaration {
    let arm = |(name, ordinal): &(&str, u16)| MemberDeclaration::Field {
        name: (*name).to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal: *ordinal,
        value_type: DeclaredType::Text,
        default: crate::schema::Default::Zero,
    };
    MemberDeclaration::Union { members: arms.iter().map(arm).collect() }
}

#[test]
fn unions_and_groups_of_an_existing_type_are_walked() {
    let mut schema = existing();
    let named = MemberDeclaration::Group {
        name: "shape".to_owned(),
        original_name: None,
        members: vec![union_of(&[("circle", 9), ("square", 10)])],
    };
    let group = MemberDeclaration::Group {
        name: "more".to_owned(),
        original_name: None,
        members: vec![union_of(&[("a", 11), ("b", 12)]), named.clone()],
    };
    schema.structs[0].members.extend([union_of(&[("left", 7), ("right", 8)]), named, group]);

    let row =
        [("right", Text), ("shape", object(&[("circle", Text)])), ("more", object(&[("new", Integer(1))]))];
    let inference = infer_with(&records(&[&row]), &[], &schema).unwrap();
    assert_eq!(inference.new_columns, ["more.new"]);
    assert!(
        !inference.missing_columns.iter().any(|column| column.contains("left")),
        "one arm stands for its union"
    );
    let printed = print(&inference.schema);
    assert!(
        printed.contains("more:(<a@11:Text b@12:Text> shape:(<circle@9:Text square@10:Text>) new@13?Int64)"),
        "{printed}"
    );

    let gone = infer_with(&records(&[&[("id", Integer(1))]]), &[], &schema).unwrap();
    assert_eq!(gone.missing_columns, ["title", "score", "n", "ratings", "left|right", "shape", "more"]);

    let unknown = [("shape", object(&[("hexagon", Text)]))];
    let message = infer_with(&records(&[&unknown]), &[], &schema).unwrap_err().to_string();
    assert!(
        message.starts_with("a.jsonl:1: field shape.hexagon: the union has no member `hexagon`"),
        "{message}"
    );
}

#[test]
fn a_second_type_joins_the_first() {
    let files = ["b".to_owned()];
    let records = records(&[&[("x", Text)]]);
    let observed = Observed { type_name: "Actor", key: &[], records: &records, files: &files };
    let both = infer_declaration(&observed, existing()).unwrap().schema;
    assert_eq!(print(&both), format!("{} Actor[]{{x@0:Text}}", print(&existing())));
}

fn seen() -> impl Strategy<Value = Seen> {
    let scalar = prop_oneof![
        Just(Null),
        Just(Bool),
        Just(Float),
        Just(Text),
        any::<i64>().prop_map(|value| Integer(value.into())),
        any::<u64>().prop_map(|value| Integer(value.into())),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(List),
            prop::collection::vec(("[a-e]", inner), 0..4).prop_map(Seen::Object),
        ]
    })
}

proptest! {
    /// Parts of a file may be observed apart: what matters is only that they merge in order.
    #[test]
    fn merged_parts_equal_the_whole(
        rows in prop::collection::vec(prop::collection::vec(("[a-e]", seen()), 0..4).prop_map(Seen::Object), 0..8),
        first in 0usize..8,
        second in 0usize..8,
    ) {
        let (first, second) = (first.min(rows.len()), second.min(rows.len()));
        let (first, second) = (first.min(second), first.max(second));
        let part = |from: usize, to: usize| records_from(1 + from as u64, &rows[from..to]);
        let whole = part(0, rows.len());

        let mut left = part(0, first);
        left.merge(part(first, second));
        left.merge(part(second, rows.len()));
        prop_assert_eq!(&left, &whole);

        let mut right = part(first, second);
        right.merge(part(second, rows.len()));
        let mut joined = part(0, first);
        joined.merge(right);
        prop_assert_eq!(&joined, &whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Overflowing parts merge to the first member too many of the whole.
    #[test]
    fn overflow_is_found_in_any_partition(cut in 0usize..40, offset in 0usize..600) {
        let row = |from: usize, to: usize| Seen::Object((from..to).map(|n| (format!("m{n}"), Text)).collect());
        let mut rows: Vec<_> = (0..20).map(|n| row(n * 20, n * 20 + 30)).collect();
        rows.extend((0..20).map(|n| row(offset + n * 30, offset + n * 30 + 40)));
        let whole = records_from(1, &rows);
        let mut merged = records_from(1, &rows[..cut]);
        merged.merge(records_from(1 + cut as u64, &rows[cut..]));
        prop_assert_eq!(merged.overflow(), whole.overflow());
        prop_assert_eq!(merged.members().len(), whole.members().len());
    }
}
