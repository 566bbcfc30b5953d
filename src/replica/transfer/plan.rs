//! Which ranges to ask for: pure functions from lengths to requests.

use std::ops::Range;

use crate::format::{SECTION_ALIGNMENT, SectionEntry};

/// Parts that a store takes for one object at most.
const MAX_PARTS: u64 = 10_000;

/// Sections that are decoded one after the other, from one row of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Places in the list of wanted sections, ascending by offset.
    pub(super) sections: Vec<usize>,
    /// Where the row begins in the blob.
    pub(super) start: u64,
    /// The requests for the row, back to back; none when the bytes came with the header.
    pub(super) ranges: Vec<Range<u64>>,
}

/// Plans requests of at most `range_length` bytes for the `wanted` sections of a blob whose first `held` bytes are here.
///
/// Neighbours share a request, but never over another section of `all`, which nobody wants (semantics 22).
pub(super) fn batches(
    all: &[SectionEntry],
    wanted: &[SectionEntry],
    held: u64,
    range_length: u64,
) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|at| (wanted[*at].offset, wanted[*at].end()));
    let (here, away): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|at| wanted[*at].end() <= held);
    let together = |a: &usize, b: &usize| adjacent(all, &wanted[*a], &wanted[*b]);
    let mut batches = Vec::new();
    if !here.is_empty() {
        batches.push(Batch { sections: here, start: 0, ranges: Vec::new() });
    }
    for run in away.chunk_by(together) {
        split_run(wanted, run, range_length, &mut batches);
    }
    batches
}

/// Whether nothing but padding lies between two sections.
fn adjacent(all: &[SectionEntry], first: &SectionEntry, second: &SectionEntry) -> bool {
    let next = all.partition_point(|section| section.offset <= first.offset && section.end() <= first.end());
    all.get(next) == Some(second) && second.offset - first.end() < SECTION_ALIGNMENT
}

/// Whether `section` is one of `all`, which ascend.
pub(super) fn holds(all: &[SectionEntry], section: &SectionEntry) -> bool {
    let first = all.partition_point(|other| other.offset < section.offset);
    all[first..].iter().take_while(|other| other.offset == section.offset).any(|other| other == section)
}

/// Cuts a run of neighbours into batches of one request each, or of one section in several requests.
fn split_run(wanted: &[SectionEntry], run: &[usize], range_length: u64, batches: &mut Vec<Batch>) {
    let mut rest = run;
    while let Some(first) = rest.first() {
        let start = wanted[*first].offset;
        let fitting = rest.iter().take_while(|at| wanted[**at].end() - start <= range_length).count();
        let (sections, more) = rest.split_at(fitting.max(1));
        let end = sections.last().map_or(start, |last| wanted[*last].end());
        batches.push(Batch { sections: sections.to_vec(), start, ranges: ranges(start..end, range_length) });
        rest = more;
    }
}

/// `whole` in pieces of `length` bytes, the last one shorter.
pub(super) fn ranges(whole: Range<u64>, length: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut start = whole.start;
    while start < whole.end {
        let end = start.saturating_add(length).min(whole.end);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Bytes of each part but the last of an upload of `length` bytes: `least`, or more when there would be too many.
pub(super) fn part_length(length: u64, least: u64) -> u64 {
    least.max(length.div_ceil(MAX_PARTS).next_multiple_of(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Codec, SectionId, SectionKind};
    use crate::identifiers::{ContentHash, TypeId};

    fn section(offset: u64, stored_length: u64) -> SectionEntry {
        let id = SectionId { type_id: TypeId(offset), kind: SectionKind::Rows, part: 0, parts: 1 };
        SectionEntry {
            id,
            codec: Codec::Zstd,
            offset,
            stored_length,
            plain_length: stored_length,
            hash: ContentHash([0; 16]),
        }
    }

    fn batch(sections: &[usize], start: u64, ranges: &[(u64, u64)]) -> Batch {
        let ranges = ranges.iter().map(|(start, end)| *start..*end).collect();
        Batch { sections: sections.to_vec(), start, ranges }
    }

    #[test]
    fn neighbours_share_a_request() {
        let all = [section(100, 50), section(150, 20), section(4096, 10)];
        assert_eq!(batches(&all, &all, 0, 5000), [batch(&[0, 1, 2], 100, &[(100, 4106)])]);
    }

    #[test]
    fn a_request_is_no_longer_than_allowed() {
        let all = [section(100, 50), section(150, 50), section(200, 50)];
        let expected = [batch(&[0, 1], 100, &[(100, 200)]), batch(&[2], 200, &[(200, 250)])];
        assert_eq!(batches(&all, &all, 0, 100), expected);
        assert_eq!(batches(&all, &all, 0, 149), expected);
    }

    #[test]
    fn a_large_section_is_cut_and_shares_with_none() {
        let all = [section(100, 50), section(150, 250), section(400, 50)];
        let expected = [
            batch(&[0], 100, &[(100, 150)]),
            batch(&[1], 150, &[(150, 250), (250, 350), (350, 400)]),
            batch(&[2], 400, &[(400, 450)]),
        ];
        assert_eq!(batches(&all, &all, 0, 100), expected);
    }

    /// Semantics 22: bytes of other types are never fetched.
    #[test]
    fn what_nobody_wants_is_not_fetched() {
        let all = [section(100, 50), section(150, 1), section(151, 50), section(201, 50)];
        let wanted = [all[0], all[2], all[3]];
        let expected = [batch(&[0], 100, &[(100, 150)]), batch(&[1, 2], 151, &[(151, 251)])];
        assert_eq!(batches(&all, &wanted, 0, 5000), expected);
    }

    #[test]
    fn wide_gaps_are_not_fetched() {
        let all = [section(100, 50), section(150 + 4096, 50)];
        assert_eq!(batches(&all, &all, 0, 1 << 20).len(), 2);
    }

    #[test]
    fn what_came_with_the_header_is_not_fetched_again() {
        let all = [section(100, 50), section(150, 50), section(200, 50)];
        let expected = [batch(&[0, 1], 0, &[]), batch(&[2], 200, &[(200, 250)])];
        assert_eq!(batches(&all, &all, 249, 5000), expected);
        assert_eq!(batches(&all, &all, 250, 5000), [batch(&[0, 1, 2], 0, &[])]);
    }

    #[test]
    fn places_are_those_of_the_wanted_list() {
        let all = [section(100, 50), section(150, 50)];
        assert_eq!(batches(&all, &[all[1], all[0]], 0, 5000), [batch(&[1, 0], 100, &[(100, 200)])]);
        assert_eq!(batches(&all, &[], 0, 5000), []);
    }

    #[test]
    fn sections_are_known_by_all_of_their_entry() {
        let all = [section(100, 0), section(100, 50), section(150, 50)];
        assert!(all.iter().all(|section| holds(&all, section)));
        assert!(!holds(&all, &section(100, 49)) && !holds(&all, &section(500, 1)) && !holds(&[], &all[0]));
    }

    #[test]
    fn ranges_cover_the_whole() {
        let ends = |whole: Range<u64>| {
            ranges(whole, 3).iter().map(|range| (range.start, range.end)).collect::<Vec<_>>()
        };
        assert_eq!(ends(5..5), []);
        assert_eq!(ends(5..8), [(5, 8)]);
        assert_eq!(ends(5..9), [(5, 8), (8, 9)]);
        assert_eq!(ends(u64::MAX - 1..u64::MAX), [(u64::MAX - 1, u64::MAX)]);
    }

    #[test]
    fn parts_are_at_most_ten_thousand() {
        const MIB: u64 = 1 << 20;
        assert_eq!(part_length(9 * MIB, 8 * MIB), 8 * MIB);
        assert_eq!(part_length(80_000 * MIB, 8 * MIB), 8 * MIB);
        assert_eq!(part_length(80_000 * MIB + 1, 8 * MIB), 9 * MIB);
        let length = part_length(5 << 40, 8 * MIB);
        assert!((5_u64 << 40).div_ceil(length) <= MAX_PARTS);
    }
}
