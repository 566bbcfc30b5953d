//! The order in which the elements of a set and the entries of a map lie.
//!
//! Numbers by value, bools false before true, enums by number, texts and data byte by byte. Readers in any language find
//! an element by bisection, so this order is part of the format and does not change.

use crate::schema::{Collection, Field, FieldPath, Schema, StructIndex, Type};

use super::copy_error::{CopyProblem, Failure, Outcome};
use super::route::{FieldRoute, RouteValue};
use super::slot::data_bits;
use super::{DynamicValue, ListReader, StructReader, WireError};

/// What an element of a set, or the key of an entry, is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortKey<'a> {
    /// A number, bool (0 or 1) or enum (its number).
    Number(i128),
    /// Text without its zero byte, or data.
    Bytes(&'a [u8]),
}

/// Where the elements of a list have what they are ordered by.
#[derive(Clone, Debug)]
pub(super) enum ListOrder {
    /// A set of numbers, bools or enums.
    Numbers(Number),
    /// A set of texts.
    Texts,
    /// A set of data.
    Data,
    /// A map.
    Entries {
        /// The struct of the entries.
        entry: StructIndex,
        /// The key's name, dotted.
        name: Box<str>,
        route: FieldRoute,
        number: Number,
    },
}

/// What bits mean as a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// The lowest bit that says "negative"; 0 for what has no sign.
    sign: u64,
}

impl Number {
    fn of(value_type: &Type) -> Self {
        let is_signed = matches!(value_type, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64);
        let width = data_bits(value_type).filter(|_| is_signed);
        Self { sign: width.map_or(0, |width| 1 << (width - 1)) }
    }

    fn value(self, bits: u64) -> i128 {
        i128::from(bits) - (i128::from(bits & self.sign) << 1)
    }
}

impl ListOrder {
    /// The order of a list that is a set or a map; `None` for a plain list.
    pub(super) fn of(schema: &Schema, field: &Field, element: &Type) -> Option<Self> {
        Some(match (field.collection.as_ref()?, element) {
            (Collection::Set, Type::Text) => Self::Texts,
            (Collection::Set, Type::Data) => Self::Data,
            (Collection::Set, number) => Self::Numbers(Number::of(number)),
            (Collection::Map { key }, Type::Struct(entry)) => Self::entries(schema, *entry, key),
            (Collection::Map { .. }, other) => unreachable!("a schema refuses a map of {other:?}"),
        })
    }

    fn entries(schema: &Schema, entry: StructIndex, key: &FieldPath) -> Self {
        let number = schema.field(entry, key).value_type().map_or(Number { sign: 0 }, Number::of);
        let route = FieldRoute::new(schema, entry, key);
        Self::Entries { entry, name: schema.path_name(entry, key).into(), route, number }
    }

    /// What the element at `index` is ordered by. It refuses a null: that has no place among the others.
    pub(super) fn key<'a>(&'a self, list: ListReader<'a>, index: u32) -> Outcome<SortKey<'a>> {
        let found = match self {
            Self::Numbers(number) => return Ok(SortKey::Number(number.value(list.bits(index)))),
            Self::Texts => bytes_of(list, index, ListReader::text_bytes),
            Self::Data => bytes_of(list, index, ListReader::data),
            Self::Entries { route, number, .. } => {
                list.structure(index).and_then(|entry| key_of(route, *number, entry))
            }
        };
        match found.map_err(|error| Failure::new(error).in_element(index))? {
            Some(key) => Ok(key),
            None => Err(self.null(index)),
        }
    }

    #[cold]
    fn null(&self, index: u32) -> Failure {
        match self {
            Self::Entries { name, .. } => Failure::new(CopyProblem::NullKey).in_field(name).in_element(index),
            _ => Failure::new(CopyProblem::NullElement).in_element(index),
        }
    }
}

fn bytes_of<'a>(
    list: ListReader<'a>,
    index: u32,
    read: impl Fn(ListReader<'a>) -> Result<&'a [u8], WireError>,
) -> Result<Option<SortKey<'a>>, WireError> {
    let bytes = list.pointer(index)?.list()?.map(read).transpose()?;
    Ok(bytes.map(SortKey::Bytes))
}

fn key_of<'a>(
    route: &'a FieldRoute,
    number: Number,
    entry: StructReader<'a>,
) -> Result<Option<SortKey<'a>>, WireError> {
    Ok(route.read(entry)?.map(|value| match value {
        RouteValue::Bits(bits) => SortKey::Number(number.value(bits)),
        RouteValue::Bytes(bytes) => SortKey::Bytes(bytes),
    }))
}

impl<'a> SortKey<'a> {
    /// What a value is ordered by; `None` for what has no order.
    pub(crate) fn of(value: DynamicValue<'a>) -> Option<Self> {
        Some(match value {
            DynamicValue::Bool(value) => Self::Number(value.into()),
            DynamicValue::Int(value) => Self::Number(value.into()),
            DynamicValue::UInt(value) => Self::Number(value.into()),
            DynamicValue::Enum(value) => Self::Number(value.value().into()),
            DynamicValue::Text(value) => Self::Bytes(value.as_bytes()),
            DynamicValue::Data(value) => Self::Bytes(value),
            _ => return None,
        })
    }

    /// Words that were read for it.
    pub(super) fn words(self) -> u64 {
        match self {
            Self::Number(_) => 0,
            Self::Bytes(bytes) => bytes.len() as u64 / 8,
        }
    }

    /// As people read it: bytes that are no text in hexadecimal.
    pub(super) fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => format!("{text:?}"),
                Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }
}

/// The elements of a list that are to lie in its canonical form, by their indexes.
#[derive(Clone, Copy)]
pub(super) enum Choice<'c> {
    /// All that there are, as they lie.
    All(u32),
    /// These, in this order.
    Of(&'c [u32]),
}

impl Choice<'_> {
    pub(super) fn len(self) -> u32 {
        match self {
            Self::All(len) => len,
            Self::Of(indexes) => indexes.len() as u32,
        }
    }

    /// Where each is to lie, and the index that it has.
    pub(super) fn iter(self) -> impl Iterator<Item = (u32, u32)> {
        (0..self.len()).map(move |to| match self {
            Self::All(_) => (to, to),
            Self::Of(indexes) => (to, indexes[to as usize]),
        })
    }
}
