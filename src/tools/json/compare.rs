//! Which fields of two records differ.

use super::compile::{MemberPlan, StructPlan, ValuePlan};
use super::print::{Nans, set_member};
use super::{JsonError, JsonPrinter, MAX_RECORD};
use crate::schema::{Schema, StructIndex};
use crate::wire::{MAX_NESTING, StructReader};

/// A field in which two records differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// The names on the way to it as in files and output, dotted.
    pub path: String,
    /// Its value in the older record, as JSON; `None` for a member of a union that is not set there.
    pub older: Option<String>,
    /// The same of the newer record.
    pub newer: Option<String>,
}

/// Compares records of two schemas, which may be one, field by field.
///
/// Fields are known by their names in files. Structs and groups are compared member by member, everything else as a whole, a list or a struct that
/// only one record has among them. Numbers are compared by value and floats by their bits, so that no change is passed over: `-0.0` differs
/// from `0.0`, and of two that are no number the bits may differ though both print as `"NaN"`. A field that only one of the schemas has reads as
/// its default in the other record.
pub struct FieldComparison {
    older: JsonPrinter,
    newer: JsonPrinter,
}

impl FieldComparison {
    /// Compiles both schemas.
    #[must_use]
    pub fn new(older: &Schema, newer: &Schema) -> Self {
        Self { older: JsonPrinter::new(older), newer: JsonPrinter::new(newer) }
    }

    /// Prints records of the older schema.
    #[must_use]
    pub fn older(&self) -> &JsonPrinter {
        &self.older
    }

    /// Prints records of the newer schema.
    #[must_use]
    pub fn newer(&self) -> &JsonPrinter {
        &self.newer
    }

    /// The fields in which two records differ, each of a struct of its schema: in the order of the newer one's code, then those that only the older
    /// one has. Costs what printing both does.
    ///
    /// # Errors
    /// As [`JsonPrinter::print`].
    ///
    /// # Panics
    /// When a schema has no such struct.
    pub fn differences(
        &self,
        older: (StructIndex, StructReader<'_>),
        newer: (StructIndex, StructReader<'_>),
    ) -> Result<Vec<FieldDifference>, JsonError> {
        self.differences_within(2 * MAX_RECORD, older, newer)
    }

    /// The same of records that take at most `limit` bytes of JSON together.
    fn differences_within(
        &self,
        limit: usize,
        older: (StructIndex, StructReader<'_>),
        newer: (StructIndex, StructReader<'_>),
    ) -> Result<Vec<FieldDifference>, JsonError> {
        let mut comparing = Comparing { path: Vec::new(), found: Vec::new(), room: limit };
        let (older, newer) =
            (Side::new(&self.older, older.0, older.1, 1), Side::new(&self.newer, newer.0, newer.1, 1));
        comparing.structures(older, newer)?;
        Ok(comparing.found)
    }
}

/// A struct or group of one of the records.
#[derive(Clone, Copy)]
struct Side<'a> {
    printer: &'a JsonPrinter,
    plan: &'a StructPlan,
    reader: StructReader<'a>,
    /// Pointers on the way to it, that to the record counted.
    depth: u32,
}

/// A value of one of the records.
#[derive(Clone, Copy)]
struct Value<'a> {
    plan: &'a ValuePlan,
    within: Side<'a>,
}

impl<'a> Side<'a> {
    fn new(printer: &'a JsonPrinter, structure: StructIndex, reader: StructReader<'a>, depth: u32) -> Self {
        Self { printer, plan: &printer.structs[structure.0 as usize], reader, depth }
    }

    /// The member called `name`, which likely is the one at `at`.
    fn member(self, name: &str, at: usize) -> Option<&'a MemberPlan> {
        let is_meant = |member: &&MemberPlan| &*member.name == name;
        let members = &self.plan.members;
        members.get(at).filter(is_meant).or_else(|| members.iter().find(is_meant))
    }

    /// The value of a member; `None` if it is one of a union and another is set.
    fn value(self, member: &'a MemberPlan) -> Result<Option<Value<'a>>, JsonError> {
        let is_set =
            member.discriminant.is_none() || member.discriminant == set_member(self.plan, self.reader)?;
        Ok(is_set.then_some(Value { plan: &member.value, within: self }))
    }

    /// What `member` is in a record that knows nothing of it: its default, or not set.
    fn default_value(self, member: &'a MemberPlan) -> Option<Value<'a>> {
        let within = Self { reader: StructReader::within(&[], 0, 0), ..self };
        member.discriminant.is_none().then_some(Value { plan: &member.value, within })
    }
}

impl<'a> Value<'a> {
    /// The struct or group that it is; `None` for any other value, also for an absent struct.
    fn structure(self) -> Result<Option<Side<'a>>, JsonError> {
        let Side { printer, reader, depth, .. } = self.within;
        Ok(match self.plan {
            ValuePlan::Group(group) => Some(Side::new(printer, *group, reader, depth)),
            ValuePlan::Struct { pointer, structure } => {
                reader.structure(*pointer)?.map(|inner| Side::new(printer, *structure, inner, depth + 1))
            }
            ValuePlan::Optional { discriminant_offset, value } if reader.u16(*discriminant_offset) == 1 => {
                Value { plan: value, ..self }.structure()?
            }
            _ => None,
        })
    }

    fn print(self, nans: Nans) -> Result<String, JsonError> {
        let mut out = Vec::new();
        let Side { printer, reader, depth, .. } = self.within;
        printer.print_value(self.plan, (reader, depth), nans, &mut out)?;
        Ok(String::from_utf8(out).expect("JSON is text"))
    }
}

struct Comparing {
    path: Vec<String>,
    found: Vec<FieldDifference>,
    /// Bytes of JSON that both records may still take.
    room: usize,
}

impl Comparing {
    fn structures(&mut self, older: Side<'_>, newer: Side<'_>) -> Result<(), JsonError> {
        if older.depth.max(newer.depth) > MAX_NESTING {
            return Err(JsonError::TooDeep);
        }
        for (at, member) in newer.plan.members.iter().enumerate() {
            let before = match older.member(&member.name, at) {
                Some(twin) => older.value(twin)?,
                None => newer.default_value(member),
            };
            self.member(&member.name, before, newer.value(member)?)?;
        }
        for (at, member) in older.plan.members.iter().enumerate() {
            if newer.member(&member.name, at).is_none() {
                self.member(&member.name, older.value(member)?, older.default_value(member))?;
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        name: &str,
        older: Option<Value<'_>>,
        newer: Option<Value<'_>>,
    ) -> Result<(), JsonError> {
        self.path.push(name.to_owned());
        self.take(2 * (name.len() + 3))?;
        if let (Some(before), Some(after)) = (older, newer)
            && let (Some(before), Some(after)) = (before.structure()?, after.structure()?)
        {
            self.structures(before, after)?;
        } else {
            self.values(older, newer)?;
        }
        self.path.pop();
        Ok(())
    }

    fn values(&mut self, older: Option<Value<'_>>, newer: Option<Value<'_>>) -> Result<(), JsonError> {
        let (before, after) = (printed(older, Nans::ByBits)?, printed(newer, Nans::ByBits)?);
        self.take(before.as_ref().map_or(0, String::len) + after.as_ref().map_or(0, String::len))?;
        if before != after {
            let (older, newer) = (printed(older, Nans::Alike)?, printed(newer, Nans::Alike)?);
            self.found.push(FieldDifference { path: self.path.join("."), older, newer });
        }
        Ok(())
    }

    /// Counts what both records take.
    fn take(&mut self, bytes: usize) -> Result<(), JsonError> {
        self.room = self.room.checked_sub(bytes).ok_or(JsonError::TooLong)?;
        Ok(())
    }
}

fn printed(value: Option<Value<'_>>, nans: Nans) -> Result<Option<String>, JsonError> {
    value.map(|value| value.print(nans)).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;
    use crate::schema::{
        DeclaredType as T, MemberDeclaration, SchemaDeclaration, StructDeclaration, TypeDeclaration,
    };
    use crate::wire::Draft;
    use crate::wire::tests::random::{Dice, RECORD, Scribe, random_record, random_schema};

    /// Where two JSON trees differ, by the rules of the documentation and nothing else.
    fn naive(
        path: &str,
        older: Option<&Json>,
        newer: Option<&Json>,
        found: &mut Vec<(String, String, String)>,
    ) {
        let text = |value: Option<&Json>| value.map_or_else(|| "unset".to_owned(), Json::to_string);
        match (older, newer) {
            (Some(Json::Object(before)), Some(Json::Object(after))) => {
                let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for name in names {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    naive(&path, before.get(name), after.get(name), found);
                }
            }
            (older, newer) if text(older) == text(newer) => {}
            (older, newer) => found.push((path.to_owned(), text(older), text(newer))),
        }
    }

    /// A second record that has about half of its members from the first.
    fn drafts(dice: &Dice, schema: &Schema) -> [Draft; 2] {
        let structure = schema.record_type(RECORD).structure;
        let first = random_record(dice, schema, structure);
        let mut second = random_record(dice, schema, structure);
        for (at, value) in &mut second {
            if let Some((_, kept)) = first.iter().find(|(other, _)| other == at && dice.one_in(2)) {
                *value = kept.clone();
            }
        }
        [first, second].map(|record| {
            let mut draft = Draft::new();
            Scribe { schema, debris: None }.record(&mut draft, structure, &record);
            draft
        })
    }

    proptest! {
        #[test]
        fn fields_differ_where_the_json_does(seed in any::<u64>()) {
            let dice = Dice::new(seed);
            let schema = random_schema(&dice);
            let structure = schema.record_type(RECORD).structure;
            let drafts = drafts(&dice, &schema);
            let [older, newer] = drafts.each_ref().map(|draft| (structure, draft.reader()));
            let comparison = FieldComparison::new(&schema, &schema);
            let found = comparison.differences(older, newer).unwrap();
            let [before, after] = [older, newer].map(|(structure, reader)| {
                let mut out = Vec::new();
                comparison.newer().print(structure, reader, &mut out).unwrap();
                serde_json::from_slice::<Json>(&out).unwrap()
            });
            let mut expected = Vec::new();
            naive("", Some(&before), Some(&after), &mut expected);
            let shown = |value: Option<String>| {
                // Through the same parser as the trees, which may print numbers in another way.
                value.map_or_else(|| "unset".to_owned(), |text| serde_json::from_str::<Json>(&text).unwrap().to_string())
            };
            let mut found: Vec<_> =
                found.into_iter().map(|field| (field.path, shown(field.older), shown(field.newer))).collect();
            // What only its bits tell apart.
            found.retain(|(_, older, newer)| older != newer || !older.contains("NaN"));
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_record_does_not_differ_from_itself(seed in any::<u64>()) {
            let dice = Dice::new(seed);
            let schema = random_schema(&dice);
            let structure = schema.record_type(RECORD).structure;
            let [draft, _] = drafts(&dice, &schema);
            let record = (structure, draft.reader());
            prop_assert_eq!(FieldComparison::new(&schema, &schema).differences(record, record).unwrap(), []);
        }
    }

    fn field(name: &str, ordinal: u16, value_type: T, default: u64) -> MemberDeclaration {
        let default =
            if default == 0 { crate::schema::Default::Zero } else { crate::schema::Default::Bits(default) };
        MemberDeclaration::Field {
            name: name.to_owned(),
            original_name: None,
            references: None,
            collection: None,
            ordinal,
            value_type,
            default,
        }
    }

    fn schema(members: Vec<MemberDeclaration>) -> Schema {
        Schema::from_declaration(&SchemaDeclaration {
            types: vec![TypeDeclaration { name: "Record".to_owned(), key: Vec::new() }],
            structs: vec![StructDeclaration { id: None, name: "Record".to_owned(), members }],
            enums: Vec::new(),
        })
        .unwrap()
    }

    fn compared(older: (&Schema, &[u64]), newer: (&Schema, &[u64])) -> Vec<(String, String, String)> {
        let drafts = [older.1, newer.1].map(|words| {
            let mut draft = Draft::new();
            let root = draft.root(words.len() as u16, 0).unwrap();
            (0..).zip(words).for_each(|(at, word)| draft.set_bits_at(root, at, 64, *word));
            draft
        });
        let index = |schema: &Schema| schema.types()[0].structure;
        let comparison = FieldComparison::new(older.0, newer.0);
        let found = comparison
            .differences((index(older.0), drafts[0].reader()), (index(newer.0), drafts[1].reader()));
        let shown = |value: Option<String>| value.unwrap_or_else(|| "unset".to_owned());
        found.unwrap().into_iter().map(|field| (field.path, shown(field.older), shown(field.newer))).collect()
    }

    fn of(path: &str, older: &str, newer: &str) -> (String, String, String) {
        (path.to_owned(), older.to_owned(), newer.to_owned())
    }

    #[test]
    fn floats_differ_by_their_bits() {
        let schema = schema(vec![field("x", 0, T::Float64, 0)]);
        let of_bits = |older: u64, newer: u64| compared((&schema, &[older]), (&schema, &[newer]));
        let nan = f64::NAN.to_bits();
        assert_eq!(of_bits(nan, nan), []);
        assert_eq!(of_bits(nan, nan | 1), [of("x", "\"NaN\"", "\"NaN\"")]);
        assert_eq!(of_bits(0, (-0.0_f64).to_bits()), [of("x", "0.0", "-0.0")]);
    }

    #[test]
    fn a_field_of_one_schema_only_reads_as_its_default_in_the_other() {
        let small = schema(vec![field("a", 0, T::UInt64, 0)]);
        let large = schema(vec![field("a", 0, T::UInt64, 0), field("b", 1, T::UInt64, 7)]);
        // Stored is the difference from the default: 0 is 7, and 7 is 0.
        assert_eq!(compared((&small, &[1]), (&large, &[1, 0])), []);
        assert_eq!(compared((&small, &[1]), (&large, &[2, 7])), [of("a", "1", "2"), of("b", "7", "0")]);
        assert_eq!(compared((&large, &[1, 7]), (&small, &[1])), [of("b", "0", "7")]);
        let other_type = schema(vec![field("a", 0, T::Float64, 0)]);
        let one = 1.0_f64.to_bits();
        assert_eq!(compared((&small, &[1]), (&other_type, &[one])), [of("a", "1", "1.0")]);
    }

    #[test]
    fn members_of_a_union_are_unset_where_another_is_set() {
        let union = MemberDeclaration::Union {
            members: vec![
                field("nothing", 0, T::Void, 0),
                field("void", 1, T::Void, 0),
                field("n", 2, T::UInt32, 0),
            ],
        };
        let schema = schema(vec![union]);
        let offset = schema.structure(schema.types()[0].structure).discriminant_offset.unwrap();
        let set =
            |member: u64, number: u64| [member << (16 * offset) | number << if offset < 2 { 32 } else { 0 }];
        let between = |older: [u64; 1], newer: [u64; 1]| compared((&schema, &older), (&schema, &newer));
        assert_eq!(
            between(set(0, 0), set(1, 0)),
            [of("nothing", "null", "unset"), of("void", "unset", "null")]
        );
        let expected = [of("void", "null", "unset"), of("n", "unset", "0")];
        assert_eq!(between(set(1, 0), set(2, 0)), expected);
    }

    fn nested(structs: &[u64]) -> (Schema, Vec<u64>) {
        let link = |name, ordinal| field(name, ordinal, T::Struct("Record".to_owned()), 0);
        (schema(vec![link("one", 0), link("two", 1)]), structs.to_vec())
    }

    fn refused((schema, words): &(Schema, Vec<u64>), limit: usize) -> JsonError {
        let record = || (schema.types()[0].structure, StructReader::root(words).unwrap());
        FieldComparison::new(schema, schema).differences_within(limit, record(), record()).unwrap_err()
    }

    #[test]
    fn records_without_end_are_refused() {
        // `one` leads back to the record.
        let endless = nested(&[2 << 48, 2 << 48 | 0xffff_fff8, 0]);
        assert_eq!(refused(&endless, MAX_RECORD), JsonError::TooDeep);
    }

    /// Bug: two records of few bytes were compared for years. Mechanism: both pointers of each struct lead to the next one, and the limit was that
    /// of each value. Fix: one limit for all of both records.
    #[test]
    fn records_whose_pointers_multiply_are_refused() {
        let link = [2 << 48 | 4, 2 << 48];
        let words = [vec![2 << 48], link.repeat(50), vec![0; 2]].concat();
        assert_eq!(refused(&nested(&words), 1 << 16), JsonError::TooLong);
    }
}
