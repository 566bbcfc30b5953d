//! Parcels that reference items, texts and triples in every way a schema can say, beside a plain model of them.

use std::collections::{BTreeMap, BTreeSet};

use hollowcast::Result;
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::producer::{ChangeWriter, Dataset};

use super::generated::keys_capnp::{by_text, by_three, item, parcel, part};
use super::setting::DATASET;

/// Keys are drawn from so many, so that references often hit and often miss.
const KEYS: u64 = 12;

/// Country, number and code.
pub(crate) type Three = (String, i32, Vec<u8>);

/// A part of a parcel, and the parts in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) item: u32,
    pub(crate) inner: Vec<Part>,
}

/// What a parcel references.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parcel {
    pub(crate) label: Option<String>,
    pub(crate) items: Vec<u32>,
    /// The country may be null.
    pub(crate) three: Option<(Option<String>, i32, Vec<u8>)>,
    pub(crate) parts: Vec<Part>,
    pub(crate) spare: Option<u32>,
}

/// The records of all types, as plain maps have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) items: BTreeSet<u32>,
    pub(crate) texts: BTreeSet<String>,
    pub(crate) threes: BTreeSet<Three>,
    pub(crate) parcels: BTreeMap<u32, Parcel>,
}

/// A dataset of them; nobody makes the `Maker` that parcels reference.
pub(crate) fn dataset() -> Dataset {
    let builder = Dataset::builder(DATASET).record::<parcel::Owned>().record::<item::Owned>();
    builder.record::<by_text::Owned>().record::<by_three::Owned>().build().unwrap()
}

impl Parcel {
    /// The triple it references, unless there is a null in it.
    pub(crate) fn three(&self) -> Option<Three> {
        let (country, number, code) = self.three.clone()?;
        Some((country?, number, code))
    }

    /// The items of parts within parts, and of all.
    fn part_items(parts: &[Part]) -> Vec<u32> {
        parts.iter().flat_map(|part| [vec![part.item], Self::part_items(&part.inner)].concat()).collect()
    }

    fn random(random: &SeededRandom) -> Self {
        let three = |(country, number, code): Three| ((number % 4 != 0).then_some(country), number, code);
        Self {
            label: (!draw(random, 3).is_multiple_of(3)).then(|| text(random)),
            items: (0..draw(random, 4)).map(|_| draw(random, KEYS) as u32).collect(),
            three: (draw(random, 2) == 0).then(|| three(triple(random))),
            parts: parts(random, 3),
            spare: (draw(random, 2) == 0).then(|| draw(random, KEYS) as u32),
        }
    }
}

impl Model {
    /// How many references lead nowhere.
    pub(crate) fn dangling(&self) -> u64 {
        let of_parcel = |parcel: &Parcel| {
            let items = parcel.items.iter().chain(&parcel.spare).copied();
            let items = items.chain(Parcel::part_items(&parcel.parts));
            let lost = items.filter(|item| !self.items.contains(item)).count();
            let lost =
                lost + usize::from(parcel.label.as_ref().is_some_and(|label| !self.texts.contains(label)));
            lost + usize::from(parcel.three().is_some_and(|three| !self.threes.contains(&three)))
        };
        self.parcels.values().map(of_parcel).sum::<usize>() as u64
    }

    /// Everything that can be referenced, and nothing that references.
    pub(crate) fn of_targets() -> Self {
        let mut model = Self::default();
        for number in 0..KEYS as u32 {
            model.items.insert(number);
            model.texts.insert(text_of(number.into()));
            model.threes.insert(triple_of(number.into()));
        }
        model
    }

    /// Changes a few records at random.
    pub(crate) fn change(&mut self, random: &SeededRandom, changes: u64) {
        for _ in 0..changes {
            let key = draw(random, KEYS) as u32;
            match draw(random, 8) {
                0 => drop(self.items.insert(key)),
                1 => drop(self.items.remove(&key)),
                2 => drop(self.texts.insert(text(random))),
                3 => drop(self.texts.remove(&text(random))),
                4 => drop(self.threes.insert(triple(random))),
                5 => drop(self.threes.remove(&triple(random))),
                6 => drop(self.parcels.insert(key, Parcel::random(random))),
                _ => drop(self.parcels.remove(&key)),
            }
        }
    }

    /// States what makes `self` of `before`.
    pub(crate) fn state(&self, before: &Self, writer: &ChangeWriter) -> Result<()> {
        for item in self.items.difference(&before.items) {
            writer.upsert::<item::Owned>(|mut record| record.set_id(*item))?;
        }
        for item in before.items.difference(&self.items) {
            writer.delete::<item::Owned, u32>(*item)?;
        }
        for text in self.texts.difference(&before.texts) {
            writer.upsert::<by_text::Owned>(|mut record| record.set_key(text))?;
        }
        for text in before.texts.difference(&self.texts) {
            writer.delete::<by_text::Owned, String>(text)?;
        }
        for (country, number, code) in self.threes.difference(&before.threes) {
            writer.upsert::<by_three::Owned>(|mut record| {
                record.set_country(country);
                record.set_number(*number);
                record.set_code(code);
            })?;
        }
        for (country, number, code) in before.threes.difference(&self.threes) {
            writer.delete::<by_three::Owned, (String, i32, Vec<u8>)>((country, *number, code))?;
        }
        for (id, parcel) in &self.parcels {
            writer.upsert::<parcel::Owned>(|record| fill(*id, parcel, record))?;
        }
        for id in before.parcels.keys().filter(|id| !self.parcels.contains_key(id)) {
            writer.delete::<parcel::Owned, u32>(*id)?;
        }
        Ok(())
    }
}

fn fill(id: u32, parcel: &Parcel, mut record: parcel::Builder<'_>) {
    record.set_id(id);
    record.set_maker("nobody");
    if let Some(label) = &parcel.label {
        record.set_label(label);
    }
    record.set_items(&parcel.items[..]).unwrap();
    if let Some((country, number, code)) = &parcel.three {
        let mut three = record.reborrow().init_three();
        three.set_number(*number);
        three.set_code(code);
        if let Some(country) = country {
            three.set_country(country);
        }
    }
    fill_parts(&parcel.parts, record.reborrow().init_parts(parcel.parts.len() as u32));
    if let Some(spare) = parcel.spare {
        record.get_spare().set_value(spare);
    }
}

fn fill_parts(parts: &[Part], mut list: capnp::struct_list::Builder<'_, part::Owned>) {
    for (part, at) in parts.iter().zip(0..) {
        let mut record = list.reborrow().get(at);
        record.set_item(part.item);
        fill_parts(&part.inner, record.init_inner(part.inner.len() as u32));
    }
}

/// A number below `bound`.
pub(crate) fn draw(random: &SeededRandom, bound: u64) -> u64 {
    random.next_u64() % bound
}

fn parts(random: &SeededRandom, most: u64) -> Vec<Part> {
    let count = if most == 0 { 0 } else { draw(random, most) };
    (0..count).map(|_| Part { item: draw(random, KEYS) as u32, inner: parts(random, most - 1) }).collect()
}

fn text(random: &SeededRandom) -> String {
    text_of(draw(random, KEYS))
}

/// The first is empty, the last longer than what a lookup keeps on the stack.
fn text_of(number: u64) -> String {
    if number + 1 == KEYS { "long".repeat(100) } else { "x".repeat(number as usize) }
}

fn triple(random: &SeededRandom) -> Three {
    triple_of(draw(random, KEYS))
}

fn triple_of(number: u64) -> Three {
    (format!("country {}", number % 3), number as i32, vec![number as u8; 2])
}
