//! Lays out structs exactly as Cap'n Proto's compiler does.
//!
//! Two passes. The first walks the members in code order: it makes a [`StructDefinition`] for the struct and for each
//! of its groups, and notes for every ordinal where its field stands and to which scope of the [`Space`] it belongs.
//! The second goes through the ordinals: it places each field and numbers the members of unions as they turn up. So
//! offsets and discriminants depend on ordinals alone, and a field that is added never moves an older one.

mod holes;
mod space;

use std::collections::HashSet;

use super::declare::{DeclaredType, MemberDeclaration, StructDeclaration};
use super::default;
use super::error::SchemaError;
use super::model::{Default, EnumDefinition, Field, FieldKind, StructDefinition, StructIndex, Type};
use super::{limits, names};
use space::{Scope, Space, UnionId};

/// What the declared names of a schema stand for.
pub(super) trait Resolve {
    /// The type that `declared` means.
    fn resolve(&self, declared: &DeclaredType) -> Option<Type>;
    /// The enums of the schema.
    fn enums(&self) -> &[EnumDefinition];
}

/// Lays out `declaration` as the struct with index `at`; its groups get the indexes after it.
pub(super) fn lay_out(
    declaration: &StructDeclaration,
    at: StructIndex,
    names: &dyn Resolve,
) -> Result<Vec<StructDefinition>, SchemaError> {
    let id = declaration.id.unwrap_or_else(|| names::derived_id(&declaration.name));
    let mut layout =
        Layout { at, id, names, space: Space::default(), scopes: Vec::new(), placements: Vec::new() };
    layout.open(&declaration.name, Scope::Struct, None, &declaration.members)?;
    layout.place_in_order()?;
    layout.finish()
}

/// How many groups the members hold, at any depth.
pub(super) fn count_groups(members: &[MemberDeclaration]) -> usize {
    members
        .iter()
        .map(|member| match member {
            MemberDeclaration::Field { .. } => 0,
            MemberDeclaration::Group { members, .. } => 1 + count_groups(members),
            MemberDeclaration::Union { members } => count_groups(members),
        })
        .sum()
}

struct Layout<'a> {
    at: StructIndex,
    id: u64,
    names: &'a dyn Resolve,
    space: Space,
    /// The struct, then its groups in the order in which they open.
    scopes: Vec<OpenScope>,
    /// Where the field of each ordinal stands.
    placements: Vec<Placement>,
}

/// A struct or group that is being laid out.
struct OpenScope {
    definition: StructDefinition,
    /// Its unnamed union.
    union: Option<UnionId>,
    /// Members of that union which have a discriminant.
    numbered: u16,
    /// Whether each field is a member of that union.
    in_union: Vec<bool>,
    /// The scope and the field that lead here; `None` for the struct.
    parent: Option<(usize, usize)>,
    nesting: usize,
}

struct Placement {
    ordinal: u16,
    scope: usize,
    field: usize,
    space: Scope,
}

impl Layout<'_> {
    /// Opens the struct or a group; returns its place in `scopes`.
    fn open(
        &mut self,
        name: &str,
        space: Scope,
        parent: Option<(usize, usize)>,
        members: &[MemberDeclaration],
    ) -> Result<usize, SchemaError> {
        let nesting = parent.map_or(0, |(scope, _)| self.scopes[scope].nesting + 1);
        limits::at_most(limits::NESTING, nesting, "groups around it", || format!("`{name}`"))?;
        if members.is_empty() {
            return Err(SchemaError::TooFewMembers { place: format!("`{name}`"), found: 0, least: 1 });
        }
        let id = parent.map_or(self.id, |_| names::group_id(self.id, &name[self.struct_name_len()..]));
        let definition = StructDefinition {
            id,
            name: name.into(),
            is_group: parent.is_some(),
            data_words: 0,
            pointer_words: 0,
            discriminant_offset: None,
            fields: Vec::new(),
        };
        let scope = self.scopes.len();
        self.scopes.push(OpenScope {
            definition,
            union: None,
            numbered: 0,
            in_union: Vec::new(),
            parent,
            nesting,
        });
        for member in members {
            match member {
                MemberDeclaration::Union { members } => self.open_union(scope, space, members)?,
                member => self.add(scope, space, member, false)?,
            }
        }
        self.check_names(scope)?;
        Ok(scope)
    }

    fn open_union(
        &mut self,
        scope: usize,
        space: Scope,
        members: &[MemberDeclaration],
    ) -> Result<(), SchemaError> {
        let place = || format!("`{}`", self.scopes[scope].definition.name);
        if self.scopes[scope].union.is_some() {
            let problem = "has two unnamed unions; put one into a group";
            return Err(SchemaError::Shape { place: place(), problem });
        }
        if members.len() < 2 {
            let place = format!("the union of {}", place());
            return Err(SchemaError::TooFewMembers { place, found: members.len(), least: 2 });
        }
        let union = self.space.add_union(space);
        self.scopes[scope].union = Some(union);
        for member in members {
            let space = self.space.add_member(union);
            self.add(scope, space, member, true)?;
        }
        Ok(())
    }

    /// Adds a field or group to a scope.
    fn add(
        &mut self,
        scope: usize,
        space: Scope,
        member: &MemberDeclaration,
        in_union: bool,
    ) -> Result<(), SchemaError> {
        let field = self.scopes[scope].definition.fields.len();
        match member {
            MemberDeclaration::Field {
                name,
                original_name,
                references,
                ordinal,
                value_type,
                default,
                ..
            } => {
                let place = self.place(scope, name);
                let kind = self.slot(&place, value_type, default)?;
                self.placements.push(Placement { ordinal: *ordinal, scope, field, space });
                let (name, original_name, references) =
                    (name.clone(), original_name.clone(), references.clone());
                let (collection, discriminant, ordinal) = (None, None, Some(*ordinal));
                let added =
                    Field { name, original_name, references, collection, discriminant, ordinal, kind };
                self.push(scope, added, in_union)
            }
            MemberDeclaration::Group { name, original_name, members } => {
                let kind = FieldKind::Group(StructIndex(self.at.0 + self.scopes.len() as u32));
                let (field_name, original_name) = (name.clone(), original_name.clone());
                let added = Field {
                    name: field_name,
                    original_name,
                    references: None,
                    collection: None,
                    discriminant: None,
                    ordinal: None,
                    kind,
                };
                self.push(scope, added, in_union)?;
                let name = format!("{}.{name}", self.scopes[scope].definition.name);
                self.open(&name, space, Some((scope, field)), members).map(|_| ())
            }
            MemberDeclaration::Union { .. } => {
                let problem = "has an unnamed union directly within a union; give the inner one a name";
                let place = format!("`{}`", self.scopes[scope].definition.name);
                Err(SchemaError::Shape { place, problem })
            }
        }
    }

    fn push(&mut self, scope: usize, field: Field, in_union: bool) -> Result<(), SchemaError> {
        let parent = &mut self.scopes[scope];
        names::check_member_name(&field.name, &parent.definition.name)?;
        if let Some(name) = &field.original_name {
            names::check_original_name(name, &parent.definition.name)?;
        }
        parent.definition.fields.push(field);
        parent.in_union.push(in_union);
        let found = self.placements.len().max(self.scopes.len());
        limits::at_most(limits::FIELDS, found, "fields", || format!("`{}`", self.scopes[0].definition.name))
    }

    fn slot(
        &self,
        place: &str,
        declared: &DeclaredType,
        default: &Default,
    ) -> Result<FieldKind, SchemaError> {
        limits::at_most(limits::NESTING, list_depth(declared), "lists within lists", || place.into())?;
        let Some(value_type) = self.names.resolve(declared) else {
            return Err(SchemaError::Unknown { place: place.into(), name: innermost(declared) });
        };
        let default = default::checked(place, &value_type, default, self.names.enums())?;
        Ok(FieldKind::Slot { offset: 0, value_type, default })
    }

    /// Names and original names of a scope are all different, so that a path of either means one field.
    fn check_names(&self, scope: usize) -> Result<(), SchemaError> {
        let definition = &self.scopes[scope].definition;
        let mut seen = HashSet::new();
        for field in &definition.fields {
            let other = field.original_name.as_deref().filter(|original| *original != field.name);
            for name in [Some(field.name.as_str()), other].into_iter().flatten() {
                if !seen.insert(name) {
                    let scope = format!("`{}`", definition.name);
                    return Err(SchemaError::DuplicateName { scope, name: name.into() });
                }
            }
        }
        Ok(())
    }

    /// The second pass: places every field, in the order of ordinals.
    fn place_in_order(&mut self) -> Result<(), SchemaError> {
        let mut placements = std::mem::take(&mut self.placements);
        placements.sort_by_key(|placement| placement.ordinal);
        for (placement, expected) in placements.iter().zip(0..) {
            let found = u32::from(placement.ordinal);
            let field = &self.scopes[placement.scope].definition.fields[placement.field];
            if found != expected {
                let place = self.place(placement.scope, &field.name);
                return Err(SchemaError::Ordinals { place, expected, found });
            }
            self.number(placement.scope, placement.field);
            self.place_slot(placement)?;
        }
        Ok(())
    }

    /// Gives a member of a union its discriminant, and before it the groups that it lies in.
    fn number(&mut self, scope: usize, field: usize) {
        if let Some((scope, field)) = self.scopes[scope].parent {
            self.number(scope, field);
        }
        let scope = &mut self.scopes[scope];
        if scope.in_union[field] && scope.definition.fields[field].discriminant.is_none() {
            scope.definition.fields[field].discriminant = Some(scope.numbered);
            scope.numbered += 1;
        }
    }

    fn place_slot(&mut self, placement: &Placement) -> Result<(), SchemaError> {
        let field = &mut self.scopes[placement.scope].definition.fields[placement.field];
        let FieldKind::Slot { offset, value_type, .. } = &mut field.kind else {
            unreachable!("only slots have ordinals");
        };
        let placed = match size_of(value_type) {
            Size::None => self.space.add_void(placement.space).map(|()| 0),
            Size::Bits(size) => self.space.add_data(placement.space, size),
            Size::Pointer => self.space.add_pointer(placement.space),
        };
        if let Ok(at) = placed {
            *offset = at;
            return Ok(());
        }
        let name = field.name.clone();
        Err(SchemaError::AmbiguousLayout { place: self.place(placement.scope, &name) })
    }

    /// Copies widths and discriminant offsets into the definitions.
    fn finish(self) -> Result<Vec<StructDefinition>, SchemaError> {
        let name = &self.scopes[0].definition.name;
        let width = |words: u32, what| {
            limits::at_most(usize::from(u16::MAX), words as usize, what, || format!("`{name}`"))?;
            Ok(words as u16)
        };
        let data_words = width(self.space.data_words(), "words of data")?;
        let pointer_words = width(self.space.pointers(), "pointers")?;
        let definitions = self.scopes.into_iter().map(|scope| StructDefinition {
            data_words,
            pointer_words,
            discriminant_offset: scope
                .union
                .map(|union| self.space.discriminant(union).expect("two members of the union have fields")),
            ..scope.definition
        });
        Ok(definitions.collect())
    }

    fn place(&self, scope: usize, field: &str) -> String {
        format!("field `{}.{field}`", self.scopes[scope].definition.name)
    }

    fn struct_name_len(&self) -> usize {
        self.scopes[0].definition.name.len()
    }
}

/// What a value takes of its struct.
pub(super) enum Size {
    None,
    /// So many bits of data, as a power of two.
    Bits(u32),
    Pointer,
}

/// What a value of `value_type` takes of its struct.
pub(super) fn size_of(value_type: &Type) -> Size {
    match value_type {
        Type::Void => Size::None,
        Type::Bool => Size::Bits(0),
        Type::Int8 | Type::UInt8 => Size::Bits(3),
        Type::Int16 | Type::UInt16 | Type::Enum(_) => Size::Bits(4),
        Type::Int32 | Type::UInt32 | Type::Float32 => Size::Bits(5),
        Type::Int64 | Type::UInt64 | Type::Float64 => Size::Bits(6),
        Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => Size::Pointer,
    }
}

fn list_depth(mut declared: &DeclaredType) -> usize {
    let mut depth = 0;
    while let DeclaredType::List(element) = declared {
        (declared, depth) = (element, depth + 1);
    }
    depth
}

/// The name that a type could not be resolved for.
fn innermost(mut declared: &DeclaredType) -> String {
    while let DeclaredType::List(element) = declared {
        declared = element;
    }
    match declared {
        DeclaredType::Struct(name) | DeclaredType::Enum(name) => name.clone(),
        plain => format!("{plain:?}"),
    }
}
