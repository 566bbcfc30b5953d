//! Keys as typed callers write them.

use crate::wire::{KeyKind, KeyPlan};

/// Bytes of a key that are kept on the stack; a longer key is copied to the heap for the lookup.
const INLINE_BYTES: usize = 256;

/// The shape of a primary key.
///
/// Integers, bools and enums (as `u16`) of exactly the declared width, `String` for text (asked with a `&str`), `Vec<u8>` for data (asked with
/// a `&[u8]`), tuples of these for composite keys.
pub trait Key: 'static {
    /// What a lookup is asked with.
    type Borrowed<'k>: Copy;

    /// Appends the kinds of its fields.
    fn kinds(kinds: &mut Vec<KeyKind>);

    /// Appends the key's bytes.
    fn write(key: Self::Borrowed<'_>, bytes: &mut KeyBytes);

    /// Gives the bytes of the whole key to `read`.
    #[inline]
    fn with_bytes<R>(key: Self::Borrowed<'_>, read: impl FnOnce(&[u8]) -> R) -> R {
        read(KeyBytes::of::<Self>(key).as_slice())
    }
}

/// The bytes of a key, on the stack unless they are many.
#[derive(Debug, Default)]
pub struct KeyBytes {
    inline: arrayvec::ArrayVec<u8, INLINE_BYTES>,
    heap: Vec<u8>,
}

impl KeyBytes {
    /// The bytes of `key`.
    #[inline]
    #[must_use]
    pub fn of<K: Key + ?Sized>(key: K::Borrowed<'_>) -> Self {
        let mut bytes = Self::default();
        K::write(key, &mut bytes);
        bytes
    }

    /// All of them.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        if self.heap.is_empty() { &self.inline } else { &self.heap }
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() && self.inline.try_extend_from_slice(bytes).is_ok() {
            return;
        }
        if self.heap.is_empty() {
            self.heap.extend_from_slice(&self.inline);
        }
        self.heap.extend_from_slice(bytes);
    }
}

macro_rules! number_keys {
    ($($number:ty => $($kind:ident)|+),+ $(,)?) => {$(
        impl Key for $number {
            type Borrowed<'k> = $number;

            fn kinds(kinds: &mut Vec<KeyKind>) {
                kinds.push(number_keys!(@first $($kind)|+));
            }

            #[inline]
            fn write(key: $number, bytes: &mut KeyBytes) {
                bytes.push(&key.to_le_bytes());
            }

            #[inline]
            fn with_bytes<R>(key: $number, read: impl FnOnce(&[u8]) -> R) -> R {
                read(&key.to_le_bytes())
            }
        }
    )+};
    (@first $kind:ident $(| $rest:ident)*) => { KeyKind::$kind };
}

number_keys! {
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64,
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
}

impl Key for bool {
    type Borrowed<'k> = bool;

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Bool);
    }

    #[inline]
    fn write(key: bool, bytes: &mut KeyBytes) {
        bytes.push(&[u8::from(key)]);
    }
}

impl Key for String {
    type Borrowed<'k> = &'k str;

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Text);
    }

    #[inline]
    fn write(key: &str, bytes: &mut KeyBytes) {
        bytes.push(&(key.len() as u32).to_le_bytes());
        bytes.push(key.as_bytes());
    }
}

impl Key for Vec<u8> {
    type Borrowed<'k> = &'k [u8];

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Data);
    }

    #[inline]
    fn write(key: &[u8], bytes: &mut KeyBytes) {
        bytes.push(&(key.len() as u32).to_le_bytes());
        bytes.push(key);
    }
}

macro_rules! composite_keys {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Key),+> Key for ($($part,)+) {
            type Borrowed<'k> = ($($part::Borrowed<'k>,)+);

            fn kinds(kinds: &mut Vec<KeyKind>) {
                $($part::kinds(kinds);)+
            }

            #[inline]
            #[allow(non_snake_case)]
            fn write(key: Self::Borrowed<'_>, bytes: &mut KeyBytes) {
                let ($($part,)+) = key;
                $($part::write($part, bytes);)+
            }
        }
    )+};
}

composite_keys! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// Whether keys of the shape `K` are keys of `plan`.
pub(crate) fn fits<K: Key + ?Sized>(plan: &KeyPlan) -> bool {
    let mut kinds = Vec::new();
    K::kinds(&mut kinds);
    let same = |(asked, declared): (&KeyKind, &KeyKind)| {
        asked == declared || (*asked == KeyKind::UInt16 && matches!(declared, KeyKind::Enum(_)))
    };
    !plan.is_keyless() && kinds.len() == plan.kinds().len() && kinds.iter().zip(plan.kinds()).all(same)
}
