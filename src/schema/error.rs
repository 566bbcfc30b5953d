//! What can be wrong with a schema.

use crate::error::{Classify, ErrorKind};

/// Why a schema was refused. Every variant names the struct and field, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A name that Cap'n Proto's text could not carry.
    #[error("`{name}` cannot be the name of {place}: {rule}")]
    Name {
        /// What it would name.
        place: String,
        /// The name.
        name: String,
        /// What names of this sort look like.
        rule: &'static str,
    },
    /// One name for two things of one scope.
    #[error("{scope} has two things called `{name}`; rename one of them")]
    DuplicateName {
        /// Struct, group, enum or the schema.
        scope: String,
        /// The name.
        name: String,
    },
    /// A node id without its highest bit, which Cap'n Proto does not accept in text.
    #[error(
        "`{name}` has the id {id:#x}, whose highest bit is not set; take one that `capnp id` prints, or none"
    )]
    Id {
        /// Struct or enum.
        name: String,
        /// Its id.
        id: u64,
    },
    /// One node id for two structs or enums.
    #[error("`{first}` and `{second}` both have the id {id:#x}; give one of them another")]
    DuplicateId {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Their id.
        id: u64,
    },
    /// A type whose name hashes like another's.
    #[error("the type names `{first}` and `{second}` have one hash; rename one of them")]
    ClashingTypes {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A struct, enum or record type that the schema does not declare.
    #[error("{place} needs `{name}`, which the schema does not have; declare it or correct the name")]
    Unknown {
        /// Who needs it.
        place: String,
        /// What is missing.
        name: String,
    },
    /// A path of field names that leads nowhere.
    #[error("`{structure}` has no field `{path}`; it has {}", .known.join(", "))]
    UnknownField {
        /// Struct in which the search ended.
        structure: String,
        /// What was looked for, dotted.
        path: String,
        /// Fields that are there, as shown.
        known: Vec<String>,
    },
    /// A struct, group, union or enum with too few members.
    #[error("{place} has {found} members and needs at least {least}; add one or leave it out")]
    TooFewMembers {
        /// Struct, group, union or enum.
        place: String,
        /// Members it has.
        found: usize,
        /// Members it needs.
        least: usize,
    },
    /// A shape that Cap'n Proto's text does not have.
    #[error("{place} {problem}")]
    Shape {
        /// Struct or group.
        place: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// Ordinals that do not run from 0 without gap.
    #[error(
        "{place} has the ordinal @{found} where @{expected} is next; number the fields of a struct from @0 without gaps"
    )]
    Ordinals {
        /// Struct and field.
        place: String,
        /// The ordinal that is due.
        expected: u32,
        /// The ordinal that stands there.
        found: u32,
    },
    /// A named union with an ordinal of its own, which lets its first member be older than the union.
    #[error(
        "`{structure}` has a union with the ordinal @{ordinal}; give unions no ordinal and renumber the fields from @0 without gaps"
    )]
    UnionOrdinal {
        /// Struct.
        structure: String,
        /// The ordinal of the union.
        ordinal: u32,
    },
    /// Nested unions that compilers before 0.6 laid out wrongly and that newer ones therefore refuse.
    #[error(
        "{place} cannot be laid out: Cap'n Proto refuses unions within unions that grow this way (its issue 344); number the wider fields of the inner union before the narrower ones, or move it out of the outer one"
    )]
    AmbiguousLayout {
        /// Struct and field.
        place: String,
    },
    /// A feature of Cap'n Proto that records cannot have.
    #[error("{place} {what}, which records cannot have; {advice}")]
    Unsupported {
        /// Struct and field.
        place: String,
        /// The feature.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A default that does not fit its field.
    #[error("{place} has a default that cannot stand: {problem}")]
    Default {
        /// Struct and field.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A key that cannot be one.
    #[error("type `{type_name}` cannot have the key field `{field}`: {problem}")]
    Key {
        /// Record type.
        type_name: String,
        /// Key field, dotted.
        field: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A reference that the type it names cannot answer.
    #[error("{place} references `{target}`, {problem}")]
    Reference {
        /// Struct and field.
        place: String,
        /// Type that is referenced.
        target: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A list that cannot be a set or map.
    #[error("{place} cannot be a {collection}: {problem}")]
    Collection {
        /// Struct and field.
        place: String,
        /// `set` or `map`.
        collection: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// An annotation of ours on a place where it means nothing, or with a value of another type.
    #[error("{place} has an annotation `${annotation}` that {problem}")]
    Annotation {
        /// Struct and field.
        place: String,
        /// `key`, `references`, `name`, `set` or `map`.
        annotation: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// More of something than a schema may have.
    #[error("{place} has {found} {what}, and {limit} is the limit; split it")]
    Limit {
        /// What is too large.
        place: String,
        /// What is counted.
        what: &'static str,
        /// How many there are, as far as they were counted.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A compiled schema that says another layout than Cap'n Proto's compiler gives.
    #[error(
        "{place} has {what} {found} in the compiled schema, and Cap'n Proto's compiler would give {expected}; compile the schema again with version 0.6 or newer"
    )]
    Layout {
        /// Struct and field.
        place: String,
        /// What differs.
        what: &'static str,
        /// What the compiler gives.
        expected: String,
        /// What the compiled schema says.
        found: String,
    },
    /// A compiled schema that refers to a node it does not hold.
    #[error(
        "the compiled schema lacks node {id:#x}, which {place} needs; compile all files together with `capnp compile -o-`"
    )]
    MissingNode {
        /// Who needs it.
        place: String,
        /// Id of the node.
        id: u64,
    },
    /// A compiled schema in which no struct is a record type.
    #[error("the compiled schema has no record type; annotate a struct with `$key` or name the types")]
    NoRecordType,
    /// Generated code of something else than a struct.
    #[error("records are structs, and the generated type is {found}; pass the `Owned` of a struct")]
    NotAStruct {
        /// What it is.
        found: &'static str,
    },
    /// Bytes that are no Cap'n Proto message of the schema's format.
    #[error("{what} cannot be read as a compiled schema: {source}")]
    Malformed {
        /// Which part.
        what: String,
        /// What Cap'n Proto says.
        source: capnp::Error,
    },
    /// A stored schema that is none.
    #[error("the stored schema cannot be used, fetch it again or restore it from a copy: {source}")]
    Stored {
        /// What is wrong with it.
        #[source]
        source: Box<SchemaError>,
    },
}

impl Classify for SchemaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stored { .. } => ErrorKind::Corrupt,
            Self::UnknownField { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Invalid,
        }
    }
}
