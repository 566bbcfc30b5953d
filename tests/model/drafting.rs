//! From plain values to the words of a record, laid out as a schema says.

use hollowcast::schema::{FieldKind, Schema, StructIndex, Type, TypeIndex};
use hollowcast::wire::{CopyPlans, Draft, PointerPosition, StructPosition, element_size};

use super::value::Value;

/// Drafts records of one schema.
pub(crate) struct Drafter {
    schema: Schema,
    plans: CopyPlans,
}

impl Drafter {
    /// For the records of `schema`.
    pub(crate) fn new(schema: Schema) -> Self {
        Self { plans: CopyPlans::new(&schema), schema }
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The record of the type called `name` with these values, one for each of its fields.
    pub(crate) fn words(&self, name: &str, values: &[Value]) -> Vec<u64> {
        let mut draft = Draft::new();
        let index = self.structure(name);
        let structure = self.schema.structure(index);
        let root = draft.root(structure.data_words, structure.pointer_words).expect("a small record");
        self.fill(&mut draft, root, index, values);
        draft.words().to_vec()
    }

    /// The bytes of that record's canonical message: what finds a record of a keyless type.
    pub(crate) fn message_bytes(&self, name: &str, values: &[Value]) -> Vec<u8> {
        let mut message = Vec::new();
        let words = self.words(name, values);
        self.plans.copy_words(self.structure(name), &words, &mut message).expect("a record of the schema");
        message.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn structure(&self, name: &str) -> StructIndex {
        let index: TypeIndex = self.schema.find_type(name).expect("a type of the schema");
        self.schema.record_type(index).structure
    }

    fn fill(&self, draft: &mut Draft, at: StructPosition, structure: StructIndex, values: &[Value]) {
        let definition = self.schema.structure(structure);
        for (field, value) in definition.fields.iter().zip(values) {
            match &field.kind {
                FieldKind::Group(group) if *value != Value::Null => {
                    let group = self.schema.structure(*group);
                    draft.select_arm(at, group, &group.fields[1]);
                    self.put(draft, at, &group.fields[1], value);
                }
                FieldKind::Group(_) => (),
                FieldKind::Slot { .. } => self.put(draft, at, field, value),
            }
        }
    }

    fn put(&self, draft: &mut Draft, at: StructPosition, field: &hollowcast::schema::Field, value: &Value) {
        let FieldKind::Slot { offset, value_type, .. } = &field.kind else {
            unreachable!("a group of a group is in no schema of the test")
        };
        match bits(value_type, value) {
            Some(bits) => draft.set_bits(at, field, bits),
            None => self.point(draft, draft.pointer(at, *offset), value_type, value),
        }
    }

    fn point(&self, draft: &mut Draft, at: PointerPosition, value_type: &Type, value: &Value) {
        match (value_type, value) {
            (_, Value::Null) => draft.set_null(at),
            (_, Value::Text(text)) => draft.set_text(at, text).expect("a short text"),
            (_, Value::Data(data)) => draft.set_data(at, data).expect("short data"),
            (Type::Struct(index), Value::Struct(fields)) => {
                let structure = self.schema.structure(*index);
                let inner = draft.init_struct(at, structure.data_words, structure.pointer_words);
                self.fill(draft, inner.expect("a small record"), *index, fields);
            }
            (Type::List(element), Value::List(elements)) => self.list(draft, at, element, elements),
            other => unreachable!("{other:?} do not fit"),
        }
    }

    fn list(&self, draft: &mut Draft, at: PointerPosition, element: &Type, elements: &[Value]) {
        let size = element_size(&self.schema, element);
        let list = draft.init_list(at, size, elements.len() as u32).expect("a short list");
        for (index, value) in (0..).zip(elements) {
            match (bits(element, value), element, value) {
                (Some(bits), _, _) => draft.set_element(list, index, bits),
                (None, Type::Struct(structure), Value::Struct(fields)) => {
                    self.fill(draft, draft.element_struct(list, index), *structure, fields);
                }
                _ => self.point(draft, draft.element_pointer(list, index), element, value),
            }
        }
    }
}

/// The bits of a value that lies in a data section.
fn bits(value_type: &Type, value: &Value) -> Option<u64> {
    Some(match value {
        Value::Bool(value) => u64::from(*value),
        Value::UInt(value) | Value::Float(value) => *value,
        Value::Int(value) if *value_type == Type::Int16 => u64::from(*value as u16),
        Value::Int(value) => *value as u64,
        Value::Enum(value) => u64::from(*value),
        Value::Null | Value::Text(_) | Value::Data(_) | Value::Struct(_) | Value::List(_) => return None,
    })
}
