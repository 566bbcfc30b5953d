//! Base64, RFC 4648 section 4: the standard alphabet, padded.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `data` in base64.
pub(super) fn write_base64(data: &[u8], out: &mut Vec<u8>) {
    out.reserve(data.len().div_ceil(3) * 4);
    let mut triples = data.chunks_exact(3);
    for triple in &mut triples {
        out.extend_from_slice(&quad([triple[0], triple[1], triple[2]]));
    }
    match *triples.remainder() {
        [first] => out.extend_from_slice(&[&quad([first, 0, 0])[..2], b"=="].concat()),
        [first, second] => out.extend_from_slice(&[&quad([first, second, 0])[..3], b"="].concat()),
        _ => {}
    }
}

fn quad([first, second, third]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from(first) << 16 | u32::from(second) << 8 | u32::from(third);
    [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (data, expected) in vectors {
            let mut out = Vec::new();
            write_base64(data.as_bytes(), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
        let mut out = Vec::new();
        write_base64(&[0xfb, 0xff, 0xbf], &mut out);
        assert_eq!(out, b"+/+/");
    }
}
