//! What there is to copy of each struct, worked out once a schema.
//!
//! Arms of a union share words, and even bytes, with each other and with the fields around them. So a struct is copied
//! through **masks**: for every data word the bits that live fields take. Fields outside unions are always live, the
//! discriminant is, and so are the fields of the arm that it names, whose own unions are judged the same way. Everything
//! else stays zero.

use crate::schema::{Default as Stored, Field, FieldKind, Schema, StructDefinition, StructIndex, Type};

use super::ElementSize;
use super::order::ListOrder;
use super::slot::{data_bits, element_size};

/// Compiled from a schema; drives [`CopyPlans::copy`]. A few hundred bytes a struct.
#[derive(Clone, Debug)]
pub struct CopyPlans {
    /// One for each struct of the schema, at the same index; those of groups are never used.
    pub(super) structs: Vec<StructPlan>,
}

/// How a struct is copied.
#[derive(Clone, Debug)]
pub(super) struct StructPlan {
    pub(super) name: Box<str>,
    /// For each data word, the bits that belong to no field at all.
    pub(super) unknown: Box<[u64]>,
    /// Whether all fields are always live, and each pointer word has a field: then sections are copied as they are.
    pub(super) is_plain: bool,
    pub(super) members: Members,
    /// For each pointer word, the fields that may lie there: one, or several arms of a union.
    pub(super) slots: Box<[Box<[PointerField]>]>,
}

/// Data fields that live and die together: those of a struct outside its unions, or those of an arm.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// The data word that `masks` begins at.
    pub(super) first_word: u16,
    /// Live bits of each data word.
    pub(super) masks: Box<[u64]>,
    pub(super) enums: Box<[EnumField]>,
    pub(super) unions: Box<[UnionPlan]>,
}

/// A union, unnamed or a group's.
#[derive(Clone, Debug)]
pub(super) struct UnionPlan {
    /// Dotted name of the group that it makes up; empty for the struct's own.
    pub(super) name: Box<str>,
    /// In units of 16 bits.
    pub(super) discriminant: u32,
    /// By discriminant value.
    pub(super) arms: Box<[Members]>,
}

/// A field whose value must be one of an enum's.
#[derive(Clone, Debug)]
pub(super) struct EnumField {
    pub(super) name: Box<str>,
    /// In units of 16 bits.
    pub(super) offset: u32,
    pub(super) default: u16,
    pub(super) enumerants: u32,
}

/// A pointer field, live while all its conditions hold.
#[derive(Clone, Debug)]
pub(super) struct PointerField {
    pub(super) name: Box<str>,
    /// The arms it lies in, outermost first.
    pub(super) conditions: Box<[Condition]>,
    pub(super) pointee: Pointee,
}

/// "The discriminant at this offset has this value."
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) discriminant: u32,
    pub(super) value: u16,
}

/// What a pointer must lead to.
#[derive(Clone, Debug)]
pub(super) enum Pointee {
    Text,
    Data,
    Struct(StructIndex),
    List(Elements),
    /// A set or map: the elements of a list, in this order.
    Collection(Elements, ListOrder),
}

/// What a list must hold.
#[derive(Clone, Debug)]
pub(super) enum Elements {
    /// Data of this size, all values allowed.
    Plain(ElementSize),
    /// Enumerants below this number.
    Enum(u32),
    Pointers(Box<Pointee>),
    Structs(StructIndex),
}

impl Elements {
    /// How wide they are; of structs only that they are some.
    pub(super) fn size(&self) -> ElementSize {
        match self {
            Self::Plain(size) => *size,
            Self::Enum(_) => ElementSize::TwoBytes,
            Self::Pointers(_) => ElementSize::Pointer,
            Self::Structs(_) => ElementSize::Composite { data_words: 0, pointer_words: 0 },
        }
    }
}

impl CopyPlans {
    /// Compiles the plans of all structs of `schema`.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self {
            structs: schema.structs().iter().map(|definition| StructPlan::new(schema, definition)).collect(),
        }
    }
}

impl StructPlan {
    fn new(schema: &Schema, definition: &StructDefinition) -> Self {
        let mut collector = Collector {
            schema,
            known: vec![0; usize::from(definition.data_words)],
            slots: vec![Vec::new(); usize::from(definition.pointer_words)],
        };
        let mut open = collector.open();
        collector.collect(definition, &Scope::default(), &mut open);
        let members = open.close();
        Self {
            name: definition.name.as_str().into(),
            unknown: collector.known.iter().map(|known| !known).collect(),
            is_plain: members.unions.is_empty() && collector.slots.iter().all(|fields| fields.len() == 1),
            members,
            slots: collector.slots.into_iter().map(Vec::into_boxed_slice).collect(),
        }
    }
}

/// Where in a struct a member lies: the dotted name of its group, and the arms around it.
#[derive(Clone, Default)]
struct Scope {
    name: String,
    conditions: Vec<Condition>,
}

impl Scope {
    fn name_of(&self, field: &Field) -> String {
        if self.name.is_empty() { field.name.clone() } else { format!("{}.{}", self.name, field.name) }
    }

    fn group(&self, field: &Field) -> Self {
        Self { name: self.name_of(field), conditions: self.conditions.clone() }
    }

    fn arm(&self, condition: Condition) -> Self {
        Self { name: self.name.clone(), conditions: [&self.conditions[..], &[condition]].concat() }
    }
}

/// [`Members`] under construction, masks at the struct's full width.
struct Open {
    masks: Vec<u64>,
    enums: Vec<EnumField>,
    unions: Vec<UnionPlan>,
}

impl Open {
    fn close(self) -> Members {
        let first = self.masks.iter().position(|mask| *mask != 0).unwrap_or(0);
        let end = self.masks.iter().rposition(|mask| *mask != 0).map_or(first, |last| last + 1);
        Members {
            first_word: first as u16,
            masks: self.masks[first..end].into(),
            enums: self.enums.into(),
            unions: self.unions.into(),
        }
    }
}

/// Walks one struct with its groups and notes what belongs to anyone.
struct Collector<'s> {
    schema: &'s Schema,
    known: Vec<u64>,
    slots: Vec<Vec<PointerField>>,
}

impl Collector<'_> {
    fn open(&self) -> Open {
        Open { masks: vec![0; self.known.len()], enums: Vec::new(), unions: Vec::new() }
    }

    /// Adds the members of a struct or group to what lives with it.
    fn collect(&mut self, definition: &StructDefinition, scope: &Scope, open: &mut Open) {
        for field in definition.fields.iter().filter(|field| field.discriminant.is_none()) {
            self.field(field, scope, open);
        }
        if let Some(discriminant) = definition.discriminant_offset {
            self.data(discriminant, 16, open);
            let arms = self.arms(definition, discriminant, scope);
            open.unions.push(UnionPlan { name: scope.name.as_str().into(), discriminant, arms });
        }
    }

    fn arms(&mut self, definition: &StructDefinition, discriminant: u32, scope: &Scope) -> Box<[Members]> {
        let mut fields: Vec<_> =
            definition.fields.iter().filter_map(|field| Some((field.discriminant?, field))).collect();
        fields.sort_by_key(|(value, _)| *value);
        let arm = |(value, field): (u16, &Field)| {
            let mut open = self.open();
            self.field(field, &scope.arm(Condition { discriminant, value }), &mut open);
            open.close()
        };
        fields.into_iter().map(arm).collect()
    }

    fn field(&mut self, field: &Field, scope: &Scope, open: &mut Open) {
        let (offset, value_type, default) = match &field.kind {
            FieldKind::Group(group) => {
                return self.collect(self.schema.structure(*group), &scope.group(field), open);
            }
            FieldKind::Slot { offset, value_type, default } => (*offset, value_type, default),
        };
        if let Some(width) = data_bits(value_type) {
            self.data(offset, width, open);
        } else {
            let conditions = scope.conditions.as_slice().into();
            let pointee = self.pointee_of(field, value_type);
            let name = scope.name_of(field).into();
            self.slots[offset as usize].push(PointerField { name, conditions, pointee });
        }
        if let Type::Enum(index) = value_type {
            let enumerants = self.schema.enumeration(*index).enumerants.len() as u32;
            let default = if let Stored::Bits(bits) = default { *bits as u16 } else { 0 };
            open.enums.push(EnumField { name: scope.name_of(field).into(), offset, default, enumerants });
        }
    }

    fn data(&mut self, offset: u32, width: u32, open: &mut Open) {
        if width > 0 {
            let first_bit = u64::from(offset) * u64::from(width);
            let bits = (u64::MAX >> (64 - width)) << (first_bit % 64);
            open.masks[(first_bit / 64) as usize] |= bits;
            self.known[(first_bit / 64) as usize] |= bits;
        }
    }

    fn pointee_of(&self, field: &Field, value_type: &Type) -> Pointee {
        if let Type::List(element) = value_type
            && let Some(order) = ListOrder::of(self.schema, field, element)
        {
            return Pointee::Collection(self.elements(element), order);
        }
        self.pointee(value_type)
    }

    fn pointee(&self, value_type: &Type) -> Pointee {
        match value_type {
            Type::Text => Pointee::Text,
            Type::Data => Pointee::Data,
            Type::Struct(index) => Pointee::Struct(*index),
            Type::List(element) => Pointee::List(self.elements(element)),
            data => unreachable!("{data:?} lies in the data section"),
        }
    }

    fn elements(&self, element: &Type) -> Elements {
        match element {
            Type::Struct(index) => Elements::Structs(*index),
            Type::Enum(index) => Elements::Enum(self.schema.enumeration(*index).enumerants.len() as u32),
            Type::Text | Type::Data | Type::List(_) => Elements::Pointers(Box::new(self.pointee(element))),
            data => Elements::Plain(element_size(self.schema, data)),
        }
    }
}
