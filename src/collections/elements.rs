//! What a view is a view of.

use std::cmp::Ordering;

/// A list of a record, by position. Copies of it are cheap, and nothing allocates.
pub trait Elements {
    /// One of its elements, borrowed from the record.
    type Element;
    /// What reading malformed words, or asking for the wrong kind of value, gives.
    type Error;

    /// How many there are.
    fn count(&self) -> u32;

    /// The element at `index`.
    ///
    /// # Panics
    ///
    /// May panic when there are not so many.
    fn element(&self, index: u32) -> Result<Self::Element, Self::Error>;

    /// Whether both lists have equal elements in one order, floats bit by bit.
    fn same(&self, other: &Self) -> Result<bool, Self::Error>;
}

/// A list whose elements can be told from a `Q`.
pub trait Holds<Q: ?Sized>: Elements {
    /// Fails when no such list could hold `wanted`: it is of another kind.
    fn check(&self, _wanted: &Q) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether the element at `index` is `wanted`. Floats as in keys of indexes: 0.0 is -0.0, and a NaN is any NaN.
    fn is(&self, index: u32, wanted: &Q) -> Result<bool, Self::Error>;
}

/// A list whose elements, or the keys of them, have an order with `Q`.
pub trait Ordered<Q: ?Sized>: Elements {
    /// Fails when no such list could hold `wanted`: it is of another kind.
    fn check(&self, _wanted: &Q) -> Result<(), Self::Error> {
        Ok(())
    }

    /// How the element at `index`, or its key, stands to `wanted`.
    fn order(&self, index: u32, wanted: &Q) -> Result<Ordering, Self::Error>;
}

/// A list of entries, each with a key.
pub trait Keyed: Elements {
    /// The key, borrowed from the record.
    type Key;

    /// The key of the entry at `index`.
    fn key(&self, index: u32) -> Result<Self::Key, Self::Error>;
}

/// The elements in the order in which they lie.
pub(super) fn iterate<L: Elements>(list: &L) -> impl Iterator<Item = Result<L::Element, L::Error>> {
    (0..list.count()).map(move |index| list.element(index))
}

/// Where `wanted` lies, by bisection: at most 30 comparisons. In a list that is in no order it may be missed.
pub(super) fn find<L: Ordered<Q>, Q: ?Sized>(list: &L, wanted: &Q) -> Result<Option<u32>, L::Error> {
    list.check(wanted)?;
    let (mut start, mut end) = (0, list.count());
    while start < end {
        let middle = start + (end - start) / 2;
        match list.order(middle, wanted)? {
            Ordering::Less => start = middle + 1,
            Ordering::Equal => return Ok(Some(middle)),
            Ordering::Greater => end = middle,
        }
    }
    Ok(None)
}
