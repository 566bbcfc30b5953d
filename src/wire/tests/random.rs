//! Random schemas and random records of them, for tests that hold two ways of doing a thing against each other.

use crate::environment::{Random, SeededRandom};
use crate::identifiers::TypeId;
use crate::schema::{
    Default as Stored, EnumDefinition, EnumIndex, Field, FieldKind, FieldPath, RecordType, Schema,
    StructDefinition, StructIndex, Type, TypeIndex,
};
use crate::wire::slot::data_bits;
use crate::wire::{Draft, PointerPosition, StructPosition, element_size};

/// A stream of choices.
pub(crate) struct Dice(SeededRandom);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    pub(crate) fn bits(&self) -> u64 {
        self.0.next_u64()
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.bits() % end
    }

    pub(crate) fn one_in(&self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

/// What is taken of a struct's sections.
#[derive(Clone, Default)]
struct Layout {
    data: Vec<bool>,
    pointers: u32,
}

impl Layout {
    /// A free place of `width` bits, in units of `width`. Some are left out, so that there are holes.
    fn data(&mut self, dice: &Dice, width: usize) -> u32 {
        let mut offset = dice.below(2) as usize;
        while self.data.iter().skip(offset * width).take(width).any(|taken| *taken) {
            offset += 1;
        }
        let end = (offset + 1) * width;
        self.data.resize(self.data.len().max(end), false);
        self.data[offset * width..end].fill(true);
        offset as u32
    }

    fn merge(&mut self, other: &Self) {
        self.data.resize(self.data.len().max(other.data.len()), false);
        self.data.iter_mut().zip(&other.data).for_each(|(mine, theirs)| *mine |= theirs);
        self.pointers = self.pointers.max(other.pointers);
    }
}

/// A schema of a few structs with groups, unions in unions, defaults and holes; `Record`, its type, is the last.
pub(crate) fn random_schema(dice: &Dice) -> Schema {
    let enums = (1..4).map(|size| enumeration(size + dice.below(3))).collect();
    let mut schema = Schema { types: Vec::new(), structs: Vec::new(), enums };
    let mut complete = Vec::new();
    for number in 0..=dice.below(4) {
        let at = structure(dice, &mut schema, &complete, number);
        complete.push(at);
    }
    let structure = *complete.last().unwrap();
    let key = random_key(dice, &schema, structure);
    schema.types.push(RecordType { name: "Record".into(), id: TypeId::of("Record"), structure, key });
    schema
}

/// The only type of a random schema.
pub(crate) const RECORD: TypeIndex = TypeIndex(0);

fn enumeration(size: u64) -> EnumDefinition {
    EnumDefinition {
        id: size,
        name: format!("E{size}"),
        enumerants: (0..size).map(|i| format!("e{i}")).collect(),
    }
}

fn structure(dice: &Dice, schema: &mut Schema, complete: &[StructIndex], number: u64) -> StructIndex {
    let before = schema.structs.len();
    let mut layout = Layout::default();
    let mut definition = members(dice, schema, complete, &mut layout, 0);
    definition.name = format!("S{number}");
    schema.structs.push(definition);
    for made in &mut schema.structs[before..] {
        made.data_words = layout.data.len().div_ceil(64) as u16;
        made.pointer_words = layout.pointers as u16;
    }
    StructIndex(schema.structs.len() as u32 - 1)
}

/// A struct or group whose members lie in `layout`.
fn members(
    dice: &Dice,
    schema: &mut Schema,
    complete: &[StructIndex],
    layout: &mut Layout,
    depth: u32,
) -> StructDefinition {
    let mut fields = Vec::new();
    for number in 0..=dice.below(4) {
        fields.push(field(dice, schema, complete, layout, depth, format!("f{number}")));
    }
    let mut discriminant_offset = None;
    if depth < 3 && dice.one_in(2) {
        discriminant_offset = Some(layout.data(dice, 16));
        let (before, arms) = (layout.clone(), 2 + dice.below(3));
        for number in 0..arms {
            let mut arm_layout = before.clone();
            let mut arm = field(dice, schema, complete, &mut arm_layout, depth + 1, format!("arm{number}"));
            arm.discriminant = Some(number as u16);
            layout.merge(&arm_layout);
            fields.push(arm);
        }
        if dice.one_in(2) {
            fields.reverse();
        }
    }
    StructDefinition {
        id: 0,
        name: String::new(),
        is_group: depth > 0,
        data_words: 0,
        pointer_words: 0,
        discriminant_offset,
        fields,
    }
}

fn field(
    dice: &Dice,
    schema: &mut Schema,
    complete: &[StructIndex],
    layout: &mut Layout,
    depth: u32,
    name: String,
) -> Field {
    let kind = if depth < 3 && dice.one_in(5) {
        let group = members(dice, schema, complete, layout, depth + 1);
        schema.structs.push(group);
        FieldKind::Group(StructIndex(schema.structs.len() as u32 - 1))
    } else {
        slot(dice, schema, complete, layout)
    };
    Field {
        name,
        original_name: None,
        references: None,
        collection: None,
        discriminant: None,
        ordinal: None,
        kind,
    }
}

fn slot(dice: &Dice, schema: &Schema, complete: &[StructIndex], layout: &mut Layout) -> FieldKind {
    let value_type = random_type(dice, complete, 0);
    let Some(width) = data_bits(&value_type) else {
        layout.pointers += 1;
        return FieldKind::Slot { offset: layout.pointers - 1, value_type, default: Stored::Zero };
    };
    let offset = if width == 0 { 0 } else { layout.data(dice, width as usize) };
    let default = match &value_type {
        Type::Void => Stored::Zero,
        _ if dice.one_in(2) => Stored::Zero,
        _ => Stored::Bits(random_bits(dice, schema, &value_type)),
    };
    FieldKind::Slot { offset, value_type, default }
}

fn random_type(dice: &Dice, complete: &[StructIndex], depth: u32) -> Type {
    let plain = [
        Type::Void,
        Type::Bool,
        Type::Int8,
        Type::Int16,
        Type::Int32,
        Type::Int64,
        Type::UInt8,
        Type::UInt16,
        Type::UInt32,
        Type::UInt64,
        Type::Float32,
        Type::Float64,
        Type::Text,
        Type::Data,
        Type::Text,
    ];
    match dice.below(20) {
        15 => Type::Enum(EnumIndex(dice.below(3) as u32)),
        16 | 17 if !complete.is_empty() => Type::Struct(complete[dice.below(complete.len() as u64) as usize]),
        18 | 19 if depth < 3 => Type::List(Box::new(random_type(dice, complete, depth + 1))),
        choice => plain[choice as usize % plain.len()].clone(),
    }
}

/// Up to three fields outside unions that can be a key.
fn random_key(dice: &Dice, schema: &Schema, structure: StructIndex) -> Vec<FieldPath> {
    let mut found = Vec::new();
    key_fields(schema, structure, &mut Vec::new(), &mut found);
    (0..dice.below(4))
        .filter(|_| !found.is_empty())
        .map(|_| found[dice.below(found.len() as u64) as usize].clone())
        .collect()
}

fn key_fields(schema: &Schema, structure: StructIndex, way: &mut Vec<u16>, found: &mut Vec<FieldPath>) {
    for (index, field) in schema.structure(structure).fields.iter().enumerate() {
        way.push(index as u16);
        match &field.kind {
            FieldKind::Group(inner) | FieldKind::Slot { value_type: Type::Struct(inner), .. } => {
                key_fields(schema, *inner, way, found);
            }
            FieldKind::Slot {
                value_type: Type::Void | Type::Float32 | Type::Float64 | Type::List(_),
                ..
            } => {}
            FieldKind::Slot { .. } => found.push(FieldPath(way.clone())),
        }
        way.pop();
    }
}

/// A value apart from any encoding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    /// The bits of a number, bool, enum or float; 0 for `Void`.
    Bits(u64),
    Text(String),
    Data(Vec<u8>),
    /// A struct or group: its live members, by place in the definition.
    Struct(Vec<(usize, Value)>),
    List(Vec<Value>),
}

fn random_bits(dice: &Dice, schema: &Schema, value_type: &Type) -> u64 {
    match (value_type, data_bits(value_type)) {
        (Type::Enum(index), _) => dice.below(schema.enumeration(*index).enumerants.len() as u64),
        (_, Some(width @ 1..)) if !dice.one_in(3) => dice.bits() >> (64 - width),
        _ => 0,
    }
}

/// The members of a random record.
pub(crate) fn random_record(dice: &Dice, schema: &Schema, structure: StructIndex) -> Vec<(usize, Value)> {
    let definition = schema.structure(structure);
    let arms = definition.fields.iter().filter(|field| field.discriminant.is_some()).count() as u64;
    let chosen = if arms == 0 { None } else { Some(dice.below(arms) as u16) };
    let fields = definition.fields.iter().enumerate();
    let live = fields.filter(|(_, field)| field.discriminant.is_none() || field.discriminant == chosen);
    live.map(|(index, field)| (index, random_member(dice, schema, field))).collect()
}

fn random_member(dice: &Dice, schema: &Schema, field: &Field) -> Value {
    match &field.kind {
        FieldKind::Group(group) => Value::Struct(random_record(dice, schema, *group)),
        FieldKind::Slot { value_type, .. } => random_value(dice, schema, value_type),
    }
}

fn random_value(dice: &Dice, schema: &Schema, value_type: &Type) -> Value {
    if data_bits(value_type).is_some() {
        return Value::Bits(random_bits(dice, schema, value_type));
    }
    if dice.one_in(4) {
        return Value::Null;
    }
    let len = if dice.one_in(4) { 0 } else { dice.below(12) };
    match value_type {
        Type::Text => Value::Text((0..len).map(|_| ['a', 'ä', '€', '\0'][dice.below(4) as usize]).collect()),
        Type::Data => Value::Data((0..len).map(|_| dice.bits() as u8).collect()),
        Type::Struct(index) => Value::Struct(random_record(dice, schema, *index)),
        Type::List(element) => {
            Value::List((0..len / 2).map(|_| random_element(dice, schema, element)).collect())
        }
        data => unreachable!("{data:?} is no pointer type"),
    }
}

/// Structs of a list are never null: they lie in it.
fn random_element(dice: &Dice, schema: &Schema, element: &Type) -> Value {
    match element {
        Type::Struct(index) => Value::Struct(random_record(dice, schema, *index)),
        other => random_value(dice, schema, other),
    }
}

/// Writes records into a draft: cleanly, or with the debris of values that were there before and of dead union arms.
pub(crate) struct Scribe<'s> {
    pub(crate) schema: &'s Schema,
    pub(crate) debris: Option<&'s Dice>,
}

impl Scribe<'_> {
    /// Makes `draft` hold the record.
    pub(crate) fn record(&self, draft: &mut Draft, structure: StructIndex, record: &[(usize, Value)]) {
        let definition = self.schema.structure(structure);
        let root = draft.root(definition.data_words, definition.pointer_words).unwrap();
        self.members(draft, root, structure, record);
    }

    fn members(
        &self,
        draft: &mut Draft,
        at: StructPosition,
        structure: StructIndex,
        members: &[(usize, Value)],
    ) {
        let definition = self.schema.structure(structure);
        if let Some(dice) = self.debris {
            for field in definition.fields.iter().filter(|field| field.discriminant.is_some()) {
                self.member(draft, at, field, &random_member(dice, self.schema, field));
            }
        }
        for (index, value) in members {
            let field = &definition.fields[*index];
            draft.select_arm(at, definition, field);
            self.member(draft, at, field, value);
        }
    }

    fn member(&self, draft: &mut Draft, at: StructPosition, field: &Field, value: &Value) {
        match (&field.kind, value) {
            (FieldKind::Group(group), Value::Struct(members)) => self.members(draft, at, *group, members),
            (FieldKind::Slot { .. }, Value::Bits(bits)) => draft.set_bits(at, field, *bits),
            (FieldKind::Slot { offset, value_type, .. }, value) => {
                let pointer = draft.pointer(at, *offset);
                if let (Some(dice), Type::Text) = (self.debris, value_type) {
                    draft.set_text(pointer, &"x".repeat(dice.below(20) as usize)).unwrap();
                }
                self.pointee(draft, pointer, value_type, value);
            }
            (FieldKind::Group(_), other) => unreachable!("{other:?} is no group"),
        }
    }

    fn pointee(&self, draft: &mut Draft, at: PointerPosition, value_type: &Type, value: &Value) {
        match (value_type, value) {
            (_, Value::Null) => draft.set_null(at),
            (_, Value::Text(text)) => draft.set_text(at, text).unwrap(),
            (_, Value::Data(data)) => draft.set_data(at, data).unwrap(),
            (Type::Struct(index), Value::Struct(members)) => {
                let definition = self.schema.structure(*index);
                let structure =
                    draft.init_struct(at, definition.data_words, definition.pointer_words).unwrap();
                self.members(draft, structure, *index, members);
            }
            (Type::List(element), Value::List(values)) => self.list(draft, at, element, values),
            (other, value) => unreachable!("{value:?} is no {other:?}"),
        }
    }

    fn list(&self, draft: &mut Draft, at: PointerPosition, element: &Type, values: &[Value]) {
        let size = element_size(self.schema, element);
        let list = draft.init_list(at, size, values.len() as u32).unwrap();
        for (index, value) in (0..).zip(values) {
            match (value, element) {
                (Value::Bits(bits), _) => draft.set_element(list, index, *bits),
                (Value::Struct(members), Type::Struct(structure)) => {
                    let at = draft.element_struct(list, index);
                    self.members(draft, at, *structure, members);
                }
                (value, element) => self.pointee(draft, draft.element_pointer(list, index), element, value),
            }
        }
    }
}
