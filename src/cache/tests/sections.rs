//! Sections are visible once they are complete and sealed, and not before.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::error::{Classify, ErrorKind};

#[test]
fn a_sealed_section_is_found_by_whoever_opens_the_directory_semantics_24() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let name = host.add(&bytes);
    let found = host.reopen().find(&name).unwrap().unwrap();
    assert_eq!(found.section_bytes(), bytes);
    assert_eq!(host.files("segments"), [format!("{name}.seal"), format!("{name}.seg")]);
    assert_eq!(host.files("tmp"), [""; 0]);
}

#[test]
fn nobody_finds_a_section_before_it_is_sealed() {
    let host = Host::new();
    let bytes = section(64, 7);
    let mut writer = host.directory.create(64).unwrap();
    writer.write_all(&bytes).unwrap();
    assert_eq!(writer.written(), 64);
    let unsealed = writer.finish(None).unwrap();
    assert_eq!(unsealed.name(), SectionName::of(&bytes));
    assert_eq!(unsealed.segment().section_bytes(), bytes);
    assert!(host.directory.find(&unsealed.name()).unwrap().is_none());
    assert!(host.directory.find_unsealed(&unsealed.name()).unwrap().is_none());
    drop(unsealed);
    assert_eq!(host.files("tmp"), [""; 0]);
    assert_eq!(host.files("segments"), [""; 0]);
}

#[test]
fn permissions_are_those_of_the_options_whatever_the_umask() {
    let host = Host::new();
    let name = host.add(&section(64, 1));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for folder in ["", "segments", "current", "tmp"] {
        assert_eq!(mode(&host.directory.path().join(folder)), 0o750, "{folder}");
    }
    assert_eq!(mode(&host.directory.segment_path(name)), 0o440);
    assert_eq!(mode(&host.directory.seal_path(name)), 0o440);
    let writer = host.directory.create(64).unwrap();
    assert_eq!(mode(&host.directory.temps().join(&host.files("tmp")[0])), 0o600);
    drop(writer);

    let group = rustix::process::getegid().as_raw();
    let shared = StateDirectoryOptions {
        directory_mode: 0o2770,
        file_mode: 0o444,
        group: Some(group),
        budget_bytes: 9,
        budget_sections: 9,
    };
    let shared =
        StateDirectory::open(host.folder.path().join("shared"), shared, Environment::system()).unwrap();
    assert_eq!(mode(shared.path()), 0o2770);
    add(&shared, &section(64, 1)).unwrap();
    assert_eq!(mode(&shared.segment_path(name)), 0o444);
}

#[test]
fn other_bytes_than_expected_are_refused_and_gone() {
    let host = Host::new();
    let bytes = section(64, 7);
    for wrong in [section(64, 8), section(56, 7)] {
        let mut writer = host.directory.create(64).unwrap();
        writer.write_all(&wrong).unwrap();
        let error = writer.finish(Some(SectionName::of(&bytes))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let message = error.to_string();
        assert!(message.contains(&SectionName::of(&bytes).to_string()), "{message}");
        assert!(message.contains(&SectionName::of(&wrong).to_string()), "{message}");
        assert_eq!(host.files("tmp"), [""; 0]);
    }
}

#[test]
fn more_bytes_than_announced_are_refused() {
    for store in [SegmentStore::mapped(Host::new().directory.clone()), SegmentStore::heap()] {
        let mut writer = store.create(64).unwrap();
        writer.write_all(&[0; 60]).unwrap();
        let error = CacheError::from_write(writer.write_all(&[0; 5]).unwrap_err()).unwrap();
        assert!(matches!(error, CacheError::TooLong { expected: 64 }), "{error}");
    }
}

#[test]
fn bytes_that_are_no_section_are_refused_and_gone() {
    let host = Host::new();
    for store in [SegmentStore::mapped(host.directory.clone()), SegmentStore::heap()] {
        for wrong in [&b""[..], b"12345678", &[0xFF; 64], &[0; 61]] {
            let mut writer = store.create(64).unwrap();
            writer.write_all(wrong).unwrap();
            let error = writer.finish(None).unwrap_err();
            assert!(matches!(error, CacheError::Segment { .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert_eq!(host.files("tmp"), [""; 0]);
        }
    }
}

#[test]
fn a_section_written_twice_is_one_section_and_both_writers_have_it() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let first = add(&host.directory, &bytes).unwrap();
    let second = add(&host.reopen(), &bytes).unwrap();
    assert_eq!(first.words(), second.words());
    assert_eq!(host.files("segments").len(), 2);
    assert_eq!(host.directory.find(&SectionName::of(&bytes)).unwrap().unwrap().words(), first.words());
}

#[test]
fn the_heap_keeps_nothing() {
    let store = SegmentStore::heap();
    let bytes = section(4096, 7);
    let mut writer = store.create(1 << 22).unwrap();
    writer.write_all(&bytes).unwrap();
    let segment = writer.finish(Some(SectionName::of(&bytes))).unwrap().seal().unwrap();
    assert_eq!(segment.section_bytes(), bytes);
    assert!(store.find(&SectionName::of(&bytes)).unwrap().is_none());
    assert!(store.find_unsealed(&SectionName::of(&bytes)).unwrap().is_none());
    assert!(store.state_directory().is_none());
}

#[test]
fn a_file_in_the_way_is_named() {
    let host = Host::new();
    let file = host.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error =
            StateDirectory::open(path, StateDirectoryOptions::default(), Environment::system()).unwrap_err();
        assert!(matches!(&error, CacheError::NotADirectory { path } if *path == file), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_directory_that_may_not_be_written_is_named() {
    let path = "/sys/hollowcast-state-directory";
    let error =
        StateDirectory::open(path, StateDirectoryOptions::default(), Environment::system()).unwrap_err();
    assert!(matches!(error, CacheError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains(path), "{error}");
}

/// Bug this keeps away: an opener that got the file, but not yet its lock, when it was evicted.
#[test]
fn a_file_that_goes_between_open_and_lock_is_not_here() {
    let host = Host::new();
    let name = host.add(&section(64, 7));
    let path = host.directory.segment_path(name);
    let opened = fs::File::open(&path).unwrap();
    assert!(temporary::remove_unlocked(&path).unwrap());
    assert!(!temporary::lock_shared(&opened, &path).unwrap());

    let name = host.add(&section(64, 8));
    let evictor = fs::File::open(host.directory.segment_path(name)).unwrap();
    evictor.try_lock().unwrap();
    assert!(host.directory.find(&name).unwrap().is_none());
}

/// Bug this keeps away: a file put where an evictor is about to remove another.
#[test]
fn only_the_file_that_was_locked_is_removed() {
    let host = Host::new();
    let name = host.add(&section(64, 7));
    let path = host.directory.segment_path(name);
    let held = fs::File::open(&path).unwrap();
    let before = held.metadata().unwrap();
    fs::remove_file(&path).unwrap();
    host.add(&section(64, 7));
    assert!(!temporary::remove_same(&path, &before).unwrap());
    assert!(path.exists());
}
