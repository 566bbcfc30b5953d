//! Whether two values are equal through the readers of generated code, without a schema.
//!
//! A struct of either side may be wider than the other's: what it has beyond must be zero. Null and empty differ (keeps
//! semantics 30). What generated code hides, the kind of a pointer, comes from the layer that it is itself built on.

use capnp::any_pointer_list;
use capnp::private::layout::{ElementSize, ListReader, PointerReader, PointerType, StructReader};
use capnp::raw;
use capnp::struct_list;
use capnp::traits::{FromPointerReader, IntoInternalListReader, IntoInternalStructReader};

/// Some generated struct: the elements of a list can be had through any.
type SomeStruct = capnp::schema_capnp::node::Owned;

/// Whether two structs of one type are equal. Costs a comparison of all that they hold.
pub(super) fn structs_alike<'a, 'b>(
    one: impl IntoInternalStructReader<'a>,
    other: impl IntoInternalStructReader<'b>,
) -> capnp::Result<bool> {
    same_structs(AnyStruct::of(one), AnyStruct::of(other))
}

/// Whether two lists of one type, which are none of structs, are equal, element by element.
pub(super) fn lists_alike<'a, 'b>(
    one: impl IntoInternalListReader<'a>,
    other: impl IntoInternalListReader<'b>,
) -> capnp::Result<bool> {
    let one = Target::of_list(one.into_internal_list_reader());
    same_targets(one, Target::of_list(other.into_internal_list_reader()))
}

/// A struct of any type.
#[derive(Clone, Copy)]
struct AnyStruct<'a>(StructReader<'a>);

impl<'a> AnyStruct<'a> {
    fn of(reader: impl IntoInternalStructReader<'a>) -> Self {
        Self(reader.into_internal_struct_reader())
    }
}

impl<'a> IntoInternalStructReader<'a> for AnyStruct<'a> {
    fn into_internal_struct_reader(self) -> StructReader<'a> {
        self.0
    }
}

/// What a pointer leads to.
enum Target<'a> {
    Null,
    Struct(AnyStruct<'a>),
    Structs(struct_list::Reader<'a, SomeStruct>),
    Pointers(any_pointer_list::Reader<'a>),
    Data { size: ElementSize, len: u32, bytes: &'a [u8] },
}

impl<'a> Target<'a> {
    fn of_list(reader: ListReader<'a>) -> Self {
        let list = any_pointer_list::Reader { reader };
        match raw::get_list_element_size(list) {
            ElementSize::Pointer => Self::Pointers(list),
            size => Self::Data { size, len: list.len(), bytes: raw::get_list_bytes(list) },
        }
    }

    /// What the pointer at `index` leads to; null beyond the end.
    fn at(pointers: any_pointer_list::Reader<'a>, index: u32) -> capnp::Result<Self> {
        pointers.try_get(index).map_or(Ok(Self::Null), |pointer| pointer.get_as())
    }
}

impl<'a> FromPointerReader<'a> for Target<'a> {
    fn get_from_pointer(
        pointer: &PointerReader<'a>,
        _default: Option<&'a [capnp::Word]>,
    ) -> capnp::Result<Self> {
        match pointer.get_pointer_type()? {
            PointerType::Null => Ok(Self::Null),
            PointerType::Struct => Ok(Self::Struct(AnyStruct(pointer.get_struct(None)?))),
            PointerType::List => {
                // Asked for elements of no bits, any list but one of bits is given.
                let list = pointer.get_list(ElementSize::Void, None);
                let list = list.or_else(|_| pointer.get_list(ElementSize::Bit, None))?;
                match raw::get_list_element_size(any_pointer_list::Reader { reader: list }) {
                    ElementSize::InlineComposite => {
                        FromPointerReader::get_from_pointer(pointer, None).map(Self::Structs)
                    }
                    _ => Ok(Self::of_list(list)),
                }
            }
            PointerType::Capability => Err(capnp::Error::failed("a record holds a capability".to_owned())),
        }
    }
}

fn same_targets(one: Target<'_>, other: Target<'_>) -> capnp::Result<bool> {
    match (one, other) {
        (Target::Null, Target::Null) => Ok(true),
        (Target::Struct(one), Target::Struct(other)) => same_structs(one, other),
        (Target::Structs(one), Target::Structs(other)) if one.len() == other.len() => {
            every(one.len(), |index| structs_alike(one.get(index), other.get(index)))
        }
        (Target::Pointers(one), Target::Pointers(other)) if one.len() == other.len() => {
            every(one.len(), |index| same_targets(Target::at(one, index)?, Target::at(other, index)?))
        }
        (
            Target::Data { size, len, bytes },
            Target::Data { size: other_size, len: other_len, bytes: other_bytes },
        ) => Ok(len == other_len && (len == 0 || size == other_size && bytes == other_bytes)),
        _ => Ok(false),
    }
}

fn same_structs(one: AnyStruct<'_>, other: AnyStruct<'_>) -> capnp::Result<bool> {
    let [one_data, other_data] = [one, other].map(|is| without_zeros(raw::get_struct_data_section(is)));
    if one_data != other_data {
        return Ok(false);
    }
    let [one, other] = [one, other].map(raw::get_struct_pointer_section);
    let count = one.len().max(other.len());
    every(count, |index| same_targets(Target::at(one, index)?, Target::at(other, index)?))
}

/// Whether `holds` for each of the first `count` numbers.
pub(super) fn every<E>(count: u32, mut holds: impl FnMut(u32) -> Result<bool, E>) -> Result<bool, E> {
    for index in 0..count {
        if !holds(index)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}
