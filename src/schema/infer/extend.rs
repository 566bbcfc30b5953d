//! An existing type and a file that may have more columns, or fewer, or others than it can hold.

use super::declare::{
    Declarer, Inference, Observed, Site, flattened, is_called, is_full, names, refuse_collision, shown_name,
};
use super::fit::{fits, optional_value};
use super::names::field_name;
use super::resolve::{self, Path};
use super::shape::{ListShape, Member, ObjectShape, Shape};
use super::{InferenceError, MAX_MEMBERS};
use crate::schema::{DeclaredType, MemberDeclaration, SchemaDeclaration, TypeDeclaration};

/// Names of fields that an error lists.
const ADVISED_NAMES: usize = 20;

/// Holds a file against the type it is for, and appends fields for the columns that are new.
pub(super) struct Extension<'a> {
    declarer: Declarer<'a>,
    /// Columns that are new are refused.
    is_closed: bool,
    new_columns: Vec<String>,
}

/// A struct, or one of the groups in it, by position: groups lie within groups.
#[derive(Clone)]
struct Place {
    structure: usize,
    groups: Vec<usize>,
}

impl<'a> Extension<'a> {
    pub(super) fn new(observed: &'a Observed<'a>, existing: SchemaDeclaration) -> Self {
        Self { declarer: Declarer::new(observed, existing), is_closed: false, new_columns: Vec::new() }
    }

    pub(super) fn of_closed(observed: &'a Observed<'a>, existing: SchemaDeclaration) -> Self {
        Self { is_closed: true, ..Self::new(observed, existing) }
    }

    pub(super) fn extend(mut self) -> Result<Inference<SchemaDeclaration>, InferenceError> {
        let observed = self.declarer.observed;
        let place = self.struct_place(&self.declared_type().name);
        self.refuse_changed_key(&place)?;
        let missing = self.missing_columns(&place);
        self.extend_members(&place, observed.records, &Path::default())?;
        Ok(self.declarer.finish(missing, self.new_columns))
    }

    fn refuse_changed_key(&self, place: &Place) -> Result<(), InferenceError> {
        let observed = self.declarer.observed;
        if observed.key.is_empty() {
            return Ok(());
        }
        let own_names = |key: &[String]| -> Vec<String> {
            key.iter().map(|dotted| self.own_name(place, dotted).unwrap_or_else(|| dotted.clone())).collect()
        };
        let declared = &self.declared_type().key;
        if own_names(declared) == own_names(observed.key) {
            return Ok(());
        }
        Err(InferenceError::KeyChanged {
            type_name: observed.type_name.to_owned(),
            declared: if declared.is_empty() { "none".to_owned() } else { declared.join(",") },
            found: observed.key.join(","),
        })
    }

    fn declared_type(&self) -> &TypeDeclaration {
        let types = &self.declarer.declaration.types;
        let name = self.declarer.observed.type_name;
        types.iter().find(|known| is_called(known, name)).expect("only a known type is extended")
    }

    /// The dotted Cap'n Proto names of a field that is given by those or by its names in files.
    fn own_name(&self, place: &Place, dotted: &str) -> Option<String> {
        let members = self.members(place);
        let whole = find(members, dotted).or_else(|| find_own(members, dotted));
        if let Some(member) = whole {
            return Some(names(&member)?.0.to_owned());
        }
        dotted.match_indices('.').find_map(|(dot, _)| {
            let head = &dotted[..dot];
            let member = find(members, head).or_else(|| find_own(members, head))?;
            let inner = self.inner_place(place, &member)?;
            Some(format!("{}.{}", names(&member)?.0, self.own_name(&inner, &dotted[dot + 1..])?))
        })
    }

    fn inner_place(&self, place: &Place, member: &MemberDeclaration) -> Option<Place> {
        match member {
            MemberDeclaration::Group { .. } => Some(self.group_place(place, member)),
            MemberDeclaration::Field { value_type: DeclaredType::Struct(name), .. } => {
                Some(self.struct_place(name))
            }
            _ => None,
        }
    }

    /// Columns of the type that no record of the file mentions.
    fn missing_columns(&self, place: &Place) -> Vec<String> {
        let records = self.declarer.observed.records;
        if records.overflow().is_some() {
            return Vec::new();
        }
        let there: std::collections::HashSet<&str> =
            records.members().iter().map(|member| member.name.as_str()).collect();
        let is_missing = |member: &&MemberDeclaration| {
            let is_void = matches!(member, MemberDeclaration::Field { value_type: DeclaredType::Void, .. });
            !is_void && shown_name(member).is_some_and(|name| !there.contains(name))
        };
        let mut missing = Vec::new();
        for member in self.members(place) {
            match member {
                MemberDeclaration::Union { members } => {
                    let shown: Vec<_> = members.iter().filter_map(shown_name).collect();
                    if !shown.iter().any(|name| there.contains(name)) {
                        missing.push(shown.join("|"));
                    }
                }
                other if is_missing(&other) => missing.extend(shown_name(other).map(str::to_owned)),
                _ => {}
            }
        }
        missing
    }

    fn extend_members(
        &mut self,
        place: &Place,
        object: &ObjectShape,
        path: &Path,
    ) -> Result<(), InferenceError> {
        if !self.is_closed {
            resolve::refuse_overflow(self.declarer.observed, object, path)?;
        }
        for member in object.members() {
            let path = path.member(&member.name);
            match find(self.members(place), &member.name) {
                Some(declared) => self.extend_member(place, &declared, &member.shape, &path)?,
                None if self.is_closed => return Err(self.unknown_member(place, member, &path)),
                None => self.add_member(place, member, &path)?,
            }
        }
        Ok(())
    }

    fn extend_member(
        &mut self,
        place: &Place,
        declared: &MemberDeclaration,
        shape: &Shape,
        path: &Path,
    ) -> Result<(), InferenceError> {
        match declared {
            MemberDeclaration::Field { value_type, .. } => self.extend_value(value_type, shape, path),
            group if optional_value(group).is_some() => {
                self.extend_value(optional_value(group).expect("just found"), shape, path)
            }
            group => {
                fits(self.declarer.observed, shape, "a group", path)?;
                let place = self.group_place(place, group);
                shape.object().map_or(Ok(()), |object| self.extend_members(&place, object, path))
            }
        }
    }

    fn extend_value(
        &mut self,
        declared: &DeclaredType,
        shape: &Shape,
        path: &Path,
    ) -> Result<(), InferenceError> {
        fits(self.declarer.observed, shape, declared, path)?;
        match (declared, shape.list(), shape.object()) {
            (DeclaredType::List(element), Some(list), _) => self.extend_elements(element, list, path),
            (DeclaredType::Struct(name), _, Some(object)) => {
                let place = self.struct_place(name);
                self.extend_members(&place, object, path)
            }
            _ => Ok(()),
        }
    }

    fn extend_elements(
        &mut self,
        element: &DeclaredType,
        list: &ListShape,
        path: &Path,
    ) -> Result<(), InferenceError> {
        let path = path.elements();
        // Lists of a schema that is given may hold null texts; of other elements it is refused when records are made.
        if !self.is_closed {
            resolve::refuse_null_elements(self.declarer.observed, list, &path)?;
        }
        self.extend_value(element, &list.element, &path)
    }

    fn add_member(&mut self, place: &Place, member: &Member, path: &Path) -> Result<(), InferenceError> {
        let scope = self.declarer.declaration.structs[place.structure].name.clone();
        let ordinal = next_ordinal(&self.declarer.declaration.structs[place.structure].members);
        let mut site = Site { scope: &scope, ordinal };
        let Some(declared) = self.declarer.declare_member(&mut site, &member.name, &member.shape, path)?
        else {
            return Ok(());
        };
        if matches!(self.members(place), [MemberDeclaration::Union { .. }]) {
            return Err(self.unknown_union_member(member, path));
        }
        if is_full(self.members(place)) {
            let first = member.shape.first();
            return Err(resolve::too_many_members(self.declarer.observed, first, path, &member.name));
        }
        refuse_collision(self.members(place), &scope, &member.name, &declared)?;
        self.members_mut(place).push(declared);
        self.new_columns.push(path.to_string());
        Ok(())
    }

    fn unknown_union_member(&self, member: &Member, path: &Path) -> InferenceError {
        let place = member.shape.first();
        InferenceError::UnknownUnionMember {
            file: self.declarer.observed.file(place),
            line: place.line,
            field: path.to_string(),
            member: member.name.clone(),
        }
    }

    fn unknown_member(&self, place: &Place, member: &Member, path: &Path) -> InferenceError {
        let first = member.shape.first();
        let own = field_name(&member.name);
        let members = self.members(place);
        let advice = match find_own(members, &member.name).or_else(|| find_own(members, &own)) {
            Some(declared) => match names(&declared) {
                Some((_, Some(original))) => format!("files call it `{original}`"),
                _ => format!("rename it to `{own}`, or give that field $name({:?})", member.name),
            },
            None => {
                let known = flattened(members).filter_map(shown_name).take(ADVISED_NAMES);
                let known: Vec<_> = known.collect();
                format!("rename it, leave it out or declare it; the fields here are {}", known.join(", "))
            }
        };
        InferenceError::UnknownMember {
            file: self.declarer.observed.file(first),
            line: first.line.max(1),
            field: path.to_string(),
            member: member.name.clone(),
            advice,
        }
    }

    fn struct_place(&self, name: &str) -> Place {
        let mut structs = self.declarer.declaration.structs.iter();
        let structure = structs.position(|known| known.name == name).expect("a declared type names a struct");
        Place { structure, groups: Vec::new() }
    }

    fn group_place(&self, place: &Place, group: &MemberDeclaration) -> Place {
        let mut members = flattened(self.members(place));
        let at = members.position(|member| member == group).expect("the group was found here");
        Place { structure: place.structure, groups: place.groups.iter().copied().chain([at]).collect() }
    }

    fn members(&self, place: &Place) -> &[MemberDeclaration] {
        let members = &self.declarer.declaration.structs[place.structure].members;
        place.groups.iter().fold(members.as_slice(), |members, at| match flattened(members).nth(*at) {
            Some(MemberDeclaration::Group { members, .. }) => members,
            _ => unreachable!("a place leads through groups"),
        })
    }

    fn members_mut(&mut self, place: &Place) -> &mut Vec<MemberDeclaration> {
        let mut members = &mut self.declarer.declaration.structs[place.structure].members;
        for at in &place.groups {
            let mut all = members.iter_mut().flat_map(|member| match member {
                MemberDeclaration::Union { members } => members.as_mut_slice(),
                other => std::slice::from_mut(other),
            });
            members = match all.nth(*at) {
                Some(MemberDeclaration::Group { members, .. }) => members,
                _ => unreachable!("a place leads through groups"),
            };
        }
        members
    }
}

/// The member that files call `name`.
fn find(members: &[MemberDeclaration], name: &str) -> Option<MemberDeclaration> {
    flattened(members).find(|member| shown_name(member) == Some(name)).cloned()
}

/// The member that the schema calls `name`.
fn find_own(members: &[MemberDeclaration], name: &str) -> Option<MemberDeclaration> {
    flattened(members).find(|member| names(member).is_some_and(|known| known.0 == name)).cloned()
}

/// The ordinal after all that a struct's members use, groups and unions included.
fn next_ordinal(members: &[MemberDeclaration]) -> u16 {
    let ordinals = members.iter().map(|member| match member {
        MemberDeclaration::Field { ordinal, .. } => ordinal + 1,
        MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
            next_ordinal(members)
        }
    });
    ordinals.max().unwrap_or(0)
}

const _: () = assert!(MAX_MEMBERS * 2 < u16::MAX as usize, "ordinals of a struct's members fit");
