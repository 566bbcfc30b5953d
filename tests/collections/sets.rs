//! Sets of every type of element, against `BTreeSet`.

use std::collections::BTreeSet;

use hollowcast::collections::{CollectionError, ListView, SetView};
use hollowcast::wire::{CopyProblem, DynamicValue};
use proptest::prelude::*;

use crate::generated::collections_capnp::{Colour, sets};
use crate::message::Record;

/// Values close to each other, to the limits, and anywhere.
pub(crate) fn number<T: Copy + std::fmt::Debug + 'static>(
    near: [T; 6],
    any: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![proptest::sample::select(near.to_vec()), any].boxed()
}

/// States the elements in the given order, then backwards and all of them twice: the same record. Then both views must say what the
/// model says, of each element and of others.
macro_rules! set_test {
    ($name:ident, $element:ty, $elements:expr, $init:ident, $set:expr, $get:ident, $has:ident, $owned:expr, $wanted:expr, $dynamic:expr) => {
        proptest! {
            #[test]
            fn $name(stated in proptest::collection::vec($elements, 0..40), others in proptest::collection::vec($elements, 0..10)) {
                let fill = |mut record: sets::Builder<'_>, elements: &[$element]| {
                    let mut list = record.reborrow().$init(elements.len() as u32);
                    for (element, index) in elements.iter().zip(0..) {
                        ($set)(&mut list, index, element);
                    }
                };
                let state = |elements: &[$element]| Record::of::<sets::Owned>(|record| fill(record, elements)).unwrap();
                let model: BTreeSet<$element> = stated.iter().cloned().collect();
                let record = state(&stated);
                let twice: Vec<_> = stated.iter().rev().chain(&stated).cloned().collect();
                prop_assert_eq!(&state(&twice).words, &record.words);
                let in_order: Vec<_> = model.iter().cloned().collect();
                let expected = Record::canonical_by_capnp::<sets::Owned>(|record| fill(record, &in_order));
                prop_assert_eq!(&record.words, &expected);

                record.typed(|root| {
                    let reader: sets::Reader<'_> = root.get_as().unwrap();
                    let view = SetView::read(reader.$has(), reader.$get()).unwrap().unwrap();
                    let found: Vec<$element> = view.iter().map(|element| ($owned)(element.unwrap())).collect();
                    prop_assert_eq!(found, model.iter().cloned().collect::<Vec<_>>());
                    for element in stated.iter().chain(&others) {
                        prop_assert_eq!(view.contains(($wanted)(element)).unwrap(), model.contains(element));
                    }
                    Ok(())
                })?;
                let path = stringify!($name);
                let view = SetView::of(record.dynamic(), path).unwrap().unwrap();
                prop_assert_eq!(view.len() as usize, model.len());
                let mut in_order = view.iter();
                for element in &model {
                    prop_assert!(ListView::of(record.dynamic(), path).unwrap().unwrap().contains(&($dynamic)(element)).unwrap());
                    let is = format!("{:?}", in_order.next().unwrap().unwrap());
                    let expected: DynamicValue<'_> = ($dynamic)(element);
                    if !matches!(expected, DynamicValue::Text(_) if path == "colours") {
                        prop_assert_eq!(is, format!("{expected:?}"));
                    }
                }
                for element in stated.iter().chain(&others) {
                    prop_assert_eq!(view.contains(&($dynamic)(element)).unwrap(), model.contains(element));
                }
            }
        }
    };
}

macro_rules! numbers {
    ($($name:ident $element:ident $init:ident $get:ident $has:ident $kind:ident $wide:ident;)*) => {$(
        set_test! {
            $name, $element,
            number([0, 1, 2, $element::MAX, $element::MAX - 1, $element::MIN], any::<$element>()),
            $init, |list: &mut capnp::primitive_list::Builder<'_, $element>, index, element: &$element| list.set(index, *element),
            $get, $has, |element| element, |element| element, |element: &$element| DynamicValue::$kind($wide::from(*element))
        }
    )*};
}

numbers! {
    bytes u8 init_bytes get_bytes has_bytes UInt u64;
    signed i8 init_signed get_signed has_signed Int i64;
    shorts i16 init_shorts get_shorts has_shorts Int i64;
    numbers u32 init_numbers get_numbers has_numbers UInt u64;
    longs i64 init_longs get_longs has_longs Int i64;
    large u64 init_large get_large has_large UInt u64;
}

set_test! {
    bools, bool, any::<bool>(),
    init_bools, |list: &mut capnp::primitive_list::Builder<'_, bool>, index, element: &bool| list.set(index, *element),
    get_bools, has_bools, |element| element, |element| element, |element: &bool| DynamicValue::Bool(*element)
}

set_test! {
    colours, u16, 0..3_u16,
    init_colours, |list: &mut capnp::enum_list::Builder<'_, Colour>, index, element: &u16| list.set(index, colour(*element)),
    get_colours, has_colours, |element: Colour| element as u16, |element: &u16| COLOURS[usize::from(*element)],
    |element: &u16| DynamicValue::Text(["red", "green", "blue"][usize::from(*element)])
}

set_test! {
    texts, String, "[ab\u{e9}\u{10348}]{0,3}",
    init_texts, |list: &mut capnp::text_list::Builder<'_>, index, element: &String| list.set(index, element.as_str()),
    get_texts, has_texts, |element: capnp::text::Reader<'_>| element.to_string().unwrap(),
    |element: &String| -> &'static str { Box::leak(element.clone().into_boxed_str()) },
    |element| DynamicValue::Text(String::as_str(element))
}

set_test! {
    blobs, Vec<u8>, proptest::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], 0..4),
    init_blobs, |list: &mut capnp::data_list::Builder<'_>, index, element: &Vec<u8>| list.set(index, element.as_slice()),
    get_blobs, has_blobs, |element: &[u8]| element.to_vec(),
    |element: &Vec<u8>| -> &'static [u8] { Box::leak(element.clone().into_boxed_slice()) },
    |element| DynamicValue::Data(Vec::as_slice(element))
}

const COLOURS: [&Colour; 3] = [&Colour::Red, &Colour::Green, &Colour::Blue];

fn colour(number: u16) -> Colour {
    *COLOURS[usize::from(number)]
}

fn of_texts(texts: &[&str]) -> Record {
    Record::of::<sets::Owned>(|mut record| record.set_texts(texts).unwrap()).unwrap()
}

/// The order that readers in other languages rely on: the page of the format says it in the same words.
#[test]
fn the_order_is_that_of_the_format() {
    let record = Record::of::<sets::Owned>(|mut record| {
        record.set_bools(&[true, false][..]).unwrap();
        record.set_signed(&[1, -1, 127, -128, 0][..]).unwrap();
        record.set_longs(&[i64::MIN, 5, i64::MAX, -5][..]).unwrap();
        record.set_large(&[u64::MAX, 0, 1 << 63][..]).unwrap();
        record.set_colours(&[Colour::Blue, Colour::Red][..]).unwrap();
        record.set_texts(&["b", "", "\u{e9}", "ab", "a", "B", "\u{10348}"][..]).unwrap();
        let mut blobs = record.reborrow().init_blobs(4);
        let data = [&[1, 0][..], &[255], &[], &[1]];
        (0..4).for_each(|index| blobs.set(index, data[index as usize]));
    });
    let record = record.unwrap();
    let all = |path: &str| {
        let view = SetView::of(record.dynamic(), path).unwrap().unwrap();
        let shown = view.iter().map(|element| match element.unwrap() {
            DynamicValue::Bool(value) => value.to_string(),
            DynamicValue::Int(value) => value.to_string(),
            DynamicValue::UInt(value) => value.to_string(),
            DynamicValue::Enum(value) => value.name().unwrap().to_owned(),
            DynamicValue::Text(value) => value.to_owned(),
            DynamicValue::Data(value) => format!("{value:?}"),
            other => panic!("{other:?}"),
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(all("bools"), ["false", "true"]);
    assert_eq!(all("signed"), ["-128", "-1", "0", "1", "127"]);
    assert_eq!(all("longs"), ["-9223372036854775808", "-5", "5", "9223372036854775807"]);
    assert_eq!(all("large"), ["0", "9223372036854775808", "18446744073709551615"]);
    assert_eq!(all("colours"), ["red", "blue"]);
    assert_eq!(all("texts"), ["", "B", "a", "ab", "b", "\u{e9}", "\u{10348}"]);
    assert_eq!(all("blobs"), ["[]", "[1]", "[1, 0]", "[255]"]);
}

#[test]
fn sets_are_equal_when_their_elements_are() {
    let [one, same, other] = [&["b", "a"][..], &["a", "b", "a"], &["a", "c"]].map(of_texts);
    let equal = |one: &Record, other: &Record| {
        let dynamic = |record| SetView::of(Record::dynamic(record), "texts").unwrap().unwrap();
        let found = dynamic(one).equals(&dynamic(other)).unwrap();
        let typed = one.typed(|one| {
            other.typed(|other| {
                let [one, other] =
                    [one, other].map(|is| is.get_as::<sets::Reader<'_>>().unwrap().get_texts().unwrap());
                SetView::new(one).equals(&SetView::new(other)).unwrap()
            })
        });
        assert_eq!(found, typed);
        found
    };
    assert!(equal(&one, &same));
    assert!(!equal(&one, &other));
    assert_eq!(one.words, same.words);
}

#[test]
fn a_set_that_is_absent_is_not_an_empty_one_semantics_30() {
    let (absent, empty) = (Record::of::<sets::Owned>(|_| {}).unwrap(), of_texts(&[]));
    let read = |record: &Record| {
        record.typed(|root| {
            let reader: sets::Reader<'_> = root.get_as().unwrap();
            SetView::read(reader.has_texts(), reader.get_texts()).unwrap().map(|view| view.len())
        })
    };
    let find = |record: &Record| SetView::of(record.dynamic(), "texts").unwrap().map(|view| view.is_empty());
    assert_eq!((read(&absent), read(&empty)), (None, Some(0)));
    assert_eq!((find(&absent), find(&empty)), (None, Some(true)));
    assert_ne!(absent.words, empty.words);
}

#[test]
fn a_null_in_a_set_is_refused_by_name() {
    let refused = Record::of::<sets::Owned>(|mut record| {
        let mut list = record.reborrow().init_texts(3);
        list.set(0, "a");
        list.set(2, "b");
    });
    let error = refused.err().unwrap();
    assert_eq!(error.path, "Sets.texts[1]");
    assert!(matches!(error.problem, CopyProblem::NullElement), "{error}");
}

#[test]
fn a_value_of_another_kind_is_an_error_that_says_so() {
    let record = of_texts(&["a"]);
    let view = SetView::of(record.dynamic(), "texts").unwrap().unwrap();
    let error = view.contains(&DynamicValue::Int(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an integer was looked for among values of type Text: look for one of these"
    );
    assert_eq!(view.contains(&DynamicValue::Null), Err(CollectionError::Null));
    let empty = of_texts(&[]);
    let empty = SetView::of(empty.dynamic(), "texts").unwrap().unwrap();
    assert!(empty.contains(&DynamicValue::Bool(true)).is_err(), "in an empty set too");

    let record =
        Record::of::<sets::Owned>(|mut record| record.set_colours(&[Colour::Red][..]).unwrap()).unwrap();
    let colours = SetView::of(record.dynamic(), "colours").unwrap().unwrap();
    let red = colours.iter().next().unwrap().unwrap();
    assert!(colours.contains(&red).unwrap());
    let error = colours.contains(&DynamicValue::Text("pink")).unwrap_err().to_string();
    assert_eq!(error, "the enum Colour has no value pink: look for one of its values");

    let wide = Record::of::<sets::Owned>(|mut record| record.set_bytes(&[7][..]).unwrap()).unwrap();
    let bytes = SetView::of(wide.dynamic(), "bytes").unwrap().unwrap();
    assert!(
        bytes.contains(&DynamicValue::Int(7)).unwrap(),
        "integers are the same, whatever their width and sign"
    );
    assert!(!bytes.contains(&DynamicValue::Int(-249)).unwrap());
    assert!(!bytes.contains(&DynamicValue::UInt(263)).unwrap());
}

#[test]
fn a_field_that_is_no_set_is_refused_by_name() {
    let record = of_texts(&["a"]);
    let words = |path| SetView::of(record.dynamic(), path).unwrap_err().to_string();
    assert_eq!(words("nothing"), "the record has no field nothing: take one of its schema");
    assert_eq!(words("id"), "field id is no list: read its value itself");
    let lists = Record::foreign::<crate::generated::collections_capnp::lists::Owned>(vec![0xFFFF_FFFC]);
    let words = SetView::of(lists.dynamic(), "texts").unwrap_err().to_string();
    assert_eq!(words, "field texts bears no $set: look through it as a list, or annotate it in the schema");
}
