//! The first 64 bytes of a blob: what it is, and where its header ends.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `89 48 43 42 0d 0a 1a 0a`: not ASCII, `HCB`, and line ends that a text-mode transfer would change |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | kind: 1 snapshot, 2 delta, 3 reverse delta |
//! | 16 | 8 | offset of the header, 64 |
//! | 24 | 8 | length of the header in bytes, a multiple of 8 |
//! | 32 | 16 | xxh3-128 of the header, big-endian |
//! | 48 | 16 | zero |
//!
//! Numbers are little-endian. Magic, format version, offset and length stay where they are in all format versions, so that the hash of a blob
//! can be checked before anything in it is believed: a format version that is not known is told from a damaged one.

use super::error::{Flaw, FormatError, ensure};
use crate::identifiers::ContentHash;

/// Bytes of the preamble.
pub const PREAMBLE_LENGTH: usize = 64;
/// The version of the blob format that this release reads and writes.
pub const BLOB_FORMAT_VERSION: u32 = 1;
/// Bytes of a header at most: room for [`MAX_SECTIONS`](super::MAX_SECTIONS) and a schema.
pub const MAX_HEADER_LENGTH: u64 = 32 << 20;

const MAGIC: [u8; 8] = *b"\x89HCB\r\n\x1a\n";
const MAGIC_AT: usize = 0;
const VERSION_AT: usize = 8;
const KIND_AT: usize = 12;
const HEADER_OFFSET_AT: usize = 16;
const HEADER_LENGTH_AT: usize = 24;
const HEADER_HASH_AT: usize = 32;
const RESERVED_AT: usize = 48;

/// What a blob builds a state from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// From nothing.
    Snapshot,
    /// From the version before.
    Delta,
    /// From the version after.
    ReverseDelta,
}

impl BlobKind {
    fn to_stored(self) -> u32 {
        match self {
            Self::Snapshot => 1,
            Self::Delta => 2,
            Self::ReverseDelta => 3,
        }
    }

    fn from_stored(stored: u32) -> Option<Self> {
        [Self::Snapshot, Self::Delta, Self::ReverseDelta].into_iter().find(|kind| kind.to_stored() == stored)
    }
}

/// The preamble of a blob. What it says of the header is bounded, but not yet held against the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// What the blob builds a state from.
    pub kind: BlobKind,
    /// Bytes of the header.
    pub header_length: u64,
    /// Hash of the header.
    pub header_hash: ContentHash,
}

impl Preamble {
    /// The preamble of a blob with this `header`.
    #[must_use]
    pub fn of(kind: BlobKind, header: &[u8]) -> Self {
        Self { kind, header_length: header.len() as u64, header_hash: ContentHash::of(header) }
    }

    /// Where the header ends, in bytes from the begin of the blob.
    #[must_use]
    pub fn header_end(&self) -> u64 {
        PREAMBLE_LENGTH as u64 + self.header_length
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> [u8; PREAMBLE_LENGTH] {
        let mut bytes = [0; PREAMBLE_LENGTH];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(MAGIC_AT, &MAGIC);
        put(VERSION_AT, &BLOB_FORMAT_VERSION.to_le_bytes());
        put(KIND_AT, &self.kind.to_stored().to_le_bytes());
        put(HEADER_OFFSET_AT, &(PREAMBLE_LENGTH as u64).to_le_bytes());
        put(HEADER_LENGTH_AT, &self.header_length.to_le_bytes());
        put(HEADER_HASH_AT, &self.header_hash.0);
        bytes
    }

    /// Reads the preamble at the begin of `bytes`, the first bytes of the blob called `object`, whose hash was right.
    ///
    /// Fails with [`FormatError::UnknownFormatVersion`] for a blob of a later release, and with
    /// [`FormatError::Corrupt`] for anything else that is no preamble.
    pub fn parse(bytes: &[u8], object: &str) -> Result<Self, FormatError> {
        head_length(bytes, object)?;
        let bytes: &[u8; PREAMBLE_LENGTH] = bytes.first_chunk().expect("a head is longer than a preamble");
        let corrupt_at = |at: usize| move |flaw: Flaw| flaw.at(object, at as u64);
        check_version(u32::from_le_bytes(field(bytes, VERSION_AT)), object)?;
        let kind = read_kind(u32::from_le_bytes(field(bytes, KIND_AT))).map_err(corrupt_at(KIND_AT))?;
        let reserved: [u8; 16] = field(bytes, RESERVED_AT);
        ensure(reserved == [0; 16], || Flaw::new("the reserved part", "zero", hex(&reserved)))
            .map_err(corrupt_at(RESERVED_AT))?;
        let header_length = u64::from_le_bytes(field(bytes, HEADER_LENGTH_AT));
        Ok(Self { kind, header_length, header_hash: ContentHash(field(bytes, HEADER_HASH_AT)) })
    }
}

/// Bytes of preamble and header together, which the hash of the blob is of; from the first bytes of the blob called `object`.
///
/// Fails with [`FormatError::Corrupt`] if they are not those of a blob, or say that the header is longer than any may be.
pub fn head_length(bytes: &[u8], object: &str) -> Result<u64, FormatError> {
    let Some(bytes) = bytes.first_chunk::<PREAMBLE_LENGTH>() else {
        let expected = format!("at least {PREAMBLE_LENGTH} bytes");
        return Err(Flaw::new("the length of the blob", expected, bytes.len()).at(object, 0));
    };
    let corrupt_at = |at: usize| move |flaw: Flaw| flaw.at(object, at as u64);
    let magic: [u8; 8] = field(bytes, MAGIC_AT);
    ensure(magic == MAGIC, || Flaw::new("the magic", hex(&MAGIC), hex(&magic)))
        .map_err(corrupt_at(MAGIC_AT))?;
    check_offset(u64::from_le_bytes(field(bytes, HEADER_OFFSET_AT))).map_err(corrupt_at(HEADER_OFFSET_AT))?;
    let length = u64::from_le_bytes(field(bytes, HEADER_LENGTH_AT));
    check_length(length).map_err(corrupt_at(HEADER_LENGTH_AT))?;
    Ok(PREAMBLE_LENGTH as u64 + length)
}

fn check_version(found: u32, object: &str) -> Result<(), FormatError> {
    if found == BLOB_FORMAT_VERSION {
        return Ok(());
    }
    Err(FormatError::UnknownFormatVersion {
        object: object.to_owned(),
        found,
        supported: BLOB_FORMAT_VERSION,
    })
}

fn read_kind(stored: u32) -> Result<BlobKind, Flaw> {
    BlobKind::from_stored(stored).ok_or_else(|| Flaw::new("the kind of the blob", "1, 2 or 3", stored))
}

fn check_offset(offset: u64) -> Result<(), Flaw> {
    ensure(offset == PREAMBLE_LENGTH as u64, || {
        Flaw::new("the offset of the header", PREAMBLE_LENGTH, offset)
    })
}

fn check_length(length: u64) -> Result<(), Flaw> {
    ensure(length > 0 && length <= MAX_HEADER_LENGTH && length.is_multiple_of(8), || {
        let expected = format!("a multiple of 8, above 0 and at most {MAX_HEADER_LENGTH}");
        Flaw::new("the length of the header", expected, length)
    })
}

/// The `N` bytes at `at`, which is a constant below.
fn field<const N: usize>(bytes: &[u8; PREAMBLE_LENGTH], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("fields lie within the preamble")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};

    fn sample() -> Preamble {
        Preamble { kind: BlobKind::Delta, header_length: 0x1238, header_hash: ContentHash([7; 16]) }
    }

    #[test]
    fn fields_lie_where_the_table_says() {
        let bytes = sample().encode();
        assert_eq!(bytes[0..8], [0x89, b'H', b'C', b'B', 0x0d, 0x0a, 0x1a, 0x0a]);
        assert_eq!(bytes[8..12], [1, 0, 0, 0]);
        assert_eq!(bytes[12..16], [2, 0, 0, 0]);
        assert_eq!(bytes[16..24], [64, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[24..32], [0x38, 0x12, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[32..48], [7; 16]);
        assert_eq!(bytes[48..64], [0; 16]);
    }

    #[test]
    fn every_kind_survives() {
        for kind in [BlobKind::Snapshot, BlobKind::Delta, BlobKind::ReverseDelta] {
            let preamble = Preamble { kind, ..sample() };
            assert_eq!(Preamble::parse(&preamble.encode(), "blob").unwrap(), preamble);
        }
    }

    #[test]
    fn another_format_version_is_refused_by_name() {
        let mut bytes = sample().encode();
        bytes[8] = 2;
        let error = Preamble::parse(&bytes, "deltas/1-2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with("deltas/1-2: format version 2 is not known"), "{error}");
    }

    #[test]
    fn a_refused_field_is_named_with_its_offset() {
        for (at, value, what) in
            [(0, 0, "magic"), (12, 9, "kind"), (16, 1, "offset of the header"), (50, 1, "reserved")]
        {
            let mut bytes = sample().encode();
            bytes[at] = value;
            let error = Preamble::parse(&bytes, "blob").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn the_header_length_is_bounded_before_anything_is_fetched() {
        for length in [0, 12, MAX_HEADER_LENGTH + 8, u64::MAX] {
            let bytes = Preamble { header_length: length, ..sample() }.encode();
            assert!(
                Preamble::parse(&bytes, "blob").unwrap_err().to_string().contains("length of the header")
            );
        }
        let longest = Preamble { header_length: MAX_HEADER_LENGTH, ..sample() };
        assert_eq!(Preamble::parse(&longest.encode(), "blob").unwrap(), longest);
    }

    #[test]
    fn a_short_preamble_is_refused() {
        let bytes = sample().encode();
        for length in 0..PREAMBLE_LENGTH {
            assert_eq!(Preamble::parse(&bytes[..length], "blob").unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
