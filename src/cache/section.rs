//! How a section is called: by its content.

use std::fmt;

use crate::identifiers::ContentHash;

/// Names a section by its plain bytes, frame included. Same name, same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionName {
    /// xxh3-128 of the plain bytes.
    pub hash: ContentHash,
    /// How many bytes.
    pub length: u64,
}

impl SectionName {
    /// Extension of a section's file.
    const SEGMENT: &str = ".seg";
    /// Extension of its seal.
    const SEAL: &str = ".seal";

    /// The name of `bytes`. Costs their hash, 20 GB/s.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { hash: ContentHash::of(bytes), length: bytes.len() as u64 }
    }

    pub(super) fn segment_file(self) -> String {
        format!("{self}{}", Self::SEGMENT)
    }

    pub(super) fn seal_file(self) -> String {
        format!("{self}{}", Self::SEAL)
    }

    /// The section whose segment is in a file of this name.
    pub(super) fn of_segment_file(file: &str) -> Option<Self> {
        Self::parse(file.strip_suffix(Self::SEGMENT)?)
    }

    /// The section whose seal is in a file of this name.
    pub(super) fn of_seal_file(file: &str) -> Option<Self> {
        Self::parse(file.strip_suffix(Self::SEAL)?)
    }

    /// The name that `text` is, in exactly the form that is printed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (hash, length) = text.split_once('-')?;
        let hash = ContentHash(u128::from_str_radix(hash, 16).ok()?.to_be_bytes());
        let name = Self { hash, length: length.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for SectionName {
    /// `<32 hex digits>-<length>`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.hash, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// xxh3-128 of nothing, from the algorithm's published test vectors.
    const OF_NOTHING: &str = "99aa06d3014798d86001c324468d497f-0";

    #[test]
    fn names_are_hash_and_length() {
        let name = SectionName::of(b"");
        assert_eq!(name.to_string(), OF_NOTHING);
        assert_eq!(SectionName::parse(OF_NOTHING), Some(name));
        assert_eq!(SectionName::of_segment_file(&name.segment_file()), Some(name));
        assert_eq!(SectionName::of_seal_file(&name.seal_file()), Some(name));
    }

    #[test]
    fn other_texts_are_no_names() {
        for text in [
            "",
            "-",
            "99aa06d3014798d86001c324468d497f",
            "99aa06d3014798d86001c324468d497f-",
            "99aa06d3014798d86001c324468d497f-00",
            "99aa06d3014798d86001c324468d497f-+1",
            "99AA06D3014798D86001C324468D497F-0",
            "9aa06d3014798d86001c324468d497f-0",
            "+9aa06d3014798d86001c324468d497f-0",
            "99aa06d3014798d86001c324468d497f-18446744073709551616",
            "99aa06d3014798d86001c324468d497f-0 ",
        ] {
            assert_eq!(SectionName::parse(text), None, "{text}");
        }
        assert_eq!(SectionName::of_segment_file("99aa06d3014798d86001c324468d497f-0.seal"), None);
    }
}
