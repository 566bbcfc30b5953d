use proptest::prelude::*;

use super::super::samples::{id, section_bytes};
use super::super::{Codec, SectionKind};
use super::*;
use crate::error::{Classify, ErrorKind};

/// A section of `plain`, stored as `stored`.
fn entry(codec: Codec, stored: &[u8], plain: &[u8]) -> SectionEntry {
    SectionEntry {
        id: id("Movie", SectionKind::Rows, 0, 1),
        codec,
        offset: 8192,
        stored_length: stored.len() as u64,
        plain_length: plain.len() as u64,
        hash: ContentHash::of(plain),
    }
}

fn zstd_of(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).expect("compresses")
}

fn decode(entry: SectionEntry, stored: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut plain = Vec::new();
    decode_section("blobs/1", entry, stored, &mut plain).map(|()| plain)
}

fn assert_corrupt(outcome: Result<Vec<u8>, FormatError>, words: &str) {
    let error = outcome.expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("blobs/1: ") && text.contains(words) && text.contains("8192"),
        "{text} has no {words}"
    );
}

#[test]
fn both_codecs_give_the_plain_bytes() {
    for length in [0, 1, 1000, BUFFER_LENGTH, BUFFER_LENGTH + 1, 3 * BUFFER_LENGTH] {
        let plain = section_bytes(1, length);
        let stored = zstd_of(&plain);
        assert_eq!(decode(entry(Codec::Plain, &plain, &plain), &plain).unwrap(), plain);
        assert_eq!(decode(entry(Codec::Zstd, &stored, &plain), &stored).unwrap(), plain);
    }
}

/// The frame of the text below as the `zstd` command line makes it.
#[test]
fn a_frame_of_another_writer_is_read() {
    let stored = [
        0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x10, 0x81, 0x00, 0x00, 0x73, 0x69, 0x78, 0x74, 0x65, 0x65, 0x6e, 0x20,
        0x62, 0x79, 0x74, 0x65, 0x73, 0x20, 0x61, 0x74, 0xbf, 0xf1, 0xfe, 0x2b,
    ];
    let plain = b"sixteen bytes at";
    assert_eq!(decode(entry(Codec::Zstd, &stored, plain), &stored).unwrap(), plain);
}

#[test]
fn every_flipped_bit_is_refused() {
    let plain = section_bytes(2, 300);
    for (codec, mut stored) in [(Codec::Plain, plain.clone()), (Codec::Zstd, zstd_of(&plain))] {
        let entry = entry(codec, &stored, &plain);
        for bit in 0..stored.len() * 8 {
            stored[bit / 8] ^= 1 << (bit % 8);
            // A bit of a frame may mean nothing; then the bytes are still right.
            match decode(entry, &stored) {
                Ok(read) => assert!(codec == Codec::Zstd && read == plain, "bit {bit}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
            stored[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let plain = section_bytes(2, 300);
    for (codec, stored) in [(Codec::Plain, plain.clone()), (Codec::Zstd, zstd_of(&plain))] {
        let entry = entry(codec, &stored, &plain);
        for length in 0..stored.len() {
            assert_corrupt(decode(entry, &stored[..length]), "the stored length");
            let claimed = SectionEntry { stored_length: length as u64, ..entry };
            assert!(decode(claimed, &stored[..length]).is_err(), "{codec:?} {length}");
        }
    }
}

#[test]
fn more_bytes_than_stored_are_refused() {
    let plain = section_bytes(2, 300);
    for (codec, stored) in [(Codec::Plain, plain.clone()), (Codec::Zstd, zstd_of(&plain))] {
        let longer = [stored.as_slice(), &[0]].concat();
        assert_corrupt(decode(entry(codec, &stored, &plain), &longer), "the stored length");
    }
}

#[test]
fn what_follows_the_frame_is_refused() {
    let plain = section_bytes(2, 300);
    for more in [vec![0], zstd_of(b""), zstd_of(b"more")] {
        let stored = [zstd_of(&plain), more].concat();
        assert_corrupt(decode(entry(Codec::Zstd, &stored, &plain), &stored), "the end of the zstd frame");
    }
}

#[test]
fn a_frame_that_grows_beyond_its_plain_length_is_stopped() {
    let stored = zstd_of(&vec![0; 50 << 20]);
    let mut claimed = entry(Codec::Zstd, &stored, &[]);
    claimed.plain_length = 200_000;
    let mut out = Vec::new();
    let error = decode_section("blobs/1", claimed, stored.as_slice(), &mut out).expect_err("a bomb");
    assert!(error.to_string().contains("the plain length"), "{error}");
    assert!(out.len() <= 200_000, "{}", out.len());
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    use zstd::stream::raw::CParameter;
    let plain = section_bytes(1, 1000);
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.set_parameter(CParameter::WindowLog(MAX_WINDOW_LOG + 1)).expect("a window");
    encoder.write_all(&plain).expect("compresses");
    let stored = encoder.finish().expect("a frame");
    assert_corrupt(decode(entry(Codec::Zstd, &stored, &plain), &stored), "the zstd frame");
}

#[test]
fn another_plain_length_or_hash_is_refused() {
    let plain = section_bytes(2, 300);
    let stored = zstd_of(&plain);
    let right = entry(Codec::Zstd, &stored, &plain);
    assert_corrupt(decode(SectionEntry { plain_length: 301, ..right }, &stored), "the plain length");
    assert_corrupt(decode(SectionEntry { plain_length: 299, ..right }, &stored), "the plain length");
    assert_corrupt(
        decode(SectionEntry { hash: ContentHash([0; 16]), ..right }, &stored),
        "the hash of the plain",
    );
}

#[test]
fn failures_of_either_end_are_not_taken_for_wrong_bytes() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let plain = section_bytes(2, 300);
    let stored = zstd_of(&plain);
    let entry = entry(Codec::Zstd, &stored, &plain);
    let error = decode_section("blobs/1", entry, Broken, &mut Vec::new()).expect_err("no input");
    assert!(matches!(error, FormatError::Input { .. }) && error.kind() == ErrorKind::Unavailable, "{error}");
    let error = decode_section("blobs/1", entry, stored.as_slice(), &mut Broken).expect_err("no output");
    assert!(matches!(error, FormatError::Output { .. }) && error.kind() == ErrorKind::Unavailable, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pieces_of_any_size_give_the_same(length in 0..400_000_usize, seed: u64, plain: bool, step in 1..100_000_usize) {
        let bytes = section_bytes(seed, length);
        let (codec, stored) = if plain { (Codec::Plain, bytes.clone()) } else { (Codec::Zstd, zstd_of(&bytes)) };
        let mut decoder = SectionDecoder::new(&"blobs/1".into(), entry(codec, &stored, &bytes), Vec::new()).unwrap();
        for piece in stored.chunks(step) {
            decoder.push(piece).unwrap();
        }
        prop_assert_eq!(decoder.finish().unwrap(), bytes);
    }

    #[test]
    fn garbage_never_panics(stored in prop::collection::vec(any::<u8>(), 0..400), magic: bool) {
        let stored = if magic { [&[0x28, 0xb5, 0x2f, 0xfd], stored.as_slice()].concat() } else { stored };
        prop_assert!(decode(entry(Codec::Zstd, &stored, b"sixteen bytes at"), &stored).is_err());
    }
}
