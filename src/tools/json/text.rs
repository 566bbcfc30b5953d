//! Strings of JSON.

const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// How many bytes at the beginning of `bytes` stand in a JSON string as they are: up to the first quote, backslash or
/// control character. Eight at a time.
#[inline]
#[must_use]
pub fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return at * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    let rest = words.len() * 8;
    rest + bytes[rest..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Appends `text` as a JSON string.
#[inline]
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_length(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(special) = rest.get(plain) else { break };
        write_escape(*special, out);
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// Bytes of `text` as a JSON string.
pub(super) fn written_length(text: &str) -> usize {
    let length = |byte: u8| match byte {
        b'"' | b'\\' | 8 | 9 | 10 | 12 | 13 => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(length).sum::<usize>()
}

/// The top bit of each byte that is special, from the lowest up to the first; bits above it mean nothing.
#[inline]
fn special_bytes(word: u64) -> u64 {
    let equals = |byte: u8| {
        let different = word ^ (LOW * u64::from(byte));
        different.wrapping_sub(LOW) & !different
    };
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (equals(b'"') | equals(b'\\') | control) & HIGH
}

#[inline]
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

#[cold]
fn write_escape(special: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match special {
        b'"' | b'\\' => special,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            let digits = [DIGITS[usize::from(special >> 4)], DIGITS[usize::from(special & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_text(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(written(""), "\"\"");
        assert_eq!(written("a\"b\\c/d"), r#""a\"b\\c/d""#);
        assert_eq!(written("\u{8}\t\n\u{c}\r\0\u{1f}\u{7f}é"), "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}é\"");
        assert_eq!(written("0123456789\n0123456789"), r#""0123456789\n0123456789""#);
    }

    proptest! {
        #[test]
        fn the_length_is_known_before(text in "[\\x00-\\x23\\x5a-\\x7fé]*") {
            prop_assert_eq!(written_length(&text), written(&text).len());
        }

        #[test]
        fn eight_bytes_at_a_time_find_what_one_at_a_time_finds(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x1eu8..0x24, 0x5au8..0x5e, Just(b'a'), Just(0xa2)], 0..40)
        ) {
            prop_assert_eq!(plain_length(&bytes), bytes.iter().take_while(|byte| is_plain(**byte)).count());
        }
    }
}
