//! Lists of entries that writers keep as maps.

use std::cmp::Ordering;

use super::elements::{Elements, Keyed, Ordered, find, iterate};

/// A list field that is a `$map`: one entry a key, in the order of keys.
///
/// An entry is a struct; its key is one field of it, and the value whatever else it has.
#[derive(Clone, Copy, Debug)]
pub struct MapView<M> {
    entries: M,
}

impl<M: Keyed> MapView<M> {
    /// A view of entries.
    pub(super) fn of_entries(entries: M) -> Self {
        Self { entries }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.entries.count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every entry, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = Result<M::Element, M::Error>> {
        iterate(&self.entries)
    }

    /// Every key, smallest first.
    pub fn keys(&self) -> impl Iterator<Item = Result<M::Key, M::Error>> {
        (0..self.len()).map(|index| self.entries.key(index))
    }

    /// What `read` takes from every entry, in the order of keys.
    pub fn values<V>(
        &self,
        read: impl Fn(M::Element) -> Result<V, M::Error>,
    ) -> impl Iterator<Item = Result<V, M::Error>> {
        self.iter().map(move |entry| entry.and_then(&read))
    }

    /// The entry under `key`. O(log n) comparisons.
    pub fn get<Q: ?Sized>(&self, key: &Q) -> Result<Option<M::Element>, M::Error>
    where
        M: Ordered<Q>,
    {
        find(&self.entries, key)?.map(|index| self.entries.element(index)).transpose()
    }

    /// Whether there is an entry under `key`. O(log n) comparisons.
    pub fn contains_key<Q: ?Sized>(&self, key: &Q) -> Result<bool, M::Error>
    where
        M: Ordered<Q>,
    {
        find(&self.entries, key).map(|found| found.is_some())
    }

    /// Whether both have equal entries, in whatever order they were stated, floats bit by bit. Linear.
    pub fn equals(&self, other: &Self) -> Result<bool, M::Error> {
        self.entries.same(&other.entries)
    }
}

/// A list of generated structs with what reads the key of one.
#[derive(Clone, Copy, Debug)]
pub struct Entries<L, F> {
    list: L,
    key: F,
}

impl<L, F, K> MapView<Entries<L, F>>
where
    L: Elements<Error = capnp::Error>,
    F: Fn(L::Element) -> capnp::Result<K>,
{
    /// A view of a list of generated structs whose field bears `$map`; `key` reads the field that the annotation names, of an
    /// enum its number. An absent list reads as an empty one here; [`MapView::read`] tells them apart.
    #[must_use]
    pub fn new(list: L, key: F) -> Self {
        Self { entries: Entries { list, key } }
    }

    /// The view of a field by what its generated reader says:
    /// `MapView::read(movie.has_titles(), movie.get_titles(), |title| title.get_language())?` is `None` where the map is absent.
    pub fn read(is_there: bool, list: capnp::Result<L>, key: F) -> capnp::Result<Option<Self>> {
        if is_there { list.map(|list| Some(Self::new(list, key))) } else { Ok(None) }
    }
}

impl<L: Elements, F> Elements for Entries<L, F> {
    type Element = L::Element;
    type Error = L::Error;

    fn count(&self) -> u32 {
        self.list.count()
    }

    fn element(&self, index: u32) -> Result<L::Element, L::Error> {
        self.list.element(index)
    }

    fn same(&self, other: &Self) -> Result<bool, L::Error> {
        self.list.same(&other.list)
    }
}

impl<L, F, K> Keyed for Entries<L, F>
where
    L: Elements<Error = capnp::Error>,
    F: Fn(L::Element) -> capnp::Result<K>,
{
    type Key = K;

    fn key(&self, index: u32) -> capnp::Result<K> {
        (self.key)(self.list.element(index)?)
    }
}

impl<L, F, K, Q> Ordered<Q> for Entries<L, F>
where
    L: Elements<Error = capnp::Error>,
    F: Fn(L::Element) -> capnp::Result<K>,
    K: EntryKey<Q>,
    Q: ?Sized,
{
    fn order(&self, index: u32, wanted: &Q) -> capnp::Result<Ordering> {
        Ok(self.key(index)?.order(wanted))
    }
}

/// A key of generated code that has the order of the format with `Q`: numbers and bools with their like, texts with `str`, data with
/// `[u8]`.
pub trait EntryKey<Q: ?Sized> {
    /// How it stands to `wanted`.
    fn order(&self, wanted: &Q) -> Ordering;
}

impl EntryKey<str> for capnp::text::Reader<'_> {
    fn order(&self, wanted: &str) -> Ordering {
        self.as_bytes().cmp(wanted.as_bytes())
    }
}

impl EntryKey<[u8]> for &[u8] {
    fn order(&self, wanted: &[u8]) -> Ordering {
        (*self).cmp(wanted)
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl EntryKey<$number> for $number {
            fn order(&self, wanted: &$number) -> Ordering {
                self.cmp(wanted)
            }
        }
    )*};
}

numbers!(bool i8 i16 i32 i64 u8 u16 u32 u64);
