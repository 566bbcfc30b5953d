//! When two schemas are one.
//!
//! A schema is what its records look like: the names, keys and order of its types, and of every field its ordinal,
//! names, type, default, union and reference. The order of declarations, code order and node ids say nothing about
//! records and do not count. Offsets need no mention either: they follow from the rest.
//!
//! All of that is written down as one canonical **description**; equality compares descriptions, and the hash of a
//! schema is the xxh3-128 of the description. Strings stand with their length before them,
//! every number is a `u32`, little-endian:
//!
//! ```text
//! "hollowcast schema 1"
//! number of types, by name:    name, name of the struct, number of key fields: path
//! number of structs, by name:  name, number of slots, by ordinal:
//!     number of steps to the slot: name, original name or "", discriminant + 1 or 0
//!     type (behind it ` $set` or ` $map("key")`, as text has it), "" or the type referenced,
//!     0 | 1 low bits high bits | 2 number of words: low bits high bits
//! number of enums, by name:    name, number of enumerants: name
//! ```

use std::hash::{Hash, Hasher};

use super::model::{Default, Field, FieldKind, Schema, StructDefinition, Type};
use crate::identifiers::ContentHash;

impl Schema {
    /// The hash of what the schema says, equal for equal schemas and stable for ever. A few microseconds a struct.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash::of(&describe(self))
    }
}

impl PartialEq for Schema {
    /// Compares what the schemas say about records; a few microseconds a struct.
    fn eq(&self, other: &Self) -> bool {
        describe(self) == describe(other)
    }
}

impl Eq for Schema {}

impl Hash for Schema {
    fn hash<H: Hasher>(&self, state: &mut H) {
        describe(self).hash(state);
    }
}

fn describe(schema: &Schema) -> Vec<u8> {
    let mut out = Description(Vec::new());
    out.text("hollowcast schema 1");
    let mut types: Vec<_> = schema.types.iter().collect();
    types.sort_unstable_by_key(|is| &is.name);
    out.list(&types, |out, is| {
        out.text(&is.name);
        out.text(&schema.structure(is.structure).name);
        out.list(&is.key, |out, path| out.text(&schema.joined(is.structure, path, |field| &field.name)));
    });
    let mut structs: Vec<_> = schema.structs.iter().filter(|is| !is.is_group).collect();
    structs.sort_unstable_by_key(|is| &is.name);
    out.list(&structs, |out, is| {
        out.text(&is.name);
        let mut slots = Vec::new();
        collect(schema, is, &mut Vec::new(), &mut slots);
        slots.sort_unstable_by_key(|way| way.last().map(|slot| slot.ordinal));
        out.list(&slots, |out, way| out.slot(schema, way));
    });
    let mut enums: Vec<_> = schema.enums.iter().collect();
    enums.sort_unstable_by_key(|is| &is.name);
    out.list(&enums, |out, is| {
        out.text(&is.name);
        out.list(&is.enumerants, |out, name| out.text(name));
    });
    out.0
}

/// The way to every slot of a struct: the groups it lies in, then the slot.
pub(super) fn collect<'a>(
    schema: &'a Schema,
    definition: &'a StructDefinition,
    way: &mut Vec<&'a Field>,
    slots: &mut Vec<Vec<&'a Field>>,
) {
    for field in &definition.fields {
        way.push(field);
        match &field.kind {
            FieldKind::Slot { .. } => slots.push(way.clone()),
            FieldKind::Group(group) => collect(schema, schema.structure(*group), way, slots),
        }
        way.pop();
    }
}

struct Description(Vec<u8>);

impl Description {
    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn bits(&mut self, bits: u64) {
        self.0.extend(bits.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.0.extend(text.as_bytes());
    }

    fn list<T>(&mut self, elements: &[T], each: impl Fn(&mut Self, &T)) {
        self.number(elements.len() as u32);
        for element in elements {
            each(self, element);
        }
    }

    fn slot(&mut self, schema: &Schema, way: &[&Field]) {
        self.list(way, |out, field| {
            out.text(&field.name);
            out.text(field.original_name.as_deref().unwrap_or(""));
            out.number(field.discriminant.map_or(0, |discriminant| u32::from(discriminant) + 1));
        });
        let slot = way.last().expect("a way ends with its slot");
        let FieldKind::Slot { value_type, default, .. } = &slot.kind else {
            unreachable!("a way ends with its slot")
        };
        let collection = schema.declared_collection(slot);
        let collection = collection.map(|is| format!(" {is}")).unwrap_or_default();
        self.text(&(schema.type_name(value_type) + &collection));
        self.text(slot.references.as_deref().unwrap_or(""));
        match default {
            Default::Zero => self.number(0),
            Default::Bits(bits) => {
                self.number(1);
                self.bits(*bits);
            }
            Default::Pointer(words) => {
                self.number(2);
                self.list(words, |out, word| out.bits(*word));
            }
        }
    }
}

impl Schema {
    /// A type as text would have it at the top of the file: `List(Movie.Rating)`.
    pub(crate) fn type_name(&self, value_type: &Type) -> String {
        match value_type {
            Type::List(element) => format!("List({})", self.type_name(element)),
            Type::Struct(at) => self.structure(*at).name.clone(),
            Type::Enum(at) => self.enumeration(*at).name.clone(),
            plain => format!("{plain:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::testing::{
        add_enum, add_type, empty, field, group, named, reference, union, with_default,
    };
    use crate::schema::{DeclaredType as T, Default, MemberDeclaration, Schema, SchemaDeclaration};

    fn films() -> SchemaDeclaration {
        let mut declaration = empty();
        let ana = Default::Pointer(vec![0x22_0000_0001, 0x61_6e61]);
        let title = MemberDeclaration::Field {
            name: "title".into(),
            original_name: Some("movie_title".into()),
            references: None,
            collection: None,
            ordinal: 1,
            value_type: T::Text,
            default: ana,
        };
        let year = with_default("year", 4, T::Int16, Default::Bits(1970));
        let release = vec![field("country", 2, T::Text), union(vec![field("unknown", 3, T::Void), year])];
        let members = vec![
            field("id", 0, T::UInt32),
            title,
            group("release", release),
            reference("cast", 5, T::List(Box::new(T::UInt32)), "Actor"),
            field("genre", 6, T::Enum("Movie.Genre".into())),
        ];
        add_type(&mut declaration, "Movie", &["id", "release.country"], members);
        add_enum(&mut declaration, "Movie.Genre", &["comedy", "drama"]);
        add_type(
            &mut declaration,
            "Actor",
            &["id"],
            vec![field("id", 0, T::UInt32), field("name", 1, T::Text)],
        );
        declaration
    }

    fn schema(declaration: &SchemaDeclaration) -> Schema {
        Schema::from_declaration(declaration).unwrap()
    }

    /// The description was written down by hand from the page above and hashed by the reference implementation.
    #[test]
    fn the_hash_is_that_of_the_description() {
        assert_eq!(schema(&films()).hash().to_string(), "27b4dde6d565c4c1b430581ccb514b6f");
    }

    #[test]
    fn order_ids_and_unused_structs_do_not_count() {
        let original = schema(&films());
        let mut other = films();
        other.types.reverse();
        other.structs.reverse();
        for structure in &mut other.structs {
            structure.members.reverse();
            structure.id = Some(u64::from(structure.name.as_bytes()[0]) | 1 << 63);
        }
        add_enum(&mut other, "Unused", &["x"]);
        let other = schema(&other);
        assert_eq!(other, original);
        assert_eq!(other.hash(), original.hash());
        assert_ne!(other.stored_bytes(), original.stored_bytes(), "stored forms keep ids and code order");
    }

    #[test]
    fn everything_else_counts() {
        type Edit = fn(&mut SchemaDeclaration);
        let edits: [Edit; 8] = [
            |is| is.types[0].key.reverse(),
            |is| is.types[0].key.clear(),
            |is| is.structs[0].members[0] = field("id", 0, T::UInt64),
            |is| is.structs[0].members[0] = named("id", 0, T::UInt32, "ID"),
            |is| is.structs[0].members[0] = with_default("id", 0, T::UInt32, Default::Bits(1)),
            |is| is.structs[0].members[3] = field("cast", 5, T::List(Box::new(T::UInt32))),
            |is| is.structs[0].members.push(field("more", 7, T::Void)),
            |is| is.enums[0].enumerants.reverse(),
        ];
        for (at, edit) in edits.into_iter().enumerate() {
            let mut edited = films();
            edit(&mut edited);
            assert_ne!(schema(&edited), schema(&films()), "edit {at}");
        }
    }
}
