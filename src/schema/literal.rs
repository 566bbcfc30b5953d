//! Values of pointer defaults, read from the canonical message that holds them.
//!
//! A default comes from text, so it is small and has a tree's shape; it is read once, when a schema is made or printed.
//! Words may come from foreign bytes: Cap'n Proto's own check for canonical form comes first, and every access after
//! it is bounded all the same.

use super::model::{Default, Field, FieldKind, Schema, StructIndex, Type};
use super::{layout, limits};

/// A value as text would write it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Void,
    Bool(bool),
    Int(i64),
    UInt(u64),
    /// Both widths: each `f32` is an `f64`.
    Float(f64),
    Text(String),
    Data(Vec<u8>),
    /// Name of the enumerant.
    Enum(String),
    List(Vec<Literal>),
    /// Fields that differ from their own defaults, in code order; groups are structs.
    Struct(Vec<(String, Literal)>),
}

/// Why words are no value of a type.
type Problem = String;

impl Literal {
    /// Reads the canonical message `words` as a value of `value_type`.
    pub(super) fn read(schema: &Schema, value_type: &Type, words: &[u64]) -> Result<Self, Problem> {
        if words.len() > limits::DEFAULT_WORDS {
            return Err(format!("it has {} words, and {} is the limit", words.len(), limits::DEFAULT_WORDS));
        }
        if !is_canonical(words) {
            return Err("it is no canonical message; build it with `set_root_canonical`".into());
        }
        Walk { schema, words }.pointer(value_type, 0, 0)?.ok_or_else(|| "it is null".into())
    }

    /// The value that `bits` of a slot mean once its default is applied.
    pub(super) fn from_bits(schema: &Schema, value_type: &Type, bits: u64) -> Result<Self, Problem> {
        Ok(match value_type {
            Type::Void => Self::Void,
            Type::Bool => Self::Bool(bits != 0),
            Type::Int8 => Self::Int(i64::from((bits as u8).cast_signed())),
            Type::Int16 => Self::Int(i64::from((bits as u16).cast_signed())),
            Type::Int32 => Self::Int(i64::from((bits as u32).cast_signed())),
            Type::Int64 => Self::Int(bits.cast_signed()),
            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => Self::UInt(bits),
            Type::Float32 => Self::Float(f64::from(f32::from_bits(bits as u32))),
            Type::Float64 => Self::Float(f64::from_bits(bits)),
            Type::Enum(at) => {
                let definition = schema.enumeration(*at);
                let name = definition.enumerants.get(bits as usize);
                Self::Enum(
                    name.ok_or_else(|| format!("`{}` has no enumerant {bits}", definition.name))?.clone(),
                )
            }
            Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => {
                unreachable!("pointers have no bits")
            }
        })
    }

    /// Whether this is what an absent pointer without a default reads as.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Data(bytes) => bytes.is_empty(),
            Self::List(elements) => elements.is_empty(),
            Self::Struct(fields) => fields.is_empty(),
            _ => false,
        }
    }
}

fn is_canonical(words: &[u64]) -> bool {
    let segments: [&[u8]; 1] = [bytemuck::cast_slice(words)];
    // Elements without words count against the limit too, so it bounds every list.
    let options = capnp::message::ReaderOptions {
        traversal_limit_in_words: Some(limits::DEFAULT_WORDS * 2),
        nesting_limit: 64,
    };
    let message = capnp::message::Reader::new(capnp::message::SegmentArray::new(&segments), options);
    !words.is_empty() && matches!(message.is_canonical(), Ok(true))
}

struct Walk<'a> {
    schema: &'a Schema,
    words: &'a [u64],
}

/// A struct within the words.
#[derive(Clone, Copy)]
struct StructAt {
    data: usize,
    data_words: usize,
    pointer_words: usize,
}

impl Walk<'_> {
    fn word(&self, at: usize) -> Result<u64, Problem> {
        self.words.get(at).copied().ok_or_else(|| "it ends early".into())
    }

    /// Where the pointer at `at` leads.
    fn target(&self, at: usize) -> Result<usize, Problem> {
        let offset = (self.word(at)? as u32).cast_signed() >> 2;
        (at + 1).checked_add_signed(offset as isize).ok_or_else(|| "a pointer leads out of it".into())
    }

    /// The value behind the pointer at `at`; `None` if it is null.
    fn pointer(&self, value_type: &Type, at: usize, depth: usize) -> Result<Option<Literal>, Problem> {
        let pointer = self.word(at)?;
        if pointer == 0 {
            return Ok(None);
        }
        if depth > limits::NESTING {
            return Err(format!("it is nested deeper than {}", limits::NESTING));
        }
        let expected = u64::from(!matches!(value_type, Type::Struct(_)));
        if pointer & 3 != expected {
            return Err("a pointer is of another kind than its field".into());
        }
        match value_type {
            Type::Struct(structure) => {
                let target = self.target(at)?;
                self.structure(*structure, struct_at(target, pointer), depth).map(Some)
            }
            Type::Text => self.text(at).map(Some),
            Type::Data => Ok(Some(Literal::Data(self.bytes(at)?))),
            Type::List(element) => self.list(element, at, depth).map(Some),
            _ => unreachable!("only pointer types have pointers"),
        }
    }

    fn text(&self, at: usize) -> Result<Literal, Problem> {
        let mut bytes = self.bytes(at)?;
        if bytes.pop() != Some(0) {
            return Err("a text does not end with a zero byte".into());
        }
        String::from_utf8(bytes).map(Literal::Text).map_err(|_| "a text is not valid UTF-8".into())
    }

    fn bytes(&self, at: usize) -> Result<Vec<u8>, Problem> {
        let (code, count) = list_shape(self.word(at)?);
        if code != 2 {
            return Err("a text or data is no list of bytes".into());
        }
        let target = self.target(at)?;
        let words = target..target + (count as usize).div_ceil(8);
        let words = self.words.get(words).ok_or("it ends early")?;
        Ok(bytemuck::cast_slice(words)[..count as usize].to_vec())
    }

    fn list(&self, element: &Type, at: usize, depth: usize) -> Result<Literal, Problem> {
        let (code, mut count) = list_shape(self.word(at)?);
        let first = self.target(at)?;
        if code != element_code(element) {
            return Err("a list has elements of another size than its type".into());
        }
        let tag = if code == 7 { self.word(first)? } else { 0 };
        if code == 7 {
            count = tag as u32 >> 2;
        }
        let elements = (0..count as usize).map(|index| match (element, layout::size_of(element)) {
            (Type::Struct(structure), _) => {
                let shape = struct_at(first + 1, tag);
                let data = shape.data + index * (shape.data_words + shape.pointer_words);
                self.structure(*structure, StructAt { data, ..shape }, depth + 1)
            }
            (_, layout::Size::None) => Ok(Literal::Void),
            (_, layout::Size::Bits(size)) => {
                let bits = bits(self.words, first, size, index as u64).ok_or("it ends early")?;
                Literal::from_bits(self.schema, element, bits)
            }
            (_, layout::Size::Pointer) => {
                let value = self.pointer(element, first + index, depth + 1)?;
                value.ok_or_else(|| "a null within a list cannot be written as text".into())
            }
        });
        elements.collect::<Result<_, _>>().map(Literal::List)
    }

    fn structure(&self, structure: StructIndex, at: StructAt, depth: usize) -> Result<Literal, Problem> {
        if depth > limits::NESTING {
            return Err(format!("it is nested deeper than {}", limits::NESTING));
        }
        let schema = self.schema;
        let definition = schema.structure(structure);
        let name = &definition.name;
        if at.data_words > definition.data_words.into() || at.pointer_words > definition.pointer_words.into()
        {
            return Err(format!("a struct is wider than `{name}`"));
        }
        let arm = match definition.discriminant_offset {
            Some(offset) => Some(self.data(at, 4, offset)? as u16),
            None => None,
        };
        if arm.is_some_and(|arm| definition.fields.iter().all(|field| field.discriminant != Some(arm))) {
            return Err(format!("the union of `{name}` has no member {}", arm.unwrap_or_default()));
        }
        let mut fields = Vec::new();
        for field in &definition.fields {
            if field.discriminant.is_some() && field.discriminant != arm {
                continue;
            }
            // A member that is not the first of its union has to be named, whatever its value.
            let named = field.discriminant.is_some_and(|arm| arm > 0);
            if let Some(value) = self.field(field, at, depth, named)? {
                fields.push((field.name.clone(), value));
            }
        }
        Ok(Literal::Struct(fields))
    }

    /// The value of a field; `None` where it is the field's own default, unless it is `wanted` all the same.
    fn field(
        &self,
        field: &Field,
        at: StructAt,
        depth: usize,
        wanted: bool,
    ) -> Result<Option<Literal>, Problem> {
        let (offset, value_type, default) = match &field.kind {
            FieldKind::Group(group) => {
                let value = self.structure(*group, at, depth + 1)?;
                return Ok((wanted || !value.is_empty()).then_some(value));
            }
            FieldKind::Slot { offset, value_type, default } => (*offset, value_type, default),
        };
        match layout::size_of(value_type) {
            layout::Size::None => Ok(wanted.then_some(Literal::Void)),
            layout::Size::Bits(size) => {
                let stored = self.data(at, size, offset)?;
                let default = if let Default::Bits(bits) = default { *bits } else { 0 };
                let value = Literal::from_bits(self.schema, value_type, stored ^ default)?;
                Ok((wanted || stored != 0).then_some(value))
            }
            layout::Size::Pointer if offset as usize >= at.pointer_words => absent(value_type, wanted),
            layout::Size::Pointer => {
                let value = self.pointer(value_type, at.data + at.data_words + offset as usize, depth + 1)?;
                value.map_or_else(|| absent(value_type, wanted), |value| Ok(Some(value)))
            }
        }
    }

    /// Data of a struct; zero beyond its width.
    fn data(&self, at: StructAt, size: u32, offset: u32) -> Result<u64, Problem> {
        let width = (at.data_words as u64) << (6 - size);
        if u64::from(offset) >= width {
            return Ok(0);
        }
        bits(self.words, at.data, size, offset.into()).ok_or_else(|| "it ends early".into())
    }
}

/// An absent pointer needs no mention, except as the active member of a union.
fn absent(value_type: &Type, wanted: bool) -> Result<Option<Literal>, Problem> {
    if !wanted {
        return Ok(None);
    }
    Err(format!("the active member of a union is a null {value_type:?}, which text cannot write"))
}

/// `2^size` bits at `offset` multiples of that, behind word `first`.
fn bits(words: &[u64], first: usize, size: u32, offset: u64) -> Option<u64> {
    let position = offset << size;
    let word = words.get(first.checked_add((position / 64) as usize)?)?;
    let value = word >> (position % 64);
    Some(if size == 6 { value } else { value & ((1 << (1 << size)) - 1) })
}

/// Widths in a struct pointer or in the tag of a list.
fn struct_at(data: usize, pointer: u64) -> StructAt {
    StructAt { data, data_words: (pointer >> 32) as u16 as usize, pointer_words: (pointer >> 48) as usize }
}

/// Element size code and count of a list pointer.
fn list_shape(pointer: u64) -> (u32, u32) {
    ((pointer >> 32) as u32 & 7, (pointer >> 35) as u32)
}

fn element_code(element: &Type) -> u32 {
    match (element, layout::size_of(element)) {
        (Type::Struct(_), _) => 7,
        (_, layout::Size::None) => 0,
        (_, layout::Size::Bits(0)) => 1,
        (_, layout::Size::Bits(size)) => size - 1,
        (_, layout::Size::Pointer) => 6,
    }
}
