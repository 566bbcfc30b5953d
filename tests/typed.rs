//! Reading and writing through generated code: every shape of key, handles that outlive a change of the schema, and what does not fit.
//!
//! Keeps semantics 27: a key of every shape is found, and one that differs by a little is not.

use std::sync::Arc;

use hollowcast::ErrorKind;
use hollowcast::consumer::{Consumer, Memory};
use hollowcast::producer::{Dataset, Producer};
use hollowcast::state::TypedTable;
use object_store::ObjectStore;

use generated::keys_capnp::{
    Colour, by_bool, by_byte, by_data, by_enum, by_long, by_number, by_short, by_text, by_three, item,
};
use generated::later_capnp;

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    pub(crate) mod keys_capnp;
    pub(crate) mod later_capnp;
}

async fn producer(dataset: Dataset, store: &Arc<dyn ObjectStore>) -> Producer {
    Producer::builder(dataset, Arc::clone(store)).memory(Memory::Heap).start().await.unwrap()
}

async fn consumer(dataset: &str, store: &Arc<dyn ObjectStore>) -> Consumer {
    Consumer::builder(dataset, Arc::clone(store)).memory(Memory::Heap).start().await.unwrap()
}

/// Publishes a record for each of `$keys` with its place as value, removes the last again by key, and looks all of them up.
macro_rules! key_test {
    ($name:ident, $type:ident, $shape:ty, $keys:expr, $fill:expr) => {
        #[tokio::test]
        async fn $name() {
            let store = hollowcast::store::memory();
            let dataset = Dataset::builder("keys").record::<$type::Owned>().build().unwrap();
            let mut producer = producer(dataset, &store).await;
            let keys = $keys;
            let add = |value: usize, mut record: $type::Builder<'_>| {
                record.set_value(value as u32);
                ($fill)(record, keys[value]);
            };
            producer
                .cycle(|writer| {
                    (0..keys.len()).try_for_each(|at| writer.add::<$type::Owned>(|record| add(at, record)))
                })
                .await
                .unwrap();
            let last = keys.len() - 1;
            producer.incremental(|writer| writer.delete::<$type::Owned, $shape>(keys[last])).await.unwrap();
            let consumer = consumer("keys", &store).await;
            let table: TypedTable<$type::Owned, $shape> = consumer.table().unwrap();
            let state = consumer.read();
            for (value, key) in keys.iter().enumerate() {
                let found = table.get(&state, *key).map(|record| record.get_value() as usize);
                assert_eq!(found, Some(value).filter(|value| *value != last), "{key:?}");
            }
            let mut values: Vec<u32> = table.iter(&state).map(|record| record.get_value()).collect();
            values.sort_unstable();
            assert_eq!(values, (0..last as u32).collect::<Vec<_>>());
            producer.stop().await;
        }
    };
}

key_test!(a_key_of_one_byte, by_byte, u8, [0u8, 1, 127, 255, 9], |mut to: by_byte::Builder<'_>, key| to
    .set_key(key));
key_test!(
    a_key_of_two_bytes,
    by_short,
    i16,
    [0i16, -1, i16::MIN, i16::MAX, 9],
    |mut to: by_short::Builder<'_>, key| {
        to.set_key(key);
    }
);
key_test!(
    a_key_of_four_bytes_with_a_default,
    by_number,
    u32,
    [0u32, 7, 8, u32::MAX, 9],
    |mut to: by_number::Builder<'_>, key| to.set_key(key)
);
key_test!(
    a_key_of_eight_bytes,
    by_long,
    i64,
    [0i64, -1, i64::MIN, i64::MAX, 9],
    |mut to: by_long::Builder<'_>, key| {
        to.set_key(key);
    }
);
key_test!(a_key_of_one_bit, by_bool, bool, [false, true], |mut to: by_bool::Builder<'_>, key| to
    .set_key(key));
key_test!(a_key_of_an_enumeration, by_enum, u16, [0u16, 2, 1], |mut to: by_enum::Builder<'_>, key| {
    to.set_key([Colour::Red, Colour::Green, Colour::Blue][usize::from(key)]);
});
key_test!(
    a_key_of_text,
    by_text,
    String,
    ["", "a", "ä", "a\0", LONG, "sixteen bytes...", "gone"],
    |mut to: by_text::Builder<'_>, key: &str| to.set_key(key)
);
key_test!(
    a_key_of_data,
    by_data,
    Vec<u8>,
    [&b""[..], b"\0", b"\0\0", &[255; 255], &[7; 300], b"gone"],
    |mut to: by_data::Builder<'_>, key: &[u8]| to.set_key(key)
);
key_test!(
    a_key_of_three_fields,
    by_three,
    (String, i32, Vec<u8>),
    [
        ("", 0, &b""[..]),
        ("DE", -1, b"x"),
        ("D", -1, b"Ex"),
        ("DE", 1, b"x"),
        (LONG, i32::MIN, &[1; 400]),
        ("gone", 0, b"")
    ],
    |mut to: by_three::Builder<'_>, (country, number, code): (&str, i32, &[u8])| {
        to.set_country(country);
        to.set_number(number);
        to.set_code(code);
    }
);

/// Longer than what a lookup keeps on its stack.
const LONG: &str = "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567\
    890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901\
    23456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

/// Semantics 25: a handle of older code reads newer states, and one of newer code older states, where what came later has its default.
#[tokio::test]
async fn semantics_25_handles_serve_states_before_and_after_a_compatible_change() {
    let store = hollowcast::store::memory();
    let older = Dataset::builder("items").record::<item::Owned>().build().unwrap();
    let mut writes_older = producer(older, &store).await;
    let add = |mut item: item::Builder<'_>| {
        item.set_id(1);
        item.set_name("bolt");
    };
    writes_older.cycle(|writer| writer.add::<item::Owned>(add)).await.unwrap();
    writes_older.stop().await;

    let consumer = consumer("items", &store).await;
    let old_code = consumer.table::<item::Owned, u32>().unwrap();
    let new_code = consumer.table::<later_capnp::item::Owned, u32>().unwrap();
    let before = consumer.state();
    assert_eq!(new_code.get(&before, 1).unwrap().get_stock(), 3, "the declared default");

    let newer = Dataset::builder("items").record::<later_capnp::item::Owned>().build().unwrap();
    let mut writes_newer = producer(newer, &store).await;
    let add = |mut item: later_capnp::item::Builder<'_>| {
        item.set_id(2);
        item.set_name("nut");
        item.set_stock(40);
    };
    writes_newer.incremental(|writer| writer.upsert::<later_capnp::item::Owned>(add)).await.unwrap();
    consumer.refresh().await.unwrap();
    let after = consumer.read();
    assert_eq!(old_code.get(&after, 2).unwrap().get_name().unwrap(), "nut");
    assert_eq!(new_code.get(&after, 2).unwrap().get_stock(), 40);
    assert_eq!(new_code.get(&after, 1).unwrap().get_stock(), 3);
    assert_eq!(new_code.len(&before), 1);
    assert!(old_code.check(&after).is_ok() && new_code.check(&before).is_ok());
    writes_newer.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason() {
    let store = hollowcast::store::memory();
    let dataset = Dataset::builder("items").record::<item::Owned>().build().unwrap();
    let mut producer = producer(dataset, &store).await;
    producer.cycle(|writer| writer.add::<item::Owned>(|mut item| item.set_id(1))).await.unwrap();
    let consumer = consumer("items", &store).await;
    for (error, said) in [
        (consumer.table::<by_text::Owned, String>().err(), "no type ByText"),
        (consumer.table::<item::Owned, u64>().err(), "UInt32"),
        (consumer.table::<item::Owned, (u32, u32)>().err(), "UInt32"),
        (consumer.table::<later_capnp::broken::item::Owned, u32>().err(), "Broken.Item"),
        (producer.incremental(|writer| writer.delete::<item::Owned, i32>(1)).await.err(), "UInt32"),
        (producer.incremental(|writer| writer.delete::<by_text::Owned, String>("a")).await.err(), "by_text"),
    ] {
        let error = error.expect(said);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(said), "{error} should say {said}");
    }
    assert_eq!(producer.version().0, 1);
    producer.stop().await;
}

/// A type that was filtered out is called so, and not missing.
#[tokio::test]
async fn a_type_that_was_filtered_out_is_called_so_semantics_22() {
    let store = hollowcast::store::memory();
    let dataset =
        Dataset::builder("items").record::<item::Owned>().record::<by_text::Owned>().build().unwrap();
    let mut producer = producer(dataset, &store).await;
    producer.cycle(|writer| writer.add::<item::Owned>(|mut item| item.set_id(1))).await.unwrap();
    let builder = Consumer::builder("items", Arc::clone(&store)).memory(Memory::Heap);
    let consumer = builder.types(["Item"]).start().await.unwrap();
    assert_eq!(consumer.table::<item::Owned, u32>().unwrap().len(&consumer.read()), 1);
    let error = consumer.table::<by_text::Owned, String>().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("ByText was filtered out: only Item"), "{error}");
    assert!(consumer.table::<by_short::Owned, u16>().err().unwrap().to_string().contains("no type ByShort"));
}

#[test]
fn handles_are_shared_between_threads() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<TypedTable<item::Owned, u32>>();
    is_shared::<TypedTable<by_three::Owned, (String, i32, Vec<u8>)>>();
}
