//! What a dataset of the test looks like: types, keys, fields, and when each of them appears.

use hollowcast::schema::{
    Default, EnumDeclaration, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration,
    TypeDeclaration,
};

use super::choices::Choices;
use super::kind::{Growth, Kind, PART, colors};
use super::record::{KeyShape, Record};
use super::value::Value;

/// All types that a dataset has in the end.
#[derive(Debug)]
pub(crate) struct DatasetShape {
    pub(crate) types: Vec<TypeShape>,
}

/// A type: the fields of its key, then others in the order in which they appear.
#[derive(Debug)]
pub(crate) struct TypeShape {
    pub(crate) name: String,
    pub(crate) since: Growth,
    pub(crate) key: KeyShape,
    /// How many keys records are made for.
    pub(crate) keys: u32,
    pub(crate) fields: Vec<FieldShape>,
}

/// A field.
#[derive(Debug)]
pub(crate) struct FieldShape {
    pub(crate) name: String,
    pub(crate) since: Growth,
    pub(crate) kind: Kind,
    /// Declared default of a `UInt32`.
    pub(crate) default: u64,
}

impl DatasetShape {
    /// One to four types, at least one of them there from the start.
    pub(crate) fn random(choices: &mut Choices) -> Self {
        let types = 1 + choices.below(4);
        let keys = *choices.pick(&[3, 12, 40, 150, 300]);
        let mut keys_left = keys;
        let types = (0..types).map(|number| {
            let own = if choices.chance(60) { keys_left / 2 } else { keys_left };
            keys_left -= own;
            TypeShape::random(choices, number, own.max(2) as u32)
        });
        Self { types: types.collect() }
    }

    /// One that cannot follow from `other`, nor the other way round: the first type, which both have, has another key.
    pub(crate) fn breaking(choices: &mut Choices, other: &Self) -> Self {
        let mut shape = Self::random(choices);
        while shape.types[0].key == other.types[0].key {
            shape.types[0].key = *choices.pick(&KeyShape::ALL);
        }
        shape
    }

    /// The schema of a producer of this growth.
    pub(crate) fn schema(&self, growth: Growth) -> Schema {
        let mut declaration = SchemaDeclaration::default();
        let part = PART.iter().filter(|(_, _, since)| *since <= growth);
        let part = part.zip(0..).map(|((name, kind, _), ordinal)| member(name, ordinal, kind, Default::Zero));
        declaration.structs.push(structure("Part", part.collect()));
        declaration.enums.push(EnumDeclaration {
            id: None,
            name: "Color".into(),
            enumerants: (0..colors(growth)).map(|number| format!("color{number}")).collect(),
        });
        for record_type in self.types.iter().filter(|record_type| record_type.since <= growth) {
            declaration.types.push(TypeDeclaration {
                name: record_type.name.clone(),
                key: record_type.key.fields().iter().map(|(name, _)| (*name).to_owned()).collect(),
            });
            declaration.structs.push(structure(&record_type.name, record_type.members(growth)));
        }
        Schema::from_declaration(&declaration).expect("the schema of the test is a schema")
    }

    /// The number of the type called `name`.
    pub(crate) fn find(&self, name: &str) -> usize {
        self.types.iter().position(|record_type| record_type.name == name).expect("a type of the test")
    }
}

impl TypeShape {
    fn random(choices: &mut Choices, number: usize, keys: u32) -> Self {
        let since =
            if number > 0 && choices.chance(30) { Growth(1 + choices.below(3) as u8) } else { Growth::NONE };
        let key = *choices.pick(&KeyShape::ALL);
        let mut growths: Vec<_> = (0..=choices.below(6)).map(|_| choices.below(4) as u8).collect();
        // A record without any field of its own has no struct to be.
        growths.push(since.0);
        growths.sort_unstable();
        let fields = growths
            .into_iter()
            .enumerate()
            .map(|(at, growth)| FieldShape::random(choices, at, Growth(growth)));
        Self { name: format!("Type{number}"), since, key, keys, fields: fields.collect() }
    }

    /// How many values the records of a schema of this growth have, those of the key included.
    pub(crate) fn width(&self, growth: Growth) -> usize {
        self.key.fields().len() + self.fields.iter().filter(|field| field.since <= growth).count()
    }

    /// A random record of the key with this number, as a schema of this growth can say it.
    pub(crate) fn record(&self, choices: &mut Choices, key: u32, growth: Growth) -> Record {
        let others = self.fields.iter().filter(|field| field.since <= growth);
        let others: Vec<_> = others.map(|field| field.kind.value(choices, growth)).collect();
        self.trimmed(self.key.values(key).into_iter().chain(others).collect())
    }

    /// What is left of `record` when a writer whose schema has this growth states it.
    pub(crate) fn narrowed(&self, record: &Record, growth: Growth) -> Record {
        let key = self.key.fields().len();
        let values = record.0.iter().take(self.width(growth)).enumerate();
        let narrowed = values.map(|(at, value)| match at.checked_sub(key) {
            Some(at) => self.fields[at].kind.narrowed(value, growth),
            None => value.clone(),
        });
        self.trimmed(narrowed.collect())
    }

    /// The record of these values. Fields at the end that have their defaults are left out: a schema that gained fields says the same.
    pub(crate) fn trimmed(&self, mut values: Vec<Value>) -> Record {
        let key = self.key.fields().len();
        while values.len() > key && values.last() == Some(&self.fields[values.len() - 1 - key].absent()) {
            values.pop();
        }
        Record(values)
    }

    /// The values of a record in a schema of this growth, all of them.
    pub(crate) fn padded(&self, record: &Record, growth: Growth) -> Vec<Value> {
        let key = self.key.fields().len();
        let missing = record.0.len()..self.width(growth);
        record.0.iter().cloned().chain(missing.map(|at| self.fields[at - key].absent())).collect()
    }

    fn members(&self, growth: Growth) -> Vec<MemberDeclaration> {
        let mut members = Vec::new();
        let mut ordinal = 0;
        for (name, kind) in self.key.fields() {
            members.push(member(name, ordinal, kind, Default::Zero));
            ordinal += 1;
        }
        for field in self.fields.iter().filter(|field| field.since <= growth) {
            let default = if field.default == 0 { Default::Zero } else { Default::Bits(field.default) };
            members.push(member(&field.name, ordinal, &field.kind, default));
            ordinal += if matches!(field.kind, Kind::Optional(_)) { 2 } else { 1 };
        }
        members
    }
}

impl FieldShape {
    fn random(choices: &mut Choices, at: usize, since: Growth) -> Self {
        let kind = Kind::random(choices);
        let default = if matches!(kind, Kind::UInt32) { *choices.pick(&[0, 77]) } else { 0 };
        Self { name: format!("field{at}"), since, kind, default }
    }

    /// The value of a record that does not state this field.
    fn absent(&self) -> Value {
        if self.default == 0 { self.kind.zero() } else { Value::UInt(self.default) }
    }
}

fn structure(name: &str, members: Vec<MemberDeclaration>) -> StructDeclaration {
    StructDeclaration { id: None, name: name.to_owned(), members }
}

fn member(name: &str, ordinal: u16, kind: &Kind, default: Default) -> MemberDeclaration {
    let field = |name: &str, ordinal, value_type| MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type,
        default: default.clone(),
    };
    let Kind::Optional(value) = kind else { return field(name, ordinal, kind.declared()) };
    let none = field("none", ordinal, hollowcast::schema::DeclaredType::Void);
    let union =
        MemberDeclaration::Union { members: vec![none, field("value", ordinal + 1, value.declared())] };
    MemberDeclaration::Group { name: name.to_owned(), original_name: None, members: vec![union] }
}
