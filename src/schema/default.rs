//! Checks the defaults of fields and brings them into one form: what means "zero" or "empty" is [`Default::Zero`].

use super::error::SchemaError;
use super::layout::{Size, size_of};
use super::literal::Literal;
use super::model::{Default, EnumDefinition, FieldKind, Schema, StructDefinition, Type};

/// The one NaN that Cap'n Proto's text can write, as `nan`.
const NAN_32: u64 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// Checks a default as far as the type's own name tells: pointers are left to [`check_pointers`].
pub(super) fn checked(
    place: &str,
    value_type: &Type,
    default: &Default,
    enums: &[EnumDefinition],
) -> Result<Default, SchemaError> {
    let refusal = |problem: String| Err(SchemaError::Default { place: place.into(), problem });
    match (size_of(value_type), default) {
        (_, Default::Zero | Default::Bits(0)) => Ok(Default::Zero),
        (Size::Pointer, Default::Pointer(_)) => Ok(default.clone()),
        (Size::Bits(size), Default::Bits(bits)) => match bits_problem(value_type, size, *bits, enums) {
            None => Ok(default.clone()),
            Some(problem) => refusal(problem),
        },
        (Size::Pointer, Default::Bits(_)) => {
            refusal("it is a number, and the field holds a pointer; give a message".into())
        }
        (_, Default::Pointer(_)) => {
            refusal("it is a message, and the field holds a number; give bits".into())
        }
        (Size::None, Default::Bits(_)) => refusal("a Void has no bits; leave the default out".into()),
    }
}

fn bits_problem(value_type: &Type, size: u32, bits: u64, enums: &[EnumDefinition]) -> Option<String> {
    if size < 6 && bits >> (1 << size) != 0 {
        return Some(format!("{bits:#x} is wider than the {} bits of the field", 1 << size));
    }
    match value_type {
        Type::Enum(at) => {
            let definition = &enums[at.0 as usize];
            let known = definition.enumerants.len() as u64;
            (bits >= known)
                .then(|| format!("`{}` has {known} enumerants, and it is number {bits}", definition.name))
        }
        Type::Float32 if f32::from_bits(bits as u32).is_nan() && bits != NAN_32 => Some(other_nan(bits)),
        Type::Float64 if f64::from_bits(bits).is_nan() && bits != NAN_64 => Some(other_nan(bits)),
        _ => None,
    }
}

fn other_nan(bits: u64) -> String {
    format!("the not-a-number with the bits {bits:#x} cannot be written as text; use the usual one")
}

/// Checks that every pointer default is a value of its type, and makes those that mean "empty" [`Default::Zero`].
pub(super) fn check_pointers(schema: &mut Schema) -> Result<(), SchemaError> {
    let mut empty = Vec::new();
    for (structure, definition) in schema.structs.iter().enumerate() {
        for (field, (value_type, words)) in pointer_defaults(definition) {
            match Literal::read(schema, value_type, words) {
                Ok(literal) if literal.is_empty() => empty.push((structure, field)),
                Ok(_) => {}
                Err(problem) => {
                    let name = &definition.fields[field].name;
                    let place = format!("field `{}.{name}`", definition.name);
                    return Err(SchemaError::Default { place, problem });
                }
            }
        }
    }
    for (structure, field) in empty {
        if let FieldKind::Slot { default, .. } = &mut schema.structs[structure].fields[field].kind {
            *default = Default::Zero;
        }
    }
    Ok(())
}

fn pointer_defaults(definition: &StructDefinition) -> impl Iterator<Item = (usize, (&Type, &[u64]))> {
    definition.fields.iter().enumerate().filter_map(|(at, field)| match &field.kind {
        FieldKind::Slot { value_type, default: Default::Pointer(words), .. } => {
            Some((at, (value_type, &**words)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::EnumIndex;

    fn check(value_type: &Type, bits: u64) -> Option<Default> {
        let genre =
            EnumDefinition { id: 1, name: "Genre".into(), enumerants: vec!["drama".into(), "comedy".into()] };
        checked("field `Movie.x`", value_type, &Default::Bits(bits), &[genre]).ok()
    }

    #[test]
    fn bits_fit_the_field() {
        assert_eq!(check(&Type::UInt8, 255), Some(Default::Bits(255)));
        assert_eq!(check(&Type::UInt8, 256), None);
        assert_eq!(check(&Type::Bool, 1), Some(Default::Bits(1)));
        assert_eq!(check(&Type::Bool, 2), None);
        assert_eq!(check(&Type::Int64, u64::MAX), Some(Default::Bits(u64::MAX)));
        assert_eq!(check(&Type::Enum(EnumIndex(0)), 1), Some(Default::Bits(1)));
        assert_eq!(check(&Type::Enum(EnumIndex(0)), 2), None);
        assert_eq!(check(&Type::Void, 1), None);
        assert_eq!(check(&Type::Text, 1), None);
        assert_eq!(check(&Type::Text, 0), Some(Default::Zero), "no bits and no default are one");
    }

    #[test]
    fn only_a_nan_that_text_can_write_is_a_default() {
        assert!(check(&Type::Float64, f64::NAN.to_bits()).is_some());
        assert!(check(&Type::Float64, f64::NAN.to_bits() | 1).is_none());
        assert!(check(&Type::Float32, u64::from(f32::NAN.to_bits())).is_some());
        assert!(check(&Type::Float32, u64::from(f32::NAN.to_bits()) | 1).is_none());
        assert!(check(&Type::Float64, (-0.0_f64).to_bits()).is_some());
    }
}
