//! Messages and schemas that the tests of this module share.

mod canonical;
mod draft;
mod dynamic;
mod gather;
mod key;
pub(crate) mod random;
mod reader;

use crate::identifiers::TypeId;
use crate::schema::{
    Default as Stored, EnumDefinition, EnumIndex, Field, FieldKind, FieldPath, RecordType, Schema,
    StructDefinition, StructIndex, Type,
};

/// What the C++ tool makes of the text below: `capnp convert text:canonical sample.capnp Sample`.
///
/// ```text
/// struct Sample {
///   tiny @0 :UInt8;  flag @1 :Bool;  small @2 :UInt16;  medium @3 :UInt32;  large @4 :UInt64;  text @5 :Text;
///   data @6 :Data;  bits @7 :List(Bool);  words @8 :List(UInt64);  names @9 :List(Text);
///   nested @10 :List(List(Int8));  points @11 :List(Point);  point @12 :Point;  nothing @13 :List(Void);
///   absent @14 :Text;  empty @15 :Text;  shorts @16 :List(UInt16);  hollow @17 :Point;  last @18 :Text;
/// }
/// struct Point { x @0 :Int32;  y @1 :Int32;  z @2 :Int64;  label @3 :Text; }
///
/// (tiny = 7, flag = true, small = 4660, medium = 3735928559, large = 81985529216486895, text = "hello",
///  data = 0x"010203", bits = [true, false, true, true, false, false, false, false, true], words = [1, 2],
///  names = ["a", "", "ccccccccc"], nested = [[1, -1], []], points = [(x = 1), (x = 2, y = 3, label = "p")],
///  point = (z = 0), nothing = [void, void, void], empty = "", shorts = [1, 2, 3, 4, 5], hollow = ())
/// ```
#[rustfmt::skip]
const SAMPLE: [u64; 40] = [
    0x000D_0002_0000_0000, 0xDEAD_BEEF_1234_0107, 0x0123_4567_89AB_CDEF, 0x0000_0032_0000_0031,
    0x0000_001A_0000_0031, 0x0000_0049_0000_0031, 0x0000_0015_0000_0031, 0x0000_001E_0000_0035,
    0x0000_0016_0000_004D, 0x0000_0027_0000_0055, 0x0000_0000_FFFF_FFFC, 0x0000_0018_0000_0065,
    0x0000_0000_0000_0000, 0x0000_000A_0000_005D, 0x0000_002B_0000_005D, 0x0000_0000_FFFF_FFFC,
    0x0000_006F_6C6C_6568, 0x0000_0000_0003_0201, 0x0000_0000_0000_010D, 0x0000_0000_0000_0001,
    0x0000_0000_0000_0002, 0x0000_0012_0000_0009, 0x0000_000A_0000_0009, 0x0000_0052_0000_0009,
    0x0000_0000_0000_0061, 0x0000_0000_0000_0000, 0x6363_6363_6363_6363, 0x0000_0000_0000_0063,
    0x0000_0012_0000_0005, 0x0000_0002_0000_0005, 0x0000_0000_0000_FF01, 0x0001_0001_0000_0008,
    0x0000_0000_0000_0001, 0x0000_0000_0000_0000, 0x0000_0003_0000_0002, 0x0000_0012_0000_0001,
    0x0000_0000_0000_0070, 0x0000_0000_0000_0000, 0x0004_0003_0002_0001, 0x0000_0000_0000_0005,
];

fn slot(name: &str, offset: u32, value_type: Type) -> Field {
    Field {
        name: name.into(),
        original_name: None,
        references: None,
        collection: None,
        discriminant: None,
        ordinal: None,
        kind: FieldKind::Slot { offset, value_type, default: Stored::Zero },
    }
}

fn list_of(element: Type) -> Type {
    Type::List(Box::new(element))
}

fn plain_struct(name: &str, data_words: u16, pointer_words: u16, fields: Vec<Field>) -> StructDefinition {
    StructDefinition {
        id: 0,
        name: name.into(),
        is_group: false,
        data_words,
        pointer_words,
        discriminant_offset: None,
        fields,
    }
}

/// The schema of [`SAMPLE`], laid out as the C++ tool does; its key is `small`, `text`.
fn sample_schema() -> Schema {
    let point = StructIndex(1);
    let sample = plain_struct(
        "Sample",
        2,
        14,
        vec![
            slot("tiny", 0, Type::UInt8),
            slot("flag", 8, Type::Bool),
            slot("small", 1, Type::UInt16),
            slot("medium", 1, Type::UInt32),
            slot("large", 1, Type::UInt64),
            slot("text", 0, Type::Text),
            slot("data", 1, Type::Data),
            slot("bits", 2, list_of(Type::Bool)),
            slot("words", 3, list_of(Type::UInt64)),
            slot("names", 4, list_of(Type::Text)),
            slot("nested", 5, list_of(list_of(Type::Int8))),
            slot("points", 6, list_of(Type::Struct(point))),
            slot("point", 7, Type::Struct(point)),
            slot("nothing", 8, list_of(Type::Void)),
            slot("absent", 9, Type::Text),
            slot("empty", 10, Type::Text),
            slot("shorts", 11, list_of(Type::UInt16)),
            slot("hollow", 12, Type::Struct(point)),
            slot("last", 13, Type::Text),
        ],
    );
    let point = plain_struct(
        "Point",
        2,
        1,
        vec![
            slot("x", 0, Type::Int32),
            slot("y", 1, Type::Int32),
            slot("z", 1, Type::Int64),
            slot("label", 0, Type::Text),
        ],
    );
    let key = vec![FieldPath(vec![2]), FieldPath(vec![5])];
    let record =
        RecordType { name: "Sample".into(), id: TypeId::of("Sample"), structure: StructIndex(0), key };
    Schema { types: vec![record], structs: vec![sample, point], enums: Vec::new() }
}

fn record_of(name: &str, structure: StructIndex, key: Vec<FieldPath>) -> RecordType {
    RecordType { name: name.into(), id: TypeId::of(name), structure, key }
}

/// A struct with a union whose last arm is a group:
///
/// ```text
/// struct Shape {
///   id @0 :UInt32;
///   union { radius @1 :Float64;  name @2 :Text;  look :group { color @3 :Color = green;  note @4 :Text; } }
///   colors @5 :List(Color);
/// }
/// enum Color { red @0; green @1; }
/// ```
fn shape_schema() -> Schema {
    let color =
        EnumDefinition { id: 0, name: "Color".into(), enumerants: vec!["red".into(), "green".into()] };
    let arm = |discriminant, field| Field { discriminant: Some(discriminant), ..field };
    let mut shape = plain_struct(
        "Shape",
        2,
        2,
        vec![
            slot("id", 0, Type::UInt32),
            arm(0, slot("radius", 1, Type::Float64)),
            arm(1, slot("name", 0, Type::Text)),
            arm(2, Field { kind: FieldKind::Group(StructIndex(1)), ..slot("look", 0, Type::Void) }),
            slot("colors", 1, list_of(Type::Enum(EnumIndex(0)))),
        ],
    );
    shape.discriminant_offset = Some(2);
    let green = FieldKind::Slot { offset: 4, value_type: Type::Enum(EnumIndex(0)), default: Stored::Bits(1) };
    let mut look = plain_struct(
        "Shape.look",
        2,
        2,
        vec![Field { kind: green, ..slot("color", 4, Type::Void) }, slot("note", 0, Type::Text)],
    );
    look.is_group = true;
    let types = vec![record_of("Shape", StructIndex(0), vec![FieldPath(vec![0])])];
    Schema { types, structs: vec![shape, look], enums: vec![color] }
}

/// `struct Chain { next @0 :Chain; }`
fn chain_schema() -> Schema {
    let chain = plain_struct("Chain", 0, 1, vec![slot("next", 0, Type::Struct(StructIndex(0)))]);
    Schema {
        types: vec![record_of("Chain", StructIndex(0), Vec::new())],
        structs: vec![chain],
        enums: Vec::new(),
    }
}
