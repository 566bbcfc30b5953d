//! The way from a record to one of its fields, worked out once.
//!
//! A field may lie in groups, in arms of unions, and behind pointers to structs. What is left of that at run time is a
//! list of steps: check a discriminant, follow a pointer.

use crate::schema::{Default as Stored, Field, FieldKind, FieldPath, Schema, StructIndex, Type};

use super::slot::data_bits;
use super::{ListReader, Pointer, StructReader, WireError};

/// A compiled [`FieldPath`] to a field of data, text or data bytes.
#[derive(Clone, Debug)]
pub(crate) struct FieldRoute {
    steps: Box<[Step]>,
    slot: SlotReader,
}

#[derive(Clone, Debug)]
enum Step {
    /// Go on when the discriminant at this offset (in units of 16 bits) has this value.
    Arm { discriminant: u32, value: u16 },
    /// Go on in the struct that this pointer leads to.
    Follow { pointer: u32, default: Stored },
}

/// How the field itself is read.
#[derive(Clone, Debug)]
enum SlotReader {
    Bits { offset: u32, width: u32, default: u64 },
    Text { pointer: u32, default: Stored },
    Data { pointer: u32, default: Stored },
}

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteValue<'a> {
    /// Bits of a number, bool, enum or float, zero-extended, the default applied; 0 for `Void`.
    Bits(u64),
    /// Text without its zero byte, or data.
    Bytes(&'a [u8]),
}

impl FieldRoute {
    /// Compiles `path`, which begins at `structure` and ends at a field that is neither a struct nor a list.
    pub(crate) fn new(schema: &Schema, structure: StructIndex, path: &FieldPath) -> Self {
        let (mut steps, mut at) = (Vec::new(), structure);
        let (last, way) = path.0.split_last().expect("a field path has at least one step");
        for index in way {
            let field = enter(schema, at, *index, &mut steps);
            at = match &field.kind {
                FieldKind::Group(group) => *group,
                FieldKind::Slot { offset, value_type: Type::Struct(inner), default } => {
                    steps.push(Step::Follow { pointer: *offset, default: default.clone() });
                    *inner
                }
                FieldKind::Slot { .. } => unreachable!("a field path passes through groups and structs only"),
            };
        }
        let slot = SlotReader::new(enter(schema, at, *last, &mut steps));
        Self { steps: steps.into(), slot }
    }

    /// Offset (in units of its width), width in bits and default of a number that lies in the record itself; `None` for
    /// whatever else the route leads to.
    pub(crate) fn number(&self) -> Option<(u32, u32, u64)> {
        match (&*self.steps, &self.slot) {
            ([], SlotReader::Bits { offset, width, default }) if *width > 0 => {
                Some((*offset, *width, *default))
            }
            _ => None,
        }
    }

    /// The field's value in `record`; `None` where it, or a struct on the way, is absent, or an arm is not the chosen one.
    #[inline]
    pub(crate) fn read<'a>(&'a self, record: StructReader<'a>) -> Result<Option<RouteValue<'a>>, WireError> {
        let mut at = record;
        for step in &self.steps {
            match step {
                Step::Arm { discriminant, value } if at.u16(*discriminant) == *value => {}
                Step::Arm { .. } => return Ok(None),
                Step::Follow { pointer, default } => {
                    match pointer_or_default(at, *pointer, default)?.structure()? {
                        Some(inner) => at = inner,
                        None => return Ok(None),
                    }
                }
            }
        }
        self.slot.read(at)
    }
}

/// The field at `index` of the struct `at`, with a step for the arm that it is.
fn enter<'s>(schema: &'s Schema, at: StructIndex, index: u16, steps: &mut Vec<Step>) -> &'s Field {
    let definition = schema.structure(at);
    let field = &definition.fields[usize::from(index)];
    if let (Some(discriminant), Some(value)) = (definition.discriminant_offset, field.discriminant) {
        steps.push(Step::Arm { discriminant, value });
    }
    field
}

impl SlotReader {
    fn new(field: &Field) -> Self {
        let FieldKind::Slot { offset, value_type, default } = &field.kind else {
            unreachable!("a group has no value of its own")
        };
        match (value_type, data_bits(value_type)) {
            (_, Some(width)) => Self::Bits { offset: *offset, width, default: default_bits(default) },
            (Type::Text, _) => Self::Text { pointer: *offset, default: default.clone() },
            (Type::Data, _) => Self::Data { pointer: *offset, default: default.clone() },
            (other, _) => unreachable!("a route leads to a single value, not to {other:?}"),
        }
    }

    #[inline]
    fn read<'a>(&'a self, at: StructReader<'a>) -> Result<Option<RouteValue<'a>>, WireError> {
        match self {
            Self::Bits { width: 0, .. } => Ok(Some(RouteValue::Bits(0))),
            Self::Bits { offset, width, default } => {
                Ok(Some(RouteValue::Bits(at.bits(*offset, *width) ^ default)))
            }
            Self::Text { pointer, default } => {
                let text = pointer_or_default(at, *pointer, default)?.list()?;
                Ok(text.map(ListReader::text_bytes).transpose()?.map(RouteValue::Bytes))
            }
            Self::Data { pointer, default } => {
                Ok(pointer_or_default(at, *pointer, default)?.data()?.map(RouteValue::Bytes))
            }
        }
    }
}

/// The bits that stored data is combined with.
pub(super) fn default_bits(default: &Stored) -> u64 {
    if let Stored::Bits(bits) = default { *bits } else { 0 }
}

/// What a pointer leads to, or what its declared default does when it is null.
#[inline]
pub(super) fn pointer_or_default<'a>(
    at: StructReader<'a>,
    index: u32,
    default: &'a Stored,
) -> Result<Pointer<'a>, WireError> {
    match (at.pointer(index)?, default) {
        (Pointer::Null, Stored::Pointer(message)) => Pointer::at(message, 0),
        (found, _) => Ok(found),
    }
}
