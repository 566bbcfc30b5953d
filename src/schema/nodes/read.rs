//! Compiled schemas, read as foreign bytes.
//!
//! The nodes are turned into the declaration that they say they were compiled from, which is laid out and checked like
//! any other; then the layout that the nodes claim is compared with that. What comes out cannot be wrong in a way that
//! a declared schema could not be.

use std::collections::{HashMap, HashSet, VecDeque};

use capnp::message::ReaderOptions;
use capnp::schema_capnp::{code_generator_request, node};

use super::members::Members;
use super::{InPart, verify};
use crate::schema::declare::{EnumDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration};
use crate::schema::error::SchemaError;
use crate::schema::model::Schema;
use crate::schema::{annotations, limits, names};

/// Words that reading may follow for each word of a compiled schema: it is read a few times, never more.
const TRAVERSALS: usize = 8;

impl Schema {
    /// Reads what `capnp compile -o-` prints: a stream-framed `CodeGeneratorRequest`, at most 64 MiB.
    ///
    /// The record types are the structs called `types`, by dotted name or, where only one struct has it, by the last
    /// part of that; if `types` is empty, all structs with a `$key`. Structs without one are keyless types. Constants,
    /// annotations of others, and whatever no record type reaches are ignored.
    pub fn from_code_generator_request(bytes: &[u8], types: &[&str]) -> Result<Self, SchemaError> {
        limits::at_most(limits::COMPILED_BYTES, bytes.len(), "bytes", || "the compiled schema".into())?;
        let mut rest = bytes;
        let options = ReaderOptions {
            traversal_limit_in_words: Some(bytes.len() * TRAVERSALS / 8 + limits::DEFAULT_WORDS),
            nesting_limit: 64,
        };
        let message = capnp::serialize::read_message(&mut rest, options).of("the message")?;
        if !rest.is_empty() {
            let what = "what follows the message".into();
            let source = capnp::Error::failed(format!("{} bytes are left over", rest.len()));
            return Err(SchemaError::Malformed { what, source });
        }
        let request: code_generator_request::Reader<'_> = message.get_root().of("the message")?;
        let nodes = Nodes::new(request)?;
        let types = if types.is_empty() { nodes.with_key()? } else { nodes.called(types)? };
        schema_of(&nodes, &types)
    }

    /// Reads the bytes that [`Schema::stored_bytes`] wrote. Whatever is wrong with them is
    /// [`SchemaError::Stored`].
    pub fn from_stored_bytes(bytes: &[u8]) -> Result<Self, SchemaError> {
        match Self::from_code_generator_request(bytes, &[]) {
            // A dataset may have no types yet.
            Err(SchemaError::NoRecordType) => Self::from_declaration(&SchemaDeclaration::default()),
            read => read.map_err(|source| SchemaError::Stored { source: Box::new(source) }),
        }
    }
}

/// Nodes by id.
pub(in crate::schema) struct Nodes<'a> {
    by_id: HashMap<u64, node::Reader<'a>>,
}

impl<'a> Nodes<'a> {
    fn new(request: code_generator_request::Reader<'a>) -> Result<Self, SchemaError> {
        let mut nodes = Self::empty();
        for node in request.get_nodes().of("the list of nodes")? {
            nodes.add(node)?;
        }
        Ok(nodes)
    }

    /// No nodes.
    pub(in crate::schema) fn empty() -> Self {
        Self { by_id: HashMap::new() }
    }

    /// Adds a node, whose id must be new.
    pub(in crate::schema) fn add(&mut self, node: node::Reader<'a>) -> Result<(), SchemaError> {
        let id = node.get_id();
        if let Some(other) = self.by_id.insert(id, node) {
            let (first, second) = (name_of(other)?.into(), name_of(node)?.into());
            return Err(SchemaError::DuplicateId { first, second, id });
        }
        limits::at_most(limits::NODES * 2, self.by_id.len(), "nodes", || "the compiled schema".into())
    }

    /// Whether there is a node with this id.
    pub(in crate::schema) fn contains(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The node with this id, which `place` needs.
    pub(super) fn get(&self, id: u64, place: &str) -> Result<node::Reader<'a>, SchemaError> {
        self.by_id.get(&id).copied().ok_or_else(|| SchemaError::MissingNode { place: place.into(), id })
    }

    /// The structs with a `$key`, by name.
    fn with_key(&self) -> Result<Vec<u64>, SchemaError> {
        let mut found = Vec::new();
        for (name, id) in self.structs()? {
            let annotations = self.by_id[&id].get_annotations().of(name)?;
            if annotations.iter().any(|annotation| annotation.get_id() == annotations::KEY) {
                found.push(id);
            }
        }
        if found.is_empty() { Err(SchemaError::NoRecordType) } else { Ok(found) }
    }

    /// The structs called `names`.
    fn called(&self, names: &[&str]) -> Result<Vec<u64>, SchemaError> {
        let structs = self.structs()?;
        let find = |wanted: &str| {
            let full = structs.iter().filter(|(name, _)| *name == wanted);
            let short =
                structs.iter().filter(|(name, _)| *name != wanted && names::last_part(name) == wanted);
            let ids: Vec<u64> = full.chain(short).map(|(_, id)| *id).collect();
            let is_full = structs.iter().filter(|(name, _)| *name == wanted).count();
            match (ids.as_slice(), is_full) {
                ([], _) => Err(SchemaError::Unknown {
                    place: "the list of record types".into(),
                    name: wanted.into(),
                }),
                ([id], _) | ([id, ..], 1) => Ok(*id),
                _ => Err(SchemaError::DuplicateName {
                    scope: "the compiled schema".into(),
                    name: wanted.into(),
                }),
            }
        };
        names.iter().map(|name| find(name)).collect()
    }

    /// Names and ids of all structs, by name.
    fn structs(&self) -> Result<Vec<(&'a str, u64)>, SchemaError> {
        let mut found = Vec::new();
        for (id, node) in &self.by_id {
            if let Ok(node::Struct(is)) = node.which()
                && !is.get_is_group()
            {
                found.push((name_of(*node)?, *id));
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// Dotted name of a node within its file. The text before the colon is the file's own name.
pub(super) fn name_of(node: node::Reader<'_>) -> Result<&str, SchemaError> {
    let part = format!("node {:#x}", node.get_id());
    let name = node.get_display_name().of(&part)?.to_str().of(&part)?;
    Ok(name.rsplit_once(':').map_or(name, |(_, name)| name))
}

/// The schema whose record types are the structs with the ids `types`.
pub(in crate::schema) fn schema_of(nodes: &Nodes<'_>, types: &[u64]) -> Result<Schema, SchemaError> {
    let mut walk = Walk { nodes, seen: HashSet::new(), queue: types.iter().copied().collect(), fields: 0 };
    let mut declaration = SchemaDeclaration::default();
    for id in types {
        declaration.types.push(walk.record_type(*id)?);
    }
    while let Some(id) = walk.queue.pop_front() {
        if walk.seen.insert(id) {
            walk.declare(id, &mut declaration)?;
        }
    }
    let schema = Schema::from_declaration(&declaration)?;
    verify::layout(&schema, nodes)?;
    Ok(schema)
}

/// Declares the nodes that the record types reach, each once.
struct Walk<'a, 'n> {
    nodes: &'n Nodes<'a>,
    seen: HashSet<u64>,
    queue: VecDeque<u64>,
    fields: usize,
}

impl Walk<'_, '_> {
    fn record_type(&self, id: u64) -> Result<TypeDeclaration, SchemaError> {
        let node = self.nodes.get(id, "a record type")?;
        let name = name_of(node)?;
        let place = format!("struct `{name}`");
        let mut key = Vec::new();
        for annotation in node.get_annotations().of(&place)? {
            if annotation.get_id() == annotations::KEY {
                key = annotations::texts(annotation, &place)?;
            }
        }
        Ok(TypeDeclaration { name: name.into(), key })
    }

    fn declare(&mut self, id: u64, declaration: &mut SchemaDeclaration) -> Result<(), SchemaError> {
        let node = self.nodes.get(id, "a field's type")?;
        let name = name_of(node)?;
        let place = format!("`{name}`");
        let unsupported = |what, advice| Err(SchemaError::Unsupported { place: place.clone(), what, advice });
        if node.get_is_generic() {
            return unsupported("is generic", "write a struct for each type that it holds");
        }
        for annotation in node.get_annotations().of(&place)? {
            annotations::refuse(annotation, &[annotations::KEY], &place)?;
        }
        match node.which().of(&place)? {
            node::Struct(structure) if structure.get_is_group() => {
                unsupported("is a group and the type of a field", "compile the schema again")
            }
            node::Struct(structure) => {
                let (nodes, types) = (self.nodes, Vec::new());
                let mut members = Members { nodes, seen: &mut self.seen, types, fields: &mut self.fields };
                let declared = members.of(structure, name, 0)?;
                self.queue.extend(members.types);
                declaration.structs.push(StructDeclaration {
                    id: Some(id),
                    name: name.into(),
                    members: declared,
                });
                Ok(())
            }
            node::Enum(enumeration) => {
                let enumerants = enumeration.get_enumerants().of(&place)?;
                limits::at_most(limits::ENUMERANTS, enumerants.len() as usize, "enumerants", || {
                    place.clone()
                })?;
                let mut texts = Vec::new();
                for enumerant in enumerants {
                    for annotation in enumerant.get_annotations().of(&place)? {
                        annotations::refuse(annotation, &[], &place)?;
                    }
                    texts.push(enumerant.get_name().of(&place)?.to_string().of(&place)?);
                }
                declaration.enums.push(EnumDeclaration {
                    id: Some(id),
                    name: name.into(),
                    enumerants: texts,
                });
                Ok(())
            }
            _ => unsupported("is neither a struct nor an enum", "compile the schema again"),
        }
    }
}
