//! Which fields can be a key: plain values that every record has.

use super::error::SchemaError;
use super::model::{Field, FieldKind, FieldPath, StructDefinition, StructIndex, Type};
use super::{limits, path};

/// Finds and checks the fields of a key.
pub(super) fn resolve(
    structs: &[StructDefinition],
    structure: StructIndex,
    type_name: &str,
    key: &[String],
) -> Result<Vec<FieldPath>, SchemaError> {
    limits::at_most(limits::KEY_FIELDS, key.len(), "key fields", || format!("type `{type_name}`"))?;
    let mut paths: Vec<FieldPath> = Vec::with_capacity(key.len());
    for field in key {
        limits::at_most(limits::NAME_BYTES, field.len(), "bytes", || {
            format!("a key field of type `{type_name}`")
        })?;
        let found = path::find(structs, structure, field)?;
        let problem = if paths.contains(&found) {
            Some("it is in the key already; name each field once")
        } else {
            problem_of(structs, structure, &found)
        };
        if let Some(problem) = problem {
            return Err(SchemaError::Key { type_name: type_name.into(), field: field.clone(), problem });
        }
        paths.push(found);
    }
    Ok(paths)
}

/// Why the field at `path` can be no key, if it cannot.
pub(super) fn problem_of(
    structs: &[StructDefinition],
    structure: StructIndex,
    path: &FieldPath,
) -> Option<&'static str> {
    let mut at = structure;
    let mut last: Option<&Field> = None;
    for step in &path.0 {
        let field = &structs[at.0 as usize].fields[usize::from(*step)];
        if field.discriminant.is_some() {
            return Some(
                "it lies in a union, so not every record has it; take a field outside of unions and optional groups",
            );
        }
        at = path::inner_scope(field).unwrap_or(at);
        last = Some(field);
    }
    match &last.expect("a found path has steps").kind {
        FieldKind::Group(_) => Some("it is a group; name the fields of it that make up the key"),
        FieldKind::Slot { value_type, .. } => problem_of_type(value_type),
    }
}

fn problem_of_type(value_type: &Type) -> Option<&'static str> {
    match value_type {
        Type::Float32 | Type::Float64 => {
            Some("floating-point numbers have no exact equality; take an integer or a text")
        }
        Type::Void => Some("a Void is the same in every record; take a field with a value"),
        Type::List(_) => Some("it is a list; take a field with one value"),
        Type::Struct(_) => Some("it is a struct; name the fields of it that make up the key"),
        _ => None,
    }
}
