//! Bytes are verified once: while a seal holds it is trusted, and otherwise the bytes are hashed again. Keeps
//! semantics 19: wrong bytes are never used.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;

/// Changes one byte of a section's file in place; the time of change is then another, or put back.
fn damage(host: &Host, name: SectionName, keep_time: bool) {
    let path = host.directory.segment_path(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(&[0xEE], 40).unwrap();
    file.set_modified(if keep_time { before } else { before + Duration::from_nanos(1) }).unwrap();
}

fn edit_seal(host: &Host, name: SectionName, edit: impl FnOnce(&str) -> String) {
    let path = host.directory.seal_path(name);
    let text = edit(&fs::read_to_string(&path).unwrap());
    fs::remove_file(&path).unwrap();
    fs::write(&path, text).unwrap();
}

fn other_boot(seal: &str) -> String {
    let lines: Vec<_> =
        seal.lines().map(|line| if line.starts_with("boot ") { "boot other" } else { line }).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_byte_changed_after_the_seal_is_detected_and_the_file_removed() {
    let host = Host::new();
    let name = host.add(&section(4096, 7));
    damage(&host, name, false);
    assert!(host.directory.find(&name).unwrap().is_none());
    assert!(!host.has(name));
    let again = add(&host.directory, &section(4096, 7)).unwrap();
    assert_eq!(host.directory.find(&name).unwrap().unwrap().words(), again.words());
}

#[test]
fn a_seal_that_holds_is_trusted_without_reading_the_section() {
    let host = Host::new();
    let name = host.add(&section(4096, 7));
    damage(&host, name, true);
    let found = host.directory.find(&name).unwrap().unwrap();
    assert_eq!(found.section_bytes()[40], 0xEE, "nobody looked");
}

#[test]
fn after_a_restart_of_the_host_the_bytes_are_hashed_again() {
    let host = Host::new();
    let good = host.add(&section(4096, 7));
    let wrong = host.add(&section(4096, 8));
    damage(&host, wrong, true);
    for name in [good, wrong] {
        edit_seal(&host, name, other_boot);
    }
    assert!(host.directory.find(&wrong).unwrap().is_none());
    assert!(host.directory.find(&good).unwrap().is_some());
    let seal = fs::read_to_string(host.directory.seal_path(good)).unwrap();
    assert!(!seal.contains("boot other"), "sealed again: {seal}");
}

#[test]
fn a_file_cut_off_or_grown_is_detected() {
    let host = Host::new();
    for length in [0, 8, 4088, 4104] {
        let name = host.add(&section(4096, 7));
        let path = host.directory.segment_path(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        assert!(host.directory.find(&name).unwrap().is_none(), "{length} bytes");
        assert!(!host.has(name));
    }
}

#[test]
fn a_wrong_frame_under_the_right_hash_is_no_section() {
    let host = Host::new();
    let bytes = [0xFF; 64];
    let name = SectionName::of(&bytes);
    fs::write(host.directory.segment_path(name), bytes).unwrap();
    assert!(host.directory.find_unsealed(&name).unwrap().is_none());
    assert!(!host.has(name));
}

#[test]
fn without_a_seal_that_counts_a_section_is_verified_again() {
    let host = Host::new();
    let bytes = section(4096, 7);
    let seals: [fn(&str) -> String; 5] = [
        |_| String::new(),
        |seal| seal[..seal.len() - 3].to_owned(),
        |seal| seal.replace("verifier 1", "verifier 0"),
        |seal| {
            seal.replace(&SectionName::of(&section(4096, 7)).to_string(), &SectionName::of(b"").to_string())
        },
        |_| "\u{FFFD}".repeat(2000),
    ];
    for edit in seals {
        let name = host.add(&bytes);
        edit_seal(&host, name, edit);
        assert!(host.directory.find(&name).unwrap().is_none());
        let unsealed = host.directory.find_unsealed(&name).unwrap().unwrap();
        assert_eq!(unsealed.segment().section_bytes(), bytes);
        drop(unsealed);
        assert!(host.has(name), "what was here before stays");
        let sealed = host.directory.find_unsealed(&name).unwrap().unwrap().seal().unwrap();
        assert_eq!(host.directory.find(&name).unwrap().unwrap().words(), sealed.words());
    }
}

#[test]
fn a_damaged_section_is_not_verified_again_but_removed() {
    let host = Host::new();
    let name = host.add(&section(4096, 7));
    damage(&host, name, true);
    assert!(host.directory.find_unsealed(&name).unwrap().is_none());
    assert!(!host.has(name));
}

#[test]
fn who_has_a_damaged_file_mapped_keeps_it() {
    let host = Host::new();
    let name = host.add(&section(4096, 7));
    let held = host.directory.find(&name).unwrap().unwrap();
    damage(&host, name, false);
    assert!(host.reopen().find(&name).unwrap().is_none());
    assert_eq!(held.words().len(), 511);
}

#[test]
fn forgotten_seals_go_when_a_process_first_writes() {
    let host = Host::new();
    let name = host.add(&section(64, 7));
    fs::remove_file(host.directory.segment_path(name)).unwrap();
    drop(host.reopen().create(8).unwrap());
    assert!(host.directory.seal_path(name).exists(), "its section may be on the way");
    host.clock.advance(3601);
    let other = host.add(&section(64, 8));
    host.clock.advance(3601);
    let started = host.reopen();
    assert!(host.directory.seal_path(name).exists(), "a start looks through no files");
    drop(started.create(8).unwrap());
    assert!(!host.directory.seal_path(name).exists());
    assert!(host.directory.find(&other).unwrap().is_some());
}

#[test]
fn a_section_that_cannot_be_sealed_is_not_here() {
    let host = Host::new();
    let bytes = section(64, 7);
    let name = SectionName::of(&bytes);
    fs::create_dir(host.directory.seal_path(name)).unwrap();
    let error = add(&host.directory, &bytes).unwrap_err();
    assert!(error.to_string().contains(&name.to_string()), "{error}");
    assert!(!host.has(name));
    assert_eq!(host.files("tmp"), [""; 0]);
}
