//! Keys in the order that people expect.

use anyhow::Result;
use hollowcast::state::{Row, Table};
use hollowcast::wire::KeyKind;

/// What the records of a table are sorted by: numbers by value, texts by their bytes, field after field.
pub fn sort_key(table: &Table, row: Row<'_>) -> Result<Vec<u8>> {
    let mut key = Vec::new();
    table.keys().write_bytes(row.reader(), &mut key).map_err(hollowcast::Error::from)?;
    Ok(sortable(table.keys().kinds(), &key))
}

/// Key bytes that compare as the key's fields do: numbers by value, text and data by their bytes.
fn sortable(kinds: &[KeyKind], mut key: &[u8]) -> Vec<u8> {
    let mut sortable = Vec::with_capacity(key.len() + 1);
    for kind in kinds {
        if let Some(width) = kind.width() {
            let (number, rest) = key.split_at(width);
            let signed = matches!(kind, KeyKind::Int8 | KeyKind::Int16 | KeyKind::Int32 | KeyKind::Int64);
            let start = sortable.len();
            sortable.extend(number.iter().rev());
            sortable[start] ^= if signed { 0x80 } else { 0 };
            key = rest;
        } else {
            let (length, rest) = key.split_at(4);
            let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
            let (bytes, rest) = rest.split_at(length);
            for byte in bytes {
                sortable.extend(if *byte == 0 { &[0, 1][..] } else { std::slice::from_ref(byte) });
            }
            sortable.extend([0, 0]);
            key = rest;
        }
    }
    if kinds.is_empty() { key.to_vec() } else { sortable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(bytes: &[u8], out: &mut Vec<u8>) {
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    #[test]
    fn sortable_keys_compare_as_their_fields() {
        let text = |text: &str| {
            let mut bytes = Vec::new();
            counted(text.as_bytes(), &mut bytes);
            bytes
        };
        let texts = ["", "\0", "\0\0", "a", "a\0", "ab", "b", "é"].map(text);
        let sorted = texts.clone().map(|key| sortable(&[KeyKind::Text], &key));
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "{sorted:?}");
        let numbers = [i32::MIN, -256, -1, 0, 1, 255, 256, i32::MAX];
        let sorted = numbers.map(|number| sortable(&[KeyKind::Int32], &number.to_le_bytes()));
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "{sorted:?}");
        let pair = |first: &str, second: u32| [text(first), second.to_le_bytes().to_vec()].concat();
        let kinds = [KeyKind::Text, KeyKind::UInt32];
        assert!(sortable(&kinds, &pair("a", 9)) < sortable(&kinds, &pair("ab", 1)));
        assert!(sortable(&kinds, &pair("a", 256)) > sortable(&kinds, &pair("a", 255)));
    }
}
