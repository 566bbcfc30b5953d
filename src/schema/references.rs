//! Checks `$references`: a reference is the key of a record of another type (keeps semantics 29).
//!
//! A key of one field is held by a field of its type, or by a list of such. A key of several fields is held by a struct that has a field of
//! each one's name and type, in any order and beside any others, or by a list of such structs.

use super::error::SchemaError;
use super::model::{Field, FieldKind, FieldPath, RecordType, Schema, StructIndex, Type};
use super::path;

impl Schema {
    /// Where the struct `holder` holds the key fields of `target`, in key order; `None` if it lacks one, or has it of another type.
    pub(crate) fn held_key(&self, holder: StructIndex, target: &RecordType) -> Option<Vec<FieldPath>> {
        let value_type = |field: &Field| match &field.kind {
            FieldKind::Slot { value_type, .. } => Some(value_type.clone()),
            FieldKind::Group(_) => None,
        };
        let held = target.key.iter().map(|key| {
            let name = self.joined(target.structure, key, |field| &field.name);
            let found = path::find(&self.structs, holder, &name).ok()?;
            let types = [self.field(holder, &found), self.field(target.structure, key)].map(value_type);
            (types[0] == types[1]).then_some(found)
        });
        held.collect()
    }
}

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
        _ => match holder {
            Type::Struct(holder) if schema.held_key(*holder, target).is_some() => None,
            Type::Struct(_) => {
                Some("whose key has several fields; give the struct a field of the name and type of each")
            }
            _ => Some("whose key has several fields; hold them in a struct"),
        },
    }
}
