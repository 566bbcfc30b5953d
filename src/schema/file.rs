//! A schema as one Cap'n Proto file: its id, its scopes, and the wrappers that go with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::SchemaError;
use super::model::{EnumDefinition, Schema, StructDefinition};
use super::{annotations, names, wrappers};

/// Name of the file in messages and in compiled schemas.
pub(super) const FILE_NAME: &str = "dataset.capnp";

/// What stands in a scope of the file.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Struct(&'a StructDefinition),
    Enum(&'a EnumDefinition),
    /// A struct that is no part of the schema, but in which a part of it is nested.
    Scope,
}

/// The file that holds a schema and its wrappers.
pub(super) struct File<'a> {
    pub(super) id: u64,
    /// Structs without groups, enums and scopes, by dotted name.
    pub(super) nodes: BTreeMap<&'a str, Node<'a>>,
    /// Names within each scope, `""` being the file: record types in their order, then the others by name, then
    /// wrappers.
    children: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> File<'a> {
    /// Arranges `schema` and its wrappers, which come from [`wrappers::structs_of`].
    pub(super) fn new(schema: &'a Schema, wrappers: &'a [StructDefinition]) -> Self {
        let mut nodes: BTreeMap<&str, Node<'_>> = BTreeMap::new();
        for definition in schema.structs.iter().chain(wrappers).filter(|definition| !definition.is_group) {
            nodes.insert(&definition.name, Node::Struct(definition));
        }
        nodes
            .extend(schema.enums.iter().map(|definition| (definition.name.as_str(), Node::Enum(definition))));
        for scope in nodes.keys().copied().flat_map(scopes_of).collect::<Vec<_>>() {
            nodes.entry(scope).or_insert(Node::Scope);
        }
        let ranks = schema.types.iter().map(|is| schema.structure(is.structure).name.as_str());
        let types: HashMap<&str, usize> = ranks.zip(0..).collect();
        let last: HashMap<&str, usize> = wrappers.iter().map(|is| is.name.as_str()).zip(0..).collect();
        let mut in_order: Vec<&str> = nodes.keys().copied().collect();
        in_order
            .sort_by_key(|name| (last.get(name).copied(), types.get(name).copied().unwrap_or(usize::MAX)));
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for name in in_order {
            children.entry(names::scope_of(name).unwrap_or("")).or_default().push(name);
        }
        Self { id: file_id(schema), nodes, children }
    }

    /// Dotted names of what stands directly in `scope`; `""` is the file.
    pub(super) fn children(&self, scope: &str) -> &[&'a str] {
        self.children.get(scope).map_or(&[], Vec::as_slice)
    }

    /// Id of the struct, enum or scope called `name`; the file's own for `""`.
    pub(super) fn id_of(&self, name: &str) -> u64 {
        match self.nodes.get(name) {
            None => self.id,
            Some(Node::Struct(definition)) => definition.id,
            Some(Node::Enum(definition)) => definition.id,
            Some(Node::Scope) => names::derived_id(name),
        }
    }
}

/// The scopes around a dotted name, innermost first.
pub(super) fn scopes_of(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(names::scope_of(name), |scope| names::scope_of(scope))
}

/// An id that stays the same while fields come and record types stay.
fn file_id(schema: &Schema) -> u64 {
    let mut types: Vec<_> =
        schema.types.iter().map(|is| schema.structure(is.structure).name.as_str()).collect();
    types.sort_unstable();
    names::derived_id(&format!("{FILE_NAME} {}", types.join(" ")))
}

/// Refuses what could not stand in one file with the wrappers: a name or an id that means two things.
pub(super) fn check(schema: &Schema) -> Result<(), SchemaError> {
    let structs = schema.structs.iter().map(|is| top_of(&is.name));
    let tops: HashSet<&str> = structs.chain(schema.enums.iter().map(|is| top_of(&is.name))).collect();
    if let Some(name) = wrappers::names_of(schema).find(|name| tops.contains(name.as_str())) {
        let rule = "a struct that holds the records in the dataset's files has this name; rename yours";
        return Err(SchemaError::Name { place: "a struct or enum".into(), name, rule });
    }
    let wrappers = wrappers::structs_of(schema);
    let file = File::new(schema, &wrappers);
    let nodes = file.nodes.keys().map(|name| (*name, file.id_of(name)));
    let groups = schema.structs.iter().filter(|is| is.is_group).map(|is| (is.name.as_str(), is.id));
    let ours = annotations::ALL.iter().map(|annotation| (annotation.name, annotation.id));
    let mut by_id: HashMap<u64, &str> = HashMap::from([(file.id, FILE_NAME)]);
    for (name, id) in ours.chain(nodes).chain(groups) {
        if let Some(first) = by_id.insert(id, name) {
            return Err(SchemaError::DuplicateId { first: first.into(), second: name.into(), id });
        }
    }
    Ok(())
}

fn top_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(top, _)| top)
}
