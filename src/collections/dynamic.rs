//! The lists of records whose schema is known only at run time.

use std::cmp::Ordering;

use super::elements::{Elements, Holds, Keyed, Ordered};
use super::error::CollectionError;
use super::wanted::Wanted;
use super::{ListView, MapView, SetView};
use crate::schema::{Collection, Field, FieldPath, Type};
use crate::wire::order::SortKey;
use crate::wire::{DynamicList, DynamicStruct, DynamicValue, lists_equal};

impl<'a> ListView<DynamicList<'a>> {
    /// The list that the dotted `path` leads to, sets and maps too; `None` where it is absent.
    ///
    /// # Errors
    /// There is no such field, or it is no list.
    pub fn of(record: DynamicStruct<'a>, path: &str) -> Result<Option<Self>, CollectionError> {
        Ok(find(record, path)?.1.map(Self::new))
    }
}

impl<'a> SetView<DynamicList<'a>> {
    /// The set that the dotted `path` leads to; `None` where it is absent.
    ///
    /// # Errors
    /// There is no such field, or it bears no `$set`.
    pub fn of(record: DynamicStruct<'a>, path: &str) -> Result<Option<Self>, CollectionError> {
        match find(record, path)? {
            (Field { collection: Some(Collection::Set), .. }, list) => Ok(list.map(Self::new)),
            _ => Err(CollectionError::NotKept { path: path.to_owned(), annotation: "$set" }),
        }
    }
}

impl<'a> MapView<DynamicEntries<'a>> {
    /// The map that the dotted `path` leads to; `None` where it is absent.
    ///
    /// # Errors
    /// There is no such field, or it bears no `$map`.
    pub fn of(record: DynamicStruct<'a>, path: &str) -> Result<Option<Self>, CollectionError> {
        match find(record, path)? {
            (Field { collection: Some(Collection::Map { key }), .. }, list) => {
                Ok(list.map(|list| Self::of_entries(DynamicEntries { list, key })))
            }
            _ => Err(CollectionError::NotKept { path: path.to_owned(), annotation: "$map" }),
        }
    }
}

/// The field at `path`, which is a list, and its value unless that is absent.
fn find<'a>(
    record: DynamicStruct<'a>,
    path: &str,
) -> Result<(&'a Field, Option<DynamicList<'a>>), CollectionError> {
    let found = record.find(path)?;
    let (field, value) = found.ok_or_else(|| CollectionError::UnknownField { path: path.to_owned() })?;
    match (field.value_type(), value) {
        (_, DynamicValue::List(list)) => Ok((field, Some(list))),
        (Some(Type::List(_)), _) => Ok((field, None)),
        _ => Err(CollectionError::NotAList { path: path.to_owned() }),
    }
}

impl<'a> Elements for DynamicList<'a> {
    type Element = DynamicValue<'a>;
    type Error = CollectionError;

    fn count(&self) -> u32 {
        self.len()
    }

    fn element(&self, index: u32) -> Result<DynamicValue<'a>, CollectionError> {
        Ok(self.get(index)?)
    }

    fn same(&self, other: &Self) -> Result<bool, CollectionError> {
        Ok(lists_equal(self.reader(), other.reader())?)
    }
}

impl Holds<DynamicValue<'_>> for DynamicList<'_> {
    fn check(&self, wanted: &DynamicValue<'_>) -> Result<(), CollectionError> {
        Wanted::of(self.schema(), DynamicList::element(*self), *wanted).map(|_| ())
    }

    fn is(&self, index: u32, wanted: &DynamicValue<'_>) -> Result<bool, CollectionError> {
        let wanted = Wanted::of(self.schema(), DynamicList::element(*self), *wanted)?;
        Ok(wanted.is(self.get(index)?)?)
    }
}

impl Ordered<DynamicValue<'_>> for DynamicList<'_> {
    fn check(&self, wanted: &DynamicValue<'_>) -> Result<(), CollectionError> {
        Wanted::of(self.schema(), DynamicList::element(*self), *wanted)?.sort_key().map(|_| ())
    }

    fn order(&self, index: u32, wanted: &DynamicValue<'_>) -> Result<Ordering, CollectionError> {
        let wanted = Wanted::of(self.schema(), DynamicList::element(*self), *wanted)?;
        Ok(order(self.get(index)?, wanted.sort_key()?))
    }
}

/// What is null is ordered before everything: no canonical record has it there, and foreign words may say what they like.
fn order(found: DynamicValue<'_>, wanted: SortKey<'_>) -> Ordering {
    SortKey::of(found).map_or(Ordering::Less, |found| found.cmp(&wanted))
}

/// A list of structs with the field that is their key.
#[derive(Clone, Copy, Debug)]
pub struct DynamicEntries<'a> {
    list: DynamicList<'a>,
    key: &'a FieldPath,
}

impl DynamicEntries<'_> {
    /// What `wanted` is as a key of these entries.
    fn wanted<'w>(&self, wanted: DynamicValue<'w>) -> Result<Wanted<'w>, CollectionError> {
        let schema = self.list.schema();
        let Type::Struct(entry) = DynamicList::element(self.list) else {
            unreachable!("a schema refuses a map of anything but structs")
        };
        let key = schema.field(*entry, self.key).value_type().expect("a key is no group");
        Wanted::of(schema, key, wanted)
    }
}

impl<'a> Elements for DynamicEntries<'a> {
    type Element = DynamicStruct<'a>;
    type Error = CollectionError;

    fn count(&self) -> u32 {
        self.list.len()
    }

    fn element(&self, index: u32) -> Result<DynamicStruct<'a>, CollectionError> {
        match self.list.get(index)? {
            DynamicValue::Struct(entry) => Ok(entry),
            other => unreachable!("a list of structs holds {other:?}"),
        }
    }

    fn same(&self, other: &Self) -> Result<bool, CollectionError> {
        self.list.same(&other.list)
    }
}

impl<'a> Keyed for DynamicEntries<'a> {
    type Key = DynamicValue<'a>;

    fn key(&self, index: u32) -> Result<DynamicValue<'a>, CollectionError> {
        Ok(Elements::element(self, index)?.at(self.key)?)
    }
}

impl Ordered<DynamicValue<'_>> for DynamicEntries<'_> {
    fn check(&self, wanted: &DynamicValue<'_>) -> Result<(), CollectionError> {
        self.wanted(*wanted)?.sort_key().map(|_| ())
    }

    fn order(&self, index: u32, wanted: &DynamicValue<'_>) -> Result<Ordering, CollectionError> {
        Ok(order(self.key(index)?, self.wanted(*wanted)?.sort_key()?))
    }
}
