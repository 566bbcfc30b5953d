//! What a dataset may hold under schemas that follow from each other or do not, and the comparison of states with what is known.

use std::collections::{BTreeMap, BTreeSet};

use hollowcast::state::{Row, State, Table};
use hollowcast::wire::DynamicStruct;

use super::choices::Choices;
use super::content::{Content, KnownVersion};
use super::drafting::Drafter;
use super::kind::Growth;
use super::record::{KeyShape, Record};
use super::shape::{DatasetShape, TypeShape};
use super::value::Value;

/// Which schema it is: of one edition all are of one line of growth, and none can follow from one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SchemaForm {
    pub(crate) edition: usize,
    pub(crate) growth: Growth,
}

/// How many editions there are.
pub(crate) const EDITIONS: usize = 2;

/// What a chain's dataset may hold, edition by edition.
pub(crate) struct World([Edition; EDITIONS]);

/// What versions of one edition may hold, and every key that a record of them ever had.
pub(crate) struct Edition {
    pub(crate) shape: DatasetShape,
    drafters: Vec<Drafter>,
    /// By number of the type: for what tells a record apart the bytes that look it up.
    lookups: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// Keys of each type that no record ever has.
const STRANGERS: u32 = 3;

impl World {
    /// A world without a record.
    pub(crate) fn random(choices: &mut Choices) -> Self {
        let first = DatasetShape::random(choices);
        let second = DatasetShape::breaking(choices, &first);
        Self([first, second].map(Edition::new))
    }

    /// What a schema of this form is about.
    pub(crate) fn edition(&self, form: SchemaForm) -> &Edition {
        &self.0[form.edition]
    }

    /// Drafts records as a producer of this form does.
    pub(crate) fn drafter(&self, form: SchemaForm) -> &Drafter {
        &self.edition(form).drafters[usize::from(form.growth.0)]
    }

    /// Looks up the keyless records of `content` from now on, in every state of this edition.
    pub(crate) fn remember(&mut self, form: SchemaForm, content: &Content) {
        self.0[form.edition].remember(content);
    }

    /// Holds all of `state` against what is known of its version: by scan, and by lookup of every key there is or was.
    pub(crate) fn check(&self, state: &State, expected: &KnownVersion, route: &str) {
        self.check_types(state, expected, route, None);
        assert_eq!(state.fingerprint(), expected.fingerprint, "version {} by {route}", expected.number);
    }

    /// The same of a state of these types alone.
    pub(crate) fn check_types(
        &self,
        state: &State,
        expected: &KnownVersion,
        route: &str,
        types: Option<&BTreeSet<String>>,
    ) {
        self.edition(expected.form).check_types(state, expected, route, types);
    }
}

impl Edition {
    fn new(shape: DatasetShape) -> Self {
        let drafters = (0..=Growth::FULL.0).map(|growth| Drafter::new(shape.schema(Growth(growth))));
        let drafters = drafters.collect();
        let lookups = shape.types.iter().map(|record_type| {
            let keyed = record_type.key != KeyShape::Keyless;
            let keys = if keyed { 0..record_type.keys + STRANGERS } else { 0..0 };
            let bytes = keys.map(|key| record_type.key.identity(&Record(record_type.key.values(key))));
            bytes.map(|bytes| (bytes.clone(), bytes)).collect()
        });
        let lookups = lookups.collect();
        Self { shape, drafters, lookups }
    }

    /// By number of the type, its name.
    pub(crate) fn names(&self) -> Vec<String> {
        self.shape.types.iter().map(|record_type| record_type.name.clone()).collect()
    }

    /// No records.
    pub(crate) fn without_records(&self) -> Content {
        Content(vec![BTreeMap::new(); self.shape.types.len()])
    }

    fn remember(&mut self, content: &Content) {
        let drafter = &self.drafters[usize::from(Growth::FULL.0)];
        let types = self.shape.types.iter().zip(&content.0).zip(&mut self.lookups);
        for ((record_type, records), lookups) in types {
            if record_type.key != KeyShape::Keyless {
                continue;
            }
            for (identity, record) in records {
                lookups.entry(identity.clone()).or_insert_with(|| {
                    drafter.message_bytes(&record_type.name, &record_type.padded(record, Growth::FULL))
                });
            }
        }
    }

    fn check_types(
        &self,
        state: &State,
        expected: &KnownVersion,
        route: &str,
        types: Option<&BTreeSet<String>>,
    ) {
        let place = format!("version {} by {route}", expected.number);
        assert_eq!(state.version().0, expected.number, "{place}");
        assert_eq!(*state.tags(), expected.tags, "{place}");
        let loaded = self.shape.types.iter().filter(|record_type| {
            record_type.since <= expected.form.growth
                && types.is_none_or(|types| types.contains(&record_type.name))
        });
        let loaded: BTreeSet<&str> = loaded.map(|record_type| record_type.name.as_str()).collect();
        assert_eq!(
            state.tables().iter().map(|table| table.name()).collect::<BTreeSet<_>>(),
            loaded,
            "{place}"
        );
        for (number, record_type) in self.shape.types.iter().enumerate() {
            let Some(table) = state.table(&record_type.name) else { continue };
            let place = format!("{} of {place}", record_type.name);
            let reader = RecordReader::new(state, record_type, expected.form.growth);
            let records = &expected.content.0[number];
            assert_eq!(table.len(), records.len() as u64, "number of records, {place}");
            assert_eq!(table.fingerprint(), expected.type_fingerprints[number], "fingerprint of {place}");
            check_scan(table, &reader, records, &place);
            for (identity, bytes) in &self.lookups[number] {
                let found = table.get_bytes(bytes).map(|row| reader.read(row));
                assert_eq!(found.as_ref(), records.get(identity), "lookup of {identity:02x?}, {place}");
            }
        }
    }
}

fn check_scan(table: &Table, reader: &RecordReader<'_>, records: &BTreeMap<Vec<u8>, Record>, place: &str) {
    let mut scanned = BTreeMap::new();
    for row in table.rows() {
        let record = reader.read(row);
        let identity = reader.shape.key.identity(&record);
        assert_eq!(scanned.insert(identity, record), None, "scanned twice, {place}");
    }
    assert_eq!(scanned, *records, "scan, {place}");
}

/// Reads the rows of one type of a state as plain records.
struct RecordReader<'s> {
    state: &'s State,
    shape: &'s TypeShape,
    structure: hollowcast::schema::StructIndex,
    width: usize,
}

impl<'s> RecordReader<'s> {
    fn new(state: &'s State, shape: &'s TypeShape, growth: Growth) -> Self {
        let schema = state.schema();
        let index = schema.find_type(&shape.name).expect("a table has a type");
        Self { state, shape, structure: schema.record_type(index).structure, width: shape.width(growth) }
    }

    fn read(&self, row: Row<'_>) -> Record {
        let record = DynamicStruct::new(self.state.schema(), self.structure, row.reader());
        let values = Value::fields(record).expect("a row of a state can be read");
        assert_eq!(values.len(), self.width, "fields of {}", self.shape.name);
        self.shape.trimmed(values)
    }
}
