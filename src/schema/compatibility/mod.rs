//! Whether a dataset can go on under another schema without a break.
//!
//! A whitelist: a new field, a new type, a new enumerant, a new arm of a union. Everything else is a break, for each of
//! these would give bytes that are already in the store another meaning. A writer that knows *less* than the dataset
//! is none (keeps semantics 9, 25): what the dataset has stays, so the schema to go on with is the union of both.
//!
//! Structs and enums are matched by name, fields by ordinal and enumerants by value, for that is what places them. A
//! **rename is a break**, of `$name` as well. It moves no byte, but names are what everything else goes by: keys,
//! queries, JSON, the columns of files. And fields are often numbered by the order of columns: two columns of one type
//! that changed places look exactly like two renames, and would be read as each other ever after.
//!
//! A `$references` may be added; the dataset keeps it when a writer does not know it. Node ids and the order of
//! declarations do not count.

mod merge;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use super::identity::collect;
use super::model::{EnumDefinition, Field, FieldKind, FieldPath, Schema, StructDefinition, StructIndex};

/// What another schema means for a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// The stored schema has all that the other has.
    Same,
    /// The other has more. The dataset goes on with this one: the union of both, under the stored ids.
    Extends(Schema),
    /// Only a version with a snapshot and no delta can change to the other.
    Break(Vec<BreakReason>),
}

/// One difference that is a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakReason {
    /// Struct, enum or record type.
    pub type_name: String,
    /// Dotted field within it, by its stored name; empty where the whole type differs.
    pub field: String,
    /// What differs.
    pub change: Change,
    /// What the dataset has.
    pub from: String,
    /// What the other schema has.
    pub to: String,
}

/// What differs about a field or type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Its name, or that of a group around it.
    Name,
    /// The name that files and output use for it.
    ShownName,
    /// Its type.
    Type,
    /// Its default, with which stored values are combined.
    Default,
    /// The union that it is a member of, or its place in that.
    Union,
    /// The type whose key it holds.
    Reference,
    /// Whether a list is kept as a set or a map, and of which key: readers look for elements where that puts them.
    Collection,
    /// The key of a record type.
    Key,
    /// The struct that records of a type are.
    Struct,
    /// Whether a name is that of a struct or of an enum.
    Kind,
    /// Both together are no schema: `to` says why.
    Together,
}

impl fmt::Display for BreakReason {
    /// One sentence: ``field `Movie.year` has another type: Int32, now Int64``.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.change {
            Change::Name => "another name",
            Change::ShownName => "another name in files and output",
            Change::Type => "another type",
            Change::Default => "another default",
            Change::Union => "another place in unions",
            Change::Reference => "another reference",
            Change::Collection => "another order of its elements",
            Change::Key => "another key",
            Change::Struct => "another struct",
            Change::Kind => "another kind",
            Change::Together => "changes that do not go with the stored schema",
        };
        match self.field.as_str() {
            "" => write!(out, "`{}` has {what}: ", self.type_name)?,
            field => write!(out, "field `{}.{field}` has {what}: ", self.type_name)?,
        }
        write!(out, "{}, now {}", self.from, self.to)
    }
}

impl Schema {
    /// Compares this schema, which a dataset has, with one that a writer brings. A few microseconds a struct.
    #[must_use]
    pub fn compatibility(&self, new: &Self) -> Compatibility {
        let mut comparison = Comparison { stored: self, new, reasons: Vec::new() };
        comparison.types();
        comparison.structs();
        comparison.enums();
        if !comparison.reasons.is_empty() {
            return Compatibility::Break(comparison.reasons);
        }
        match merge::merge(self, new) {
            Ok(merged) if merged == *self => Compatibility::Same,
            Ok(merged) => Compatibility::Extends(merged),
            Err(error) => Compatibility::Break(vec![BreakReason {
                type_name: "the schema".into(),
                field: String::new(),
                change: Change::Together,
                from: "each alone is one".into(),
                to: error.to_string(),
            }]),
        }
    }
}

struct Comparison<'a> {
    stored: &'a Schema,
    new: &'a Schema,
    reasons: Vec<BreakReason>,
}

impl<'a> Comparison<'a> {
    fn differ(&mut self, type_name: &str, field: &str, change: Change, from: String, to: String) {
        if from != to {
            let (type_name, field) = (type_name.into(), field.into());
            self.reasons.push(BreakReason { type_name, field, change, from, to });
        }
    }

    fn types(&mut self) {
        let (stored, new) = (self.stored, self.new);
        for old in stored.types() {
            let Some(new_type) = new.find_type(&old.name).map(|at| new.record_type(at)) else { continue };
            let names = [stored.structure(old.structure), new.structure(new_type.structure)]
                .map(|is| is.name.clone());
            let [from, to] = names;
            self.differ(&old.name, "", Change::Struct, from, to);
            let from = key_text(stored, old.structure, &old.key);
            self.differ(&old.name, "", Change::Key, from, key_text(new, new_type.structure, &new_type.key));
        }
    }

    fn structs(&mut self) {
        let (structs, enums) = (by_name(self.new), enums_by_name(self.new));
        for old in self.stored.structs.iter().filter(|is| !is.is_group) {
            if enums.contains_key(old.name.as_str()) {
                self.differ(&old.name, "", Change::Kind, "a struct".into(), "an enum".into());
            } else if let Some(new) = structs.get(old.name.as_str()) {
                self.structure(old, new);
            }
        }
    }

    fn enums(&mut self) {
        let (structs, enums) = (by_name(self.new), enums_by_name(self.new));
        for old in &self.stored.enums {
            if structs.contains_key(old.name.as_str()) {
                self.differ(&old.name, "", Change::Kind, "an enum".into(), "a struct".into());
            }
            let Some(new) = enums.get(old.name.as_str()) else { continue };
            for (from, to) in old.enumerants.iter().zip(&new.enumerants) {
                self.differ(&old.name, from, Change::Name, from.clone(), to.clone());
            }
        }
    }

    /// Compares the fields that both structs have, by ordinal.
    fn structure(&mut self, old: &'a StructDefinition, new: &'a StructDefinition) {
        for (old_way, new_way) in in_order(self.stored, old).iter().zip(&in_order(self.new, new)) {
            let path = dotted(old_way, |field| field.name.clone());
            let new_path = dotted(new_way, |field| field.name.clone());
            if path == new_path {
                let shown = |way: &[&Field]| dotted(way, |field| field.shown_name().into());
                self.differ(&old.name, &path, Change::ShownName, shown(old_way), shown(new_way));
                self.differ(&old.name, &path, Change::Union, in_unions(old_way), in_unions(new_way));
            } else {
                self.differ(&old.name, &path, Change::Name, path.clone(), new_path);
            }
            self.slot(&old.name, &path, old_way, new_way);
        }
    }

    fn slot(&mut self, structure: &str, path: &str, old_way: &[&Field], new_way: &[&Field]) {
        let (old, new) = (old_way[old_way.len() - 1], new_way[new_way.len() - 1]);
        let (
            FieldKind::Slot { value_type: old_type, default: old_default, .. },
            FieldKind::Slot { value_type: new_type, default: new_default, .. },
        ) = (&old.kind, &new.kind)
        else {
            unreachable!("a way ends with its slot");
        };
        let (from, to) = (self.stored.type_name(old_type), self.new.type_name(new_type));
        if from != to {
            return self.differ(structure, path, Change::Type, from, to);
        }
        let default = |schema: &Schema, value_type, default| match schema.default_text(value_type, default) {
            text if text.is_empty() => "none".to_owned(),
            text => text,
        };
        if old_default != new_default {
            let from = default(self.stored, old_type, old_default);
            self.differ(structure, path, Change::Default, from, default(self.new, new_type, new_default));
        }
        let collection = |schema: &Schema, field| {
            schema.declared_collection(field).map_or_else(|| "a plain list".to_owned(), |is| is.to_string())
        };
        self.differ(
            structure,
            path,
            Change::Collection,
            collection(self.stored, old),
            collection(self.new, new),
        );
        if let (Some(from), Some(to)) = (&old.references, &new.references) {
            self.differ(structure, path, Change::Reference, from.clone(), to.clone());
        }
    }
}

fn by_name(schema: &Schema) -> HashMap<&str, &StructDefinition> {
    schema.structs.iter().filter(|is| !is.is_group).map(|is| (is.name.as_str(), is)).collect()
}

fn enums_by_name(schema: &Schema) -> HashMap<&str, &EnumDefinition> {
    schema.enums.iter().map(|is| (is.name.as_str(), is)).collect()
}

/// The way to every slot, by ordinal.
fn in_order<'a>(schema: &'a Schema, definition: &'a StructDefinition) -> Vec<Vec<&'a Field>> {
    let mut slots = Vec::new();
    collect(schema, definition, &mut Vec::new(), &mut slots);
    slots.sort_unstable_by_key(|way| way.last().map(|slot| slot.ordinal));
    slots
}

/// Where a slot, or a group on the way to it, is a member of a union.
fn in_unions(way: &[&Field]) -> String {
    let members =
        way.iter().filter_map(|field| Some(format!("`{}` as member {}", field.name, field.discriminant?)));
    let members: Vec<_> = members.collect();
    if members.is_empty() { "in no union".into() } else { members.join(", ") }
}

fn dotted(way: &[&Field], text: impl Fn(&Field) -> String) -> String {
    way.iter().map(|field| text(field)).collect::<Vec<_>>().join(".")
}

fn key_text(schema: &Schema, structure: StructIndex, key: &[FieldPath]) -> String {
    let fields: Vec<_> = key.iter().map(|path| schema.joined(structure, path, |field| &field.name)).collect();
    if fields.is_empty() { "none".into() } else { fields.join(", ") }
}
