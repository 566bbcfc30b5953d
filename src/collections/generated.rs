//! The lists of generated code.

use std::cmp::Ordering;

use capnp::traits::{Owned, OwnedStruct};
use capnp::{NotInSchema, data_list, enum_list, list_list, primitive_list, struct_list, text_list};

use super::alike::{every, lists_alike, structs_alike};
use super::elements::{Elements, Holds, Ordered};

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Elements for primitive_list::Reader<'_, $number> {
            type Element = $number;
            type Error = capnp::Error;

            fn count(&self) -> u32 {
                self.len()
            }

            fn element(&self, index: u32) -> capnp::Result<$number> {
                Ok(self.get(index))
            }

            fn same(&self, other: &Self) -> capnp::Result<bool> {
                lists_alike(*self, *other)
            }
        }
    )*};
}

macro_rules! ordered {
    ($($number:ty)*) => {$(
        impl Holds<$number> for primitive_list::Reader<'_, $number> {
            fn is(&self, index: u32, wanted: &$number) -> capnp::Result<bool> {
                Ok(self.get(index) == *wanted)
            }
        }

        impl Ordered<$number> for primitive_list::Reader<'_, $number> {
            fn order(&self, index: u32, wanted: &$number) -> capnp::Result<Ordering> {
                Ok(self.get(index).cmp(wanted))
            }
        }
    )*};
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Holds<$float> for primitive_list::Reader<'_, $float> {
            fn is(&self, index: u32, wanted: &$float) -> capnp::Result<bool> {
                let found = self.get(index);
                let both_nan = found.is_nan() && wanted.is_nan();
                Ok(found.partial_cmp(wanted).map_or(both_nan, Ordering::is_eq))
            }
        }
    )*};
}

numbers!(bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
ordered!(bool i8 i16 i32 i64 u8 u16 u32 u64);
floats!(f32 f64);

impl<E> Elements for enum_list::Reader<'_, E>
where
    E: TryFrom<u16, Error = NotInSchema> + Copy,
{
    type Element = E;
    type Error = capnp::Error;

    fn count(&self) -> u32 {
        self.len()
    }

    fn element(&self, index: u32) -> capnp::Result<E> {
        Ok(self.get(index)?)
    }

    fn same(&self, other: &Self) -> capnp::Result<bool> {
        lists_alike(*self, *other)
    }
}

/// The number of an element, whether or not the generated code has a name for it.
fn number<E>(list: &enum_list::Reader<'_, E>, index: u32) -> u16
where
    E: TryFrom<u16, Error = NotInSchema> + Into<u16>,
{
    list.get(index).map_or_else(|NotInSchema(number)| number, Into::into)
}

impl<E> Holds<E> for enum_list::Reader<'_, E>
where
    E: TryFrom<u16, Error = NotInSchema> + Into<u16> + Copy,
{
    fn is(&self, index: u32, wanted: &E) -> capnp::Result<bool> {
        Ok(number(self, index) == (*wanted).into())
    }
}

impl<E> Ordered<E> for enum_list::Reader<'_, E>
where
    E: TryFrom<u16, Error = NotInSchema> + Into<u16> + Copy,
{
    fn order(&self, index: u32, wanted: &E) -> capnp::Result<Ordering> {
        Ok(number(self, index).cmp(&(*wanted).into()))
    }
}

macro_rules! bytes {
    ($($list:ident, $element:ty, $wanted:ty, $bytes:ident;)*) => {$(
        impl<'a> Elements for $list::Reader<'a> {
            type Element = $element;
            type Error = capnp::Error;

            fn count(&self) -> u32 {
                self.len()
            }

            fn element(&self, index: u32) -> capnp::Result<Self::Element> {
                self.get(index)
            }

            fn same(&self, other: &Self) -> capnp::Result<bool> {
                lists_alike(*self, *other)
            }
        }

        impl Holds<$wanted> for $list::Reader<'_> {
            fn is(&self, index: u32, wanted: &$wanted) -> capnp::Result<bool> {
                Ok(self.order(index, wanted)?.is_eq())
            }
        }

        impl Ordered<$wanted> for $list::Reader<'_> {
            fn order(&self, index: u32, wanted: &$wanted) -> capnp::Result<Ordering> {
                let (found, wanted): (&[u8], &[u8]) = (self.get(index)?.$bytes(), wanted.as_ref());
                Ok(found.cmp(wanted))
            }
        }
    )*};
}

bytes! {
    text_list, capnp::text::Reader<'a>, str, as_bytes;
    data_list, capnp::data::Reader<'a>, [u8], as_ref;
}

impl<'a, T: OwnedStruct> Elements for struct_list::Reader<'a, T> {
    type Element = T::Reader<'a>;
    type Error = capnp::Error;

    fn count(&self) -> u32 {
        self.len()
    }

    fn element(&self, index: u32) -> capnp::Result<T::Reader<'a>> {
        Ok(self.get(index))
    }

    fn same(&self, other: &Self) -> capnp::Result<bool> {
        if self.len() != other.len() {
            return Ok(false);
        }
        every(self.len(), |index| structs_alike(self.get(index), other.get(index)))
    }
}

impl<'w, T: OwnedStruct> Holds<T::Reader<'w>> for struct_list::Reader<'_, T>
where
    T::Reader<'w>: Copy,
{
    fn is(&self, index: u32, wanted: &T::Reader<'w>) -> capnp::Result<bool> {
        structs_alike(self.get(index), *wanted)
    }
}

impl<'a, T: Owned> Elements for list_list::Reader<'a, T>
where
    T::Reader<'a>: Elements<Error = capnp::Error>,
{
    type Element = T::Reader<'a>;
    type Error = capnp::Error;

    fn count(&self) -> u32 {
        self.len()
    }

    fn element(&self, index: u32) -> capnp::Result<T::Reader<'a>> {
        self.get(index)
    }

    fn same(&self, other: &Self) -> capnp::Result<bool> {
        if self.len() != other.len() {
            return Ok(false);
        }
        every(self.len(), |index| self.get(index)?.same(&other.get(index)?))
    }
}

impl<'a, T: Owned> Holds<T::Reader<'a>> for list_list::Reader<'a, T>
where
    T::Reader<'a>: Elements<Error = capnp::Error>,
{
    fn is(&self, index: u32, wanted: &T::Reader<'a>) -> capnp::Result<bool> {
        self.get(index)?.same(wanted)
    }
}
