//! Maps against `BTreeMap`.

use std::collections::BTreeMap;

use hollowcast::collections::MapView;
use hollowcast::wire::{CopyProblem, DynamicStruct, DynamicValue};
use proptest::prelude::*;

use crate::generated::collections_capnp::{Colour, maps, name, price};
use crate::message::Record;

fn names(entries: &[(&str, &str)]) -> Record {
    try_names(entries).unwrap()
}

fn try_names(entries: &[(&str, &str)]) -> Result<Record, hollowcast::wire::CopyError> {
    Record::of::<maps::Owned>(|mut record| {
        let mut list = record.reborrow().init_names(entries.len() as u32);
        for ((language, text), index) in entries.iter().zip(0..) {
            let mut name = list.reborrow().get(index);
            name.set_language(language);
            name.set_text(text);
        }
    })
}

fn text<'a>(entry: DynamicStruct<'a>, field: &str) -> &'a str {
    match entry.get(field).unwrap().unwrap() {
        DynamicValue::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

proptest! {
    /// Keys are texts; the value of a key is made of it, so that entries stated twice are equal.
    #[test]
    fn maps_by_text_answer_as_btreemap_does(
        stated in proptest::collection::vec("[a-c\u{e9}]{0,2}", 0..30),
        others in proptest::collection::vec("[a-d]{0,2}", 0..10),
    ) {
        let values: BTreeMap<&str, String> =
            stated.iter().map(|key| (key.as_str(), format!("value of {key}"))).collect();
        let entries: Vec<_> = stated.iter().map(|key| (key.as_str(), values[key.as_str()].as_str())).collect();
        let record = names(&entries);
        let backwards: Vec<_> = entries.iter().rev().chain(&entries).copied().collect();
        prop_assert_eq!(&names(&backwards).words, &record.words);

        record.typed(|root| {
            let reader: maps::Reader<'_> = root.get_as().unwrap();
            let map = MapView::read(reader.has_names(), reader.get_names(), name::Reader::get_language);
            let map = map.unwrap().unwrap();
            let found = map.iter().map(|name| {
                let name = name.unwrap();
                (name.get_language().unwrap().to_str().unwrap(), name.get_text().unwrap().to_string().unwrap())
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), values.clone().into_iter().collect::<Vec<_>>());
            let keys: Vec<_> = map.keys().map(|key| key.unwrap().to_str().unwrap()).collect();
            prop_assert_eq!(keys, values.keys().copied().collect::<Vec<_>>());
            let texts: Vec<_> = map.values(name::Reader::get_text).map(|text| text.unwrap().to_string().unwrap()).collect();
            prop_assert_eq!(texts, values.values().cloned().collect::<Vec<_>>());
            for key in stated.iter().chain(&others) {
                let found = map.get(key.as_str()).unwrap().map(|name| name.get_text().unwrap().to_string().unwrap());
                prop_assert_eq!(found.as_ref(), values.get(key.as_str()));
                prop_assert_eq!(map.contains_key(key.as_str()).unwrap(), values.contains_key(key.as_str()));
            }
            Ok(())
        })?;
        let map = MapView::of(record.dynamic(), "names").unwrap().unwrap();
        prop_assert_eq!(map.len() as usize, values.len());
        prop_assert_eq!(
            map.iter().map(|entry| text(entry.unwrap(), "text").to_owned()).collect::<Vec<_>>(),
            values.values().cloned().collect::<Vec<_>>()
        );
        let first_key = map.keys().next().map(|key| format!("{:?}", key.unwrap()));
        prop_assert_eq!(first_key, values.keys().next().map(|key| format!("{:?}", DynamicValue::Text(key))));
        for key in stated.iter().chain(&others) {
            let found = map.get(&DynamicValue::Text(key)).unwrap().map(|entry| text(entry, "text"));
            prop_assert_eq!(found, values.get(key.as_str()).map(String::as_str));
            let is_there = map.contains_key(&DynamicValue::Text(key)).unwrap();
            prop_assert_eq!(is_there, values.contains_key(key.as_str()));
        }
    }

    /// The key lies in a group and has a default, and the entries hold sets, which are stated in any order.
    #[test]
    fn maps_by_number_hold_sets(stated in proptest::collection::vec((-3..12_i64, 0..2_u8), 0..30)) {
        let fill = |stated: Vec<(i64, u8)>| Record::of::<maps::Owned>(|mut record| {
            let mut list = record.reborrow().init_prices(stated.len() as u32);
            for ((shop, turn), index) in stated.into_iter().zip(0..) {
                let mut price = list.reborrow().get(index);
                price.reborrow().init_place().set_shop(shop);
                price.set_cents(shop.unsigned_abs() as u32);
                price.set_tags([&["b", "a"][..], &["a", "b", "a"]][usize::from(turn)]).unwrap();
            }
        }).unwrap();
        let model: BTreeMap<i64, u32> = stated.iter().map(|(shop, _)| (*shop, shop.unsigned_abs() as u32)).collect();
        let record = fill(stated.clone());
        let turned: Vec<_> = stated.iter().rev().map(|(shop, turn)| (*shop, 1 - turn)).collect();
        prop_assert_eq!(&fill(turned).words, &record.words);
        record.typed(|root| {
            let prices = root.get_as::<maps::Reader<'_>>().unwrap().get_prices().unwrap();
            let map = MapView::new(prices, |price| Ok(price.get_place().get_shop()));
            for shop in -5..15 {
                let found = map.get(&shop).unwrap().map(price::Reader::get_cents);
                prop_assert_eq!(found, model.get(&shop).copied());
            }
            Ok(())
        })?;
        let map = MapView::of(record.dynamic(), "prices").unwrap().unwrap();
        let keys: Vec<_> = map.keys().map(|key| format!("{:?}", key.unwrap())).collect();
        prop_assert_eq!(keys, model.keys().map(|shop| format!("Int({shop})")).collect::<Vec<_>>());
        for shop in -5..15 {
            prop_assert_eq!(map.contains_key(&DynamicValue::Int(shop)).unwrap(), model.contains_key(&shop));
        }
    }
}

#[test]
fn maps_lie_within_maps_and_enums_are_keys() {
    let fill = |colours: &[Colour], languages: &[&str]| {
        Record::of::<maps::Owned>(|mut record| {
            let mut shelves = record.reborrow().init_shelves(colours.len() as u32);
            for (colour, index) in colours.iter().zip(0..) {
                let mut shelf = shelves.reborrow().get(index);
                shelf.set_colour(*colour);
                let mut names = shelf.init_names(languages.len() as u32);
                for (language, index) in languages.iter().zip(0..) {
                    names.reborrow().get(index).set_language(language);
                }
            }
        })
        .unwrap()
    };
    let record = fill(&[Colour::Blue, Colour::Red, Colour::Blue], &["fr", "de"]);
    assert_eq!(record.words, fill(&[Colour::Red, Colour::Blue], &["de", "fr", "de"]).words);
    record.typed(|root| {
        let shelves = root.get_as::<maps::Reader<'_>>().unwrap().get_shelves().unwrap();
        let shelves = MapView::new(shelves, |shelf| Ok(shelf.get_colour()? as u16));
        assert_eq!(shelves.len(), 2);
        let blue = shelves.get(&(Colour::Blue as u16)).unwrap().unwrap();
        let names = MapView::new(blue.get_names().unwrap(), name::Reader::get_language);
        assert!(names.contains_key("fr").unwrap() && !names.contains_key("en").unwrap());
        assert!(!shelves.contains_key(&(Colour::Green as u16)).unwrap());
    });
    let shelves = MapView::of(record.dynamic(), "shelves").unwrap().unwrap();
    let blue = shelves.get(&DynamicValue::Text("blue")).unwrap().unwrap();
    let names = MapView::of(blue, "names").unwrap().unwrap();
    assert!(names.contains_key(&DynamicValue::Text("fr")).unwrap());
    assert!(shelves.get(&DynamicValue::Text("green")).unwrap().is_none());
}

#[test]
fn different_entries_under_one_key_are_refused_by_name_semantics_4() {
    let error = try_names(&[("de", "Stalker"), ("en", "Stalker"), ("de", "Der Stalker")]).err().unwrap();
    assert!(matches!(error.problem, CopyProblem::DuplicateKey { first: 0, second: 2, .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "Maps.names: entries 0 and 2 have the key \"de\", but differ: keep one of them"
    );
    assert!(try_names(&[("de", "Stalker"), ("de", "Stalker")]).is_ok(), "equal ones are one");

    let inner = Record::of::<maps::Owned>(|mut record| {
        let mut prices = record.reborrow().init_prices(2);
        for index in 0..2 {
            prices.reborrow().get(index).set_tags(&["a", "b"][..=index as usize]).unwrap();
        }
    });
    let words = inner.err().unwrap().to_string();
    assert_eq!(words, "Maps.prices: entries 0 and 1 have the key 7, but differ: keep one of them");
}

#[test]
fn a_null_key_is_refused_by_name() {
    let refused = Record::of::<maps::Owned>(|mut record| {
        record.reborrow().init_names(2).get(0).set_language("de");
    });
    let words = refused.err().unwrap().to_string();
    assert!(words.starts_with("Maps.names[1].language: the key of an entry is null"), "{words}");
    assert!(try_names(&[("", "")]).is_ok(), "an empty key is a key");
}

#[test]
fn maps_are_equal_when_their_entries_are_semantics_30() {
    let [one, same, other] =
        [&[("b", "1"), ("a", "2")][..], &[("a", "2"), ("b", "1")], &[("a", "2"), ("b", "3")]].map(names);
    let dynamic = |record| MapView::of(Record::dynamic(record), "names").unwrap().unwrap();
    assert!(dynamic(&one).equals(&dynamic(&same)).unwrap());
    assert!(!dynamic(&one).equals(&dynamic(&other)).unwrap());
    let typed = |one: &Record, other: &Record| {
        one.typed(|one| {
            other.typed(|other| {
                let [one, other] =
                    [one, other].map(|is| is.get_as::<maps::Reader<'_>>().unwrap().get_names().unwrap());
                let key = |name: name::Reader<'_>| Ok(name.has_text());
                MapView::new(one, key).equals(&MapView::new(other, key)).unwrap()
            })
        })
    };
    assert!(typed(&one, &same) && !typed(&one, &other));
    let (absent, empty) = (Record::of::<maps::Owned>(|_| {}).unwrap(), names(&[]));
    assert!(MapView::of(absent.dynamic(), "names").unwrap().is_none());
    assert!(MapView::of(empty.dynamic(), "names").unwrap().unwrap().is_empty());
}
