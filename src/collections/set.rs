//! Lists that writers keep as sets.

use super::elements::{Elements, Ordered, find, iterate};

/// A list field that is a `$set`: each element once, in order.
#[derive(Clone, Copy, Debug)]
pub struct SetView<L> {
    list: L,
}

impl<L: Elements> SetView<L> {
    /// A view of a list of generated code whose field bears `$set`. An absent list reads as an empty one here;
    /// [`SetView::read`] tells them apart.
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

    /// Every element, smallest first.
    pub fn iter(&self) -> impl Iterator<Item = Result<L::Element, L::Error>> {
        iterate(&self.list)
    }

    /// Whether `wanted` is one of the elements. O(log n) comparisons.
    pub fn contains<Q: ?Sized>(&self, wanted: &Q) -> Result<bool, L::Error>
    where
        L: Ordered<Q>,
    {
        find(&self.list, wanted).map(|found| found.is_some())
    }

    /// Whether both have the same elements, in whatever order they were stated. Linear.
    pub fn equals(&self, other: &Self) -> Result<bool, L::Error> {
        self.list.same(&other.list)
    }
}

impl<L: Elements<Error = capnp::Error>> SetView<L> {
    /// The view of a field by what its generated reader says: `SetView::read(movie.has_tags(), movie.get_tags())?` is `None`
    /// where the set is absent.
    pub fn read(is_there: bool, list: capnp::Result<L>) -> capnp::Result<Option<Self>> {
        if is_there { list.map(|list| Some(Self::new(list))) } else { Ok(None) }
    }
}
