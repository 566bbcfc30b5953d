//! Values that a schema, known only at run time, gives a meaning.

use crate::schema::{EnumDefinition, Schema, Type};

use super::dynamic::{DynamicStruct, data_value, pointer_value};
use super::slot::{data_bits, element_size};
use super::{ListReader, WireError};

/// A value of any type, borrowed from the words it lies in.
#[derive(Clone, Copy, Debug)]
pub enum DynamicValue<'a> {
    /// An absent pointer, or a member of a union that is not set.
    Null,
    /// The value of a `Void` field: it says nothing but that its union member is set.
    Void,
    /// A bool.
    Bool(bool),
    /// A signed integer of any width.
    Int(i64),
    /// An unsigned integer of any width.
    UInt(u64),
    /// A float of 32 bits.
    Float32(f32),
    /// A float of 64 bits.
    Float64(f64),
    /// A text.
    Text(&'a str),
    /// Data.
    Data(&'a [u8]),
    /// A value of an enum.
    Enum(EnumValue<'a>),
    /// A struct or group.
    Struct(DynamicStruct<'a>),
    /// A list.
    List(DynamicList<'a>),
}

/// A value of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumValue<'a> {
    definition: &'a EnumDefinition,
    value: u16,
}

impl<'a> EnumValue<'a> {
    pub(super) fn new(definition: &'a EnumDefinition, value: u16) -> Self {
        Self { definition, value }
    }

    /// Its number.
    #[must_use]
    pub fn value(self) -> u16 {
        self.value
    }

    /// Its name; `None` when a newer writer set one that the schema does not know.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.definition.enumerants.get(usize::from(self.value)).map(String::as_str)
    }
}

/// A list with the schema that says what is in it.
#[derive(Clone, Copy, Debug)]
pub struct DynamicList<'a> {
    schema: &'a Schema,
    element: &'a Type,
    reader: ListReader<'a>,
}

impl<'a> DynamicList<'a> {
    /// Reads `reader` as a list of `element`. An error when its elements are of another size.
    pub fn new(schema: &'a Schema, element: &'a Type, reader: ListReader<'a>) -> Result<Self, WireError> {
        Ok(Self { schema, element, reader: reader.expect(element_size(schema, element))? })
    }

    /// The schema that says what is in it.
    pub(crate) fn schema(self) -> &'a Schema {
        self.schema
    }

    /// The words it is read from.
    pub(crate) fn reader(self) -> ListReader<'a> {
        self.reader
    }

    /// Type of its elements.
    #[must_use]
    pub fn element(self) -> &'a Type {
        self.element
    }

    /// Number of elements. Those of no words take no room, so foreign words can claim half a billion of them.
    #[must_use]
    pub fn len(self) -> u32 {
        self.reader.len()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.reader.is_empty()
    }

    /// Element `index`; an error beyond the end.
    pub fn get(self, index: u32) -> Result<DynamicValue<'a>, WireError> {
        if index >= self.len() {
            return Err(WireError::NoSuchElement { word: self.reader.start(), len: self.len(), index });
        }
        match (self.element, data_bits(self.element)) {
            (element, Some(_)) => Ok(data_value(self.schema, element, self.reader.bits(index))),
            (Type::Struct(structure), None) => {
                let reader = self.reader.structure(index)?;
                Ok(DynamicValue::Struct(DynamicStruct::new(self.schema, *structure, reader)))
            }
            (element, None) => pointer_value(self.schema, element, self.reader.pointer(index)?),
        }
    }

    /// Its elements in order.
    pub fn iter(self) -> impl Iterator<Item = Result<DynamicValue<'a>, WireError>> {
        (0..self.len()).map(move |index| self.get(index))
    }
}
