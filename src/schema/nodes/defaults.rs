//! Defaults in compiled schemas.

use capnp::message::{Builder, HeapAllocator, Reader, ReaderOptions, SegmentArray};
use capnp::schema_capnp::{type_, value};
use capnp::{any_pointer, data, text};

use super::InPart;
use crate::schema::error::SchemaError;
use crate::schema::limits;
use crate::schema::literal::Literal;
use crate::schema::model::{Default, Schema, Type};

/// The default that a field of `value_type` has in its node.
pub(super) fn read(
    found: value::Reader<'_>,
    value_type: type_::Reader<'_>,
    place: &str,
) -> Result<Default, SchemaError> {
    let declared = value_type.which().of(place)?;
    let bits = match (found.which().of(place)?, declared) {
        (value::Void(()), type_::Void(())) => 0,
        (value::Bool(is), type_::Bool(())) => is.into(),
        (value::Int8(is), type_::Int8(())) => is.cast_unsigned().into(),
        (value::Int16(is), type_::Int16(())) => is.cast_unsigned().into(),
        (value::Int32(is), type_::Int32(())) => is.cast_unsigned().into(),
        (value::Int64(is), type_::Int64(())) => is.cast_unsigned(),
        (value::Uint8(is), type_::Uint8(())) => is.into(),
        (value::Uint16(is), type_::Uint16(())) | (value::Enum(is), type_::Enum(_)) => is.into(),
        (value::Uint32(is), type_::Uint32(())) => is.into(),
        (value::Uint64(is), type_::Uint64(())) => is,
        (value::Float32(is), type_::Float32(())) => is.to_bits().into(),
        (value::Float64(is), type_::Float64(())) => is.to_bits(),
        (value::Text(is), type_::Text(())) => return from_text(is.of(place)?, place),
        (value::Data(is), type_::Data(())) => return from_data(is.of(place)?, place),
        (value::List(is), type_::List(_)) | (value::Struct(is), type_::Struct(_)) => {
            return pointer(is, place);
        }
        _ => {
            let problem = "it is of another type than the field; compile the schema again".into();
            return Err(SchemaError::Default { place: place.into(), problem });
        }
    };
    Ok(if bits == 0 { Default::Zero } else { Default::Bits(bits) })
}

fn from_text(text: text::Reader<'_>, place: &str) -> Result<Default, SchemaError> {
    if text.is_empty() {
        return Ok(Default::Zero);
    }
    let words = text.len() / 8 + 2;
    canonical(words, place, |message| message.set_root_canonical::<text::Owned>(text))
}

fn from_data(data: data::Reader<'_>, place: &str) -> Result<Default, SchemaError> {
    if data.is_empty() {
        return Ok(Default::Zero);
    }
    let words = data.len() / 8 + 2;
    canonical(words, place, |message| message.set_root_canonical::<data::Owned>(data))
}

fn pointer(pointer: any_pointer::Reader<'_>, place: &str) -> Result<Default, SchemaError> {
    if pointer.is_null() {
        return Ok(Default::Zero);
    }
    let words = pointer.target_size().of(place)?.word_count as usize + 1;
    canonical(words, place, |message| message.set_root_canonical::<any_pointer::Owned>(pointer))
}

/// The canonical message that `set` makes, which takes at most `words`.
fn canonical(
    words: usize,
    place: &str,
    set: impl FnOnce(&mut Builder<HeapAllocator>) -> capnp::Result<()>,
) -> Result<Default, SchemaError> {
    limits::at_most(limits::DEFAULT_WORDS, words, "words in its default", || place.into())?;
    let first_segment = HeapAllocator::new().first_segment_words(words as u32 + 1);
    let mut message = Builder::new(first_segment);
    set(&mut message).of(place)?;
    let words = words_of(message.get_segments_for_output()[0]);
    Ok(Default::Pointer(words))
}

fn words_of(bytes: &[u8]) -> Vec<u64> {
    let (words, rest) = bytes.as_chunks();
    assert!(rest.is_empty(), "segments are whole words");
    words.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// Writes the default of a field, which is [`Default::Zero`] or one that the schema checked.
pub(super) fn write(schema: &Schema, value_type: &Type, default: &Default, mut out: value::Builder<'_>) {
    let bits = if let Default::Bits(bits) = default { *bits } else { 0 };
    match value_type {
        Type::Void => out.set_void(()),
        Type::Bool => out.set_bool(bits != 0),
        Type::Int8 => out.set_int8((bits as u8).cast_signed()),
        Type::Int16 => out.set_int16((bits as u16).cast_signed()),
        Type::Int32 => out.set_int32((bits as u32).cast_signed()),
        Type::Int64 => out.set_int64(bits.cast_signed()),
        Type::UInt8 => out.set_uint8(bits as u8),
        Type::UInt16 => out.set_uint16(bits as u16),
        Type::UInt32 => out.set_uint32(bits as u32),
        Type::UInt64 => out.set_uint64(bits),
        Type::Float32 => out.set_float32(f32::from_bits(bits as u32)),
        Type::Float64 => out.set_float64(f64::from_bits(bits)),
        Type::Enum(_) => out.set_enum(bits as u16),
        Type::Text | Type::Data => write_bytes(schema, value_type, default, out),
        Type::List(_) => copy(default, out.init_list()),
        Type::Struct(_) => copy(default, out.init_struct()),
    }
}

fn write_bytes(schema: &Schema, value_type: &Type, default: &Default, mut out: value::Builder<'_>) {
    let literal = match default {
        Default::Pointer(words) => {
            Some(Literal::read(schema, value_type, words).expect("the schema checked it"))
        }
        _ => None,
    };
    match (value_type, literal) {
        (Type::Text, Some(Literal::Text(text))) => out.set_text(&text),
        (Type::Text, _) => out.set_text(""),
        (_, Some(Literal::Data(bytes))) => out.set_data(&bytes),
        (_, _) => out.set_data(&[]),
    }
}

fn copy(default: &Default, mut out: any_pointer::Builder<'_>) {
    if let Default::Pointer(words) = default {
        let segments: [&[u8]; 1] = [bytemuck::cast_slice(words)];
        let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 64 };
        let message = Reader::new(SegmentArray::new(&segments), options);
        let root: any_pointer::Reader<'_> = message.get_root().expect("the schema checked it");
        out.set_as::<any_pointer::Owned>(root).expect("the schema checked it");
    }
}
