//! From a declaration to a checked schema: the one way by which every schema comes to be.

use std::collections::{HashMap, HashSet, VecDeque};

use super::declare::{
    DeclaredType, EnumDeclaration, MemberDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use super::error::SchemaError;
use super::layout::{self, Resolve};
use super::model::{
    EnumDefinition, EnumIndex, FieldPath, RecordType, Schema, StructDefinition, StructIndex, Type,
};
use super::{collection, default, file, key, limits, names, order, references};
use crate::identifiers::TypeId;

impl Schema {
    /// Lays out `declaration` exactly as Cap'n Proto's compiler would, and checks it.
    ///
    /// Structs and enums that no record type reaches are left out. Costs a few microseconds a struct.
    pub fn from_declaration(declaration: &SchemaDeclaration) -> Result<Self, SchemaError> {
        limits::at_most(limits::TYPES, declaration.types.len(), "record types", || "the schema".into())?;
        let declared = Declared::new(declaration)?;
        let reached = declared.reach()?;
        let enums = reached.enums.iter().map(|is| define_enum(is)).collect::<Result<Vec<_>, _>>()?;
        let names = Names::new(&reached, enums)?;
        let mut structs: Vec<StructDefinition> = Vec::new();
        let mut fields = 0;
        for declared in &reached.structs {
            let laid_out = layout::lay_out(declared, StructIndex(structs.len() as u32), &names)?;
            fields += laid_out.iter().map(|definition| definition.fields.len()).sum::<usize>();
            limits::at_most(limits::ALL_FIELDS, fields, "fields", || "the schema".into())?;
            structs.extend(laid_out);
        }
        for declared in &reached.structs {
            collection::resolve(&declared.members, names.structs[declared.name.as_str()], &mut structs)?;
        }
        let types = record_types(&declaration.types, &structs, &names)?;
        let mut schema = Self { types, structs, enums: names.enums };
        default::check_pointers(&mut schema)?;
        references::check(&schema)?;
        file::check(&schema)?;
        order::sort_types(&mut schema);
        Ok(schema)
    }
}

/// The declarations by name.
struct Declared<'a> {
    types: &'a [TypeDeclaration],
    structs: HashMap<&'a str, &'a StructDeclaration>,
    enums: HashMap<&'a str, &'a EnumDeclaration>,
}

/// What the record types reach, in the order of names.
struct Reached<'a> {
    structs: Vec<&'a StructDeclaration>,
    enums: Vec<&'a EnumDeclaration>,
}

impl<'a> Declared<'a> {
    fn new(declaration: &'a SchemaDeclaration) -> Result<Self, SchemaError> {
        let structs: HashMap<_, _> = declaration.structs.iter().map(|is| (is.name.as_str(), is)).collect();
        let enums: HashMap<_, _> = declaration.enums.iter().map(|is| (is.name.as_str(), is)).collect();
        let all =
            declaration.structs.iter().map(|is| &is.name).chain(declaration.enums.iter().map(|is| &is.name));
        let mut seen = HashSet::new();
        for name in all {
            if !seen.insert(name) {
                return Err(SchemaError::DuplicateName { scope: "the schema".into(), name: name.clone() });
            }
        }
        Ok(Self { types: &declaration.types, structs, enums })
    }

    /// Follows the types of fields from the record types.
    fn reach(&self) -> Result<Reached<'a>, SchemaError> {
        let mut queue: VecDeque<&'a StructDeclaration> = VecDeque::new();
        for name in self.types.iter().map(|is| &is.name) {
            let place = || format!("record type `{name}`");
            let found = self.structs.get(name.as_str());
            queue
                .push_back(found.ok_or_else(|| SchemaError::Unknown { place: place(), name: name.clone() })?);
        }
        let (mut structs, mut enums) = (HashMap::new(), HashMap::new());
        while let Some(next) = queue.pop_front() {
            if structs.insert(next.name.as_str(), next).is_none() {
                self.follow(&next.members, &mut queue, &mut enums);
                limits::at_most(limits::NODES, structs.len() + enums.len(), "structs and enums", || {
                    "the schema".into()
                })?;
            }
        }
        Ok(Reached { structs: by_name(structs), enums: by_name(enums) })
    }

    fn follow(
        &self,
        members: &'a [MemberDeclaration],
        structs: &mut VecDeque<&'a StructDeclaration>,
        enums: &mut HashMap<&'a str, &'a EnumDeclaration>,
    ) {
        for member in members {
            match member {
                MemberDeclaration::Field { value_type, .. } => match innermost(value_type) {
                    DeclaredType::Struct(name) => structs.extend(self.structs.get(name.as_str())),
                    DeclaredType::Enum(name) => enums.extend(self.enums.get_key_value(name.as_str())),
                    _ => {}
                },
                MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
                    self.follow(members, structs, enums);
                }
            }
        }
    }
}

fn by_name<'a, T>(found: HashMap<&'a str, &'a T>) -> Vec<&'a T> {
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable_by_key(|(name, _)| *name);
    found.into_iter().map(|(_, declaration)| declaration).collect()
}

fn innermost(mut declared: &DeclaredType) -> &DeclaredType {
    while let DeclaredType::List(element) = declared {
        declared = element;
    }
    declared
}

fn define_enum(declared: &EnumDeclaration) -> Result<EnumDefinition, SchemaError> {
    let place = || format!("enum `{}`", declared.name);
    limits::at_most(limits::ENUMERANTS, declared.enumerants.len(), "enumerants", place)?;
    if declared.enumerants.is_empty() {
        return Err(SchemaError::TooFewMembers { place: place(), found: 0, least: 1 });
    }
    let mut seen = HashSet::new();
    for name in &declared.enumerants {
        names::check_member_name(name, &declared.name)?;
        if !seen.insert(name) {
            return Err(SchemaError::DuplicateName { scope: place(), name: name.clone() });
        }
    }
    let id = declared.id.unwrap_or_else(|| names::derived_id(&declared.name));
    Ok(EnumDefinition { id, name: declared.name.clone(), enumerants: declared.enumerants.clone() })
}

/// Where each name will stand in the schema. Known before anything is laid out, since structs may contain each other.
struct Names<'a> {
    structs: HashMap<&'a str, StructIndex>,
    enums_by_name: HashMap<&'a str, EnumIndex>,
    enums: Vec<EnumDefinition>,
}

impl<'a> Names<'a> {
    fn new(reached: &Reached<'a>, enums: Vec<EnumDefinition>) -> Result<Self, SchemaError> {
        let mut structs = HashMap::new();
        let mut next = 0;
        for declared in &reached.structs {
            structs.insert(declared.name.as_str(), StructIndex(next as u32));
            next += 1 + layout::count_groups(&declared.members);
            limits::at_most(limits::NODES, next, "structs and groups", || "the schema".into())?;
        }
        let enums_by_name =
            reached.enums.iter().zip(0..).map(|(is, at)| (is.name.as_str(), EnumIndex(at))).collect();
        let names = Self { structs, enums_by_name, enums };
        names.check(reached)?;
        Ok(names)
    }

    /// Names and ids that text can carry.
    fn check(&self, reached: &Reached<'_>) -> Result<(), SchemaError> {
        let structs = reached.structs.iter().map(|is| (is.name.as_str(), is.id));
        let enums = reached.enums.iter().map(|is| (is.name.as_str(), is.id));
        for (name, id) in structs.chain(enums) {
            names::check_type_name(name)?;
            if file::scopes_of(name).any(|scope| self.enums_by_name.contains_key(scope)) {
                let (place, problem) = (format!("`{name}`"), "is nested in an enum; move it out of it");
                return Err(SchemaError::Shape { place, problem });
            }
            id.map_or(Ok(()), |id| names::check_id(name, id))?;
        }
        Ok(())
    }
}

impl Resolve for Names<'_> {
    fn resolve(&self, declared: &DeclaredType) -> Option<Type> {
        Some(match declared {
            DeclaredType::Void => Type::Void,
            DeclaredType::Bool => Type::Bool,
            DeclaredType::Int8 => Type::Int8,
            DeclaredType::Int16 => Type::Int16,
            DeclaredType::Int32 => Type::Int32,
            DeclaredType::Int64 => Type::Int64,
            DeclaredType::UInt8 => Type::UInt8,
            DeclaredType::UInt16 => Type::UInt16,
            DeclaredType::UInt32 => Type::UInt32,
            DeclaredType::UInt64 => Type::UInt64,
            DeclaredType::Float32 => Type::Float32,
            DeclaredType::Float64 => Type::Float64,
            DeclaredType::Text => Type::Text,
            DeclaredType::Data => Type::Data,
            DeclaredType::Enum(name) => Type::Enum(*self.enums_by_name.get(name.as_str())?),
            DeclaredType::Struct(name) => Type::Struct(*self.structs.get(name.as_str())?),
            DeclaredType::List(element) => Type::List(Box::new(self.resolve(element)?)),
        })
    }

    fn enums(&self) -> &[EnumDefinition] {
        &self.enums
    }
}

/// The record types in declared order, with their keys resolved.
fn record_types(
    declared: &[TypeDeclaration],
    structs: &[StructDefinition],
    names: &Names<'_>,
) -> Result<Vec<RecordType>, SchemaError> {
    let mut by_name: HashSet<&str> = HashSet::new();
    let mut by_id: HashMap<TypeId, &str> = HashMap::new();
    let mut types = Vec::with_capacity(declared.len());
    for declaration in declared {
        let name = names::last_part(&declaration.name);
        if !by_name.insert(name) {
            return Err(SchemaError::DuplicateName { scope: "the record types".into(), name: name.into() });
        }
        let id = TypeId::of(name);
        if let Some(first) = by_id.insert(id, name) {
            return Err(SchemaError::ClashingTypes { first: first.into(), second: name.into() });
        }
        let structure = names.structs[declaration.name.as_str()];
        let key: Vec<FieldPath> = key::resolve(structs, structure, name, &declaration.key)?;
        types.push(RecordType { name: name.into(), id, structure, key });
    }
    Ok(types)
}
