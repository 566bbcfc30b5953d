//! From the shape of a type's records to its declarations.

use super::extend::Extension;
use super::names::{field_name, is_type_name, struct_name};
use super::resolve::{self, Kind, Path};
use super::shape::{ObjectShape, Place, Shape};
use super::{InferenceError, MAX_MEMBERS};
use crate::schema::names::last_part;
use crate::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
    limits,
};

/// What the first pass over the files of one type found.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Name of the type: `Airport`.
    pub type_name: &'a str,
    /// Key columns in key order, by their names in the files, dotted where they lie in objects. Empty for a keyless
    /// type, and for a type whose key the existing schema has.
    pub key: &'a [String],
    /// The records.
    pub records: &'a ObjectShape,
    /// Names of the files, for messages; [`Place::file`] counts them.
    pub files: &'a [String],
}

impl Observed<'_> {
    pub(super) fn file(&self, place: Place) -> String {
        self.files.get(place.file as usize).cloned().unwrap_or_default()
    }
}

/// A schema that the files of a type fit, and what a person wants to know of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Inference<S = Schema> {
    /// The schema: the existing one with the type, or the type's new fields, added.
    pub schema: S,
    /// Columns of the existing type that the files lack altogether, by their names in files; where none of a union's
    /// members is there, all of them joined by `|`. To go on needs the user's word (semantics 9).
    pub missing_columns: Vec<String>,
    /// Columns that became new fields of an existing type, dotted.
    pub new_columns: Vec<String>,
    /// Columns without a single value that has a type, dotted: they wait.
    pub waiting_columns: Vec<String>,
}

/// The schema that the records of a type have, added to what the dataset declares already.
///
/// Errors name file, line, field and both sides of what does not go together.
pub fn infer(observed: &Observed<'_>, existing: Option<&Schema>) -> Result<Inference, InferenceError> {
    let existing = existing.map(Schema::to_declaration).unwrap_or_default();
    let inference = infer_declaration(observed, existing)?;
    Ok(Inference {
        schema: Schema::from_declaration(&inference.schema)?,
        missing_columns: inference.missing_columns,
        new_columns: inference.new_columns,
        waiting_columns: inference.waiting_columns,
    })
}

/// Holds the records of a type against a schema that is given and stays as it is.
///
/// Returns the columns of the type that they lack, as [`Inference::missing_columns`]. Errors name file, line, field and what does not fit, and
/// a member that no field takes with the name that could be meant. Of more than [`MAX_MEMBERS`] members the first are looked at, and none is
/// said to be missing; the others are judged when records are made.
pub fn conform(observed: &Observed<'_>, schema: &Schema) -> Result<Vec<String>, InferenceError> {
    if schema.find_type(observed.type_name).is_none() {
        let known: Vec<_> = schema.types().iter().map(|is| is.name.as_str()).collect();
        let name = observed.type_name.to_owned();
        return Err(InferenceError::UnknownType { name, known: known.join(", ") });
    }
    let extension = Extension::of_closed(observed, schema.to_declaration());
    Ok(extension.extend()?.missing_columns)
}

/// As [`infer`], on declarations.
pub fn infer_declaration(
    observed: &Observed<'_>,
    existing: SchemaDeclaration,
) -> Result<Inference<SchemaDeclaration>, InferenceError> {
    if existing.types.iter().any(|known| is_called(known, observed.type_name)) {
        return Extension::new(observed, existing).extend();
    }
    let mut declarer = Declarer::new(observed, existing);
    declarer.declare_type()?;
    Ok(declarer.finish(Vec::new(), Vec::new()))
}

/// Whether records of a type go by `name`: the last part of the struct's.
pub(super) fn is_called(known: &TypeDeclaration, name: &str) -> bool {
    last_part(&known.name) == name
}

/// Appends declarations to a schema.
pub(super) struct Declarer<'a> {
    pub(super) observed: &'a Observed<'a>,
    pub(super) declaration: SchemaDeclaration,
    /// Ways to the key columns: their fields are plain.
    key: Vec<Vec<String>>,
    waiting: Vec<String>,
    /// Values in each other around the one that is being declared, itself included.
    depth: usize,
}

/// Where new fields go: the struct that scopes the names of nested ones, and the next ordinal.
pub(super) struct Site<'a> {
    pub(super) scope: &'a str,
    pub(super) ordinal: u16,
}

impl<'a> Declarer<'a> {
    pub(super) fn new(observed: &'a Observed<'a>, existing: SchemaDeclaration) -> Self {
        Self { observed, declaration: existing, key: Vec::new(), waiting: Vec::new(), depth: 0 }
    }

    pub(super) fn finish(self, missing: Vec<String>, new: Vec<String>) -> Inference<SchemaDeclaration> {
        Inference {
            schema: self.declaration,
            missing_columns: missing,
            new_columns: new,
            waiting_columns: self.waiting,
        }
    }

    fn declare_type(&mut self) -> Result<(), InferenceError> {
        let name = self.observed.type_name;
        if !is_type_name(name) {
            return Err(InferenceError::TypeName { name: name.to_owned() });
        }
        if self.is_taken(name) {
            return Err(InferenceError::TypeTaken { name: name.to_owned() });
        }
        for column in self.observed.key {
            let way = self.key_way(column)?;
            if self.key.contains(&way) {
                let type_name = name.to_owned();
                return Err(InferenceError::KeyTwice { type_name, column: column.clone() });
            }
            self.key.push(way);
        }
        if !self.declare_struct(name, self.observed.records, &Path::default())? {
            return Err(InferenceError::NoColumns { type_name: name.to_owned() });
        }
        let key = self.key.iter().map(|way| dotted_fields(way)).collect();
        self.declaration.types.push(TypeDeclaration { name: name.to_owned(), key });
        Ok(())
    }

    /// Declares a struct for objects; `false` when no member has a type, and nothing was declared.
    fn declare_struct(
        &mut self,
        name: &str,
        object: &ObjectShape,
        path: &Path,
    ) -> Result<bool, InferenceError> {
        resolve::refuse_overflow(self.observed, object, path)?;
        let at = self.declaration.structs.len();
        let members = Vec::with_capacity(object.members().len());
        self.declaration.structs.push(StructDeclaration { id: None, name: name.to_owned(), members });
        let mut site = Site { scope: name, ordinal: 0 };
        for member in object.members() {
            let path = path.member(&member.name);
            if let Some(declared) = self.declare_member(&mut site, &member.name, &member.shape, &path)? {
                self.add_member(at, name, &member.name, declared)?;
            }
        }
        let has_members = !self.declaration.structs[at].members.is_empty();
        if !has_members {
            self.declaration.structs.truncate(at);
        }
        Ok(has_members)
    }

    fn add_member(
        &mut self,
        structure: usize,
        struct_name: &str,
        column: &str,
        declared: MemberDeclaration,
    ) -> Result<(), InferenceError> {
        let members = &mut self.declaration.structs[structure].members;
        refuse_collision(members, struct_name, column, &declared)?;
        members.push(declared);
        Ok(())
    }

    /// The declaration of one new column; `None` while it waits for a type.
    pub(super) fn declare_member(
        &mut self,
        site: &mut Site<'_>,
        column: &str,
        shape: &Shape,
        path: &Path,
    ) -> Result<Option<MemberDeclaration>, InferenceError> {
        let name = field_name(column);
        let Some(value_type) = self.declare_value(site.scope, &name, shape, path)? else {
            self.waiting.push(path.to_string());
            return Ok(None);
        };
        let original_name = (name != column).then(|| column.to_owned());
        let is_key = self.key.iter().any(|way| path.is(way));
        let is_plain = is_key || !is_number_or_bool(&value_type);
        let first = site.ordinal;
        site.ordinal += if is_plain { 1 } else { 2 };
        Ok(Some(if is_plain {
            field(name, original_name, first, value_type)
        } else {
            optional_group(name, original_name, first, value_type)
        }))
    }

    fn declare_value(
        &mut self,
        scope: &str,
        field: &str,
        shape: &Shape,
        path: &Path,
    ) -> Result<Option<DeclaredType>, InferenceError> {
        self.depth += 1;
        limits::at_most(limits::INFERRED_NESTING, self.depth, "values in each other", || {
            self.observed.type_name.to_owned()
        })?;
        let declared = self.declare_kind(scope, field, shape, path);
        self.depth -= 1;
        declared
    }

    fn declare_kind(
        &mut self,
        scope: &str,
        field: &str,
        shape: &Shape,
        path: &Path,
    ) -> Result<Option<DeclaredType>, InferenceError> {
        match resolve::kind(self.observed, shape, path)? {
            Kind::Waits => Ok(None),
            Kind::Scalar(scalar) => Ok(Some(scalar)),
            Kind::List(list) => {
                let path = path.elements();
                resolve::refuse_null_elements(self.observed, list, &path)?;
                let element = self.declare_value(scope, field, &list.element, &path)?;
                Ok(element.map(|element| DeclaredType::List(Box::new(element))))
            }
            Kind::Object(object) => {
                let taken = |name: &str| self.is_taken(&format!("{scope}.{name}"));
                let name = format!("{scope}.{}", struct_name(field, taken));
                let declared = self.declare_struct(&name, object, path)?;
                Ok(declared.then_some(DeclaredType::Struct(name)))
            }
        }
    }

    fn is_taken(&self, name: &str) -> bool {
        let declaration = &self.declaration;
        declaration.structs.iter().any(|known| known.name == name)
            || declaration.enums.iter().any(|known| known.name == name)
    }

    /// The members that lead to a key column, whose values can be part of a key.
    fn key_way(&self, column: &str) -> Result<Vec<String>, InferenceError> {
        let (way, shape) =
            find_column(self.observed.records, column).ok_or_else(|| self.key_missing(column))?;
        let path = way.iter().fold(Path::default(), |path, name| path.member(name));
        let found = match resolve::kind(self.observed, shape, &path)? {
            Kind::Waits => return Err(self.key_missing(column)),
            Kind::Scalar(DeclaredType::Float64) => "a number with a point or exponent",
            Kind::Scalar(_) => return Ok(way),
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        };
        let place = if shape.float.seen() { shape.float.first } else { shape.first() };
        let file = self.observed.file(place);
        Err(InferenceError::KeyType { file, line: place.line, column: column.to_owned(), found })
    }

    fn key_missing(&self, column: &str) -> InferenceError {
        let members = self.observed.records.members().iter();
        let with_values = members.filter(|member| !resolve::sides(&member.shape).is_empty());
        let columns: Vec<_> = with_values.take(20).map(|member| member.name.as_str()).collect();
        InferenceError::KeyMissing {
            type_name: self.observed.type_name.to_owned(),
            column: column.to_owned(),
            columns: if columns.is_empty() { "none".to_owned() } else { columns.join(", ") },
        }
    }
}

/// Refuses a member whose Cap'n Proto name another one of the same struct or group has.
pub(super) fn refuse_collision(
    members: &[MemberDeclaration],
    type_name: &str,
    column: &str,
    declared: &MemberDeclaration,
) -> Result<(), InferenceError> {
    let Some((name, _)) = names(declared) else { return Ok(()) };
    let Some(first) = flattened(members).find(|member| names(member).is_some_and(|known| known.0 == name))
    else {
        return Ok(());
    };
    Err(InferenceError::NameCollision {
        type_name: type_name.to_owned(),
        first: shown_name(first).unwrap_or_default().to_owned(),
        second: column.to_owned(),
        name: name.to_owned(),
    })
}

/// Members of a struct or group with those of its unnamed union in the union's place.
pub(super) fn flattened(members: &[MemberDeclaration]) -> impl Iterator<Item = &MemberDeclaration> {
    members.iter().flat_map(|member| match member {
        MemberDeclaration::Union { members } => members.as_slice(),
        other => std::slice::from_ref(other),
    })
}

/// The name a member has in files; `None` for an unnamed union.
pub(super) fn shown_name(member: &MemberDeclaration) -> Option<&str> {
    names(member).map(|(name, original)| original.unwrap_or(name))
}

/// Its Cap'n Proto name and its own, where it has one.
pub(super) fn names(member: &MemberDeclaration) -> Option<(&str, Option<&str>)> {
    match member {
        MemberDeclaration::Field { name, original_name, .. }
        | MemberDeclaration::Group { name, original_name, .. } => Some((name, original_name.as_deref())),
        MemberDeclaration::Union { .. } => None,
    }
}

/// Whether a struct has so many members that one more is refused.
pub(super) fn is_full(members: &[MemberDeclaration]) -> bool {
    flattened(members).count() >= MAX_MEMBERS
}

/// The way to a column: the whole name, or the name of an object before a dot and the rest within it.
fn find_column<'a>(object: &'a ObjectShape, column: &str) -> Option<(Vec<String>, &'a Shape)> {
    let named = |name: &str| object.members().iter().find(|member| member.name == name);
    if let Some(member) = named(column) {
        return Some((vec![column.to_owned()], &member.shape));
    }
    column.match_indices('.').find_map(|(dot, _)| {
        let member = named(&column[..dot])?;
        let (way, shape) = find_column(member.shape.object()?, &column[dot + 1..])?;
        Some(([member.name.clone()].into_iter().chain(way).collect(), shape))
    })
}

fn dotted_fields(way: &[String]) -> String {
    way.iter().map(|name| field_name(name)).collect::<Vec<_>>().join(".")
}

fn is_number_or_bool(value_type: &DeclaredType) -> bool {
    use DeclaredType::{Bool, Float64, Int64, UInt64};
    matches!(value_type, Bool | Int64 | UInt64 | Float64)
}

fn field(
    name: String,
    original_name: Option<String>,
    ordinal: u16,
    value_type: DeclaredType,
) -> MemberDeclaration {
    MemberDeclaration::Field {
        name,
        original_name,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: Default::Zero,
    }
}

/// `name :group { union { none @ordinal :Void; value @(ordinal + 1) :T; } }`
fn optional_group(
    name: String,
    original_name: Option<String>,
    ordinal: u16,
    value_type: DeclaredType,
) -> MemberDeclaration {
    let none = field("none".to_owned(), None, ordinal, DeclaredType::Void);
    let value = field("value".to_owned(), None, ordinal + 1, value_type);
    let members = vec![MemberDeclaration::Union { members: vec![none, value] }];
    MemberDeclaration::Group { name, original_name, members }
}
