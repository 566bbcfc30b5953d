//! The keys of other records that a record holds.
//!
//! A field with `$references` holds the key of a record of another type; it may lie in groups, structs and lists of structs, and a struct may
//! contain itself. So what is compiled is a graph of the structs on the way: each knows which of its fields lead on and which hold a key.

#[cfg(test)]
mod tests;
mod visit;

use crate::schema::{Field, FieldKind, Schema, StructIndex, Type, TypeIndex};

use super::dynamic::find_field;
use super::key::kind_of;
use super::route::{FieldRoute, RouteValue};
use super::{DynamicValue, KeyBytes, KeyKind, WireError};

/// How to come from the records of a type to the keys that they hold of other types.
#[derive(Clone, Debug)]
pub(crate) struct ReferencePlan {
    root: StructIndex,
    /// The ways on from each struct or group; the first is the record.
    nodes: Vec<Vec<Way>>,
    held: Vec<HeldKey>,
}

/// A field and what it leads to.
#[derive(Clone, Copy, Debug)]
struct Way {
    field: usize,
    to: To,
}

#[derive(Clone, Copy, Debug)]
enum To {
    /// A struct or group, or a list of structs.
    Node(usize),
    /// A key, or a list of keys.
    Key(usize),
}

/// A field that holds keys.
#[derive(Clone, Debug)]
pub(crate) struct HeldKey {
    /// The struct it is declared in and its name: `Product.supplier`.
    pub(crate) name: Box<str>,
    /// The type whose keys they are.
    pub(crate) target: TypeIndex,
    parts: Parts,
}

/// How a key is put together.
#[derive(Clone, Debug)]
enum Parts {
    /// The value is the key.
    One(KeyKind),
    /// The value is a struct that has the key's fields.
    Several(Box<[(FieldRoute, KeyKind)]>),
}

impl ReferencePlan {
    /// Every reference that records of the type at `index` hold to types of `schema`.
    pub(crate) fn all(schema: &Schema, index: TypeIndex) -> Self {
        let mut plan = Self::of(schema, index);
        let mut structs = vec![plan.root];
        let mut at = 0;
        while at < structs.len() {
            let mut ways = Vec::new();
            for (field, definition) in schema.structure(structs[at]).fields.iter().enumerate() {
                if let Some(held) = plan.hold(schema, structs[at], definition) {
                    ways.push(Way { field, to: To::Key(held) });
                }
                // A struct that holds a key may hold others inside.
                if let Some(inner) = scope(definition) {
                    ways.push(Way { field, to: To::Node(place(&mut structs, inner)) });
                }
            }
            plan.nodes.push(ways);
            at += 1;
        }
        plan.drop_dead_ends();
        plan
    }

    /// The reference that the dotted `path` leads to, through groups, structs and lists of structs; `None` if it leads to none. A field that is
    /// an optional group stands for its value.
    pub(crate) fn at(schema: &Schema, index: TypeIndex, path: &str) -> Option<Self> {
        let mut plan = Self::of(schema, index);
        let mut at = plan.root;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            let field = find_field(schema.structure(at), name)?;
            if names.peek().is_some() {
                at = plan.enter(schema, at, field)?;
                continue;
            }
            if let Some(held) = plan.hold(schema, at, field) {
                plan.nodes.push(vec![Way { field: place_of(schema, at, field), to: To::Key(held) }]);
                return Some(plan);
            }
            let FieldKind::Group(group) = field.kind else { return None };
            let value = schema.optional_value(group)?;
            at = plan.enter(schema, at, field)?;
            let held = plan.hold(schema, at, value)?;
            plan.nodes.push(vec![Way { field: place_of(schema, at, value), to: To::Key(held) }]);
            return Some(plan);
        }
        None
    }

    /// The fields that hold keys.
    pub(crate) fn held(&self) -> &[HeldKey] {
        &self.held
    }

    fn of(schema: &Schema, index: TypeIndex) -> Self {
        Self { root: schema.record_type(index).structure, nodes: Vec::new(), held: Vec::new() }
    }

    /// Goes on in what `field` leads to.
    fn enter(&mut self, schema: &Schema, at: StructIndex, field: &Field) -> Option<StructIndex> {
        let inner = scope(field)?;
        self.nodes.push(vec![Way { field: place_of(schema, at, field), to: To::Node(self.nodes.len() + 1) }]);
        Some(inner)
    }

    /// The number of the keys that `field` holds, if it holds some of a type that the schema has.
    fn hold(&mut self, schema: &Schema, at: StructIndex, field: &Field) -> Option<usize> {
        let target = schema.find_type(field.references.as_ref()?)?;
        let FieldKind::Slot { value_type, .. } = &field.kind else { return None };
        let record_type = schema.record_type(target);
        let kinds = record_type.key.iter().map(|path| kind_of(schema, record_type, path));
        let parts = match innermost(value_type) {
            Type::Struct(holder) => {
                let paths = schema.held_key(*holder, record_type)?;
                let routes = paths.iter().map(|path| FieldRoute::new(schema, *holder, path));
                Parts::Several(routes.zip(kinds).collect())
            }
            _ => Parts::One(kinds.into_iter().next()?),
        };
        let name = format!("{}.{}", schema.structure(at).name, field.name).into();
        self.held.push(HeldKey { name, target, parts });
        Some(self.held.len() - 1)
    }

    /// Leaves out the ways to nodes from which no way leads to a key, so that visits do not walk them.
    fn drop_dead_ends(&mut self) {
        let mut leads = vec![false; self.nodes.len()];
        let goes_on = |way: &Way, leads: &[bool]| match way.to {
            To::Key(_) => true,
            To::Node(node) => leads[node],
        };
        // Each round finds nodes one step farther from a key.
        for _ in 0..self.nodes.len() {
            for node in 0..self.nodes.len() {
                leads[node] = self.nodes[node].iter().any(|way| goes_on(way, &leads));
            }
        }
        for ways in &mut self.nodes {
            ways.retain(|way| goes_on(way, &leads));
        }
    }
}

impl HeldKey {
    /// Appends the bytes of the key that `value` is; `false` if it has a null in it.
    fn write(&self, value: DynamicValue<'_>, key: &mut KeyBytes) -> Result<bool, WireError> {
        match (&self.parts, value) {
            (Parts::Several(parts), DynamicValue::Struct(holder)) => {
                for (route, kind) in parts {
                    match route.read(holder.reader())? {
                        Some(RouteValue::Bits(bits)) => push_number(bits, *kind, key),
                        Some(RouteValue::Bytes(bytes)) => push_counted(bytes, key),
                        None => return Ok(false),
                    }
                }
            }
            (Parts::One(_), DynamicValue::Text(text)) => push_counted(text.as_bytes(), key),
            (Parts::One(_), DynamicValue::Data(data)) => push_counted(data, key),
            (Parts::One(kind), number) => push_number(bits_of(number), *kind, key),
            (Parts::Several(_), value) => unreachable!("{value:?} is no struct, and a schema asks for one"),
        }
        Ok(true)
    }
}

fn push_number(bits: u64, kind: KeyKind, key: &mut KeyBytes) {
    let width = kind.width().expect("a text and data are no numbers");
    key.push(&bits.to_le_bytes()[..width]);
}

fn push_counted(bytes: &[u8], key: &mut KeyBytes) {
    key.push(&(bytes.len() as u32).to_le_bytes());
    key.push(bytes);
}

fn bits_of(value: DynamicValue<'_>) -> u64 {
    match value {
        DynamicValue::Bool(bit) => u64::from(bit),
        DynamicValue::Int(number) => number.cast_unsigned(),
        DynamicValue::UInt(number) => number,
        DynamicValue::Enum(value) => u64::from(value.value()),
        other => unreachable!("a schema refuses {other:?} as a key"),
    }
}

/// The number of the node of `structure`, one more if it has none yet.
fn place(structs: &mut Vec<StructIndex>, structure: StructIndex) -> usize {
    structs.iter().position(|known| *known == structure).unwrap_or_else(|| {
        structs.push(structure);
        structs.len() - 1
    })
}

fn place_of(schema: &Schema, at: StructIndex, field: &Field) -> usize {
    let fields = &schema.structure(at).fields;
    fields.iter().position(|known| known.name == field.name).expect("the field is one of this struct")
}

/// What the values of a field are, lists looked through.
fn innermost(mut value_type: &Type) -> &Type {
    while let Type::List(element) = value_type {
        value_type = element;
    }
    value_type
}

/// The group or struct that a field leads to, lists looked through.
fn scope(field: &Field) -> Option<StructIndex> {
    match &field.kind {
        FieldKind::Group(inner) => Some(*inner),
        FieldKind::Slot { value_type, .. } => match innermost(value_type) {
            Type::Struct(inner) => Some(*inner),
            _ => None,
        },
    }
}
