use std::collections::{BTreeMap, HashMap};

use capnp::message::ReaderOptions;
use capnp::schema_capnp::{code_generator_request, field, node};

use super::read::name_of;
use crate::environment::{Random, SeededRandom};
use crate::error::{Classify, ErrorKind};
use crate::schema::random::RandomDeclarations;
use crate::schema::testdata::films_capnp::{actor, movie};
use crate::schema::{Default, FieldKind, Schema, SchemaBuilder, SchemaError, annotations, compiler};

/// What two compilers must agree on about a node; ids of groups and positions in the text are each compiler's own.
type Facts = BTreeMap<String, Vec<String>>;

fn facts(bytes: &[u8]) -> Facts {
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 64 };
    let message = capnp::serialize::read_message(bytes, options).unwrap();
    let request: code_generator_request::Reader<'_> = message.get_root().unwrap();
    let nodes = request.get_nodes().unwrap();
    let of_structs = nodes.iter().filter_map(|node| match node.which().unwrap() {
        node::Struct(is) if !is_wrapper(name_of(node).unwrap()) => {
            Some((name_of(node).unwrap().to_owned(), facts_of(node, is)))
        }
        _ => None,
    });
    of_structs.collect()
}

/// Wrappers are all alike: those of the first type speak for them.
fn is_wrapper(name: &str) -> bool {
    !name.starts_with("T0") && (name.ends_with("Rows") || name.ends_with("Changes"))
}

fn facts_of(node: node::Reader<'_>, is: node::struct_::Reader<'_>) -> Vec<String> {
    let head = format!(
        "{} data, {} pointers, group {}, {} arms at {}, encoding {:?}, id {:?}, annotations {:?}",
        is.get_data_word_count(),
        is.get_pointer_count(),
        is.get_is_group(),
        is.get_discriminant_count(),
        is.get_discriminant_offset(),
        is.get_preferred_list_encoding().unwrap(),
        (!is.get_is_group()).then(|| node.get_id()),
        node.get_annotations().unwrap(),
    );
    let fields = is.get_fields().unwrap().iter().map(|field| {
        let kind = match field.which().unwrap() {
            field::Group(_) => "group".to_owned(),
            field::Slot(slot) => format!(
                "slot at {}, explicit {}: {:?} = {:?}",
                slot.get_offset(),
                slot.get_had_explicit_default(),
                slot.get_type().unwrap(),
                slot.get_default_value().unwrap(),
            ),
        };
        let mut annotations: Vec<_> =
            field.get_annotations().unwrap().iter().map(|is| format!("{is:?}")).collect();
        annotations.sort();
        let (name, order) = (field.get_name().unwrap(), field.get_code_order());
        format!("{name:?} #{order} arm {}, {kind}, {annotations:?}", field.get_discriminant_value())
    });
    // An absent brand and one without bindings are the same.
    std::iter::once(head).chain(fields).map(|fact| fact.replace(", brand = ()", "")).collect()
}

/// Our layout, defaults, discriminants and annotations are those of Cap'n Proto's compiler, on thousands of structs.
#[test]
fn nodes_are_those_of_the_compiler() {
    std::thread::scope(|threads| {
        for seed in 0..4 {
            threads.spawn(move || compare_with_the_compiler(seed));
        }
    });
}

fn compare_with_the_compiler(seed: u64) {
    let (declaration, _) = RandomDeclarations::new(seed).types(400);
    let schema = Schema::from_declaration(&declaration).unwrap();
    let compiled = compiler::compile(&schema.to_text());
    let (ours, theirs) = (facts(&schema.stored_bytes()), facts(&compiled));
    assert_eq!(ours.len(), theirs.len());
    for (name, facts) in &ours {
        assert_eq!(theirs.get(name), Some(facts), "{name} of seed {seed}");
    }
    let again = schema.to_declaration();
    assert_eq!(
        (again.structs.len(), again.types.len()),
        (declaration.structs.len(), declaration.types.len())
    );
    let by_name: HashMap<_, _> = again.structs.iter().map(|is| (&is.name, is)).collect();
    for declared in &declaration.structs {
        assert_eq!(by_name[&declared.name], declared);
    }
    let read = Schema::from_code_generator_request(&compiled, &[]).unwrap();
    assert_eq!(read, schema);
    assert_eq!(read.to_text(), schema.to_text());
}

/// A gap within what a member uses comes before fresh space of a smaller location. Reading compares the layouts.
#[test]
fn the_tightest_place_of_several_locations_is_taken() {
    let compiled = compiler::compile(
        "@0x8000000000000001; struct Movie { union {
           one :group { a @0 :UInt64; d @3 :UInt16; }
           two :group { b @1 :UInt8; c @2 :UInt16; e @4 :UInt8; } } }",
    );
    let schema = Schema::from_code_generator_request(&compiled, &["Movie"]).unwrap();
    let two = schema.structs().iter().find(|is| is.name == "Movie.two").unwrap();
    assert!(matches!(two.fields[2].kind, FieldKind::Slot { offset: 1, .. }));
}

/// A schema with one of everything.
fn films() -> Schema {
    SchemaBuilder::default().record::<movie::Owned>().record::<actor::Owned>().build().unwrap()
}

fn read(bytes: &[u8]) -> Result<Schema, SchemaError> {
    Schema::from_code_generator_request(bytes, &[])
}

/// The refusal of a text with our annotations in it.
#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let text = format!(
        "@0x8000000000000001; annotation key @{:#x} (*) :List(Text); annotation name @{:#x} (*) :Text;
         annotation set @{:#x} (*) :Void; annotation map @{:#x} (*) :Text;\n{text}",
        annotations::KEY,
        annotations::NAME,
        annotations::SET,
        annotations::MAP,
    );
    let words = read(&compiler::compile(&text)).unwrap_err().to_string();
    assert!(parts.iter().all(|part| words.contains(part)), "{words}");
}

#[test]
fn what_records_cannot_have_is_refused() {
    refused(
        "struct Movie $key([]) { x @0 :AnyPointer; }",
        &["field `Movie.x`", "AnyPointer", "give it a type"],
    );
    refused(
        "struct Movie $key([]) { x @0 :List(Call); } interface Call {}",
        &["field `Movie.x`", "interface"],
    );
    refused("struct Movie $key([]) { x @0 :Box(Text); } struct Box(T) { x @0 :T; }", &["`Box` is generic"]);
    refused("struct Movie $key([]) {}", &["`Movie` has 0 members"]);
    refused("struct Movie { x @0 :Text; }", &["no record type", "$key"]);
    refused("struct Movie $key([\"x\"]) { x @0 :Float32; }", &["type `Movie`", "`x`", "floating-point"]);
}

#[test]
fn unions_with_ordinals_are_refused() {
    let text = "struct Movie $key([]) { a @0 :Int8; u @2! :union { b @1 :Int8; c @3 :Int8; } }";
    refused(text, &["`Movie`", "@2", "renumber"]);
}

#[test]
fn annotations_stand_where_they_mean_something() {
    refused(
        "struct Movie $key([]) $name(\"m\") { x @0 :Text; }",
        &["`Movie`", "`$name`", "means nothing there"],
    );
    refused(
        "struct Movie $key([]) { x @0 :Text $key([]); }",
        &["field `Movie.x`", "`$key`", "means nothing there"],
    );
    refused(
        "struct Movie $key([]) { x @0 :G; } enum G { a @0 $name(\"b\"); }",
        &["`G`", "means nothing there"],
    );
    refused(
        "struct E $set { x @0 :Text; } struct More $key([]) { e @0 :E; }",
        &["`E`", "`$set`", "means nothing there"],
    );
    refused(
        "struct Movie $key([]) { x @0 :List(E) $set $map(\"x\"); } struct E { x @0 :Text; }",
        &["field `Movie.x`", "a set and a map"],
    );
    refused("struct Movie $key([]) { x @0 :Text $set; }", &["field `Movie.x` cannot be a set", "no list"]);
    let wrong = format!(
        "@0x8000000000000001; annotation set @{:#x} (field) :Text; struct Movie {{ x @0 :List(Text) $set(\"x\"); }}",
        annotations::SET
    );
    let error = Schema::from_code_generator_request(&compiler::compile(&wrong), &["Movie"]).unwrap_err();
    assert!(error.to_string().contains("`$set` that has a value"), "{error}");
    let wrong = format!(
        "@0x8000000000000001; annotation key @{:#x} (struct) :Text; struct Movie $key(\"x\") {{ x @0 :Text; }}",
        annotations::KEY
    );
    let words = read(&compiler::compile(&wrong)).unwrap_err().to_string();
    assert!(words.contains("`$key` that is no list of texts"), "{words}");
}

#[test]
fn types_are_found_by_name() {
    let bytes = compiler::compile(
        "@0x8000000000000001; const x :Text = \"ignored\"; using Name = Text;
         struct A { x @0 :Name; struct Movie { x @0 :Int8; } struct Inner { x @0 :Int16; } }
         struct B { struct Movie { x @0 :Int32; } }
         struct Movie { x @0 :Int64; }",
    );
    let of = |names: &[&str]| Schema::from_code_generator_request(&bytes, names);
    assert_eq!(of(&["Movie"]).unwrap().structs()[0].name, "Movie", "the full name comes first");
    assert_eq!(of(&["Inner"]).unwrap().structs()[0].name, "A.Inner");
    let nested = of(&["B.Movie", "A.Inner", "A"]).unwrap();
    assert_eq!(nested.types().iter().map(|is| is.name.as_str()).collect::<Vec<_>>(), ["A", "Inner", "Movie"]);
    assert_eq!(
        read(&nested.stored_bytes()).unwrap(),
        nested,
        "a scope that is no part of the schema is stored too"
    );
    assert_eq!(read(&compiler::compile(&nested.to_text())).unwrap(), nested);
    assert!(matches!(of(&["Actor"]), Err(SchemaError::Unknown { name, .. }) if name == "Actor"));
    assert!(matches!(of(&["A", "A"]), Err(SchemaError::DuplicateName { .. })));
}

/// Defaults of every pointer type are read, printed and stored without change; empty ones are none.
#[test]
fn pointer_defaults_come_through() {
    let schema = read(&compiler::compile(
        r#"@0x8000000000000001; annotation key @0x9a5c2f1de07b4836 (struct) :List(Text);
        enum Genre { drama @0; comedy @1; }
        struct Movie $key([]) {
          a @0 :Text = "tab\t quote\" back\\ nul\x00f é";
          b @1 :Data = 0x"00 ff 7f";
          c @2 :List(Bool) = [true, false, true];
          d @3 :List(Int16) = [-32768, 1];
          e @4 :List(Float32) = [inf, -0.5, nan];
          f @5 :List(Void) = [void, void];
          g @6 :List(Genre) = [comedy, drama];
          h @7 :List(List(Text)) = [["", "x"], []];
          i @8 :List(Data) = [0x"01", ""];
          j @9 :Movie = (z = -7, y = true, deep = (n = 3), either = (text = "t"));
          k @10 :List(Movie) = [(z = 1), (), (either = (many = [(y = true)]), deep = (arm = (m = 2)))];
          l @11 :Text = "";
          m @12 :List(Text) = [];
          n @13 :Movie = ();
          z @14 :Int8 = 5;
          y @15 :Bool;
          deep :group { n @16 :UInt64; union { none @17 :Void; arm :group { m @18 :UInt8; } } }
          either :union { number @19 :Float64; text @20 :Text; many @21 :List(Movie); nothing @22 :Void; }
          o @23 :Movie = (either = (nothing = void));
        }"#,
    ))
    .unwrap();
    let defaults = |schema: &Schema| {
        let fields = schema.structs()[0].fields.clone();
        fields
            .into_iter()
            .filter(|is| matches!(is.kind, FieldKind::Slot { default: Default::Pointer(_), .. }))
            .count()
    };
    assert_eq!(defaults(&schema), 12);
    assert_eq!(read(&compiler::compile(&schema.to_text())).unwrap(), schema, "{}", schema.to_text());
    assert_eq!(Schema::from_stored_bytes(&schema.stored_bytes()).unwrap(), schema);
}

/// The stored form of `films`, changed by `edit`, as it is read.
fn edited(edit: impl Fn(&str, node::Builder<'_>)) -> String {
    let bytes = films().stored_bytes();
    let message = capnp::serialize::read_message(&*bytes, ReaderOptions::new()).unwrap();
    let mut copy = capnp::message::Builder::new_default();
    copy.set_root(message.get_root::<code_generator_request::Reader<'_>>().unwrap()).unwrap();
    let mut nodes = copy.get_root::<code_generator_request::Builder<'_>>().unwrap().get_nodes().unwrap();
    for at in 0..nodes.len() {
        let name = name_of(nodes.reborrow().get(at).into_reader()).unwrap().to_owned();
        edit(&name, nodes.reborrow().get(at));
    }
    let error = Schema::from_stored_bytes(&capnp::serialize::write_message_to_words(&copy)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    error.to_string()
}

/// The struct in the node called `wanted`.
fn struct_of<'a>(name: &str, wanted: &str, node: node::Builder<'a>) -> Option<node::struct_::Builder<'a>> {
    match node.which() {
        Ok(node::Struct(is)) if name == wanted => Some(is),
        _ => None,
    }
}

#[test]
fn a_layout_that_the_compiler_would_not_give_is_refused() {
    let words = edited(|name, node| {
        if let Some(mut is) = struct_of(name, "Actor", node) {
            is.set_data_word_count(2);
        }
    });
    assert!(words.contains("`Actor` has words of data 2") && words.contains("would give 1"), "{words}");
    let words = edited(|name, node| {
        if let Some(is) = struct_of(name, "Movie", node) {
            let field::Slot(mut slot) = is.get_fields().unwrap().get(0).which().unwrap() else {
                unreachable!()
            };
            slot.set_offset(3);
        }
    });
    assert!(words.contains("field `Movie.id` has the offset 3"), "{words}");
    let words = edited(|name, node| {
        if let Some(mut is) = struct_of(name, "Movie.release", node) {
            is.set_discriminant_offset(9);
        }
    });
    assert!(words.contains("`Movie.release` has a discriminant at 9"), "{words}");
    let words = edited(|name, node| {
        if let Some(is) = struct_of(name, "Movie.runtime", node) {
            is.get_fields().unwrap().get(1).set_discriminant_value(7);
        }
    });
    assert!(words.contains("field `Movie.runtime.value` has the discriminant 7"), "{words}");
}

#[test]
fn nodes_that_are_missing_doubled_or_in_a_circle_are_refused() {
    let words = edited(|name, mut node| {
        if name == "Movie.Rating" {
            node.set_id(1);
        }
    });
    assert!(words.contains("lacks node 0xde90716c5ab832f4"), "{words}");
    let words = edited(|name, mut node| {
        if name == "Actor" {
            node.set_id(0xc85f_2a7b_e3d4_1096);
        }
    });
    assert!(words.contains("both have the id 0xc85f2a7be3d41096"), "{words}");
    let group = films().structs().iter().find(|is| is.name == "Movie.release").unwrap().id;
    let words = edited(|name, node| {
        if let Some(is) = struct_of(name, "Movie.release.day", node) {
            let mut field = is.get_fields().unwrap().get(0);
            field.reborrow().init_ordinal().set_implicit(());
            field.init_group().set_type_id(group);
        }
    });
    assert!(words.contains("group `Movie.release.day.month` is no group of its own"), "{words}");
}

/// Foreign bytes never panic and never make a schema that is not one; what is read can be printed and stored again.
#[test]
fn damaged_bytes_are_refused_or_mean_a_schema() {
    let bytes = films().stored_bytes();
    for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 8..bytes.len()) {
        assert!(Schema::from_stored_bytes(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [&bytes[..], &[0; 8]].concat();
    let words = Schema::from_stored_bytes(&longer).unwrap_err().to_string();
    assert!(words.contains("8 bytes are left over"), "{words}");
    let random = SeededRandom::new(3);
    let mut accepted = 0;
    for _ in 0..600 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.next_u64() % 3 {
            let at = random.next_u64() as usize % bytes.len();
            damaged[at] ^= 1 << (random.next_u64() % 8);
        }
        if let Ok(schema) = Schema::from_stored_bytes(&damaged) {
            accepted += 1;
            assert_eq!(Schema::from_stored_bytes(&schema.stored_bytes()).unwrap(), schema);
            assert!(!schema.to_text().is_empty());
        }
    }
    assert!(accepted < 560, "{accepted} of 600 damaged schemas were accepted");
}

/// The same schema gives the same bytes in every process and release: they are what the stored schema's hash is of.
#[test]
fn the_stored_form_is_deterministic() {
    assert_eq!(films().stored_bytes(), films().stored_bytes());
    assert_eq!(films().stored_bytes(), films().to_code_generator_request());
}
