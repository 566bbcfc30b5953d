//! Lists of every type of element, against `Vec`.

use std::cmp::Ordering;

use hollowcast::collections::ListView;
use hollowcast::wire::DynamicValue;
use proptest::prelude::*;

use crate::generated::collections_capnp::{Colour, lists, point};
use crate::message::Record;
use crate::sets::number;

/// The list itself and lists that differ from it in one element, in length, or in order.
fn neighbours<T: Copy>(list: &[T], others: &[T]) -> Vec<Vec<T>> {
    let with = |at: usize, other: T| {
        let mut changed = list.to_vec();
        changed[at % list.len()] = other;
        changed
    };
    let mut neighbours = vec![list.to_vec(), others.to_vec(), list.iter().rev().copied().collect()];
    neighbours.extend(list.split_last().map(|(_, shorter)| shorter.to_vec()));
    neighbours.extend(others.iter().map(|other| [list, &[*other]].concat()));
    if !list.is_empty() {
        neighbours.extend((0..).zip(others).map(|(at, other)| with(at, *other)));
    }
    neighbours
}

/// Whether both lists are equal; `None` of floats that are equal as numbers, or are all no number, and differ in their bits.
fn are_equal<T>(
    one: &[T],
    other: &[T],
    equal: fn(&T, &T) -> bool,
    same_bits: fn(&T, &T) -> bool,
) -> Option<bool> {
    let all =
        |is: fn(&T, &T) -> bool| one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is(a, b));
    match (all(equal), all(same_bits)) {
        (true, false) => None,
        (is_equal, _) => Some(is_equal),
    }
}

/// Elements in the order in which they were stated, twice where they were stated twice.
macro_rules! list_test {
    ($name:ident, $element:ty, $elements:expr, $set:ident, $get:ident, $has:ident, $kind:ident, $equal:expr, $same_bits:expr) => {
        proptest! {
            #[test]
            fn $name(model in proptest::collection::vec($elements, 0..20), others in proptest::collection::vec($elements, 0..10)) {
                let record = Record::of::<lists::Owned>(|mut record| record.$set(&model[..]).unwrap()).unwrap();
                let equal: fn(&$element, &$element) -> bool = $equal;
                let holds = |wanted: &$element| model.iter().any(|element| equal(element, wanted));
                record.typed(|root| {
                    let reader: lists::Reader<'_> = root.get_as().unwrap();
                    let view = ListView::read(reader.$has(), reader.$get()).unwrap().unwrap();
                    prop_assert_eq!(view.len() as usize, model.len());
                    for (element, expected) in view.iter().zip(&model) {
                        prop_assert!(equal(&element.unwrap(), expected));
                    }
                    for wanted in model.iter().chain(&others) {
                        prop_assert_eq!(view.contains(wanted).unwrap(), holds(wanted));
                    }
                    prop_assert!(view.get(view.len()).unwrap().is_none());
                    Ok(())
                })?;
                let same_bits: fn(&$element, &$element) -> bool = $same_bits;
                for other in neighbours(&model, &others) {
                    let Some(expected) = are_equal(&model, &other, equal, same_bits) else { continue };
                    let other = Record::of::<lists::Owned>(|mut record| record.$set(&other[..]).unwrap()).unwrap();
                    let typed = record.typed(|one| other.typed(|other| {
                        let [one, other] = [one, other].map(|is| is.get_as::<lists::Reader<'_>>().unwrap().$get());
                        ListView::new(one.unwrap()).equals(&ListView::new(other.unwrap())).unwrap()
                    }));
                    prop_assert_eq!(typed, expected);
                    let [one, other] = [&record, &other].map(|is| ListView::of(is.dynamic(), stringify!($name)).unwrap());
                    prop_assert_eq!(one.unwrap().equals(&other.unwrap()).unwrap(), expected);
                }
                let view = ListView::of(record.dynamic(), stringify!($name)).unwrap().unwrap();
                prop_assert_eq!(view.len() as usize, model.len());
                for wanted in model.iter().chain(&others) {
                    prop_assert_eq!(view.contains(&DynamicValue::$kind((*wanted).into())).unwrap(), holds(wanted));
                }
            }
        }
    };
}

list_test!(bools, bool, any::<bool>(), set_bools, get_bools, has_bools, Bool, |a, b| a == b, |a, b| a == b);
list_test!(
    bytes,
    u8,
    number([0, 1, 2, 3, 254, 255], any::<u8>()),
    set_bytes,
    get_bytes,
    has_bytes,
    UInt,
    |a, b| a == b,
    |a, b| a == b
);
list_test!(
    shorts,
    i16,
    number([0, 1, 2, -1, i16::MIN, i16::MAX], any::<i16>()),
    set_shorts,
    get_shorts,
    has_shorts,
    Int,
    |a, b| a == b,
    |a, b| a == b
);
list_test!(
    numbers,
    u32,
    number([0, 1, 2, 3, 4, u32::MAX], any::<u32>()),
    set_numbers,
    get_numbers,
    has_numbers,
    UInt,
    |a, b| a == b,
    |a, b| a == b
);
list_test!(
    longs,
    i64,
    number([0, 1, 2, -1, i64::MIN, i64::MAX], any::<i64>()),
    set_longs,
    get_longs,
    has_longs,
    Int,
    |a, b| a == b,
    |a, b| a == b
);
list_test!(
    halves,
    f32,
    number([0.0, -0.0, 1.5, f32::NAN, -f32::NAN, f32::INFINITY], any::<f32>()),
    set_halves,
    get_halves,
    has_halves,
    Float32,
    |a, b| a.partial_cmp(b).map_or(a.is_nan() && b.is_nan(), Ordering::is_eq),
    |a, b| a.to_bits() == b.to_bits()
);
list_test!(
    floats,
    f64,
    number([0.0, -0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY], any::<f64>()),
    set_floats,
    get_floats,
    has_floats,
    Float64,
    |a, b| a.partial_cmp(b).map_or(a.is_nan() && b.is_nan(), Ordering::is_eq),
    |a, b| a.to_bits() == b.to_bits()
);

/// As in keys of indexes: 0.0 is -0.0, and a NaN is any NaN.
#[test]
fn floats_are_found_whatever_their_zero_or_nan() {
    let record = |floats: &[f64]| Record::of::<lists::Owned>(|mut record| record.set_floats(floats).unwrap());
    for (element, wanted, expected) in [
        (0.0, -0.0, true),
        (-0.0, 0.0, true),
        (f64::NAN, -f64::NAN, true),
        (f64::NAN, f64::from_bits(f64::NAN.to_bits() | 1), true),
        (f64::INFINITY, f64::INFINITY, true),
        (f64::INFINITY, f64::NEG_INFINITY, false),
        (f64::NAN, f64::INFINITY, false),
        (0.0, f64::MIN_POSITIVE, false),
        (f64::NAN, 0.0, false),
    ] {
        let record = record(&[7.0, element]).unwrap();
        let typed = record.typed(|root| {
            let floats = root.get_as::<lists::Reader<'_>>().unwrap().get_floats().unwrap();
            ListView::new(floats).contains(&wanted).unwrap()
        });
        let view = ListView::of(record.dynamic(), "floats").unwrap().unwrap();
        let dynamic = view.contains(&DynamicValue::Float64(wanted)).unwrap();
        assert_eq!((typed, dynamic), (expected, expected), "{wanted} where {element} is");
    }
}

fn points(fill: impl Fn(u32, point::Builder<'_>), count: u32) -> Record {
    Record::of::<lists::Owned>(|mut record| {
        let mut list = record.reborrow().init_points(count);
        (0..count).for_each(|index| fill(index, list.reborrow().get(index)));
    })
    .unwrap()
}

/// The other list has wider structs, since its last one has more; what is compared is what they say.
#[test]
fn structs_are_found_by_all_that_they_hold() {
    let fill = |index: u32, mut point: point::Builder<'_>| {
        point.set_x(index as i32);
        if index % 2 == 1 {
            point.set_label("");
        }
        if index >= 4 {
            point.reborrow().init_inner().set_label("inner");
            point.set_tags(&["b", "a"][..index as usize % 3]).unwrap();
        }
    };
    let (narrow, wide) = (points(fill, 3), points(fill, 6));
    let contained = |index: u32| {
        let typed = wide.typed(|wide| {
            narrow.typed(|narrow| {
                let [wide, narrow] =
                    [wide, narrow].map(|is| is.get_as::<lists::Reader<'_>>().unwrap().get_points().unwrap());
                ListView::new(narrow).contains(&wide.get(index)).unwrap()
            })
        });
        let [narrow, wide] =
            [&narrow, &wide].map(|is| ListView::of(is.dynamic(), "points").unwrap().unwrap());
        let dynamic = narrow.contains(&wide.get(index).unwrap().unwrap()).unwrap();
        assert_eq!(typed, dynamic, "{index}");
        dynamic
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(contained), [true, true, true, false, false, false]);
    wide.typed(|root| {
        let list = root.get_as::<lists::Reader<'_>>().unwrap().get_points().unwrap();
        let view = ListView::new(list);
        assert!((0..6).all(|index| view.contains(&list.get(index)).unwrap()));
        assert!(view.equals(&view).unwrap());
    });
}

/// Null and empty differ wherever they lie, and a difference counts wherever it lies.
#[test]
fn structs_that_differ_anywhere_are_not_found_semantics_30() {
    type Edit = fn(point::Builder<'_>);
    let edits: [Edit; 7] = [
        |_| {},
        |mut point| point.set_x(1),
        |mut point| point.set_label(""),
        |mut point| point.set_label("a"),
        |point| _ = point.init_inner(),
        |point| point.init_inner().set_label("a"),
        |point| _ = point.init_tags(0),
    ];
    let all = points(|index, point| edits[index as usize](point), 7);
    for (expected, edit) in (0..).zip(edits) {
        let one = points(|_, point| edit(point), 1);
        for index in 0..7 {
            let typed = all.typed(|all| {
                one.typed(|one| {
                    let [all, one] =
                        [all, one].map(|is| is.get_as::<lists::Reader<'_>>().unwrap().get_points().unwrap());
                    ListView::new(one).contains(&all.get(index)).unwrap()
                })
            });
            let wanted = ListView::of(all.dynamic(), "points").unwrap().unwrap().get(index).unwrap().unwrap();
            let dynamic = ListView::of(one.dynamic(), "points").unwrap().unwrap().contains(&wanted).unwrap();
            assert_eq!((typed, dynamic), (index == expected, index == expected), "{index} in {expected}");
        }
    }
}

fn nested(lists: &[&[&str]]) -> Record {
    Record::of::<lists::Owned>(|mut record| {
        let mut outer = record.reborrow().init_nested(lists.len() as u32);
        for (texts, index) in lists.iter().zip(0..) {
            let mut inner = outer.reborrow().init(index, texts.len() as u32);
            texts.iter().zip(0..).for_each(|(text, index)| inner.set(index, text));
        }
    })
    .unwrap()
}

#[test]
fn lists_hold_lists() {
    let (record, probes) =
        (nested(&[&["a", "b"], &[]]), nested(&[&["a", "b"], &["b", "a"], &[], &["a"], &[""]]));
    let expected = [true, false, true, false, false];
    for (index, expected) in (0..).zip(expected) {
        let typed = record.typed(|record| {
            probes.typed(|probes| {
                let [record, probes] = [record, probes]
                    .map(|is| is.get_as::<lists::Reader<'_>>().unwrap().get_nested().unwrap());
                ListView::new(record).contains(&probes.get(index).unwrap()).unwrap()
            })
        });
        let wanted = ListView::of(probes.dynamic(), "nested").unwrap().unwrap().get(index).unwrap().unwrap();
        let view = ListView::of(record.dynamic(), "nested").unwrap().unwrap();
        assert_eq!((typed, view.contains(&wanted).unwrap()), (expected, expected), "{index}");
    }
    let [same, other] = [&[&["a", "b"][..], &[]][..], &[&["a", "b"]]].map(nested);
    let dynamic = |record| ListView::of(Record::dynamic(record), "nested").unwrap().unwrap();
    assert!(dynamic(&record).equals(&dynamic(&same)).unwrap());
    assert!(!dynamic(&record).equals(&dynamic(&other)).unwrap());
}

#[test]
fn texts_data_and_enums_are_found() {
    let record = Record::of::<lists::Owned>(|mut record| {
        record.set_texts(&["b", "a", "b"][..]).unwrap();
        let mut blobs = record.reborrow().init_blobs(2);
        blobs.set(0, &[1, 0]);
        blobs.set(1, &[]);
        record.set_colours(&[Colour::Blue, Colour::Blue][..]).unwrap();
    })
    .unwrap();
    record.typed(|root| {
        let reader: lists::Reader<'_> = root.get_as().unwrap();
        let texts = ListView::new(reader.get_texts().unwrap());
        assert_eq!(["a", "b", "c", ""].map(|text| texts.contains(text).unwrap()), [true, true, false, false]);
        assert_eq!(texts.len(), 3, "a list keeps what it was given");
        let blobs = ListView::new(reader.get_blobs().unwrap());
        assert_eq!([&[1, 0][..], &[1], &[]].map(|data| blobs.contains(data).unwrap()), [true, false, true]);
        let colours = ListView::new(reader.get_colours().unwrap());
        assert!(colours.contains(&Colour::Blue).unwrap() && !colours.contains(&Colour::Red).unwrap());
        assert!(colours.equals(&colours).unwrap());
    });
    let view = |path| ListView::of(record.dynamic(), path).unwrap().unwrap();
    assert!(view("texts").contains(&DynamicValue::Text("a")).unwrap());
    assert!(view("blobs").contains(&DynamicValue::Data(&[])).unwrap());
    assert!(!view("colours").contains(&DynamicValue::Text("green")).unwrap());
    assert!(view("colours").contains(&DynamicValue::Void).is_err());
}

#[test]
fn a_list_that_is_absent_is_not_an_empty_one_semantics_30() {
    let absent = Record::of::<lists::Owned>(|_| {}).unwrap();
    let empty = Record::of::<lists::Owned>(|record| _ = record.init_texts(0)).unwrap();
    let typed = |record: &Record| {
        record.typed(|root| {
            let reader: lists::Reader<'_> = root.get_as().unwrap();
            ListView::read(reader.has_texts(), reader.get_texts()).unwrap().map(|view| view.len())
        })
    };
    assert_eq!((typed(&absent), typed(&empty)), (None, Some(0)));
    let dynamic = |record: &Record| ListView::of(record.dynamic(), "texts").unwrap().map(|view| view.len());
    assert_eq!((dynamic(&absent), dynamic(&empty)), (None, Some(0)));
}
