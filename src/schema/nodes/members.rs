//! The fields of a compiled struct, as its text declares them.

use std::collections::HashSet;

use capnp::schema_capnp::{field, node, type_};

use super::read::Nodes;
use super::{InPart, defaults};
use crate::schema::declare::{CollectionDeclaration, DeclaredType, MemberDeclaration};
use crate::schema::error::SchemaError;
use crate::schema::{annotations, limits};

/// Annotations that a field may have.
const OF_FIELDS: [u64; 4] = [annotations::NAME, annotations::REFERENCES, annotations::SET, annotations::MAP];

/// Reads one struct and its groups.
pub(super) struct Members<'a, 'n> {
    pub(super) nodes: &'n Nodes<'a>,
    /// Nodes that were read; a group belongs to one field only.
    pub(super) seen: &'n mut HashSet<u64>,
    /// Ids of the structs and enums that fields have.
    pub(super) types: Vec<u64>,
    /// Fields of all structs so far.
    pub(super) fields: &'n mut usize,
}

impl Members<'_, '_> {
    /// The members of a struct or group called `name`, in code order.
    pub(super) fn of(
        &mut self,
        structure: node::struct_::Reader<'_>,
        name: &str,
        nesting: usize,
    ) -> Result<Vec<MemberDeclaration>, SchemaError> {
        limits::at_most(limits::NESTING, nesting, "groups around it", || format!("`{name}`"))?;
        let fields = structure.get_fields().of(name)?;
        *self.fields += fields.len() as usize;
        limits::at_most(limits::ALL_FIELDS, *self.fields, "fields", || "the compiled schema".into())?;
        let mut in_code_order: Vec<_> = fields.iter().collect();
        in_code_order.sort_by_key(|field| field.get_code_order());
        let mut members = Vec::new();
        let mut union: Option<usize> = None;
        for field in in_code_order {
            let member = self.member(field, name, nesting)?;
            if field.get_discriminant_value() == field::NO_DISCRIMINANT {
                members.push(member);
                continue;
            }
            let at = *union.get_or_insert(members.len());
            match members.get_mut(at) {
                Some(MemberDeclaration::Union { members }) => members.push(member),
                _ => members.push(MemberDeclaration::Union { members: vec![member] }),
            }
        }
        Ok(members)
    }

    fn member(
        &mut self,
        field: field::Reader<'_>,
        scope: &str,
        nesting: usize,
    ) -> Result<MemberDeclaration, SchemaError> {
        let name = field.get_name().of(scope)?.to_str().of(scope)?;
        let place = format!("field `{scope}.{name}`");
        let ordinal = match field.get_ordinal().which().of(&place)? {
            field::ordinal::Explicit(ordinal) => Some(ordinal),
            field::ordinal::Implicit(()) => None,
        };
        match field.which().of(&place)? {
            field::Group(group) => {
                if let Some(ordinal) = ordinal {
                    let structure = scope.into();
                    return Err(SchemaError::UnionOrdinal { structure, ordinal: ordinal.into() });
                }
                let original_name = text_of(field, annotations::NAME, &[annotations::NAME], &place)?;
                let members = self.group(group.get_type_id(), &format!("{scope}.{name}"), nesting + 1)?;
                Ok(MemberDeclaration::Group { name: name.into(), original_name, members })
            }
            field::Slot(slot) => {
                let ordinal = ordinal.ok_or_else(|| SchemaError::Shape {
                    place: place.clone(),
                    problem: "has no ordinal; records are structs, not parameters of methods",
                })?;
                let value_type = slot.get_type().of(&place)?;
                Ok(MemberDeclaration::Field {
                    name: name.into(),
                    original_name: text_of(field, annotations::NAME, &OF_FIELDS, &place)?,
                    references: text_of(field, annotations::REFERENCES, &OF_FIELDS, &place)?,
                    collection: collection_of(field, &place)?,
                    ordinal,
                    value_type: self.declared_type(value_type, &place, 0)?,
                    default: defaults::read(slot.get_default_value().of(&place)?, value_type, &place)?,
                })
            }
        }
    }

    fn group(&mut self, id: u64, name: &str, nesting: usize) -> Result<Vec<MemberDeclaration>, SchemaError> {
        let place = format!("group `{name}`");
        match self.nodes.get(id, &place)?.which().of(&place)? {
            node::Struct(group) if group.get_is_group() && self.seen.insert(id) => {
                self.of(group, name, nesting)
            }
            _ => {
                Err(SchemaError::Shape { place, problem: "is no group of its own; compile the schema again" })
            }
        }
    }

    fn declared_type(
        &mut self,
        value_type: type_::Reader<'_>,
        place: &str,
        depth: usize,
    ) -> Result<DeclaredType, SchemaError> {
        limits::at_most(limits::NESTING, depth, "lists within lists", || place.into())?;
        let unsupported = |what| {
            let advice = "give it a type of its own";
            Err(SchemaError::Unsupported { place: place.into(), what, advice })
        };
        Ok(match value_type.which().of(place)? {
            type_::Void(()) => DeclaredType::Void,
            type_::Bool(()) => DeclaredType::Bool,
            type_::Int8(()) => DeclaredType::Int8,
            type_::Int16(()) => DeclaredType::Int16,
            type_::Int32(()) => DeclaredType::Int32,
            type_::Int64(()) => DeclaredType::Int64,
            type_::Uint8(()) => DeclaredType::UInt8,
            type_::Uint16(()) => DeclaredType::UInt16,
            type_::Uint32(()) => DeclaredType::UInt32,
            type_::Uint64(()) => DeclaredType::UInt64,
            type_::Float32(()) => DeclaredType::Float32,
            type_::Float64(()) => DeclaredType::Float64,
            type_::Text(()) => DeclaredType::Text,
            type_::Data(()) => DeclaredType::Data,
            type_::List(list) => {
                let element = list.get_element_type().of(place)?;
                DeclaredType::List(Box::new(self.declared_type(element, place, depth + 1)?))
            }
            type_::Enum(is) => DeclaredType::Enum(self.type_name(is.get_type_id(), place)?),
            type_::Struct(is) => DeclaredType::Struct(self.type_name(is.get_type_id(), place)?),
            type_::Interface(_) => return unsupported("is an interface"),
            type_::AnyPointer(_) => {
                return unsupported("is an AnyPointer or the parameter of a generic struct");
            }
        })
    }

    fn type_name(&mut self, id: u64, place: &str) -> Result<String, SchemaError> {
        self.types.push(id);
        super::read::name_of(self.nodes.get(id, place)?).map(Into::into)
    }
}

/// The text of an annotation of a field; ours that are not `allowed` there are refused.
fn text_of(
    field: field::Reader<'_>,
    id: u64,
    allowed: &[u64],
    place: &str,
) -> Result<Option<String>, SchemaError> {
    let mut found = None;
    for annotation in field.get_annotations().of(place)? {
        annotations::refuse(annotation, allowed, place)?;
        if annotation.get_id() == id {
            found = Some(annotations::text(annotation, place)?);
        }
    }
    Ok(found)
}

/// What the annotations of a list field make it.
fn collection_of(
    field: field::Reader<'_>,
    place: &str,
) -> Result<Option<CollectionDeclaration>, SchemaError> {
    let mut found = None;
    for annotation in field.get_annotations().of(place)? {
        let collection = match annotation.get_id() {
            annotations::SET => annotations::void(annotation, place).map(|()| CollectionDeclaration::Set)?,
            annotations::MAP => CollectionDeclaration::Map { key: annotations::text(annotation, place)? },
            _ => continue,
        };
        if found.replace(collection).is_some() {
            let problem = "is a set and a map; keep one of `$set` and `$map`";
            return Err(SchemaError::Shape { place: place.into(), problem });
        }
    }
    Ok(found)
}
