//! Keys as typed callers write them.

use crate::wire::{KeyBytes, KeyKind, KeyPlan};

/// The shape of a primary key.
///
/// Integers, bools and enums (as `u16`) of exactly the declared width, `String` for text (asked with a `&str`), `Vec<u8>` for data (asked with
/// a `&[u8]`), tuples of these for composite keys.
pub trait Key: 'static {
    /// What a lookup is asked with.
    type Borrowed<'k>: Copy;

    /// The bytes of a whole key.
    type Bytes: AsRef<[u8]>;

    /// Appends the kinds of its fields.
    fn kinds(kinds: &mut Vec<KeyKind>);

    /// Appends the key's bytes.
    fn write(key: Self::Borrowed<'_>, bytes: &mut KeyBytes);

    /// The bytes of the whole key.
    fn bytes(key: Self::Borrowed<'_>) -> Self::Bytes;
}

/// The bytes of a whole key.
#[inline]
fn bytes_of<K: Key + ?Sized>(key: K::Borrowed<'_>) -> KeyBytes {
    let mut bytes = KeyBytes::default();
    K::write(key, &mut bytes);
    bytes
}

macro_rules! number_keys {
    ($($number:ty => $($kind:ident)|+),+ $(,)?) => {$(
        impl Key for $number {
            type Borrowed<'k> = $number;
            type Bytes = [u8; size_of::<$number>()];

            fn kinds(kinds: &mut Vec<KeyKind>) {
                kinds.push(number_keys!(@first $($kind)|+));
            }

            #[inline]
            fn write(key: $number, bytes: &mut KeyBytes) {
                bytes.push(&Self::bytes(key));
            }

            #[inline]
            fn bytes(key: $number) -> Self::Bytes {
                key.to_le_bytes()
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
    type Bytes = [u8; 1];

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Bool);
    }

    #[inline]
    fn write(key: bool, bytes: &mut KeyBytes) {
        bytes.push(&Self::bytes(key));
    }

    #[inline]
    fn bytes(key: bool) -> Self::Bytes {
        [u8::from(key)]
    }
}

impl Key for String {
    type Borrowed<'k> = &'k str;
    type Bytes = KeyBytes;

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Text);
    }

    #[inline]
    fn write(key: &str, bytes: &mut KeyBytes) {
        bytes.push(&(key.len() as u32).to_le_bytes());
        bytes.push(key.as_bytes());
    }

    #[inline]
    fn bytes(key: Self::Borrowed<'_>) -> KeyBytes {
        bytes_of::<Self>(key)
    }
}

impl Key for Vec<u8> {
    type Borrowed<'k> = &'k [u8];
    type Bytes = KeyBytes;

    fn kinds(kinds: &mut Vec<KeyKind>) {
        kinds.push(KeyKind::Data);
    }

    #[inline]
    fn write(key: &[u8], bytes: &mut KeyBytes) {
        bytes.push(&(key.len() as u32).to_le_bytes());
        bytes.push(key);
    }

    #[inline]
    fn bytes(key: Self::Borrowed<'_>) -> KeyBytes {
        bytes_of::<Self>(key)
    }
}

macro_rules! composite_keys {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Key),+> Key for ($($part,)+) {
            type Borrowed<'k> = ($($part::Borrowed<'k>,)+);
            type Bytes = KeyBytes;

            fn kinds(kinds: &mut Vec<KeyKind>) {
                $($part::kinds(kinds);)+
            }

            #[inline]
            #[allow(non_snake_case)]
            fn write(key: Self::Borrowed<'_>, bytes: &mut KeyBytes) {
                let ($($part,)+) = key;
                $($part::write($part, bytes);)+
            }

            #[inline]
            fn bytes(key: Self::Borrowed<'_>) -> KeyBytes {
                bytes_of::<Self>(key)
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
