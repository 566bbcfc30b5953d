//! Key bytes as people read them.

use super::KeyKind;

/// The fields of a key, joined by commas: numbers in decimal, enums by number, texts as they are, data in hex. What is cut off reads as `?`.
#[must_use]
pub fn key_text(kinds: &[KeyKind], mut bytes: &[u8]) -> String {
    if kinds.is_empty() {
        return "(the whole record)".to_owned();
    }
    let fields: Vec<String> = kinds.iter().map(|kind| field_text(*kind, &mut bytes)).collect();
    fields.join(",")
}

fn field_text(kind: KeyKind, bytes: &mut &[u8]) -> String {
    let text = match kind {
        KeyKind::Bool => take::<1>(bytes).map(|[bit]| (bit != 0).to_string()),
        KeyKind::Int8 => take(bytes).map(|raw| i8::from_le_bytes(raw).to_string()),
        KeyKind::Int16 => take(bytes).map(|raw| i16::from_le_bytes(raw).to_string()),
        KeyKind::Int32 => take(bytes).map(|raw| i32::from_le_bytes(raw).to_string()),
        KeyKind::Int64 => take(bytes).map(|raw| i64::from_le_bytes(raw).to_string()),
        KeyKind::UInt8 => take(bytes).map(|raw| u8::from_le_bytes(raw).to_string()),
        KeyKind::UInt16 | KeyKind::Enum(_) => take(bytes).map(|raw| u16::from_le_bytes(raw).to_string()),
        KeyKind::UInt32 => take(bytes).map(|raw| u32::from_le_bytes(raw).to_string()),
        KeyKind::UInt64 => take(bytes).map(|raw| u64::from_le_bytes(raw).to_string()),
        KeyKind::Text => take_counted(bytes).map(|text| String::from_utf8_lossy(text).into_owned()),
        KeyKind::Data => {
            take_counted(bytes).map(|data| data.iter().map(|byte| format!("{byte:02x}")).collect())
        }
    };
    text.unwrap_or_else(|| "?".to_owned())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn take_counted<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(bytes)?) as usize;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_their_fields() {
        let key = [&7u32.to_le_bytes()[..], &5u32.to_le_bytes(), b"Alien", &2u32.to_le_bytes(), &[0xab, 1]]
            .concat();
        assert_eq!(key_text(&[KeyKind::UInt32, KeyKind::Text, KeyKind::Data], &key), "7,Alien,ab01");
        assert_eq!(key_text(&[KeyKind::Int8, KeyKind::Bool], &[0xff, 1]), "-1,true");
        assert_eq!(key_text(&[KeyKind::Text], &[9, 0, 0, 0, b'a']), "?");
        assert_eq!(key_text(&[], &[1]), "(the whole record)");
    }
}
