//! Which lists are sets or maps: `$set` and `$map`.
//!
//! A set or map is a list that writers keep in order. So its elements, or the keys of its entries, need an order and an
//! exact equality, like the keys of records, and floats have neither: NaN stands nowhere, and there are two zeros.

use std::fmt;

use super::declare::{CollectionDeclaration, MemberDeclaration};
use super::error::SchemaError;
use super::model::{Collection, Default, Field, FieldKind, Schema, StructDefinition, StructIndex, Type};
use super::{key, path};

/// Tells the lists of the struct or group that was laid out at `at` what they are declared as.
pub(super) fn resolve(
    members: &[MemberDeclaration],
    at: StructIndex,
    structs: &mut [StructDefinition],
) -> Result<(), SchemaError> {
    for member in members {
        match member {
            MemberDeclaration::Union { members } => resolve(members, at, structs)?,
            MemberDeclaration::Group { name, members, .. } => {
                if let FieldKind::Group(group) =
                    structs[at.0 as usize].fields[place_of(name, at, structs)].kind
                {
                    resolve(members, group, structs)?;
                }
            }
            MemberDeclaration::Field { name, collection: Some(collection), .. } => {
                let field = place_of(name, at, structs);
                let found = checked(collection, at, field, structs)?;
                structs[at.0 as usize].fields[field].collection = Some(found);
            }
            MemberDeclaration::Field { collection: None, .. } => {}
        }
    }
    Ok(())
}

fn place_of(name: &str, at: StructIndex, structs: &[StructDefinition]) -> usize {
    let fields = &structs[at.0 as usize].fields;
    fields.iter().position(|field| field.name == name).expect("every member was laid out")
}

/// The collection that a field is declared as, if it can be one.
fn checked(
    declared: &CollectionDeclaration,
    at: StructIndex,
    field: usize,
    structs: &[StructDefinition],
) -> Result<Collection, SchemaError> {
    let definition = &structs[at.0 as usize];
    let field = &definition.fields[field];
    let refused = |problem| SchemaError::Collection {
        place: format!("field `{}.{}`", definition.name, field.name),
        collection: declared.name(),
        problem,
    };
    let element = element_of(field).map_err(refused)?;
    match declared {
        CollectionDeclaration::Set => {
            problem_of_element(element).map_or(Ok(Collection::Set), |is| Err(refused(is)))
        }
        CollectionDeclaration::Map { key } => {
            let Type::Struct(entry) = element else {
                return Err(refused(
                    "its elements are no structs that could hold a key; make it a `$set`, or a list of structs",
                ));
            };
            let key = path::find(structs, *entry, key)?;
            key::problem_of(structs, *entry, &key).map_or(Ok(Collection::Map { key }), |is| Err(refused(is)))
        }
    }
}

/// Type of the elements of a list without a default.
fn element_of(field: &Field) -> Result<&Type, &'static str> {
    match &field.kind {
        FieldKind::Slot { value_type: Type::List(element), default: Default::Zero, .. } => Ok(element),
        FieldKind::Slot { value_type: Type::List(_), .. } => {
            Err("it has a default, which no writer has put in order; leave the default out")
        }
        _ => Err("it is no list; make it one or leave the annotation out"),
    }
}

fn problem_of_element(element: &Type) -> Option<&'static str> {
    match element {
        Type::Float32 | Type::Float64 => {
            Some("floating-point numbers have no exact equality; take integers or texts, or keep it a list")
        }
        Type::Void => Some("a Void is like every other; take elements with a value"),
        Type::List(_) => Some("its elements are lists, which have no order; keep it a list"),
        Type::Struct(_) => {
            Some("its elements are structs; name the field that they are found by with `$map`")
        }
        _ => None,
    }
}

impl fmt::Display for CollectionDeclaration {
    /// As text has it: `$set`, `$map("language")`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => write!(out, "$set"),
            Self::Map { key } => write!(out, "$map(\"{key}\")"),
        }
    }
}

impl CollectionDeclaration {
    /// What errors call it.
    fn name(&self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Map { .. } => "map",
        }
    }
}

impl Schema {
    /// The declaration of what a list field is kept as; `None` for a plain list.
    pub(super) fn declared_collection(&self, field: &Field) -> Option<CollectionDeclaration> {
        Some(match field.collection.as_ref()? {
            Collection::Set => CollectionDeclaration::Set,
            Collection::Map { key } => {
                let entry = entry_of(field).expect("the elements of a map are structs");
                CollectionDeclaration::Map { key: self.joined(entry, key, |field| &field.name) }
            }
        })
    }
}

/// The struct that the elements of a list field are.
fn entry_of(field: &Field) -> Option<StructIndex> {
    match &field.kind {
        FieldKind::Slot { value_type: Type::List(element), .. } => match **element {
            Type::Struct(entry) => Some(entry),
            _ => None,
        },
        _ => None,
    }
}
