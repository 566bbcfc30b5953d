//! Random declarations for tests: everything that a schema may have, from a seed.

use super::testing::{add_enum, add_type, empty};
use super::{
    CollectionDeclaration, DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, SchemaError,
};
use crate::environment::{Random, SeededRandom};

/// Words of Cap'n Proto's language, which must do as names of fields all the same.
const AWKWARD_NAMES: [&str; 20] = [
    "using",
    "const",
    "enum",
    "struct",
    "union",
    "group",
    "interface",
    "annotation",
    "import",
    "from",
    "embed",
    "extends",
    "true",
    "false",
    "void",
    "inf",
    "nan",
    "in",
    "key",
    "name",
];

/// A generator of declarations.
pub(crate) struct RandomDeclarations {
    random: SeededRandom,
    /// Ordinals of the struct at hand, the last one due first.
    ordinals: Vec<u16>,
    /// About how many fields the struct at hand may still get.
    fields_left: u64,
    /// Whether the struct at hand has small data only, in unions mostly: what is hardest to lay out.
    is_dense: bool,
    names: u64,
}

impl RandomDeclarations {
    /// The declarations of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            ordinals: Vec::new(),
            fields_left: 0,
            is_dense: false,
            names: 0,
        }
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.random.next_u64() % end
    }

    /// Up to `count` types `T0`, `T1` …: those that Cap'n Proto's compiler refuses as ambiguous go to the second list.
    pub(crate) fn types(&mut self, count: usize) -> (SchemaDeclaration, Vec<SchemaDeclaration>) {
        let (mut all, mut ambiguous) = (empty(), Vec::new());
        add_enum(&mut all, "Genre", &["true", "nan", "drama", "inf", "void"]);
        for number in 0..count {
            let mut alone = empty();
            alone.enums = all.enums.clone();
            let name = format!("T{number}");
            let members = self.structure(&name);
            add_type(&mut alone, &name, &[], members);
            match Schema::from_declaration(&alone) {
                Ok(_) => {
                    all.types.append(&mut alone.types);
                    all.structs.append(&mut alone.structs);
                }
                Err(SchemaError::AmbiguousLayout { .. }) => ambiguous.push(alone),
                Err(error) => panic!("{error}: {alone:?}"),
            }
        }
        (all, ambiguous)
    }

    fn structure(&mut self, name: &str) -> Vec<MemberDeclaration> {
        self.is_dense = self.below(3) == 0;
        self.fields_left = 1 + self.below(if self.is_dense { 40 } else { 12 });
        self.names = 0;
        let mut members = self.members(name, 0, 1);
        let count = count_fields(&members);
        self.ordinals = (0..count).collect();
        // Half of the structs have their ordinals in code order, the others in any.
        for at in (1..self.ordinals.len()).rev().filter(|_| self.names.is_multiple_of(2)) {
            let other = self.below(at as u64 + 1) as usize;
            self.ordinals.swap(at, other);
        }
        self.ordinals.reverse();
        self.number(&mut members);
        members
    }

    /// At least `least` members; half of all nesting is unions.
    fn members(&mut self, structure: &str, depth: u64, least: u64) -> Vec<MemberDeclaration> {
        let wanted = least + self.below(1 + self.fields_left.min(9));
        let mut members = Vec::new();
        let union_at =
            if self.is_dense && depth < 2 || self.below(2) == 0 { self.below(wanted) } else { u64::MAX };
        for at in 0..wanted {
            let member = if at == union_at && depth < 5 {
                let arms = 2 + self.below(3);
                MemberDeclaration::Union {
                    members: (0..arms).map(|_| self.member(structure, depth + 1)).collect(),
                }
            } else {
                self.member(structure, depth)
            };
            members.push(member);
        }
        members
    }

    fn member(&mut self, structure: &str, depth: u64) -> MemberDeclaration {
        let name = self.name();
        let original_name = (self.below(8) == 0).then(|| format!("{name} \"ü\"\\\n\u{1}f"));
        if depth < 5 && self.below(if self.is_dense { 3 } else { 5 }) == 0 {
            return MemberDeclaration::Group {
                name,
                original_name,
                members: self.members(structure, depth + 1, 1),
            };
        }
        self.fields_left = self.fields_left.saturating_sub(1);
        let value_type = self.value_type(structure);
        let default = self.default(&value_type);
        let is_set = default == Default::Zero && is_list_of_ordered(&value_type) && self.below(2) == 0;
        let collection = is_set.then_some(CollectionDeclaration::Set);
        let references = (self.below(12) == 0).then(|| "Elsewhere".to_owned());
        MemberDeclaration::Field {
            name,
            original_name,
            references,
            collection,
            ordinal: 0,
            value_type,
            default,
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        let awkward =
            AWKWARD_NAMES.get(self.names as usize - 1).filter(|_| self.names < 6 && self.below(3) == 0);
        awkward.map_or_else(|| format!("f{}", self.names), ToString::to_string)
    }

    fn value_type(&mut self, structure: &str) -> DeclaredType {
        use DeclaredType as Declared;
        match self.below(if self.is_dense { 14 } else { 22 }) {
            0 => Declared::Void,
            1 | 2 => Declared::Bool,
            3 => Declared::Int8,
            4 => Declared::Int16,
            5 => Declared::Int32,
            6 => Declared::Int64,
            7 | 8 => Declared::UInt8,
            9 | 10 => Declared::UInt16,
            11 | 12 => Declared::UInt32,
            13 => Declared::UInt64,
            14 => Declared::Float32,
            15 => Declared::Float64,
            16 => Declared::Text,
            17 => Declared::Data,
            18 => Declared::Enum("Genre".into()),
            19 => Declared::Struct(structure.into()),
            _ => Declared::List(Box::new(self.value_type(structure))),
        }
    }

    /// No default for two of three fields, and bits for every type that has bits.
    fn default(&mut self, value_type: &DeclaredType) -> Default {
        use DeclaredType as Declared;
        if self.below(3) != 0 {
            return Default::Zero;
        }
        let random = self.random.next_u64();
        match value_type {
            Declared::Text => return Default::Pointer(vec![0x22_0000_0001, 0x61_6e61]),
            Declared::Data => return Default::Pointer(vec![0x1a_0000_0001, random & 0xff_ffff]),
            _ => {}
        }
        let bits = match value_type {
            Declared::Bool => random & 1,
            Declared::Int8 | Declared::UInt8 => random & 0xff,
            Declared::Int16 | Declared::UInt16 => random & 0xffff,
            Declared::Int32 | Declared::UInt32 => random & 0xffff_ffff,
            Declared::Int64 | Declared::UInt64 => random,
            Declared::Enum(_) => random % 5,
            Declared::Float32 => {
                self.pick(&[f32::INFINITY, -1.5e-30, 0.1, f32::NAN, f32::MAX]).to_bits().into()
            }
            Declared::Float64 => {
                self.pick(&[f64::NEG_INFINITY, 5e-324, -0.1, f64::NAN, 1e17, f64::MAX]).to_bits()
            }
            _ => 0,
        };
        if bits == 0 { Default::Zero } else { Default::Bits(bits) }
    }

    fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn number(&mut self, members: &mut [MemberDeclaration]) {
        for member in members {
            match member {
                MemberDeclaration::Field { ordinal, .. } => {
                    *ordinal = self.ordinals.pop().expect("one for each field");
                }
                MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
                    self.number(members);
                }
            }
        }
    }
}

/// Whether a list of this type can be a set.
fn is_list_of_ordered(value_type: &DeclaredType) -> bool {
    use DeclaredType::{Float32, Float64, List, Struct, Void};
    let List(element) = value_type else { return false };
    !matches!(**element, Void | Float32 | Float64 | List(_) | Struct(_))
}

fn count_fields(members: &[MemberDeclaration]) -> u16 {
    let count = |member: &MemberDeclaration| match member {
        MemberDeclaration::Field { .. } => 1,
        MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
            count_fields(members)
        }
    };
    members.iter().map(count).sum()
}
