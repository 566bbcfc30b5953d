//! Keys: the bytes that name a record, and their hash.
//!
//! Key bytes are the key fields in key order: numbers, bools and enums little-endian at their declared width (a bool takes
//! a byte, an enum two), texts and data as a `u32` length and their bytes. They are unambiguous for a given key, and a
//! caller can make them without a schema. A type without a key is a set of records: there the canonical message itself is
//! the key (keeps semantics 5).
//!
//! Text is compared bytewise and never normalised, an empty key is a key, and a null in a key is refused by type and field
//! (keeps semantics 4, 27).

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::error::{Classify, ErrorKind};
use crate::identifiers::{KeyHash, KeySeed};
use crate::schema::{EnumIndex, FieldKind, FieldPath, RecordType, Schema, Type, TypeIndex};

use super::route::{FieldRoute, RouteValue};
use super::words::words_of;
use super::{StructReader, WireError, gather, row_equals};

/// Key bytes that are hashed at once; longer ones are fed to the hash piece by piece.
const SHORT_KEY_BYTES: usize = 128;

/// How the key of a record type is read, compiled from its schema.
#[derive(Clone, Debug)]
pub struct KeyPlan {
    type_name: Box<str>,
    fields: Box<[KeyField]>,
    kinds: Box<[KeyKind]>,
    /// The key, if it is one number, bool or enum of the record itself: most keys are, and are compared faster so.
    number: Option<NumberKey>,
}

/// A key of one number, bool or enum in the data section of the record.
#[derive(Clone, Copy, Debug)]
struct NumberKey {
    /// Word of the data section.
    word: u32,
    /// Place of its lowest bit in that word.
    shift: u32,
    /// As many low bits as it has.
    mask: u64,
    default: u64,
    /// Bytes that it takes in key bytes.
    width: usize,
}

#[derive(Clone, Debug)]
struct KeyField {
    name: Box<str>,
    route: FieldRoute,
    /// Bytes of a number, bool or enum.
    width: usize,
}

/// What a key field is. Floats, lists and structs can be no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum KeyKind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Enum(EnumIndex),
    Text,
    Data,
}

/// A record whose key cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A key field has no value.
    #[error("{type_name}.{field} is part of the key, but is null: give it a value")]
    Null {
        /// The record's type.
        type_name: String,
        /// The key field, dotted.
        field: String,
    },
    /// A key field cannot be read.
    #[error("{type_name}.{field} is part of the key, but cannot be read: {source}")]
    Unreadable {
        /// The record's type.
        type_name: String,
        /// The key field, dotted; `*` where the whole record is the key.
        field: String,
        /// What is wrong with it.
        source: WireError,
    },
}

impl Classify for KeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Null { .. } => ErrorKind::Invalid,
            Self::Unreadable { source, .. } => source.kind(),
        }
    }
}

impl KeyKind {
    fn of(value_type: &Type) -> Self {
        match value_type {
            Type::Bool => Self::Bool,
            Type::Int8 => Self::Int8,
            Type::Int16 => Self::Int16,
            Type::Int32 => Self::Int32,
            Type::Int64 => Self::Int64,
            Type::UInt8 => Self::UInt8,
            Type::UInt16 => Self::UInt16,
            Type::UInt32 => Self::UInt32,
            Type::UInt64 => Self::UInt64,
            Type::Enum(index) => Self::Enum(*index),
            Type::Text => Self::Text,
            Type::Data => Self::Data,
            other => unreachable!("a schema refuses {other:?} as a key"),
        }
    }

    /// Bytes that it takes in key bytes; `None` where its length stands before it.
    #[must_use]
    pub fn width(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Int8 | Self::UInt8 => Some(1),
            Self::Int16 | Self::UInt16 | Self::Enum(_) => Some(2),
            Self::Int32 | Self::UInt32 => Some(4),
            Self::Int64 | Self::UInt64 => Some(8),
            Self::Text | Self::Data => None,
        }
    }
}

impl KeyPlan {
    /// Compiles the key of a record type.
    #[must_use]
    pub fn new(schema: &Schema, record_type: TypeIndex) -> Self {
        let record = schema.record_type(record_type);
        let fields = record.key.iter().map(|path| KeyField::new(schema, record, path));
        let kinds = record.key.iter().map(|path| kind_of(schema, record, path));
        let (fields, kinds) = (fields.collect::<Box<[KeyField]>>(), kinds.collect());
        let number = if let [field] = &*fields { NumberKey::of(field) } else { None };
        Self { type_name: record.name.as_str().into(), fields, kinds, number }
    }

    /// What the key fields are, in key order; empty for a keyless type.
    #[must_use]
    pub fn kinds(&self) -> &[KeyKind] {
        &self.kinds
    }

    /// Whether the whole record is the key.
    #[must_use]
    pub fn is_keyless(&self) -> bool {
        self.fields.is_empty()
    }

    /// Appends the key bytes of `record` to `out`. A record of a keyless type is a row or the root of a canonical message.
    /// On an error `out` is as it was.
    pub fn write_bytes(&self, record: StructReader<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
        let before = out.len();
        let written = self.visit(record, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        if written.is_err() {
            out.truncate(before);
        }
        written.map(|_complete| ())
    }

    /// The hash of key bytes under the dataset's seed: xxh3-64.
    #[inline]
    #[must_use]
    pub fn hash(seed: KeySeed, key_bytes: &[u8]) -> KeyHash {
        KeyHash(xxh3_64_with_seed(key_bytes, seed.0))
    }

    /// The key hash of `record`, which for a keyless type is a row or the root of a canonical message. Allocates for
    /// keyless types only.
    pub fn hash_of(&self, seed: KeySeed, record: StructReader<'_>) -> Result<KeyHash, KeyError> {
        let mut hasher = KeyHasher::new(seed);
        self.visit(record, |bytes| {
            hasher.update(bytes);
            true
        })?;
        Ok(hasher.finish())
    }

    /// Whether `key_bytes` are the key of `record`, which for a keyless type is a row or the root of a canonical message.
    /// A few nanoseconds and no allocation (but one for a keyless type whose `key_bytes` lie at an odd address). A record
    /// that cannot be read has no key and matches none.
    #[must_use]
    pub fn matches(&self, record: StructReader<'_>, key_bytes: &[u8]) -> bool {
        if let Some(matches) = self.number_matches(record, key_bytes) {
            return matches;
        }
        if self.is_keyless() {
            return key_bytes.len().is_multiple_of(8) && row_equals(record, &words_of(key_bytes));
        }
        let mut rest = key_bytes;
        let complete = self.visit(record, |bytes| match rest.strip_prefix(bytes) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        });
        complete == Ok(true) && rest.is_empty()
    }

    /// The same for a key that is one number, bool or enum of the record itself, `None` for any other: a few instructions.
    #[inline(always)]
    pub(crate) fn number_matches(&self, record: StructReader<'_>, key_bytes: &[u8]) -> Option<bool> {
        let number = self.number.as_ref()?;
        Some(number.of_bytes(key_bytes) == Some(number.of_record(record)))
    }

    /// Gives the key bytes to `put`, piece by piece, as long as it returns `true`: whether it did to the end.
    #[inline]
    fn visit(&self, record: StructReader<'_>, mut put: impl FnMut(&[u8]) -> bool) -> Result<bool, KeyError> {
        if self.is_keyless() {
            let mut message = Vec::new();
            gather(record, &mut message).map_err(|source| self.unreadable("*", source))?;
            return Ok(put(bytemuck::cast_slice(&message)));
        }
        for field in &self.fields {
            let value = field.route.read(record).map_err(|source| self.unreadable(&field.name, source))?;
            let goes_on = match value {
                Some(RouteValue::Bits(bits)) => put(&bits.to_le_bytes()[..field.width]),
                Some(RouteValue::Bytes(bytes)) => put(&(bytes.len() as u32).to_le_bytes()) && put(bytes),
                None => return Err(self.null(&field.name)),
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[cold]
    fn null(&self, field: &str) -> KeyError {
        KeyError::Null { type_name: self.type_name.to_string(), field: field.to_owned() }
    }

    #[cold]
    fn unreadable(&self, field: &str, source: WireError) -> KeyError {
        KeyError::Unreadable { type_name: self.type_name.to_string(), field: field.to_owned(), source }
    }
}

impl KeyField {
    fn new(schema: &Schema, record: &RecordType, path: &FieldPath) -> Self {
        let names = (1..=path.0.len())
            .map(|len| schema.field(record.structure, &FieldPath(path.0[..len].to_vec())).name.as_str());
        Self {
            name: names.collect::<Vec<_>>().join(".").into(),
            route: FieldRoute::new(schema, record.structure, path),
            width: kind_of(schema, record, path).width().unwrap_or(0),
        }
    }
}

impl NumberKey {
    fn of(field: &KeyField) -> Option<Self> {
        let (offset, bits, default) = field.route.number()?;
        let in_a_word = 64 / bits;
        let (word, shift) = (offset / in_a_word, offset % in_a_word * bits);
        Some(Self { word, shift, mask: u64::MAX >> (64 - bits), default, width: field.width })
    }

    #[inline]
    fn of_record(&self, record: StructReader<'_>) -> u64 {
        (record.data_word(self.word) >> self.shift & self.mask) ^ self.default
    }

    /// The number in key bytes; `None` if they are of another length.
    #[inline(always)]
    fn of_bytes(&self, key_bytes: &[u8]) -> Option<u64> {
        if key_bytes.len() != self.width {
            return None;
        }
        match key_bytes.len() {
            1 => Some(u64::from(key_bytes[0])),
            2 => Some(u64::from(u16::from_le_bytes(key_bytes.try_into().ok()?))),
            4 => Some(u64::from(u32::from_le_bytes(key_bytes.try_into().ok()?))),
            8 => Some(u64::from_le_bytes(key_bytes.try_into().ok()?)),
            _ => None,
        }
    }
}

/// What the key field at `path` is.
pub(super) fn kind_of(schema: &Schema, record: &RecordType, path: &FieldPath) -> KeyKind {
    match &schema.field(record.structure, path).kind {
        FieldKind::Slot { value_type, .. } => KeyKind::of(value_type),
        FieldKind::Group(_) => unreachable!("a schema refuses a group as a key"),
    }
}

/// Hashes key bytes that come in pieces: short keys on the stack and at once, which is the faster way.
struct KeyHasher {
    seed: KeySeed,
    short: [u8; SHORT_KEY_BYTES],
    len: usize,
    long: Option<Xxh3>,
}

impl KeyHasher {
    fn new(seed: KeySeed) -> Self {
        Self { seed, short: [0; SHORT_KEY_BYTES], len: 0, long: None }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            return long.update(bytes);
        }
        let end = self.len + bytes.len();
        if let Some(room) = self.short.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
            return;
        }
        let mut long = Xxh3::with_seed(self.seed.0);
        long.update(&self.short[..self.len]);
        long.update(bytes);
        self.long = Some(long);
    }

    fn finish(&self) -> KeyHash {
        match &self.long {
            Some(long) => KeyHash(long.digest()),
            None => KeyPlan::hash(self.seed, &self.short[..self.len]),
        }
    }
}
