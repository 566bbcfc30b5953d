//! Checks `$references`: a reference is the key of a record of another type.

use super::error::SchemaError;
use super::model::{FieldKind, RecordType, Schema, Type};

/// Refuses a reference to a type of this schema that cannot answer it.
///
/// A type that the schema does not have may be referenced: a consumer may know only some types of a dataset.
pub(super) fn check(schema: &Schema) -> Result<(), SchemaError> {
    for definition in &schema.structs {
        for field in &definition.fields {
            let (Some(target), FieldKind::Slot { value_type, .. }) = (&field.references, &field.kind) else {
                continue;
            };
            let Some(found) = schema.find_type(target) else { continue };
            if let Some(problem) = problem_of(schema, schema.record_type(found), value_type) {
                let place = format!("field `{}.{}`", definition.name, field.name);
                return Err(SchemaError::Reference { place, target: target.clone(), problem });
            }
        }
    }
    Ok(())
}

/// A single key is held by a field of its type or by a list of such; a composite key by a struct.
fn problem_of(schema: &Schema, target: &RecordType, mut holder: &Type) -> Option<&'static str> {
    while let Type::List(element) = holder {
        holder = element;
    }
    match target.key.as_slice() {
        [] => Some("which has no key; give that type a key or drop the reference"),
        [key] => match &schema.field(target.structure, key).kind {
            FieldKind::Slot { value_type, .. } if value_type == holder => None,
            _ => Some("whose key is of another type; give the field the type of that key"),
        },
        _ if matches!(holder, Type::Struct(_)) => None,
        _ => Some("whose key has several fields; hold them in a struct"),
    }
}
