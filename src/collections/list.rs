//! Lists as they were written.

use super::elements::{Elements, Holds, iterate};

/// A list field of a record.
#[derive(Clone, Copy, Debug)]
pub struct ListView<L> {
    list: L,
}

impl<L: Elements> ListView<L> {
    /// A view of a list of generated code, or of a [`DynamicList`](crate::wire::DynamicList). An absent list reads as an
    /// empty one here; [`ListView::read`] tells them apart.
    #[must_use]
    pub fn new(list: L) -> Self {
        Self { list }
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.list.count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`; `None` beyond the end.
    pub fn get(&self, index: u32) -> Result<Option<L::Element>, L::Error> {
        if index < self.len() { self.list.element(index).map(Some) } else { Ok(None) }
    }

    /// Every element in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<L::Element, L::Error>> {
        iterate(&self.list)
    }

    /// Whether some element is `wanted`. Linear: it looks at one after the other.
    pub fn contains<Q: ?Sized>(&self, wanted: &Q) -> Result<bool, L::Error>
    where
        L: Holds<Q>,
    {
        self.list.check(wanted)?;
        for index in 0..self.len() {
            if self.list.is(index, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether both have equal elements in one order, floats bit by bit: other than [`ListView::contains`] it tells 0.0 from -0.0. Linear.
    pub fn equals(&self, other: &Self) -> Result<bool, L::Error> {
        self.list.same(&other.list)
    }
}

impl<L: Elements<Error = capnp::Error>> ListView<L> {
    /// The view of a field by what its generated reader says: `ListView::read(movie.has_tags(), movie.get_tags())?` is `None`
    /// where the list is absent.
    pub fn read(is_there: bool, list: capnp::Result<L>) -> capnp::Result<Option<Self>> {
        if is_there { list.map(|list| Some(Self::new(list))) } else { Ok(None) }
    }
}
