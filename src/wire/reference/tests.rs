//! Keys found in records, and records that have none to find.

use super::visit::MAX_WORDS;
use super::*;
use crate::schema::testing::{
    add_enum, add_struct, add_type, empty, field, group, optional, reference, with_default,
};
use crate::schema::{DeclaredType as T, Default, MemberDeclaration};
use crate::wire::{CopyPlans, Draft, ElementSize, MAX_NESTING, StructReader};

/// A schema of `Source`, with these fields, and of types to reference.
fn schema(members: Vec<MemberDeclaration>) -> Schema {
    let mut declaration = empty();
    add_enum(&mut declaration, "Colour", &["red", "green"]);
    add_type(&mut declaration, "Country", &["code"], vec![field("code", 0, T::Text)]);
    let city = vec![field("number", 0, T::Int16), group("in", vec![field("country", 1, T::Text)])];
    add_type(&mut declaration, "City", &["in.country", "number"], city);
    add_type(&mut declaration, "Paint", &["colour"], vec![field("colour", 0, T::Enum("Colour".into()))]);
    add_type(&mut declaration, "Switch", &["on"], vec![field("on", 0, T::Bool)]);
    add_type(&mut declaration, "Blob", &["data"], vec![field("data", 0, T::Data)]);
    let country = group("in", vec![reference("country", 1, T::Text, "Country")]);
    add_struct(&mut declaration, "Place", vec![field("number", 0, T::Int16), country]);
    add_struct(&mut declaration, "Plain", vec![field("nothing", 0, T::Text)]);
    add_type(&mut declaration, "Source", &[], members);
    Schema::from_declaration(&declaration).unwrap()
}

/// The keys that `plan` finds in `record`, with the names of what holds them.
fn keys(schema: &Schema, plan: &ReferencePlan, record: &Draft) -> Vec<(String, Vec<u8>)> {
    let mut keys = Vec::new();
    let root = StructReader::root(record.words()).unwrap();
    plan.visit(schema, root, &mut |held, key| keys.push((held.name.to_string(), key.to_vec()))).unwrap();
    keys
}

fn source(schema: &Schema) -> TypeIndex {
    schema.find_type("Source").unwrap()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

/// `place` is a key of `City` and has a key of `Country` in it.
#[test]
fn a_struct_that_is_a_key_may_hold_keys_itself() {
    let schema = schema(vec![
        reference("place", 0, T::Struct("Place".into()), "City"),
        field("plain", 1, T::Struct("Plain".into())),
    ]);
    let mut draft = Draft::new();
    let root = draft.root(0, 2).unwrap();
    let place = draft.init_struct(draft.pointer(root, 0), 1, 1).unwrap();
    draft.set_bits_at(place, 0, 16, 513);
    draft.set_text(draft.pointer(place, 0), "DE").unwrap();
    let all = ReferencePlan::all(&schema, source(&schema));
    assert!(all.nodes[0].iter().all(|way| way.field == 0), "nothing leads on from `plain`");
    let city = [counted(b"DE"), vec![1, 2]].concat();
    let country = ("Place.in.country".to_owned(), counted(b"DE"));
    assert_eq!(keys(&schema, &all, &draft), [("Source.place".to_owned(), city), country.clone()]);
    let one = ReferencePlan::at(&schema, source(&schema), "place.in.country").unwrap();
    assert_eq!(keys(&schema, &one, &draft), [country]);
}

#[test]
fn keys_of_every_kind_are_written_as_their_targets_have_them() {
    let list = |element| T::List(Box::new(element));
    let schema = schema(vec![
        reference("paint", 0, T::Enum("Colour".into()), "Paint"),
        reference("on", 1, T::Bool, "Switch"),
        reference("blobs", 2, list(list(T::Data)), "Blob"),
        optional("maybe", 3, T::Bool),
    ]);
    let mut draft = Draft::new();
    let root = draft.root(1, 1).unwrap();
    draft.set_bits_at(root, 0, 16, 1);
    draft.set_bits_at(root, 16, 1, 1);
    let outer = draft.init_list(draft.pointer(root, 0), ElementSize::Pointer, 2).unwrap();
    let inner = draft.init_list(draft.element_pointer(outer, 1), ElementSize::Pointer, 2).unwrap();
    draft.set_data(draft.element_pointer(inner, 1), b"x").unwrap();
    let all = ReferencePlan::all(&schema, source(&schema));
    let found = keys(&schema, &all, &draft);
    let expected = [("Source.paint", vec![1, 0]), ("Source.on", vec![1]), ("Source.blobs", counted(b"x"))];
    assert_eq!(found, expected.map(|(name, key)| (name.to_owned(), key)));
    assert!(ReferencePlan::at(&schema, source(&schema), "maybe").is_none(), "it holds no key");
}

/// The pointer to a struct of pointers that begins `distance` words behind it.
fn to_struct(distance: i32, pointers: u64) -> u64 {
    u64::from((distance << 2).cast_unsigned()) | pointers << 48
}

/// `Source` has a `Link`, and that a key of `Country` and two more links, of which `next` has this default.
fn chain_schema(default: Default) -> Schema {
    let mut declaration = empty();
    let link = || T::Struct("Link".into());
    let (next, other) = (with_default("next", 1, link(), default), field("other", 2, link()));
    add_struct(&mut declaration, "Link", vec![reference("country", 0, T::Text, "Country"), next, other]);
    add_type(&mut declaration, "Country", &["code"], vec![field("code", 0, T::Text)]);
    add_type(&mut declaration, "Source", &[], vec![field("first", 0, link())]);
    Schema::from_declaration(&declaration).unwrap()
}

fn refused(words: &[u64]) -> WireError {
    let schema = chain_schema(Default::Zero);
    let plan = ReferencePlan::all(&schema, source(&schema));
    plan.visit(&schema, StructReader::root(words).unwrap(), &mut |_, _| {}).unwrap_err()
}

/// Bug: damaged rows overflowed the stack of the validator of references. Mechanism: it went as deep as pointers lead. Fix: the limits that
/// the canonical copy has hold here too.
#[test]
fn pointers_that_lead_back_are_refused() {
    // The first link is its own next.
    let words = [to_struct(0, 1), to_struct(0, 3), 0, to_struct(-2, 3), 0];
    assert_eq!(refused(&words), WireError::TooDeep { word: 3, limit: MAX_NESTING });
}

#[test]
fn pointers_that_lead_to_the_same_words_over_and_over_are_refused() {
    // Both ways on from each of 50 links lead to the one behind it: 2^50 ways to the last.
    let link = [0, to_struct(1, 3), to_struct(0, 3)];
    let words = [vec![to_struct(0, 1), to_struct(0, 3)], link.repeat(50), vec![0; 3]].concat();
    assert!(matches!(refused(&words), WireError::TooLarge { limit: MAX_WORDS, .. }));
}

/// A record as deep as it may be published, with a key at its innermost.
#[test]
fn records_that_may_be_published_are_visited_down_to_their_innermost_key() {
    let schema = chain_schema(Default::Zero);
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    let mut at = draft.pointer(root, 0);
    let mut link = root;
    for _ in 2..MAX_NESTING {
        link = draft.init_struct(at, 0, 3).unwrap();
        at = draft.pointer(link, 1);
    }
    draft.set_text(draft.pointer(link, 0), "DE").unwrap();
    let plans = CopyPlans::new(&schema);
    plans.copy(schema.record_type(source(&schema)).structure, draft.reader(), &mut Vec::new()).unwrap();
    let all = ReferencePlan::all(&schema, source(&schema));
    assert_eq!(keys(&schema, &all, &draft), [("Link.country".to_owned(), counted(b"DE"))]);
}

/// The default of `next` has no `next` in it, so what is read there is the default again.
#[test]
fn defaults_of_structs_that_contain_themselves_have_an_end() {
    let text = u64::from_le_bytes(*b"DE\0\0\0\0\0\0");
    let schema = chain_schema(Default::Pointer(vec![to_struct(0, 1), 0x1A_0000_0001, text]));
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    draft.init_struct(draft.pointer(root, 0), 0, 0).unwrap();
    let all = ReferencePlan::all(&schema, source(&schema));
    assert_eq!(keys(&schema, &all, &draft), [("Link.country".to_owned(), counted(b"DE"))]);
}
