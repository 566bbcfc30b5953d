use std::io::{Read, Write};
use std::sync::mpsc;

use proptest::prelude::*;

use super::super::samples::{blob, bytes_of, description, id, options, section_bytes, snapshot_sections};
use super::super::{
    BlobHeader, BlobKind, BlobWriter, Codec, Compression, FinishedBlob, FormatError, MAX_SECTION_LENGTH,
    SECTION_ALIGNMENT, SectionId, SectionKind, decode_section,
};
use crate::error::{Classify, ErrorKind};

const ZSTD: Compression = Compression::Zstd { level: 1 };

/// Every section of the blob, decoded from what a store would hold.
fn decode_all(blob: &FinishedBlob) -> Vec<(SectionId, Vec<u8>)> {
    let bytes = bytes_of(blob);
    let header = BlobHeader::parse(&bytes, &blob.reference("blob")).expect("parses");
    let decode = |section: &super::super::SectionEntry| {
        let stored = &bytes[section.offset as usize..section.end() as usize];
        let mut plain = Vec::new();
        decode_section("blob", *section, stored, &mut plain).expect("decodes");
        (section.id, plain)
    };
    header.sections().iter().map(decode).collect()
}

fn finish_with(kind: BlobKind, ids: &[SectionId]) -> Result<FinishedBlob, FormatError> {
    let writer = BlobWriter::new(&options(ZSTD)).expect("a writer");
    for id in ids {
        writer.add_section(*id, b"sixteen bytes at").expect("adds");
    }
    writer.finish(&description(kind))
}

fn assert_refused(outcome: Result<FinishedBlob, FormatError>, words: &str) {
    let error = outcome.expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn sections_come_back_as_they_were() {
    for compression in [Compression::Plain, ZSTD] {
        for length in [0, 1, 4096, 300_000] {
            let sections = snapshot_sections(length);
            assert_eq!(decode_all(&blob(BlobKind::Snapshot, compression, &sections)), sections);
        }
    }
}

#[test]
fn what_is_stored_does_not_depend_on_the_order_or_the_threads() {
    let sections = snapshot_sections(300_000);
    for compression in [Compression::Plain, ZSTD] {
        let expected = bytes_of(&blob(BlobKind::Snapshot, compression, &sections));
        let backward: Vec<_> = sections.iter().rev().cloned().collect();
        assert_eq!(bytes_of(&blob(BlobKind::Snapshot, compression, &backward)), expected);

        let writer = BlobWriter::new(&options(compression)).expect("a writer");
        std::thread::scope(|scope| {
            for (id, plain) in &sections {
                scope.spawn(|| writer.add_section(*id, plain).expect("adds"));
            }
        });
        let parallel = writer.finish(&description(BlobKind::Snapshot)).expect("finishes");
        assert_eq!(bytes_of(&parallel), expected);
    }
}

/// Two encoders take turns, so that neither's bytes lie together in the temporary file.
#[test]
fn interleaved_sections_are_kept_apart() {
    let sections = snapshot_sections(1_000_000);
    let writer = BlobWriter::new(&options(Compression::Plain)).expect("a writer");
    let mut encoders: Vec<_> =
        sections.iter().map(|(id, _)| writer.begin_section(*id).expect("begins")).collect();
    for step in 0..12 {
        for (encoder, (_, plain)) in encoders.iter_mut().zip(&sections) {
            let piece = plain.chunks(100_000).nth(step).unwrap_or_default();
            encoder.write_all(piece).expect("writes");
        }
    }
    for encoder in encoders {
        encoder.finish().expect("finishes");
    }
    assert_eq!(decode_all(&writer.finish(&description(BlobKind::Snapshot)).expect("finishes")), sections);
}

#[test]
fn plain_sections_are_aligned_and_zstd_ones_packed() {
    let sections = snapshot_sections(5000);
    let plain = blob(BlobKind::Snapshot, Compression::Plain, &sections);
    assert!(plain.header().sections().iter().all(|section| section.offset % SECTION_ALIGNMENT == 0));
    assert!(plain.header().sections().iter().all(|section| section.codec == Codec::Plain));

    let packed = blob(BlobKind::Snapshot, ZSTD, &sections);
    let mut end = packed.header().header_end();
    for section in packed.header().sections() {
        assert_eq!((section.offset, section.codec), (end, Codec::Zstd));
        end = section.end();
    }
    assert_eq!(end, packed.length());
    assert!(packed.length() < plain.length() * 7 / 10, "{} against {}", packed.length(), plain.length());
}

#[test]
fn padding_is_zero() {
    let plain = blob(BlobKind::Snapshot, Compression::Plain, &snapshot_sections(5000));
    let bytes = bytes_of(&plain);
    let mut end = plain.header().header_end();
    for section in plain.header().sections() {
        assert!(bytes[end as usize..section.offset as usize].iter().all(|byte| *byte == 0));
        end = section.end();
    }
}

#[test]
fn a_blob_without_sections_is_its_head() {
    let empty = blob(BlobKind::Delta, ZSTD, &[]);
    assert_eq!(empty.length(), empty.header().header_end());
    assert_eq!(decode_all(&empty), []);
}

#[test]
fn an_encoder_that_is_dropped_leaves_nothing_in_the_blob() {
    let sections = snapshot_sections(600_000);
    for compression in [Compression::Plain, ZSTD] {
        let writer = BlobWriter::new(&options(compression)).expect("a writer");
        let mut dropped = writer.begin_section(sections[0].0).expect("begins");
        dropped.write_all(&sections[0].1).expect("writes");
        drop(dropped);
        for (id, plain) in &sections {
            writer.add_section(*id, plain).expect("adds");
        }
        let finished = writer.finish(&description(BlobKind::Snapshot)).expect("finishes");
        assert_eq!(bytes_of(&finished), bytes_of(&blob(BlobKind::Snapshot, compression, &sections)));
    }
}

#[test]
fn sections_that_do_not_fit_the_description_are_refused() {
    let rows = |part, parts| id("Movie", SectionKind::Rows, part, parts);
    let snapshot = |ids: &[SectionId]| finish_with(BlobKind::Snapshot, ids);
    assert_refused(snapshot(&[rows(0, 2)]), "2 parts");
    assert_refused(snapshot(&[rows(0, 1), rows(0, 1)]), "part 1 of 1");
    assert_refused(snapshot(&[rows(0, 2), rows(1, 4)]), "part 1 of 2");
    assert_refused(snapshot(&[rows(1, 1)]), "the part of rows");
    assert_refused(snapshot(&[rows(0, 0)]), "number of parts");
    assert_refused(snapshot(&[rows(0, 3), rows(1, 3), rows(2, 3)]), "power of two");
    assert_refused(snapshot(&[id("Director", SectionKind::Rows, 0, 1)]), "the type of rows");
    assert_refused(snapshot(&[id("Movie", SectionKind::Changes, 0, 1)]), "the kind of changes");
    assert_refused(finish_with(BlobKind::Delta, &[rows(0, 1)]), "the kind of rows");
}

#[test]
fn descriptions_that_break_a_rule_are_refused() {
    let finish = |change: fn(&mut super::super::BlobDescription)| {
        let mut description = description(BlobKind::Snapshot);
        change(&mut description);
        BlobWriter::new(&options(ZSTD)).expect("a writer").finish(&description)
    };
    assert_refused(finish(|blob| blob.schema = None), "the schema of a snapshot");
    assert_refused(finish(|blob| blob.to_version.0 = 0), "the way of the blob");
    assert_refused(finish(|blob| blob.from_version.0 = 6), "the way of the blob");
    assert_refused(finish(|blob| blob.kind = BlobKind::Delta), "the way of the blob");
    assert_refused(finish(|blob| blob.types[1].name = "Movie".into()), "Movie twice");
    assert_refused(finish(|blob| blob.types[0].name = String::new()), "the length of the name of a type");
    assert_refused(finish(|blob| blob.types[0].from_fingerprint.0 = 1), "starts from");
    assert_refused(finish(|blob| _ = blob.tags.insert("k".into(), "v".repeat(4097))), "the value of a tag");
    assert_refused(
        finish(|blob| blob.tags.extend((0..257).map(|at| (at.to_string(), String::new())))),
        "tags",
    );
    assert_refused(finish(|blob| blob.schema = Some(vec![0; 33 << 20])), "a header");
}

#[test]
fn zstd_levels_that_readers_refuse_are_refused() {
    for level in [-1, 0, 20] {
        let error = BlobWriter::new(&options(Compression::Zstd { level })).expect_err("another level");
        assert!(error.to_string().contains("zstd level"), "{error}");
    }
    let sections = snapshot_sections(5000);
    assert_eq!(decode_all(&blob(BlobKind::Snapshot, Compression::Zstd { level: 19 }, &sections)), sections);
}

/// The bytes before the last ones are pretended: writing more than a gibibyte would be slow.
#[test]
fn a_section_longer_than_the_limit_is_refused_before_it_is_encoded() {
    let writer = BlobWriter::new(&options(ZSTD)).expect("a writer");
    let mut encoder = writer.begin_section(id("Movie", SectionKind::Rows, 0, 1)).expect("begins");
    encoder.pretend_length(MAX_SECTION_LENGTH - 1);
    encoder.write_all(&[0]).expect("the last byte that fits");
    let error = encoder.write_all(&[0]).expect_err("one too many");
    assert!(error.to_string().contains("at most"), "{error}");
}

#[test]
fn a_temporary_folder_that_is_not_there_is_an_error() {
    let mut options = options(ZSTD);
    options.temporary_folder = Some("/no/such/folder".into());
    assert_eq!(BlobWriter::new(&options).expect_err("no folder").kind(), ErrorKind::Unavailable);
}

#[test]
fn clones_can_be_read_from_other_threads_after_the_first_is_gone() {
    let first = blob(BlobKind::Snapshot, ZSTD, &snapshot_sections(5000));
    let (expected, second) = (bytes_of(&first), first.clone());
    drop(first);
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(bytes_of(&second)).expect("sends"));
    assert_eq!(receive.recv().expect("reads"), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_reads_like_the_whole(plain: bool, cuts in prop::collection::vec(0..60_000_u64, 8)) {
        let compression = if plain { Compression::Plain } else { ZSTD };
        let blob = blob(BlobKind::Snapshot, compression, &snapshot_sections(3000));
        let whole = bytes_of(&blob);
        for pair in cuts.chunks(2) {
            let (start, end) = (pair[0].min(pair[1]).min(blob.length()), pair[0].max(pair[1]).min(blob.length()));
            let mut read = Vec::new();
            blob.reader(start..end).read_to_end(&mut read)?;
            prop_assert_eq!(&read[..], &whole[start as usize..end as usize]);
        }
    }

    #[test]
    fn any_split_of_the_changes_survives(
        bits in 0..4_u32, lengths in prop::collection::vec(0..5000_usize, 8), plain: bool, seed: u64,
    ) {
        let parts = 1 << bits;
        let sections: Vec<_> = (0..parts)
            .map(|part| (id("Movie", SectionKind::Changes, part, parts), section_bytes(seed, lengths[part as usize])))
            .collect();
        let compression = if plain { Compression::Plain } else { ZSTD };
        prop_assert_eq!(decode_all(&blob(BlobKind::ReverseDelta, compression, &sections)), sections);
    }
}
