//! Tests that every declaration that cannot stand is refused with words that say what to do.

use super::testing::{
    add_enum, add_struct, add_type, collection, empty, field, group, movie, named, optional, reference,
    union, with_default,
};
use super::{
    CollectionDeclaration, DeclaredType as T, Default, MemberDeclaration, Schema, SchemaDeclaration, limits,
};
use crate::error::{Classify, ErrorKind};

fn refusal(declaration: &SchemaDeclaration) -> String {
    let error = Schema::from_declaration(declaration).expect_err("the declaration cannot stand");
    let words = error.to_string();
    assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound), "{error:?}");
    assert!(!words.ends_with('.') && !words.starts_with(char::is_uppercase), "{words}");
    words
}

/// The refusal of a struct `Movie` with these members.
fn of(members: Vec<MemberDeclaration>) -> String {
    of_key(&[], members)
}

fn of_key(key: &[&str], members: Vec<MemberDeclaration>) -> String {
    let mut declaration = empty();
    add_struct(&mut declaration, "Inner", vec![field("x", 0, T::UInt8), field("y", 1, T::Float64)]);
    add_type(&mut declaration, "Movie", key, members);
    refusal(&declaration)
}

#[track_caller]
fn says(words: &str, parts: &[&str]) {
    for part in parts {
        assert!(words.contains(part), "`{part}` is not in: {words}");
    }
}

#[test]
fn keys_are_plain_values_that_every_record_has() {
    let fields = || {
        vec![
            field("id", 0, T::UInt64),
            field("score", 1, T::Float32),
            field("nothing", 2, T::Void),
            field("tags", 3, T::List(Box::new(T::Text))),
            field("inner", 4, T::Struct("Inner".into())),
            optional("runtime", 5, T::Int32),
            union(vec![field("left", 7, T::Int8), group("right", vec![field("deep", 8, T::Text)])]),
            group("place", vec![field("city", 9, T::Text)]),
        ]
    };
    let key = |key: &str| of_key(&[key], fields());
    says(&key("score"), &["type `Movie`", "`score`", "floating-point", "take an integer"]);
    says(&key("inner.y"), &["`inner.y`", "floating-point"]);
    says(&key("nothing"), &["Void"]);
    says(&key("tags"), &["list"]);
    says(&key("inner"), &["struct", "name the fields"]);
    says(&key("place"), &["group", "name the fields"]);
    says(&key("runtime.value"), &["union", "optional groups"]);
    says(&key("left"), &["union"]);
    says(&key("right.deep"), &["union"]);
    says(&key("nowhere"), &["`Movie` has no field `nowhere`", "id, score"]);
    says(&key("tags.x"), &["has no field"]);
    says(&of_key(&["id", "id"], fields()), &["in the key already"]);
    says(&of_key(&["id"; limits::KEY_FIELDS + 1], fields()), &["65 key fields", "64"]);
    assert!(
        movie(
            &["id", "place.city"],
            vec![field("id", 0, T::Bool), group("place", vec![field("city", 1, T::Data)])]
        )
        .is_ok()
    );
}

#[test]
fn names_are_those_that_text_can_carry() {
    for name in ["Title", "icao_code", "1st", "", "größe", "a b", "a.b"] {
        says(&of(vec![field(name, 0, T::Text)]), &["cannot be the name", "`Movie`", "$name"]);
    }
    for name in ["movie", "Mo_vie", "", "Movie.", "Movie.rating", "Text", "Movie.List"] {
        let mut declaration = empty();
        add_type(&mut declaration, name, &[], vec![field("x", 0, T::Text)]);
        says(&refusal(&declaration), &["cannot be the name of a struct or enum"]);
    }
    assert!(movie(&[], vec![named("x", 0, T::Text, "")]).is_ok(), "columns are called so");
    says(&of(vec![field(&"x".repeat(limits::NAME_BYTES + 1), 0, T::Text)]), &["1025 bytes", "1024"]);
}

#[test]
fn a_name_means_one_thing() {
    says(&of(vec![field("x", 0, T::Text), field("x", 1, T::Text)]), &["`Movie`", "two things called `x`"]);
    says(&of(vec![field("x", 0, T::Text), named("y", 1, T::Text, "x")]), &["two things called `x`"]);
    says(&of(vec![named("x", 0, T::Text, "z"), named("y", 1, T::Text, "z")]), &["two things called `z`"]);
    says(
        &of(vec![field("x", 0, T::Text), union(vec![field("x", 1, T::Void), field("y", 2, T::Void)])]),
        &["called `x`"],
    );
    assert!(movie(&[], vec![field("x", 0, T::Text), group("g", vec![named("x", 1, T::Text, "x")])]).is_ok());

    let mut twice = empty();
    add_type(&mut twice, "Movie", &[], vec![field("x", 0, T::Text)]);
    add_struct(&mut twice, "Movie", vec![field("x", 0, T::Text)]);
    says(&refusal(&twice), &["the schema has two things called `Movie`"]);
    let mut short = empty();
    add_type(&mut short, "Movie", &[], vec![field("x", 0, T::Text)]);
    add_type(&mut short, "Old.Movie", &[], vec![field("x", 0, T::Text)]);
    says(&refusal(&short), &["the record types", "`Movie`"]);
    let mut enumerants = empty();
    add_enum(&mut enumerants, "Genre", &["x", "x"]);
    add_type(&mut enumerants, "Movie", &[], vec![field("genre", 0, T::Enum("Genre".into()))]);
    says(&refusal(&enumerants), &["enum `Genre`", "`x`"]);
    enumerants.enums[0].name = "Movie".into();
    enumerants.structs[0].name = "Movie.Old".into();
    enumerants.types[0].name = "Movie.Old".into();
    enumerants.structs[0].members = vec![field("genre", 0, T::Enum("Movie".into()))];
    enumerants.enums[0].enumerants.pop();
    says(&refusal(&enumerants), &["`Movie.Old` is nested in an enum"]);
}

/// The structs of a dataset's files stand in the same scope.
#[test]
fn names_of_wrappers_are_taken() {
    for name in ["MovieRows", "MovieChanges", "Keys", "Keys.Inner"] {
        let mut declaration = empty();
        add_type(&mut declaration, "Movie", &[], vec![field("x", 0, T::Struct(name.into()))]);
        add_struct(&mut declaration, name, vec![field("x", 0, T::Text)]);
        says(&refusal(&declaration), &["files has this name", "rename yours"]);
    }
    let mut nested = empty();
    add_type(&mut nested, "Movie", &[], vec![field("x", 0, T::Struct("Movie.Keys".into()))]);
    add_struct(&mut nested, "Movie.Keys", vec![field("x", 0, T::Text)]);
    assert!(Schema::from_declaration(&nested).is_ok());
}

#[test]
fn an_id_means_one_thing() {
    let with_ids = |ids: [u64; 2]| {
        let mut declaration = empty();
        add_type(&mut declaration, "Movie", &[], vec![field("x", 0, T::Struct("Other".into()))]);
        add_struct(&mut declaration, "Other", vec![field("x", 0, T::Text)]);
        for (structure, id) in declaration.structs.iter_mut().zip(ids) {
            structure.id = Some(id);
        }
        refusal(&declaration)
    };
    says(&with_ids([1 << 63, 1 << 63]), &["`Movie` and `Other`", "0x8000000000000000"]);
    says(&with_ids([1 << 63, 7]), &["`Other` has the id 0x7", "highest bit"]);
    says(&with_ids([super::names::derived_id("Keys"), 1 << 63]), &["`Keys` and `Movie`"]);
    says(&with_ids([super::annotations::KEY, 1 << 63]), &["`key` and `Movie`"]);
}

#[test]
fn shapes_are_those_of_the_language() {
    says(&of(vec![]), &["`Movie` has 0 members", "at least 1"]);
    says(&of(vec![group("g", vec![])]), &["`Movie.g` has 0 members"]);
    says(
        &of(vec![union(vec![field("x", 0, T::Void)])]),
        &["the union of `Movie` has 1 members", "at least 2"],
    );
    let arms = || vec![field("x", 0, T::Void), field("y", 1, T::Void)];
    says(&of(vec![union(arms()), union(arms())]), &["two unnamed unions"]);
    says(&of(vec![union(vec![union(arms()), field("z", 2, T::Void)])]), &["directly within a union"]);
    let mut without = empty();
    add_enum(&mut without, "Genre", &[]);
    add_type(&mut without, "Movie", &[], vec![field("genre", 0, T::Enum("Genre".into()))]);
    says(&refusal(&without), &["enum `Genre` has 0 members"]);
}

#[test]
fn ordinals_run_from_zero_without_gap() {
    says(&of(vec![field("x", 1, T::Void)]), &["field `Movie.x`", "@1", "@0 is next"]);
    says(&of(vec![field("x", 0, T::Void), field("y", 2, T::Void)]), &["@2", "@1 is next"]);
    says(&of(vec![field("x", 0, T::Void), field("y", 0, T::Void)]), &["@0 where @1 is next"]);
}

#[test]
fn types_are_declared() {
    says(
        &of(vec![field("x", 0, T::Struct("Nowhere".into()))]),
        &["field `Movie.x`", "`Nowhere`", "declare it"],
    );
    let list = T::List(Box::new(T::Enum("Inner".into())));
    says(&of(vec![field("x", 0, list)]), &["`Inner`", "declare it"]);
    let mut declaration = empty();
    add_type(&mut declaration, "Movie", &[], vec![field("x", 0, T::Text)]);
    declaration.structs.clear();
    says(&refusal(&declaration), &["record type `Movie`", "declare it"]);
}

#[test]
fn defaults_are_values_of_their_field() {
    let default = |value_type, default| of(vec![with_default("x", 0, value_type, default)]);
    let list = || T::List(Box::new(T::UInt8));
    says(&default(T::Int8, Default::Bits(256)), &["`Movie.x`", "wider than the 8 bits"]);
    says(&default(T::Text, Default::Bits(1)), &["pointer"]);
    says(&default(T::Int8, Default::Pointer(vec![0])), &["give bits"]);
    for words in [vec![], vec![u64::MAX], vec![0x22_0000_0001], vec![0x22_0000_0001, 0x61_6e61, 0]] {
        says(&default(T::Text, Default::Pointer(words)), &["canonical"]);
    }
    says(&default(T::Text, Default::Pointer(vec![0])), &["null"]);
    says(&default(T::Text, Default::Pointer(vec![0x22_0000_0001, 0x6161_6161])), &["zero byte"]);
    says(&default(T::Text, Default::Pointer(vec![0x22_0000_0001, 0x80_6161])), &["UTF-8"]);
    says(&default(T::Data, Default::Pointer(vec![0x23_0000_0001, 0x61_6e61])), &["list of bytes"]);
    says(&default(list(), Default::Pointer(vec![0x23_0000_0001, 0x61_6e61])), &["another size"]);
    says(
        &default(T::Struct("Inner".into()), Default::Pointer(vec![0x22_0000_0001, 0x61_6e61])),
        &["another kind"],
    );
    says(
        &default(T::Struct("Inner".into()), Default::Pointer(vec![3 << 32, 1, 1, 1])),
        &["wider than `Inner`"],
    );
    says(&default(T::Text, Default::Pointer(vec![0; limits::DEFAULT_WORDS + 1])), &["8193 words"]);
    let nulls = T::List(Box::new(T::Text));
    says(&default(nulls, Default::Pointer(vec![0x0e_0000_0001, 0])), &["null within a list"]);
    let voids = T::List(Box::new(T::Void));
    says(&default(voids, Default::Pointer(vec![0xffff_fff8_0000_0001])), &["canonical"]);
    let empties = T::List(Box::new(T::Struct("Inner".into())));
    says(&default(empties, Default::Pointer(vec![0x07_0000_0001, 0x7fff_fffc])), &["canonical"]);
}

#[test]
fn a_reference_can_be_answered() {
    let to = |key: &[&str], holder: T| {
        let mut declaration = empty();
        let pair = vec![field("name", 0, T::Text), field("id", 1, T::UInt32), field("role", 2, T::Text)];
        add_struct(&mut declaration, "Pair", pair);
        add_struct(&mut declaration, "Lacking", vec![field("id", 0, T::UInt32), field("role", 1, T::Text)]);
        let otherwise = vec![field("id", 0, T::UInt64), field("name", 1, T::Text)];
        add_struct(&mut declaration, "Otherwise", otherwise);
        add_type(&mut declaration, "Actor", key, vec![field("id", 0, T::UInt32), field("name", 1, T::Text)]);
        add_type(&mut declaration, "Movie", &[], vec![reference("lead", 0, holder, "Actor")]);
        Schema::from_declaration(&declaration).map_err(|error| error.to_string())
    };
    let list = |element| T::List(Box::new(element));
    assert!(to(&["id"], T::UInt32).is_ok());
    assert!(to(&["id"], list(list(T::UInt32))).is_ok());
    assert!(to(&["id", "name"], list(T::Struct("Pair".into()))).is_ok());
    says(&to(&["id"], T::UInt64).unwrap_err(), &["field `Movie.lead` references `Actor`", "another type"]);
    says(&to(&["id"], list(T::Text)).unwrap_err(), &["another type"]);
    says(&to(&[], T::UInt32).unwrap_err(), &["no key"]);
    says(&to(&["id", "name"], T::UInt32).unwrap_err(), &["several fields"]);
    assert!(to(&["name", "id"], T::Struct("Pair".into())).is_ok(), "the order is the key's");
    for other in ["Lacking", "Otherwise"] {
        let refused = to(&["id", "name"], T::Struct(other.into())).unwrap_err();
        says(&refused, &["a field of the name and type of each"]);
    }
}

/// A plain value, or a text, is found by bisection; what has no order or no exact equality is not.
#[test]
fn sets_and_maps_are_lists_of_what_has_an_order() {
    let list = |element| T::List(Box::new(element));
    let set = |value_type| of(vec![collection("x", 0, value_type, CollectionDeclaration::Set)]);
    says(&set(T::Text), &["field `Movie.x` cannot be a set", "no list"]);
    says(&set(list(T::Float32)), &["cannot be a set", "floating-point"]);
    says(&set(list(T::Float64)), &["floating-point"]);
    says(&set(list(T::Void)), &["Void"]);
    says(&set(list(list(T::Text))), &["lists", "no order"]);
    says(&set(list(T::Struct("Inner".into()))), &["structs", "`$map`"]);

    let map = |value_type, key: &str| {
        of(vec![collection("x", 0, value_type, CollectionDeclaration::Map { key: key.into() })])
    };
    let inners = || list(T::Struct("Inner".into()));
    says(&map(T::Struct("Inner".into()), "x"), &["field `Movie.x` cannot be a map", "no list"]);
    says(&map(list(T::Text), "x"), &["no structs"]);
    says(&map(inners(), "z"), &["`Inner` has no field `z`", "it has x, y"]);
    says(&map(inners(), ""), &["`Inner` has no field"]);
    says(&map(inners(), "y"), &["cannot be a map", "floating-point"]);

    let ordered = [T::Bool, T::Int8, T::UInt64, T::Text, T::Data];
    for element in ordered {
        let set = collection("x", 0, list(element), CollectionDeclaration::Set);
        assert!(movie(&[], vec![set]).is_ok());
    }
}

/// A null list reads as its default, and nobody put that in order.
#[test]
fn a_set_has_no_default() {
    let mut set = collection("x", 0, T::List(Box::new(T::UInt8)), CollectionDeclaration::Set);
    let MemberDeclaration::Field { default, .. } = &mut set else { unreachable!() };
    *default = Default::Pointer(vec![0x12_0000_0001, 0x0102]);
    says(&of(vec![set]), &["field `Movie.x` cannot be a set", "default"]);
}

#[test]
fn limits_are_refused_by_name() {
    let deep = (0..=limits::NESTING).fold(field("x", 0, T::Text), |inner, _| group("g", vec![inner]));
    says(&of(vec![deep]), &["33 groups around it", "32"]);
    let lists = (0..=limits::NESTING).fold(T::Text, |inner, _| T::List(Box::new(inner)));
    says(&of(vec![field("x", 0, lists)]), &["33 lists within lists"]);
    let many = (0..=limits::FIELDS as u16).map(|at| field(&format!("f{at}"), at, T::Void)).collect();
    says(&of(many), &["16385 fields", "16384"]);
    let mut types = empty();
    for at in 0..=limits::TYPES {
        add_type(&mut types, &format!("T{at}"), &[], vec![field("x", 0, T::Void)]);
    }
    says(&refusal(&types), &["1025 record types", "1024"]);
    let mut enumerants = empty();
    add_type(&mut enumerants, "Movie", &[], vec![field("genre", 0, T::Enum("Genre".into()))]);
    add_enum(&mut enumerants, "Genre", &["x"]);
    enumerants.enums[0].enumerants = (0..=limits::ENUMERANTS).map(|at| format!("e{at}")).collect();
    says(&refusal(&enumerants), &["32769 enumerants"]);
    let mut nodes = empty();
    let groups =
        |count| (0..count).map(|at| group(&format!("g{at}"), vec![field("x", at, T::Void)])).collect();
    add_type(&mut nodes, "Movie", &[], groups(10_000));
    for at in 0..6 {
        add_type(&mut nodes, &format!("T{at}"), &[], groups(10_000));
    }
    says(&refusal(&nodes), &["structs and groups", "65536"]);
}

#[test]
fn recursive_structs_and_an_empty_schema_can_stand() {
    let tree =
        movie(&["parent.id"], vec![field("id", 0, T::Text), field("parent", 1, T::Struct("Movie".into()))]);
    assert_eq!(tree.unwrap().structs().len(), 1);
    let nothing = Schema::from_declaration(&empty()).unwrap();
    assert_eq!(Schema::from_stored_bytes(&nothing.stored_bytes()).unwrap(), nothing);
    assert!(nothing.to_text().contains("struct Keys"));
}

/// A union that has to grow within another: early compilers laid it out wrongly, so later ones refuse it, and so do we.
#[test]
fn the_layout_that_the_compiler_refuses_is_refused() {
    let members = |narrow, wide| {
        let inner = union(vec![field("b", narrow, T::Bool), field("c", wide, T::UInt16)]);
        vec![union(vec![field("a", 0, T::Void), group("g", vec![inner])])]
    };
    let words = of(members(1, 2));
    says(&words, &["field `Movie.g.c`", "issue 344", "number the wider fields of the inner union before"]);
    let theirs = super::compiler::refusal(
        "@0x8000000000000001; struct Movie { union { a @0 :Void; g :group { union { b @1 :Bool; c @2 :UInt16; } } } }",
    );
    says(&theirs, &["issues/344"]);
    assert!(movie(&[], members(2, 1)).is_ok(), "the advice helps");
}
