//! Holds the layout that a compiled schema claims against the one that its declaration has.

use std::collections::HashMap;
use std::fmt::Display;

use capnp::schema_capnp::{field, node};

use super::InPart;
use super::read::Nodes;
use crate::schema::error::SchemaError;
use crate::schema::model::{FieldKind, Schema, StructDefinition, Type};

/// Refuses nodes that place a field elsewhere than Cap'n Proto's compiler would.
pub(super) fn layout(schema: &Schema, nodes: &Nodes<'_>) -> Result<(), SchemaError> {
    for definition in schema.structs.iter().filter(|definition| !definition.is_group) {
        structure(schema, nodes, definition, definition.id)?;
    }
    Ok(())
}

/// Compares a struct or group with its node; each was read once, so the way down ends.
fn structure(
    schema: &Schema,
    nodes: &Nodes<'_>,
    definition: &StructDefinition,
    id: u64,
) -> Result<(), SchemaError> {
    let place = format!("`{}`", definition.name);
    let node::Struct(claimed) = nodes.get(id, &place)?.which().of(&place)? else {
        unreachable!("the definition was made from a struct node");
    };
    let arms = definition.fields.iter().filter(|field| field.discriminant.is_some()).count();
    same(&place, "words of data", definition.data_words, claimed.get_data_word_count())?;
    same(&place, "pointers", definition.pointer_words, claimed.get_pointer_count())?;
    same(&place, "members of its union", arms, claimed.get_discriminant_count().into())?;
    if let Some(offset) = definition.discriminant_offset {
        same(&place, "a discriminant at", offset, claimed.get_discriminant_offset())?;
    }
    let by_name: HashMap<&str, _> =
        definition.fields.iter().map(|field| (field.name.as_str(), field)).collect();
    for claimed in claimed.get_fields().of(&place)? {
        let field = by_name[claimed.get_name().of(&place)?.to_str().of(&place)?];
        let place = format!("field `{}.{}`", definition.name, field.name);
        let discriminant = field.discriminant.unwrap_or(field::NO_DISCRIMINANT);
        same(&place, "the discriminant", discriminant, claimed.get_discriminant_value())?;
        match (&field.kind, claimed.which().of(&place)?) {
            (FieldKind::Slot { value_type: Type::Void, .. }, _) => {}
            (FieldKind::Slot { offset, .. }, field::Slot(slot)) => {
                same(&place, "the offset", *offset, slot.get_offset())?;
            }
            (FieldKind::Group(group), field::Group(claimed)) => {
                structure(schema, nodes, schema.structure(*group), claimed.get_type_id())?;
            }
            _ => unreachable!("the definition was made from this field"),
        }
    }
    Ok(())
}

fn same<N: Copy + PartialEq + Display>(
    place: &str,
    what: &'static str,
    expected: N,
    found: N,
) -> Result<(), SchemaError> {
    if expected == found {
        return Ok(());
    }
    Err(SchemaError::Layout {
        place: place.into(),
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}
