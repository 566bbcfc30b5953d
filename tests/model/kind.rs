//! The kinds of fields that records of the test have, and random values of them.

use hollowcast::schema::DeclaredType;

use super::choices::Choices;
use super::value::Value;

/// How far the schema has grown: fields, types and enumerants appear with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Growth(pub(crate) u8);

impl Growth {
    /// The schema that the first producer has.
    pub(crate) const NONE: Self = Self(0);
    /// All fields and types are there.
    pub(crate) const FULL: Self = Self(3);
}

/// What a field is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Bool,
    UInt8,
    UInt16,
    UInt32,
    Int16,
    Int64,
    Float64,
    Text,
    Data,
    /// `Color`, which gains enumerants.
    Enum,
    /// `Part`, which gains fields.
    Part,
    List(Box<Kind>),
    /// A group of a union of nothing and a value.
    Optional(Box<Kind>),
}

/// Fields of `Part` with what they are, by the growth they come with.
pub(crate) const PART: [(&str, Kind, Growth); 4] = [
    ("size", Kind::UInt16, Growth(0)),
    ("label", Kind::Text, Growth(0)),
    ("weight", Kind::Int64, Growth(1)),
    ("note", Kind::Text, Growth(2)),
];

/// Enumerants of `Color` that a schema of this growth has.
pub(crate) fn colors(growth: Growth) -> u16 {
    2 + u16::from(growth.0)
}

fn part_fields(growth: Growth) -> usize {
    PART.iter().filter(|(_, _, since)| *since <= growth).count()
}

impl Kind {
    /// Any kind.
    pub(crate) fn random(choices: &mut Choices) -> Self {
        let leaf = [
            Self::Bool,
            Self::UInt8,
            Self::UInt32,
            Self::Int16,
            Self::Int64,
            Self::Float64,
            Self::Text,
            Self::Data,
            Self::Enum,
            Self::Part,
        ];
        let kind = choices.pick(&leaf).clone();
        match choices.below(10) {
            0..=4 => kind,
            5 | 6 => Self::Optional(Box::new(kind)),
            7 | 8 => Self::List(Box::new(kind)),
            _ => Self::List(Box::new(Self::List(Box::new(kind)))),
        }
    }

    /// The declared type; of an optional field that of its value.
    pub(crate) fn declared(&self) -> DeclaredType {
        match self {
            Self::Bool => DeclaredType::Bool,
            Self::UInt8 => DeclaredType::UInt8,
            Self::UInt16 => DeclaredType::UInt16,
            Self::UInt32 => DeclaredType::UInt32,
            Self::Int16 => DeclaredType::Int16,
            Self::Int64 => DeclaredType::Int64,
            Self::Float64 => DeclaredType::Float64,
            Self::Text => DeclaredType::Text,
            Self::Data => DeclaredType::Data,
            Self::Enum => DeclaredType::Enum("Color".into()),
            Self::Part => DeclaredType::Struct("Part".into()),
            Self::List(element) => DeclaredType::List(Box::new(element.declared())),
            Self::Optional(value) => value.declared(),
        }
    }

    /// The value of a field that was not stated, apart from declared defaults.
    pub(crate) fn zero(&self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::UInt8 | Self::UInt16 | Self::UInt32 => Value::UInt(0),
            Self::Int16 | Self::Int64 => Value::Int(0),
            Self::Float64 => Value::Float(0),
            Self::Enum => Value::Enum(0),
            Self::Text | Self::Data | Self::Part | Self::List(_) | Self::Optional(_) => Value::Null,
        }
    }

    /// A random value that a schema of this growth can say. Few different ones, so that equal values meet.
    pub(crate) fn value(&self, choices: &mut Choices, growth: Growth) -> Value {
        let null = matches!(self.zero(), Value::Null) && choices.chance(20);
        if null { Value::Null } else { self.present(choices, growth) }
    }

    /// A random value that is not null.
    fn present(&self, choices: &mut Choices, growth: Growth) -> Value {
        match self {
            Self::Bool => Value::Bool(choices.chance(50)),
            Self::UInt8 => Value::UInt(*choices.pick(&[0, 1, 255])),
            Self::UInt16 => Value::UInt(*choices.pick(&[0, 7, 65_535])),
            Self::UInt32 => Value::UInt(*choices.pick(&[0, 1, 77, u64::from(u32::MAX)])),
            Self::Int16 => Value::Int(*choices.pick(&[0, -1, 9, i64::from(i16::MIN)])),
            Self::Int64 => Value::Int(*choices.pick(&[0, -1, 1 << 40, i64::MIN])),
            Self::Float64 => Value::Float(choices.pick(&[0.0, -0.0, 1.5, f64::NAN]).to_bits()),
            Self::Text => Value::Text(text(choices)),
            Self::Data => Value::Data(text(choices).bytes().map(|byte| !byte).collect()),
            Self::Enum => Value::Enum(choices.below(usize::from(colors(growth))) as u16),
            Self::Part => {
                let fields = PART[..part_fields(growth)].iter();
                Value::structure(fields.map(|(_, kind, _)| kind.value(choices, growth)).collect())
            }
            Self::List(element) => {
                let len = *choices.pick(&[0, 1, 2, 5]);
                Value::List((0..len).map(|_| element.element(choices, growth)).collect())
            }
            Self::Optional(value) => value.present(choices, growth),
        }
    }

    /// A random element of a list; the structs of a list lie inline and are never null.
    fn element(&self, choices: &mut Choices, growth: Growth) -> Value {
        if matches!(self, Self::Part) { self.present(choices, growth) } else { self.value(choices, growth) }
    }

    /// What is left of `value` when a writer whose schema has this growth states it.
    pub(crate) fn narrowed(&self, value: &Value, growth: Growth) -> Value {
        match (self, value) {
            (Self::Enum, Value::Enum(number)) if *number >= colors(growth) => Value::Enum(0),
            (Self::Part, Value::Struct(fields)) => {
                let fields = fields.iter().zip(&PART).take(part_fields(growth));
                Value::structure(fields.map(|(field, (_, kind, _))| kind.narrowed(field, growth)).collect())
            }
            (Self::List(element), Value::List(elements)) => {
                Value::List(elements.iter().map(|value| element.narrowed(value, growth)).collect())
            }
            (Self::Optional(kind), value) => kind.narrowed(value, growth),
            _ => value.clone(),
        }
    }
}

/// Empty, short and long texts, some of them with characters of several bytes.
fn text(choices: &mut Choices) -> String {
    let texts =
        ["", "a", "Jürgen", "seven b", "eight by", "日本", "a text that takes several words of a segment"];
    match choices.below(8) {
        7 => "long ".repeat(1 + choices.below(40)),
        short => texts[short].to_owned(),
    }
}
