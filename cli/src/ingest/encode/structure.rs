//! Structs, groups, unions and lists.

use hollowcast::schema::{Field, FieldKind, StructDefinition, StructIndex, Type};
use hollowcast::wire::{ElementSize, ListPosition, PointerPosition, StructPosition, element_size};

use super::super::error::Fault;
use super::super::json_lines::{Elements, Members, Value};
use super::record::{RecordEncoder, refused, unknown};
use super::scalar::decode_base64;

/// The members of a union that an object names.
#[derive(Default)]
pub(super) struct Arms<'s, 'v> {
    /// The one that has a value; else the last that is null.
    set: Option<(&'s Field, Value<'v>)>,
    count: u32,
}

impl<'s, 'v> Arms<'s, 'v> {
    /// One more member. Refuses a second one that has a value.
    pub(super) fn add(&mut self, field: &'s Field, value: Value<'v>) -> Result<(), Fault> {
        self.count += 1;
        let is_null = matches!(value, Value::Null);
        match &self.set {
            Some((known, set)) if !matches!(set, Value::Null) => {
                if is_null {
                    return Ok(());
                }
                let expected = format!("no value, as the union is set to `{}`", known.shown_name());
                Err(Fault::value(expected, value.describe()))
            }
            _ => {
                self.set = Some((field, value));
                Ok(())
            }
        }
    }

    /// The member that is set: the one with a value, or the only one named. `None` when all of several are null: then
    /// nothing is said, and the union is what it is by default.
    fn chosen(&self) -> Option<(&'s Field, Value<'v>)> {
        let (field, value) = self.set?;
        (self.count == 1 || !matches!(value, Value::Null)).then_some((field, value))
    }
}

impl<'t> RecordEncoder<'t> {
    /// Writes an object into a struct or group, whose members are looked for where the last one was found.
    pub(super) fn members(
        &mut self,
        position: StructPosition,
        structure: StructIndex,
        members: Members<'_>,
    ) -> Result<(), Fault> {
        let definition = self.target.schema().structure(structure);
        let mut arms = Arms::default();
        let mut cursor = 0;
        for (name, value) in members {
            let Some(at) = find(definition, cursor, name) else {
                if value.is_void() {
                    continue;
                }
                return Err(unknown(&definition.name, value.describe()).within(name));
            };
            cursor = at + 1;
            let field = &definition.fields[at];
            let result = if field.discriminant.is_some() {
                arms.add(field, value)
            } else {
                self.field(position, definition, field, value)
            };
            result.map_err(|fault| fault.within(name))?;
        }
        self.set_arm(position, definition, &arms)
    }

    /// Writes the member of a union that is set.
    pub(super) fn set_arm(
        &mut self,
        position: StructPosition,
        definition: &'t StructDefinition,
        arms: &Arms<'t, '_>,
    ) -> Result<(), Fault> {
        let Some((field, value)) = arms.chosen() else { return Ok(()) };
        self.field(position, definition, field, value).map_err(|fault| fault.within(field.shown_name()))
    }

    /// Writes a field; one of a union becomes the member that is set.
    pub(super) fn field(
        &mut self,
        position: StructPosition,
        definition: &'t StructDefinition,
        field: &'t Field,
        value: Value<'_>,
    ) -> Result<(), Fault> {
        self.draft.select_arm(position, definition, field);
        match &field.kind {
            FieldKind::Group(group) => self.group(position, *group, value),
            FieldKind::Slot { offset, value_type, .. } if is_pointer(value_type) => {
                let pointer = self.draft.pointer(position, *offset);
                self.pointer(pointer, value_type, value)
            }
            FieldKind::Slot { value_type, .. } => {
                let bits = self.target.bits(value_type, value)?;
                self.draft.set_bits(position, field, bits);
                Ok(())
            }
        }
    }

    fn group(&mut self, position: StructPosition, group: StructIndex, value: Value<'_>) -> Result<(), Fault> {
        match (self.target.optional_value(group), value) {
            (Some(_), Value::Null) => Ok(()),
            (Some(field), value) => self.field(position, self.target.schema().structure(group), field, value),
            (None, Value::Object(members)) => self.members(position, group, members),
            (None, other) => Err(Fault::value("an object", other.describe())),
        }
    }

    fn pointer(
        &mut self,
        pointer: PointerPosition,
        value_type: &'t Type,
        value: Value<'_>,
    ) -> Result<(), Fault> {
        match (value_type, value) {
            (_, Value::Null) => Ok(()),
            (Type::Text, Value::Text(text)) => self.draft.set_text(pointer, text).map_err(refused),
            (Type::Data, Value::Text(text)) => self.base64(pointer, text),
            (Type::Struct(structure), Value::Object(members)) => {
                let definition = self.target.schema().structure(*structure);
                let (data, pointers) = (definition.data_words, definition.pointer_words);
                let position = self.draft.init_struct(pointer, data, pointers).map_err(refused)?;
                self.members(position, *structure, members)
            }
            (Type::List(element), Value::List(elements)) => self.list(pointer, element, elements),
            (_, other) => Err(self.target.misfit(value_type, other)),
        }
    }

    fn base64(&mut self, pointer: PointerPosition, text: &str) -> Result<(), Fault> {
        self.data.clear();
        decode_base64(text, &mut self.data)?;
        self.draft.set_data(pointer, &self.data).map_err(refused)
    }

    fn list(
        &mut self,
        pointer: PointerPosition,
        element: &'t Type,
        elements: Elements<'_>,
    ) -> Result<(), Fault> {
        let size = element_size(self.target.schema(), element);
        let list = self.draft.init_list(pointer, size, elements.len()).map_err(refused)?;
        for (index, value) in (0..).zip(elements) {
            self.element(list, size, element, index, value).map_err(|fault| fault.within(&index))?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        list: ListPosition,
        size: ElementSize,
        element: &'t Type,
        index: u32,
        value: Value<'_>,
    ) -> Result<(), Fault> {
        match (size, element, value) {
            (ElementSize::Pointer, ..) => {
                let pointer = self.draft.element_pointer(list, index);
                self.pointer(pointer, element, value)
            }
            (_, Type::Struct(structure), Value::Object(members)) => {
                let position = self.draft.element_struct(list, index);
                self.members(position, *structure, members)
            }
            (_, Type::Struct(_), other) => Err(Fault::value("an object", other.describe())),
            _ => {
                let bits = self.target.bits(element, value)?;
                self.draft.set_element(list, index, bits);
                Ok(())
            }
        }
    }
}

/// The field that files call `name`, looked for from `cursor` on.
#[inline]
fn find(definition: &StructDefinition, cursor: usize, name: &str) -> Option<usize> {
    let fields = &definition.fields;
    let is_it = |field: &Field| field.shown_name() == name;
    if fields.get(cursor).is_some_and(is_it) {
        return Some(cursor);
    }
    fields.iter().position(is_it)
}

fn is_pointer(value_type: &Type) -> bool {
    matches!(value_type, Type::Text | Type::Data | Type::Struct(_) | Type::List(_))
}
