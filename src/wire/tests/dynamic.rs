//! Dynamic reading, against the values that records were made from.

use proptest::prelude::*;

use super::random::{Dice, RECORD, Scribe, Value, random_record, random_schema};
use super::{SAMPLE, plain_struct, record_of, sample_schema, shape_schema, slot};
use crate::schema::{Default as Stored, Field, FieldKind, Schema, StructIndex, Type};
use crate::wire::{CopyPlans, Draft, DynamicStruct, DynamicValue, StructReader, WireError};

/// What a dynamic value says, apart from any encoding.
fn value_of(value: DynamicValue<'_>, width: u32) -> Value {
    match value {
        DynamicValue::Null => Value::Null,
        DynamicValue::Void => Value::Bits(0),
        DynamicValue::Bool(bool) => Value::Bits(u64::from(bool)),
        DynamicValue::Int(number) => Value::Bits(number.cast_unsigned() & (u64::MAX >> (64 - width))),
        DynamicValue::UInt(number) => Value::Bits(number),
        DynamicValue::Float32(number) => Value::Bits(u64::from(number.to_bits())),
        DynamicValue::Float64(number) => Value::Bits(number.to_bits()),
        DynamicValue::Enum(value) => {
            assert_eq!(value.name(), Some(format!("e{}", value.value()).as_str()));
            Value::Bits(u64::from(value.value()))
        }
        DynamicValue::Text(text) => Value::Text(text.to_owned()),
        DynamicValue::Data(data) => Value::Data(data.to_owned()),
        DynamicValue::Struct(inner) => Value::Struct(members_of(inner)),
        DynamicValue::List(list) => {
            let width = width_of(list.element());
            Value::List(list.iter().map(|element| value_of(element.unwrap(), width)).collect())
        }
    }
}

fn members_of(structure: DynamicStruct<'_>) -> Vec<(usize, Value)> {
    let all = &structure.definition().fields;
    let place = |field: &Field| all.iter().position(|other| std::ptr::eq(other, field)).unwrap();
    let fields = structure.fields();
    fields.map(|(field, value)| (place(field), value_of(value.unwrap(), field_width(field)))).collect()
}

fn field_width(field: &Field) -> u32 {
    if let FieldKind::Slot { value_type, .. } = &field.kind { width_of(value_type) } else { 64 }
}

fn width_of(value_type: &Type) -> u32 {
    match value_type {
        Type::Int8 => 8,
        Type::Int16 => 16,
        Type::Int32 => 32,
        _ => 64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn records_read_as_they_were_written(seed in any::<u64>()) {
        let dice = Dice::new(seed);
        let schema = random_schema(&dice);
        let structure = schema.record_type(RECORD).structure;
        let record = random_record(&dice, &schema, structure);
        let mut draft = Draft::new();
        Scribe { schema: &schema, debris: Some(&dice) }.record(&mut draft, structure, &record);
        prop_assert_eq!(&members_of(DynamicStruct::new(&schema, structure, draft.reader())), &record);
        let mut message = Vec::new();
        CopyPlans::new(&schema).copy(structure, draft.reader(), &mut message).unwrap();
        let canonical = StructReader::root(&message).unwrap();
        prop_assert_eq!(&members_of(DynamicStruct::new(&schema, structure, canonical)), &record);
    }

    #[test]
    fn no_bytes_make_dynamic_reading_panic(flips in prop::collection::vec((0..SAMPLE.len(), 0..64_u32), 0..6)) {
        let schema = sample_schema();
        let mut words = SAMPLE.to_vec();
        for (word, bit) in flips {
            words[word] ^= 1 << bit;
        }
        if let Ok(root) = StructReader::root(&words) {
            for (_, value) in DynamicStruct::new(&schema, StructIndex(0), root).fields() {
                if let Ok(DynamicValue::List(list)) = value {
                    let _ = list.iter().take(100).filter_map(Result::ok).count();
                }
            }
        }
    }
}

fn sample(schema: &Schema) -> DynamicStruct<'_> {
    DynamicStruct::new(schema, StructIndex(0), StructReader::root(&SAMPLE).unwrap())
}

#[test]
fn paths_lead_through_structs() {
    let schema = sample_schema();
    let sample = sample(&schema);
    assert!(matches!(sample.get("medium"), Ok(Some(DynamicValue::UInt(0xDEAD_BEEF)))));
    assert!(matches!(sample.get("flag"), Ok(Some(DynamicValue::Bool(true)))));
    assert!(matches!(sample.get("point.z"), Ok(Some(DynamicValue::Int(0)))));
    assert!(matches!(sample.get("point.label"), Ok(Some(DynamicValue::Null))));
    for nowhere in ["", ".", "other", "point.", "point.w", "text.length", "text.", "points.x"] {
        assert!(matches!(sample.get(nowhere), Ok(None)), "{nowhere}");
    }
    let empty = DynamicStruct::new(&schema, StructIndex(0), StructReader::root(&[0xFFFF_FFFC]).unwrap());
    assert!(matches!(empty.get("point.z"), Ok(Some(DynamicValue::Null))));
    assert!(matches!(empty.get("point.w"), Ok(None)), "what is no field is none, whatever the record holds");
}

#[test]
fn null_and_empty_differ() {
    // Rule 30.
    let schema = sample_schema();
    assert!(matches!(sample(&schema).get("absent"), Ok(Some(DynamicValue::Null))));
    assert!(matches!(sample(&schema).get("empty"), Ok(Some(DynamicValue::Text("")))));
    assert!(matches!(sample(&schema).get("hollow"), Ok(Some(DynamicValue::Struct(_)))));
    assert!(matches!(sample(&schema).get("nothing"), Ok(Some(DynamicValue::List(list))) if list.len() == 3));
}

#[test]
fn a_union_shows_the_member_that_is_set() {
    let schema = shape_schema();
    let mut draft = Draft::new();
    let root = draft.root(2, 2).unwrap();
    draft.set_bits_at(root, 2, 16, 2);
    draft.set_text(draft.pointer(root, 0), "note").unwrap();
    let names = |draft: &Draft| -> Vec<String> {
        let shape = DynamicStruct::new(&schema, StructIndex(0), draft.reader());
        shape.fields().map(|(field, _)| field.name.clone()).collect()
    };
    assert_eq!(names(&draft), ["id", "look", "colors"]);
    let shape = DynamicStruct::new(&schema, StructIndex(0), draft.reader());
    assert!(matches!(shape.get("look.note"), Ok(Some(DynamicValue::Text("note")))));
    assert!(
        matches!(shape.get("look.color"), Ok(Some(DynamicValue::Enum(color))) if color.name() == Some("green"))
    );
    assert!(matches!(shape.get("name"), Ok(Some(DynamicValue::Null))), "the note is no name");
    draft.set_bits_at(root, 4, 16, 6);
    let shape = DynamicStruct::new(&schema, StructIndex(0), draft.reader());
    assert!(matches!(shape.get("look.color"), Ok(Some(DynamicValue::Enum(color)))
        if color.name().is_none() && color.value() == 7));
    draft.set_bits_at(root, 2, 16, 9);
    assert_eq!(names(&draft), ["id", "colors"]);
}

#[test]
fn fields_that_the_row_lacks_read_as_their_default() {
    // Rule 25.
    let with_default = |name: &str, offset, value_type, default| Field {
        kind: FieldKind::Slot { offset, value_type, default },
        ..slot(name, offset, Type::Void)
    };
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    draft.set_text(draft.pointer(root, 0), "none").unwrap();
    let none = Stored::Pointer(vec![draft.words()[1], draft.words()[2]]);
    let fields = vec![
        with_default("number", 0, Type::Int16, Stored::Bits(0xFFFE)),
        with_default("flag", 16, Type::Bool, Stored::Bits(1)),
        with_default("name", 0, Type::Text, none),
        slot("other", 1, Type::Text),
    ];
    let types = vec![record_of("New", StructIndex(0), Vec::new())];
    let schema = Schema { types, structs: vec![plain_struct("New", 1, 2, fields)], enums: Vec::new() };
    let row = DynamicStruct::new(&schema, StructIndex(0), StructReader::root(&[0xFFFF_FFFC]).unwrap());
    assert!(matches!(row.get("number"), Ok(Some(DynamicValue::Int(-2)))));
    assert!(matches!(row.get("flag"), Ok(Some(DynamicValue::Bool(true)))));
    assert!(matches!(row.get("name"), Ok(Some(DynamicValue::Text("none")))));
    assert!(matches!(row.get("other"), Ok(Some(DynamicValue::Null))));
}

#[test]
fn optional_values_are_recognised() {
    let arm = |number, field| Field { discriminant: Some(number), ..field };
    let mut optional = plain_struct(
        "Row.elevation",
        2,
        0,
        vec![arm(0, slot("none", 0, Type::Void)), arm(1, slot("value", 1, Type::Float64))],
    );
    (optional.is_group, optional.discriminant_offset) = (true, Some(0));
    let group = Field { kind: FieldKind::Group(StructIndex(1)), ..slot("elevation", 0, Type::Void) };
    let mut group_with_name = group.clone();
    group_with_name.original_name = Some("elevation_ft".into());
    let row = plain_struct("Row", 2, 0, vec![group_with_name]);
    let types = vec![record_of("Row", StructIndex(0), Vec::new())];
    let schema = Schema { types, structs: vec![row, optional], enums: Vec::new() };
    let mut draft = Draft::new();
    let root = draft.root(2, 0).unwrap();
    draft.set_bits_at(root, 1, 64, 1.5_f64.to_bits());
    let optional_of = |draft: &Draft| -> Option<f64> {
        let row = DynamicStruct::new(&schema, StructIndex(0), draft.reader());
        assert!(row.as_optional().is_none(), "a record is no optional value");
        let Ok(Some(DynamicValue::Struct(group))) = row.get("elevation_ft") else {
            panic!("a group is there")
        };
        match group.as_optional().unwrap().unwrap() {
            DynamicValue::Float64(number) => Some(number),
            DynamicValue::Null => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(optional_of(&draft), None);
    draft.set_bits_at(root, 0, 16, 1);
    assert_eq!(optional_of(&draft), Some(1.5));
    assert!(
        DynamicStruct::new(&schema, StructIndex(0), draft.reader()).get("elevation.value").unwrap().is_some()
    );
}

/// A schema of `Row` with the group `x`, a union of these members in code order.
fn schema_with_union(members: Vec<Field>) -> Schema {
    let members = (0..).zip(members);
    let members = members.map(|(ordinal, field)| Field { ordinal: Some(ordinal), ..field }).collect();
    let mut group = plain_struct("Row.x", 1, 1, members);
    (group.is_group, group.discriminant_offset) = (true, Some(0));
    let x = Field { kind: FieldKind::Group(StructIndex(1)), ..slot("x", 0, Type::Void) };
    let types = vec![record_of("Row", StructIndex(0), Vec::new())];
    Schema { types, structs: vec![plain_struct("Row", 1, 1, vec![x]), group], enums: Vec::new() }
}

/// Bug: `as_optional` passed over optional groups whose code has `value` first, and took others for optional that are not. Mechanism: it had a
/// definition of its own, by the order of the code. Fix: it asks the schema.
#[test]
fn what_is_optional_is_what_the_schema_says() {
    let arm = |number, field| Field { discriminant: Some(number), ..field };
    let none = || arm(0, slot("none", 0, Type::Void));
    let unions = [
        (vec![none(), arm(1, slot("value", 1, Type::UInt32))], true),
        (vec![arm(1, slot("value", 1, Type::UInt32)), none()], true),
        (vec![none(), arm(1, slot("value", 0, Type::Void))], false),
        (vec![arm(1, slot("none", 0, Type::Void)), arm(0, slot("value", 1, Type::UInt32))], false),
    ];
    for (members, is_optional) in unions {
        let schema = schema_with_union(members);
        let mut draft = Draft::new();
        let root = draft.root(1, 0).unwrap();
        draft.set_bits_at(root, 0, 64, 7 << 32 | 1);
        let row = DynamicStruct::new(&schema, StructIndex(0), draft.reader());
        let Ok(Some(DynamicValue::Struct(group))) = row.get("x") else { panic!("a group is there") };
        let value = group.as_optional().map(Result::unwrap);
        assert_eq!(value.is_some(), is_optional, "{schema:?}");
        assert!(value.is_none_or(|value| matches!(value, DynamicValue::UInt(7))), "{value:?}");
    }
}

#[test]
fn lists_say_where_they_end() {
    let schema = sample_schema();
    let Ok(Some(DynamicValue::List(points))) = sample(&schema).get("points") else {
        panic!("points are a list")
    };
    let Ok(DynamicValue::Struct(second)) = points.get(1) else { panic!("points are structs") };
    assert!(matches!(second.get("label"), Ok(Some(DynamicValue::Text("p")))));
    assert!(matches!(points.get(2), Err(WireError::NoSuchElement { len: 2, index: 2, .. })));
    let Ok(Some(DynamicValue::List(bits))) = sample(&schema).get("bits") else { panic!("bits are a list") };
    assert!(bits.get(9).is_err());
}
