use super::{Change, Compatibility};
use crate::schema::random::RandomDeclarations;
use crate::schema::testing::{
    add_enum, add_struct, add_type, collection, empty, field, group, movie, named, optional, reference,
    union, with_default,
};
use crate::schema::{
    Collection, CollectionDeclaration, DeclaredType as T, Default, FieldKind, MemberDeclaration, Schema,
    SchemaDeclaration,
};

/// A dataset's schema; the tests change it one way each.
fn stored() -> SchemaDeclaration {
    let mut declaration = empty();
    add_enum(&mut declaration, "Genre", &["drama", "comedy"]);
    add_struct(&mut declaration, "Rating", vec![field("stars", 0, T::UInt8)]);
    let members = vec![
        field("id", 0, T::UInt64),
        named("title", 1, T::Text, "movie_title"),
        with_default("year", 2, T::Int32, Default::Bits(1970)),
        union(vec![field("seen", 3, T::Void), field("rating", 4, T::Struct("Rating".into()))]),
        group("place", vec![field("city", 5, T::Text)]),
        reference("lead", 6, T::UInt64, "Actor"),
        field("genre", 7, T::Enum("Genre".into())),
    ];
    add_type(&mut declaration, "Movie", &["id"], members);
    declaration
}

fn compare(change: impl FnOnce(&mut SchemaDeclaration)) -> Compatibility {
    let mut new = stored();
    change(&mut new);
    let [stored, new] = [stored(), new].map(|declaration| Schema::from_declaration(&declaration).unwrap());
    stored.compatibility(&new)
}

fn movie_of(declaration: &mut SchemaDeclaration) -> &mut Vec<MemberDeclaration> {
    &mut declaration.structs.iter_mut().find(|is| is.name == "Movie").unwrap().members
}

fn extended(change: impl FnOnce(&mut SchemaDeclaration)) -> Schema {
    match compare(change) {
        Compatibility::Extends(merged) => merged,
        other => panic!("{other:?}"),
    }
}

/// The one reason for which a change is a break, as words.
fn broken(expected: Change, change: impl FnOnce(&mut SchemaDeclaration)) -> String {
    match compare(change) {
        Compatibility::Break(reasons) if reasons.len() == 1 && reasons[0].change == expected => {
            reasons[0].to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_says_nothing_about_records_is_no_change() {
    let same = compare(|new| {
        new.structs.reverse();
        movie_of(new).reverse();
        for structure in &mut new.structs {
            structure.id = Some(structure.name.len() as u64 | 1 << 63);
        }
    });
    assert_eq!(same, Compatibility::Same);
}

#[test]
fn the_whitelist_extends() {
    extended(|new| movie_of(new).insert(0, field("runtime", 8, T::Float64)));
    extended(|new| add_type(new, "Actor", &["id"], vec![field("id", 0, T::UInt64)]));
    extended(|new| new.enums[0].enumerants.push("horror".into()));
    let merged = extended(|new| {
        let MemberDeclaration::Union { members } = &mut movie_of(new)[3] else { unreachable!() };
        members.push(field("skipped", 8, T::Text));
    });
    let arm = merged.structs().iter().find(|is| is.name == "Movie").unwrap();
    assert_eq!(arm.fields.iter().find(|is| is.name == "skipped").unwrap().discriminant, Some(2));
}

/// Semantics 9: a writer that knows less of the dataset takes nothing from it.
#[test]
fn a_writer_with_fewer_fields_types_and_enumerants_is_no_break() {
    let fewer = compare(|new| {
        movie_of(new).pop();
        new.enums.clear();
    });
    assert_eq!(fewer, Compatibility::Same);
    let other_type = extended(|new| {
        *new = empty();
        add_type(new, "Actor", &["id"], vec![field("id", 0, T::UInt64)]);
    });
    assert_eq!(other_type.types().len(), 2, "the union of both");
}

#[test]
fn each_side_may_have_what_the_other_lacks() {
    let merged = extended(|new| {
        movie_of(new).truncate(6);
        new.structs[0].members.push(field("votes", 1, T::UInt32));
        new.enums.clear();
    });
    let field_count = |name: &str| merged.structs().iter().find(|is| is.name == name).unwrap().fields.len();
    assert_eq!((field_count("Movie"), field_count("Rating")), (8, 2));
}

#[test]
fn references_are_added_and_kept_but_not_changed() {
    let without = compare(|new| {
        movie_of(new)[5] = field("lead", 6, T::UInt64);
    });
    assert_eq!(without, Compatibility::Same);
    let merged = extended(|new| {
        movie_of(new)[5] = field("lead", 6, T::UInt64);
        movie_of(new)[0] = reference("id", 0, T::UInt64, "Imdb");
    });
    let references: Vec<_> =
        merged.structs()[0].fields.iter().filter_map(|is| is.references.as_deref()).collect();
    assert_eq!(references, ["Imdb", "Actor"]);
    broken(Change::Reference, |new| movie_of(new)[5] = reference("lead", 6, T::UInt64, "Person"));
}

/// Stored elements lie as they were written: in no order where none was asked for.
#[test]
fn making_a_list_a_set_or_a_map_of_another_key_is_a_break() {
    let schema = |kept: Option<CollectionDeclaration>| {
        let mut declaration = empty();
        add_struct(&mut declaration, "Name", vec![field("language", 0, T::Text), field("text", 1, T::Text)]);
        let names = || T::List(Box::new(T::Struct("Name".into())));
        let names = kept.map_or_else(|| field("names", 0, names()), |is| collection("names", 0, names(), is));
        add_type(&mut declaration, "Movie", &[], vec![names]);
        Schema::from_declaration(&declaration).unwrap()
    };
    let map = |key: &str| Some(CollectionDeclaration::Map { key: key.into() });
    let words = |old: &Schema, new: &Schema| match old.compatibility(new) {
        Compatibility::Break(reasons) if reasons.len() == 1 && reasons[0].change == Change::Collection => {
            reasons[0].to_string()
        }
        other => panic!("{other:?}"),
    };
    let (list, by_language, by_text) = (schema(None), schema(map("language")), schema(map("text")));
    let expected =
        "field `Movie.names` has another order of its elements: a plain list, now $map(\"language\")";
    assert_eq!(words(&list, &by_language), expected);
    words(&by_language, &list);
    words(&by_language, &by_text);
    assert_eq!(by_language.compatibility(&by_language), Compatibility::Same);
    assert_ne!(list, by_language);
    assert_ne!(by_language.hash(), by_text.hash());
    let with_set = extended(|new| {
        let tags = collection("tags", 8, T::List(Box::new(T::Text)), CollectionDeclaration::Set);
        movie_of(new).push(tags);
    });
    let tags = with_set.structs()[0].fields.iter().find(|is| is.name == "tags").unwrap();
    assert_eq!(tags.collection, Some(Collection::Set), "a new field is none, and keeps what it is");
}

#[test]
fn everything_else_is_a_break_with_its_reason() {
    let words = broken(Change::Type, |new| movie_of(new)[2] = field("year", 2, T::Int64));
    assert_eq!(words, "field `Movie.year` has another type: Int32, now Int64");
    let words = broken(Change::Default, |new| movie_of(new)[2] = field("year", 2, T::Int32));
    assert_eq!(words, "field `Movie.year` has another default: 1970, now none");
    let words = broken(Change::Key, |new| new.types[0].key = vec!["id".into(), "place.city".into()]);
    assert_eq!(words, "`Movie` has another key: id, now id, place.city");
    broken(Change::Key, |new| new.types[0].key.clear());
    let words = broken(Change::Name, |new| new.enums[0].enumerants[0] = "horror".into());
    assert_eq!(words, "field `Genre.drama` has another name: drama, now horror");
    let words = broken(Change::Type, |new| {
        add_enum(new, "Mood", &["drama", "comedy"]);
        movie_of(new)[6] = field("genre", 7, T::Enum("Mood".into()));
    });
    assert_eq!(words, "field `Movie.genre` has another type: Genre, now Mood");
    let words = broken(Change::Kind, |new| {
        new.enums.clear();
        movie_of(new).pop();
        add_struct(new, "Genre", vec![field("name", 0, T::Text)]);
        add_type(new, "Shelf", &[], vec![field("genre", 0, T::Struct("Genre".into()))]);
    });
    assert_eq!(words, "`Genre` has another kind: an enum, now a struct");
}

/// Names are what keys, queries, JSON and files go by, so a rename is a break though it moves no byte.
#[test]
fn a_rename_is_a_break() {
    match compare(|new| movie_of(new)[2] = with_default("born", 2, T::Int32, Default::Bits(1970))) {
        Compatibility::Break(reasons) => {
            let changes: Vec<_> = reasons.iter().map(|is| is.change).collect();
            assert_eq!(changes, [Change::Name]);
            assert_eq!(reasons[0].to_string(), "field `Movie.year` has another name: year, now born");
        }
        other => panic!("{other:?}"),
    }
    broken(Change::ShownName, |new| movie_of(new)[1] = named("title", 1, T::Text, "title_of_movie"));
    broken(Change::ShownName, |new| movie_of(new)[1] = field("title", 1, T::Text));
    let renamed_struct = compare(|new| {
        new.structs[0].name = "Score".into();
        movie_of(new)[3] =
            union(vec![field("seen", 3, T::Void), field("rating", 4, T::Struct("Score".into()))]);
    });
    assert!(matches!(renamed_struct, Compatibility::Break(_)));
}

/// Two columns that changed places look like two renames; taken for the same they would be read as each other.
#[test]
fn columns_that_change_places_are_a_break() {
    let columns = |first: &str, second: &str| {
        movie(&[], vec![field(first, 0, T::Text), field(second, 1, T::Text)]).unwrap()
    };
    let swapped = columns("city", "country").compatibility(&columns("country", "city"));
    assert!(matches!(swapped, Compatibility::Break(_)));
}

#[test]
fn a_field_that_moves_into_a_union_is_a_break() {
    let year = with_default("year", 2, T::Int32, Default::Bits(1970));
    let moved = compare(|new| {
        let members = movie_of(new);
        members.remove(2);
        let MemberDeclaration::Union { members } = &mut members[2] else { unreachable!() };
        members.push(year);
    });
    let Compatibility::Break(reasons) = moved else { panic!("{moved:?}") };
    assert!(reasons.iter().all(|is| is.change == Change::Union), "{reasons:?}");
    let words = "field `Movie.year` has another place in unions: in no union, now `year` as member 0";
    assert_eq!(reasons[0].to_string(), words);
}

#[test]
fn an_optional_column_that_becomes_plain_is_a_break() {
    let optional = movie(&[], vec![optional("x", 0, T::Float64)]).unwrap();
    let plain = movie(&[], vec![field("x", 0, T::Float64)]).unwrap();
    assert!(matches!(optional.compatibility(&plain), Compatibility::Break(_)));
    assert!(matches!(plain.compatibility(&optional), Compatibility::Break(_)));
}

#[test]
fn what_only_clashes_together_is_a_break() {
    let words = broken(Change::Together, |new| {
        *new = empty();
        add_type(
            new,
            "Keep",
            &[],
            vec![field("x", 0, T::Void), field("y", 1, T::Struct("MovieRows".into()))],
        );
        add_struct(new, "MovieRows", vec![field("x", 0, T::Void)]);
    });
    assert!(words.contains("`MovieRows` cannot be the name"), "{words}");
}

/// Any schema cut off at any ordinal is extended by the whole one, with every offset and discriminant where it was.
#[test]
fn fields_that_are_added_move_nothing() {
    let mut random = RandomDeclarations::new(7);
    let (whole, _) = random.types(150);
    let mut cuts = 0;
    for declared in &whole.structs {
        let mut alone = empty();
        alone.enums.clone_from(&whole.enums);
        add_type(&mut alone, &declared.name, &[], declared.members.clone());
        let new = Schema::from_declaration(&alone).unwrap();
        let last = random.below(new.structs().iter().map(|is| is.fields.len()).sum::<usize>() as u64) as u16;
        cut(&mut alone.structs[0].members, last);
        let Ok(old) = Schema::from_declaration(&alone) else { continue };
        cuts += 1;
        assert_eq!(new.compatibility(&old), Compatibility::Same);
        match old.compatibility(&new) {
            Compatibility::Extends(merged) => assert_eq!(merged, new),
            Compatibility::Same => assert_eq!(old, new),
            Compatibility::Break(reasons) => panic!("{reasons:?}"),
        }
        assert_nothing_moved(&old, &new);
    }
    assert!(cuts > 50, "{cuts} of the schemas could be cut");
}

/// Removes all fields from ordinal `last` on, and what is left empty.
fn cut(members: &mut Vec<MemberDeclaration>, last: u16) {
    members.retain_mut(|member| match member {
        MemberDeclaration::Field { ordinal, .. } => *ordinal < last,
        MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
            cut(members, last);
            !members.is_empty()
        }
    });
}

fn assert_nothing_moved(old: &Schema, new: &Schema) {
    for was in old.structs() {
        let is = new.structs().iter().find(|is| is.name == was.name).unwrap();
        assert!(was.data_words <= is.data_words && was.pointer_words <= is.pointer_words);
        assert!(was.discriminant_offset.is_none() || was.discriminant_offset == is.discriminant_offset);
        for was in &was.fields {
            let is = is.fields.iter().find(|is| is.name == was.name).unwrap();
            assert_eq!(was.discriminant, is.discriminant);
            if let (FieldKind::Slot { offset: was, .. }, FieldKind::Slot { offset: is, .. }) =
                (&was.kind, &is.kind)
            {
                assert_eq!(was, is);
            }
        }
    }
}
