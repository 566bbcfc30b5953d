//! Reading a record by a schema that is known only at run time.
//!
//! The same words that generated code reads, one value at a time and without allocation. Defaults are applied; an absent
//! pointer without a default is [`DynamicValue::Null`], which differs from an empty value (semantics 30). A field that the
//! schema has and the row is too narrow for reads as its default (semantics 25).

use crate::schema::{
    Default as Stored, Field, FieldKind, FieldPath, Schema, StructDefinition, StructIndex, Type,
};

use super::dynamic_value::{DynamicList, DynamicValue, EnumValue};
use super::route::{default_bits, pointer_or_default};
use super::slot::data_bits;
use super::{Pointer, StructReader, WireError};

/// A struct or group with the schema that says what is in it.
#[derive(Clone, Copy, Debug)]
pub struct DynamicStruct<'a> {
    schema: &'a Schema,
    structure: StructIndex,
    reader: StructReader<'a>,
}

impl<'a> DynamicStruct<'a> {
    /// Reads `reader` as the struct or group `structure` of `schema`.
    #[must_use]
    pub fn new(schema: &'a Schema, structure: StructIndex, reader: StructReader<'a>) -> Self {
        Self { schema, structure, reader }
    }

    /// The struct or group it is read as.
    #[must_use]
    pub fn definition(self) -> &'a StructDefinition {
        self.schema.structure(self.structure)
    }

    /// The words it is read from.
    #[must_use]
    pub fn reader(self) -> StructReader<'a> {
        self.reader
    }

    /// Its fields in code order, of a union only the member that is set: none, when a newer writer set one that the schema
    /// does not know.
    pub fn fields(self) -> impl Iterator<Item = (&'a Field, Result<DynamicValue<'a>, WireError>)> {
        let fields = self.definition().fields.iter().filter(move |field| self.is_set(field));
        fields.map(move |field| (field, self.value(field)))
    }

    /// Whether a field of this struct is no member of its union, or the one that is set.
    #[must_use]
    pub fn is_set(self, field: &Field) -> bool {
        match (self.definition().discriminant_offset, field.discriminant) {
            (Some(offset), Some(value)) => self.reader.u16(offset) == value,
            _ => true,
        }
    }

    /// The value of a field of this struct or group; the member of a union that is not set is null.
    pub fn value(self, field: &'a Field) -> Result<DynamicValue<'a>, WireError> {
        if !self.is_set(field) {
            return Ok(DynamicValue::Null);
        }
        match &field.kind {
            FieldKind::Group(group) => {
                Ok(DynamicValue::Struct(Self { schema: self.schema, structure: *group, reader: self.reader }))
            }
            FieldKind::Slot { offset, value_type, default } => self.slot(*offset, value_type, default),
        }
    }

    fn slot(
        self,
        offset: u32,
        value_type: &'a Type,
        default: &'a Stored,
    ) -> Result<DynamicValue<'a>, WireError> {
        match data_bits(value_type) {
            Some(0) => Ok(DynamicValue::Void),
            Some(width) => {
                let bits = self.reader.bits(offset, width) ^ default_bits(default);
                Ok(data_value(self.schema, value_type, bits))
            }
            None => pointer_value(self.schema, value_type, pointer_or_default(self.reader, offset, default)?),
        }
    }

    /// The value that a dotted path of field names leads to, `details.rating`; names may be those of the schema or those
    /// that files use. `None` when there is no such field; null when a struct on the way is absent or a member not set.
    pub fn get(self, path: &str) -> Result<Option<DynamicValue<'a>>, WireError> {
        Ok(self.find(path)?.map(|(_, value)| value))
    }

    /// The same with the field itself.
    pub(crate) fn find(self, path: &str) -> Result<Option<(&'a Field, DynamicValue<'a>)>, WireError> {
        let mut names = path.split('.').peekable();
        let (mut structure, mut found) = (self.structure, Some(self));
        while let Some(name) = names.next() {
            let Some(field) = find_field(self.schema.structure(structure), name) else { return Ok(None) };
            let value = found.map_or(Ok(DynamicValue::Null), |found| found.value(field))?;
            if names.peek().is_none() {
                return Ok(Some((field, value)));
            }
            structure = match &field.kind {
                FieldKind::Group(inner) | FieldKind::Slot { value_type: Type::Struct(inner), .. } => *inner,
                FieldKind::Slot { .. } => return Ok(None),
            };
            found = if let DynamicValue::Struct(inner) = value { Some(inner) } else { None };
        }
        Ok(None)
    }

    /// The value that a path of the schema leads to from this struct; null when a struct on the way is absent.
    pub(crate) fn at(self, path: &'a FieldPath) -> Result<DynamicValue<'a>, WireError> {
        path.0.iter().try_fold(DynamicValue::Struct(self), |at, step| match at {
            DynamicValue::Struct(at) => at.value(&at.definition().fields[usize::from(*step)]),
            _ => Ok(DynamicValue::Null),
        })
    }

    /// The value of an optional group, as [`Schema::optional_value`] knows it: the value, or null. `None` for any other struct or group.
    #[must_use]
    pub fn as_optional(self) -> Option<Result<DynamicValue<'a>, WireError>> {
        self.schema.optional_value(self.structure).map(|value| self.value(value))
    }
}

/// The field called `name` in the schema, or else the one called so in files.
pub(super) fn find_field<'a>(definition: &'a StructDefinition, name: &str) -> Option<&'a Field> {
    let named = definition.fields.iter().find(|field| field.name == name);
    named.or_else(|| definition.fields.iter().find(|field| field.shown_name() == name))
}

/// The value whose bits, default applied, are `bits`.
pub(super) fn data_value<'a>(schema: &'a Schema, value_type: &Type, bits: u64) -> DynamicValue<'a> {
    match value_type {
        Type::Bool => DynamicValue::Bool(bits != 0),
        Type::Int8 => DynamicValue::Int(i64::from((bits as u8).cast_signed())),
        Type::Int16 => DynamicValue::Int(i64::from((bits as u16).cast_signed())),
        Type::Int32 => DynamicValue::Int(i64::from((bits as u32).cast_signed())),
        Type::Int64 => DynamicValue::Int(bits.cast_signed()),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => DynamicValue::UInt(bits),
        Type::Float32 => DynamicValue::Float32(f32::from_bits(bits as u32)),
        Type::Float64 => DynamicValue::Float64(f64::from_bits(bits)),
        Type::Enum(index) => DynamicValue::Enum(EnumValue::new(schema.enumeration(*index), bits as u16)),
        Type::Void | Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => DynamicValue::Void,
    }
}

/// The value that a pointer leads to.
pub(super) fn pointer_value<'a>(
    schema: &'a Schema,
    value_type: &'a Type,
    pointer: Pointer<'a>,
) -> Result<DynamicValue<'a>, WireError> {
    let value = match value_type {
        Type::Text => pointer.text()?.map(DynamicValue::Text),
        Type::Data => pointer.data()?.map(DynamicValue::Data),
        Type::Struct(index) => pointer
            .structure()?
            .map(|reader| DynamicValue::Struct(DynamicStruct::new(schema, *index, reader))),
        Type::List(element) => match pointer.list()? {
            Some(reader) => Some(DynamicValue::List(DynamicList::new(schema, element, reader)?)),
            None => None,
        },
        data => unreachable!("{data:?} lies in the data section"),
    };
    Ok(value.unwrap_or(DynamicValue::Null))
}
