//! From a schema back to its declaration.

use super::declare::{
    DeclaredType, EnumDeclaration, MemberDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use super::model::{Field, FieldKind, Schema, StructDefinition, Type};
use super::names;

impl Schema {
    /// The declaration that lays out as this schema.
    ///
    /// Ids that follow from names are left out. Types come in their topological order, structs and enums by name.
    #[must_use]
    pub fn to_declaration(&self) -> SchemaDeclaration {
        let own_structs = self.structs.iter().filter(|definition| !definition.is_group);
        SchemaDeclaration {
            types: self
                .types
                .iter()
                .map(|is| TypeDeclaration {
                    name: self.structure(is.structure).name.clone(),
                    key: is
                        .key
                        .iter()
                        .map(|path| self.joined(is.structure, path, |field| &field.name))
                        .collect(),
                })
                .collect(),
            structs: own_structs
                .map(|is| StructDeclaration {
                    id: declared_id(is.id, &is.name),
                    name: is.name.clone(),
                    members: self.members(is),
                })
                .collect(),
            enums: self
                .enums
                .iter()
                .map(|is| EnumDeclaration {
                    id: declared_id(is.id, &is.name),
                    name: is.name.clone(),
                    enumerants: is.enumerants.clone(),
                })
                .collect(),
        }
    }

    /// The declared name of a type.
    pub(super) fn declared_type(&self, value_type: &Type) -> DeclaredType {
        match value_type {
            Type::Void => DeclaredType::Void,
            Type::Bool => DeclaredType::Bool,
            Type::Int8 => DeclaredType::Int8,
            Type::Int16 => DeclaredType::Int16,
            Type::Int32 => DeclaredType::Int32,
            Type::Int64 => DeclaredType::Int64,
            Type::UInt8 => DeclaredType::UInt8,
            Type::UInt16 => DeclaredType::UInt16,
            Type::UInt32 => DeclaredType::UInt32,
            Type::UInt64 => DeclaredType::UInt64,
            Type::Float32 => DeclaredType::Float32,
            Type::Float64 => DeclaredType::Float64,
            Type::Text => DeclaredType::Text,
            Type::Data => DeclaredType::Data,
            Type::Enum(at) => DeclaredType::Enum(self.enumeration(*at).name.clone()),
            Type::Struct(at) => DeclaredType::Struct(self.structure(*at).name.clone()),
            Type::List(element) => DeclaredType::List(Box::new(self.declared_type(element))),
        }
    }

    /// Members in code order; the unnamed union stands where its first member does.
    fn members(&self, definition: &StructDefinition) -> Vec<MemberDeclaration> {
        let in_union = || definition.fields.iter().filter(|field| field.discriminant.is_some());
        let mut members = Vec::new();
        let mut union_stands = false;
        for field in &definition.fields {
            if field.discriminant.is_none() {
                members.push(self.member(field));
            } else if !std::mem::replace(&mut union_stands, true) {
                members.push(MemberDeclaration::Union {
                    members: in_union().map(|field| self.member(field)).collect(),
                });
            }
        }
        members
    }

    fn member(&self, field: &Field) -> MemberDeclaration {
        let (name, original_name) = (field.name.clone(), field.original_name.clone());
        match &field.kind {
            FieldKind::Group(group) => {
                let members = self.members(self.structure(*group));
                MemberDeclaration::Group { name, original_name, members }
            }
            FieldKind::Slot { value_type, default, .. } => MemberDeclaration::Field {
                name,
                original_name,
                references: field.references.clone(),
                collection: self.declared_collection(field),
                ordinal: field.ordinal.expect("every slot has an ordinal"),
                value_type: self.declared_type(value_type),
                default: default.clone(),
            },
        }
    }
}

fn declared_id(id: u64, name: &str) -> Option<u64> {
    (id != names::derived_id(name)).then_some(id)
}
