//! The schema of generated code, which carries its own nodes, annotations included: no extra build step.

use capnp::introspect::{Introspect, Type, TypeVariant};
use capnp::schema::{EnumSchema, StructSchema};

use super::error::SchemaError;
use super::model::Schema;
use super::nodes::{InPart, Nodes, schema_of};

impl Schema {
    /// The schema whose one record type is the generated struct `T`, named by its `Owned`.
    ///
    /// ```
    /// # use hollowcast::schema::{Schema, SchemaError};
    /// # fn example<T: capnp::introspect::Introspect>() -> Result<(), SchemaError> {
    /// let schema = Schema::of::<T>()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of<T: Introspect>() -> Result<Self, SchemaError> {
        SchemaBuilder::default().record::<T>().build()
    }
}

/// Node id of the generated struct `T`; `None` if it is no struct.
pub(crate) fn node_id_of<T: Introspect>() -> Option<u64> {
    match T::introspect().which() {
        TypeVariant::Struct(structure) => Some(StructSchema::from(structure).get_proto().get_id()),
        _ => None,
    }
}

/// Collects record types from generated code.
#[derive(Clone, Debug, Default)]
pub struct SchemaBuilder {
    records: Vec<Type>,
}

impl SchemaBuilder {
    /// Adds a record type: the `Owned` of a generated struct. Its `$key` is the key; without one it is keyless.
    #[must_use]
    pub fn record<T: Introspect>(mut self) -> Self {
        self.records.push(T::introspect());
        self
    }

    /// Reads the nodes of the record types and of all that they reach, and checks the schema that they are.
    pub fn build(self) -> Result<Schema, SchemaError> {
        let mut collected = Collected { nodes: Nodes::empty(), queue: Vec::new() };
        let mut types = Vec::new();
        for record in self.records {
            let TypeVariant::Struct(structure) = record.which() else {
                return Err(SchemaError::NotAStruct { found: kind_of(record) });
            };
            types.push(StructSchema::from(structure).get_proto().get_id());
            collected.queue.push(record);
        }
        collected.follow()?;
        schema_of(&collected.nodes, &types)
    }
}

struct Collected {
    nodes: Nodes<'static>,
    queue: Vec<Type>,
}

impl Collected {
    /// Adds the nodes of the queued types and of all that they reach, each once.
    fn follow(&mut self) -> Result<(), SchemaError> {
        while let Some(next) = self.queue.pop() {
            match next.which() {
                TypeVariant::Struct(structure) => self.structure(structure.into())?,
                TypeVariant::Enum(enumeration) => {
                    let node = EnumSchema::from(enumeration).get_proto();
                    if !self.nodes.contains(node.get_id()) {
                        self.nodes.add(node)?;
                    }
                }
                TypeVariant::List(element) => self.queue.push(element),
                // Plain types have no node; those that records cannot have are refused where their field is read.
                _ => {}
            }
        }
        Ok(())
    }

    fn structure(&mut self, structure: StructSchema) -> Result<(), SchemaError> {
        let node = structure.get_proto();
        if !self.nodes.contains(node.get_id()) {
            self.nodes.add(node)?;
            let fields = structure.get_fields().of("generated code")?;
            self.queue.extend(fields.iter().map(|field| field.get_type()));
        }
        Ok(())
    }
}

fn kind_of(other: Type) -> &'static str {
    match other.which() {
        TypeVariant::List(_) => "a list",
        TypeVariant::Enum(_) => "an enum",
        TypeVariant::Text => "a text",
        TypeVariant::Data => "data",
        TypeVariant::AnyPointer => "an AnyPointer",
        TypeVariant::Capability => "an interface",
        _ => "a plain value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::compiler;
    use crate::schema::testdata::films_capnp::{actor, award, movie, shelf};

    fn films() -> Schema {
        let builder = SchemaBuilder::default().record::<movie::Owned>().record::<actor::Owned>();
        builder.record::<award::Owned>().build().unwrap()
    }

    #[test]
    fn generated_code_gives_the_schema_of_its_text() {
        let schema = films();
        let types: Vec<_> = schema.types().iter().map(|is| is.name.as_str()).collect();
        assert_eq!(types, ["Actor", "Award", "Movie"], "a type comes after those it references");
        let movie = schema.find_type("Movie").unwrap();
        assert_eq!(schema.key_names(movie), ["id", "release_info.country"]);
        let lead = schema.field_path(movie, "lead").unwrap();
        let lead = schema.field(schema.record_type(movie).structure, &lead);
        assert_eq!(lead.references.as_deref(), Some("Actor"));
        assert!(
            schema.record_type(schema.find_type("Award").unwrap()).key.is_empty(),
            "no `$key`: a keyless type"
        );

        let text = include_str!("testdata/films.capnp").replace(
            "using Hollowcast = import \"/hollowcast.capnp\";",
            "using Hollowcast = Text;
             annotation key @0x9a5c2f1de07b4836 (struct) :List(Text);
             annotation references @0xd4b86e31f92a0c57 (field) :Text;
             annotation set @0xb5f3ab164f88c9cf (field) :Void;
             annotation map @0xffb3ce0ac26d7ab6 (field) :Text;
             annotation name @0xe6072c94ab5d81f3 (field, group, union) :Text;",
        );
        let compiled = compiler::compile(&text.replace("$Hollowcast.", "$"));
        let read = Schema::from_code_generator_request(&compiled, &["Movie", "Actor", "Award"]).unwrap();
        assert_eq!(read, schema);
        assert_eq!(read.stored_bytes(), schema.stored_bytes());
    }

    #[test]
    fn the_printed_text_compiles_to_the_same_schema() {
        let schema = films();
        let read = Schema::from_code_generator_request(&compiler::compile(&schema.to_text()), &[]).unwrap();
        assert_eq!(read, schema);
        assert_eq!(read.to_text(), schema.to_text());
        assert_eq!(Schema::from_stored_bytes(&schema.stored_bytes()).unwrap(), schema);
    }

    #[test]
    fn one_record_type_may_reference_types_that_are_not_there() {
        let schema = Schema::of::<movie::Owned>().unwrap();
        assert_eq!(schema.types().len(), 1);
        assert_eq!(
            schema.structs().iter().filter(|is| !is.is_group).count(),
            3,
            "Movie, its Rating and its Title"
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let refusal = Schema::of::<shelf::Owned>().unwrap_err().to_string();
        assert!(refusal.starts_with("`Box` is generic, which records cannot have"), "{refusal}");
        let refusal = Schema::of::<capnp::text::Owned>().unwrap_err().to_string();
        assert!(refusal.contains("the generated type is a text"), "{refusal}");
        let twice = SchemaBuilder::default().record::<actor::Owned>().record::<actor::Owned>();
        assert!(matches!(twice.build(), Err(SchemaError::DuplicateName { name, .. }) if name == "Actor"));
    }
}
