//! Who writes a section that another one writes at the same time ends up with the other's file: one copy on disk and in
//! memory, whoever seals it, and whoever does not. Linux tells which file is mapped.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

/// A section that is written and not sealed, by a process of its own.
fn written(host: &Host, bytes: &[u8]) -> UnsealedSection {
    let mut writer = host.reopen().create(bytes.len() as u64).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish(Some(SectionName::of(bytes))).unwrap()
}

fn inode_at(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// The inode of the file that `segment` is mapped from.
fn inode_of(segment: &Segment) -> u64 {
    let at = segment.words().as_ptr() as usize;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let found = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let bound = |text| usize::from_str_radix(text, 16).unwrap();
        (bound(start)..bound(end)).contains(&at).then(|| rest.split_whitespace().nth(3).unwrap().parse())
    });
    found.unwrap().unwrap()
}

/// That nothing of `name` is left but one sealed file, which all of `segments` are mapped from.
#[track_caller]
fn assert_one_file(host: &Host, name: SectionName, segments: &[&Segment]) {
    let file = inode_at(&host.directory.segment_path(name));
    let mapped: Vec<u64> = segments.iter().map(|segment| inode_of(segment)).collect();
    assert_eq!(mapped, vec![file; segments.len()]);
    assert_eq!(host.files("segments"), [name.seal_file(), name.segment_file()]);
    assert_eq!(host.files("tmp"), [""; 0]);
    assert_eq!(inode_of(&host.directory.find(&name).unwrap().unwrap()), file);
}

/// Bug: processes that fetched the same section at once each kept a file of their own. Mechanism: each renamed its file over
/// that of the one before, which was mapped already and stayed on disk without a name. Fix: they meet before they map it.
#[test]
fn writers_at_the_same_time_have_one_file_whoever_seals_first() {
    let bytes = section(4096, 7);
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let host = Host::new();
        let name = SectionName::of(&bytes);
        let writers = [0; 3].map(|_| written(&host, &bytes).split());
        let (segments, mut seals): (Vec<_>, Vec<_>) =
            writers.into_iter().map(|(segment, seal)| (segment, Some(seal))).unzip();
        for writer in order {
            assert!(segments[writer].section_bytes() == bytes);
            seals[writer].take().unwrap().seal().unwrap();
        }
        assert_one_file(&host, name, &segments.iter().collect::<Vec<_>>());
    }
}

#[test]
fn who_is_done_after_another_sealed_has_the_file_of_that_one() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let mut late = host.reopen().create(4096).unwrap();
    late.write_all(&bytes).unwrap();
    let first = written(&host, &bytes).seal().unwrap();
    let late = late.finish(None).unwrap().seal().unwrap();
    assert_one_file(&host, SectionName::of(&bytes), &[&first, &late]);
}

#[test]
fn who_gives_up_takes_the_file_from_nobody() {
    let bytes = section(4096, 7);
    for gives_up in [0, 1] {
        let host = Host::new();
        let mut writers = vec![written(&host, &bytes), written(&host, &bytes)];
        drop(writers.remove(gives_up));
        let third = written(&host, &bytes);
        assert!(host.directory.find(&third.name()).unwrap().is_none(), "nobody sealed it");
        let sealed = writers.remove(0).seal().unwrap();
        drop(third);
        assert_one_file(&host, SectionName::of(&bytes), &[&sealed]);
    }
}

#[test]
fn what_all_give_up_is_gone() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let writers = [0; 3].map(|_| written(&host, &bytes));
    drop(writers);
    assert_eq!(host.files("tmp"), [""; 0]);
    assert_eq!(host.files("segments"), [""; 0]);
}

/// A file in `tmp` is believed no more than one that was fetched.
#[test]
fn an_offered_file_with_other_bytes_is_left_alone() {
    let bytes = section(4096, 7);
    for wrong in [section(4096, 8), section(64, 7), Vec::new(), vec![0xFF; 4096]] {
        let host = Host::new();
        let name = SectionName::of(&bytes);
        fs::write(host.directory.temps().join(name.segment_file()), wrong).unwrap();
        let mut writer = host.directory.create(4096).unwrap();
        writer.write_all(&bytes).unwrap();
        let first = writer.finish(None).unwrap();
        let second = written(&host, &bytes);
        let sealed = [first, second].map(|unsealed| unsealed.seal().unwrap());
        assert!(sealed[0].section_bytes() == bytes);
        assert_one_file(&host, name, &[&sealed[0], &sealed[1]]);
    }
}

#[test]
fn a_damaged_file_under_the_name_is_replaced() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let name = host.add(&bytes);
    let path = host.directory.segment_path(name);
    let (first, seal) = written(&host, &bytes).split();
    seal.seal().unwrap();
    assert_one_file(&host, name, &[&first]);
    fs::remove_file(&path).unwrap();
    let unsealed = written(&host, &bytes);
    fs::write(&path, section(4096, 8)).unwrap();
    let second = unsealed.seal().unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
    assert_one_file(&host, name, &[&second]);
}

/// Bug this keeps away: to rename a file to another path of its own does nothing, so a path in `tmp` stayed.
#[test]
fn a_file_that_has_its_final_path_already_has_no_other() {
    let host = Host::new();
    let temporary = host.directory.create_temporary().unwrap();
    let target = host.directory.segments().join("target");
    fs::hard_link(temporary.path.as_path(), &target).unwrap();
    temporary.path.move_to(&target).unwrap();
    assert!(target.exists());
    assert_eq!(host.files("tmp"), [""; 0]);
}

/// As on a file system without hard links: what is in the way is a folder, which nobody can offer or share.
#[test]
fn who_cannot_share_has_a_file_of_their_own() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let name = SectionName::of(&bytes);
    let in_the_way = host.directory.temps().join(name.segment_file());
    fs::create_dir(&in_the_way).unwrap();
    let writers = [0; 2].map(|_| written(&host, &bytes));
    let sealed = writers.map(|unsealed| unsealed.seal().unwrap());
    fs::remove_dir(&in_the_way).unwrap();
    assert!(sealed.iter().all(|segment| segment.section_bytes() == bytes));
    assert_eq!(host.files("segments"), [name.seal_file(), name.segment_file()]);
    assert_eq!(host.files("tmp"), [""; 0]);
    assert!(host.directory.find(&name).unwrap().is_some());
}

#[test]
fn a_shared_file_counts_once_and_has_the_mode_of_the_options() {
    let host = Host::with_budget(10_000);
    let unsealed = [0; 3].map(|_| written(&host, &section(4000, 99)));
    let offered = host.directory.temps().join(unsealed[0].name().segment_file());
    assert_eq!(fs::metadata(offered).unwrap().permissions().mode() & 0o777, 0o440);
    host.clock.advance(61);
    let names: Vec<_> = (0..6).map(|fill| host.add(&section(1000, fill))).collect();
    host.clock.advance(61);
    drop(host.directory.create(0).unwrap());
    assert!(names.iter().all(|name| host.has(*name)), "4000 bytes and six times 1000 fit");
}

/// Threads as processes: all that write a section at once have one file, while what they do not hold is evicted.
#[test]
fn many_writers_at_once_have_one_file() {
    let host = Host::with_budget(3_000);
    for round in 0..50 {
        let bytes = section(1000, round);
        let start = std::sync::Barrier::new(4);
        let write = || {
            let directory = open(host.directory.path(), budget(3_000), host.clock.clone());
            start.wait();
            let mut writer = directory.create(1000).unwrap();
            writer.write_all(&bytes).unwrap();
            let (segment, seal) = writer.finish(None).unwrap().split();
            seal.seal().unwrap();
            segment
        };
        let segments: Vec<_> = std::thread::scope(|scope| {
            let writers = [0; 4].map(|_| scope.spawn(write));
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let file = inode_at(&host.directory.segment_path(SectionName::of(&bytes)));
        assert!(segments.iter().all(|segment| inode_of(segment) == file), "round {round}");
    }
    assert_eq!(host.files("tmp"), [""; 0]);
}
