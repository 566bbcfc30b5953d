//! Reading allocates nothing: every allocation of the thread is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use hollowcast::collections::{ListView, MapView, SetView};
use hollowcast::consumer::{Consumer, Memory};
use hollowcast::producer::{Dataset, Producer};
use hollowcast::wire::{DynamicStruct, DynamicValue};

use generated::collections_capnp::{maps, name, sets};
use generated::keys_capnp::{by_text, by_three, item, parcel};

#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    pub(crate) mod collections_capnp;
    pub(crate) mod keys_capnp;
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: everything is the system allocator's doing; counting touches a thread-local number only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn allocations_are_counted() {
    assert_eq!(allocations_of(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

/// Records enough for a base of several sections' kinds, and changes enough for merged levels over it.
#[tokio::test]
async fn a_lookup_and_a_scan_allocate_nothing() {
    const RECORDS: u32 = 5000;
    let store = hollowcast::store::memory();
    let dataset = Dataset::builder("reading").record::<item::Owned>().record::<by_text::Owned>();
    let dataset = dataset.record::<by_three::Owned>().record::<parcel::Owned>().build().unwrap();
    let mut producer =
        Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap).start().await.unwrap();
    let names: Vec<String> = (0..RECORDS).map(|id| format!("name {id}")).collect();
    producer
        .cycle(|writer| {
            names.iter().zip(0..).try_for_each(|(name, id)| {
                writer.add::<item::Owned>(|mut item| {
                    item.set_id(id);
                    item.set_name(name);
                })?;
                writer.add::<by_text::Owned>(|mut record| record.set_key(name))?;
                writer.add::<by_three::Owned>(|mut record| {
                    record.set_country(name);
                    record.set_number(-1);
                    record.set_code(b"code");
                })?;
                writer.add::<parcel::Owned>(|mut record| {
                    record.set_id(id);
                    record.set_label(name);
                    let mut three = record.reborrow().init_three();
                    three.set_country(name);
                    three.set_number(-1);
                    three.set_code(b"code");
                    record.get_spare().set_value(id + 1);
                })
            })
        })
        .await
        .unwrap();
    let consumer =
        Consumer::builder("reading", Arc::clone(&store)).memory(Memory::Heap).start().await.unwrap();
    for round in 0..6 {
        producer
            .incremental(|writer| {
                (0..500).try_for_each(|at| {
                    let id = (at * 7 + round) % RECORDS;
                    writer.upsert::<item::Owned>(|mut item| {
                        item.set_id(id);
                        item.set_name("changed");
                    })
                })?;
                writer.delete::<by_text::Owned, String>(&names[round as usize])
            })
            .await
            .unwrap();
        consumer.refresh().await.unwrap();
    }
    let items = consumer.table::<item::Owned, u32>().unwrap();
    let texts = consumer.table::<by_text::Owned, String>().unwrap();
    let threes = consumer.table::<by_three::Owned, (String, i32, Vec<u8>)>().unwrap();
    let label = consumer.reference::<parcel::Owned, by_text::Owned, String>("label").unwrap();
    let references = ["label", "three", "spare"];
    let references = references.map(|path| consumer.read().reference("Parcel", path).unwrap());
    let (mut found, mut bytes, mut fields, mut followed) = (0, 0, 0, 0);
    let counted = allocations_of(|| {
        for (name, id) in names.iter().zip(0..) {
            let state = consumer.read();
            found += u32::from(items.get(&state, id).is_some());
            found += u32::from(items.get(&state, id + RECORDS).is_none());
            found += u32::from(texts.get(&state, name).is_some());
            found += u32::from(threes.get(&state, (name, -1, b"code")).is_some());
            bytes += items.get(&state, id).unwrap().get_name().unwrap().len();
        }
        let state = consumer.read();
        let table = state.table("Item").unwrap();
        let structure = state.schema().types().iter().find(|is| is.name == "Item").unwrap().structure;
        for id in 0..RECORDS {
            let row = table.get_bytes(&id.to_le_bytes()).unwrap();
            fields += DynamicStruct::new(state.schema(), structure, row.reader()).fields().count();
        }
        found += items.iter(&state).count() as u32 + table.rows().count() as u32;
        for row in state.table("Parcel").unwrap().rows() {
            for reference in &references {
                followed += reference.follow(&state, row).unwrap().flatten().count();
            }
            let key = row.typed::<parcel::Owned>().get_label().unwrap().to_str().unwrap();
            followed += usize::from(label.follow(&state, key).is_some());
        }
    });
    // Six texts are gone, and the last record's spare is one beyond.
    assert_eq!(followed, 4 * RECORDS as usize - 2 * 6 - 1);
    assert_eq!(found, 4 * RECORDS - 6 + 2 * RECORDS);
    assert!(bytes > 0 && fields == 2 * RECORDS as usize, "{fields}");
    assert_eq!(counted, 0, "allocations");
    producer.stop().await;
}

/// Sets, maps and lists of a hundred elements, through generated code and without it.
#[tokio::test]
async fn a_look_into_a_collection_allocates_nothing() {
    const ELEMENTS: u32 = 100;
    let store = hollowcast::store::memory();
    let dataset =
        Dataset::builder("shelves").record::<sets::Owned>().record::<maps::Owned>().build().unwrap();
    let mut producer =
        Producer::builder(dataset, Arc::clone(&store)).memory(Memory::Heap).start().await.unwrap();
    let names: Vec<String> = (0..ELEMENTS).map(|at| format!("name {at}")).collect();
    producer
        .cycle(|writer| {
            writer.add::<sets::Owned>(|mut record| {
                record.set_numbers(&(0..ELEMENTS).rev().collect::<Vec<_>>()[..]).unwrap();
                record.set_texts(&names[..]).unwrap();
            })?;
            writer.add::<maps::Owned>(|record| {
                let mut list = record.init_names(ELEMENTS);
                names.iter().zip(0..).for_each(|(name, at)| list.reborrow().get(at).set_language(name));
            })
        })
        .await
        .unwrap();
    let consumer = Consumer::builder("shelves", store).memory(Memory::Heap).start().await.unwrap();
    let (state, sets) = (consumer.read(), consumer.table::<sets::Owned, u32>().unwrap());
    let maps = consumer.table::<maps::Owned, u32>().unwrap();
    let mut found = 0;
    let counted = allocations_of(|| {
        let (set, map) = (sets.get(&state, 0).unwrap(), maps.get(&state, 0).unwrap());
        let texts = SetView::read(set.has_texts(), set.get_texts()).unwrap().unwrap();
        let numbers = SetView::new(set.get_numbers().unwrap());
        let list = ListView::new(set.get_texts().unwrap());
        let by_name = MapView::new(map.get_names().unwrap(), name::Reader::get_language);
        let record = |name: &str| {
            let structure = state.schema().record_type(state.schema().find_type(name).unwrap()).structure;
            let row = state.table(name).unwrap().get_bytes(&[0; 4]).unwrap();
            DynamicStruct::new(state.schema(), structure, row.reader())
        };
        let dynamic_set = SetView::of(record("Sets"), "texts").unwrap().unwrap();
        let dynamic_map = MapView::of(record("Maps"), "names").unwrap().unwrap();
        for (name, number) in names.iter().zip(0..) {
            found += u32::from(texts.contains(name.as_str()).unwrap());
            found += u32::from(numbers.contains(&number).unwrap());
            found += u32::from(list.contains(name.as_str()).unwrap());
            found += u32::from(by_name.get(name.as_str()).unwrap().is_some());
            found += u32::from(dynamic_set.contains(&DynamicValue::Text(name)).unwrap());
            found += u32::from(dynamic_map.contains_key(&DynamicValue::Text(name)).unwrap());
        }
        found +=
            texts.iter().count() as u32 + by_name.keys().count() as u32 + dynamic_map.iter().count() as u32;
        found += u32::from(texts.equals(&texts).unwrap() && by_name.equals(&by_name).unwrap());
        found += u32::from(dynamic_set.equals(&dynamic_set).unwrap());
    });
    assert_eq!(found, 9 * ELEMENTS + 2);
    assert_eq!(counted, 0, "allocations");
    producer.stop().await;
}
