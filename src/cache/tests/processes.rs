//! Several processes share a directory, and any of them may die at any moment.
//!
//! The other process is this test binary again: it runs [`other_process`], which does what the environment asks.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::error::{Classify, ErrorKind};
use crate::schema::TypeFilter;

const TASK: &str = "HOLLOWCAST_TEST_TASK";
const DIRECTORY: &str = "HOLLOWCAST_TEST_DIRECTORY";
const LARGE: usize = 1 << 20;
const FEW_FILES: u64 = 32;
const MANY_FILES: u64 = 64;

/// Not a test by itself: what the other process does.
#[test]
fn other_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let directory =
        std::env::var_os(DIRECTORY).map(|path| open(&PathBuf::from(path), budget(1 << 30), clock()));
    match (task.as_str(), directory) {
        ("default path", _) => println!("default path {:?}", StateDirectory::default_path()),
        ("hold", Some(directory)) => {
            let held = directory.find(&SectionName::of(&section(1000, 0))).unwrap().unwrap();
            wait();
            assert_eq!(held.section_bytes(), section(1000, 0));
        }
        ("write", Some(directory)) => {
            let mut writer = directory.create(LARGE as u64).unwrap();
            writer.write_all(&section(LARGE, 1)[..LARGE / 2]).unwrap();
            wait();
        }
        ("fill", Some(directory)) => fill(&directory),
        ("use up files", Some(directory)) => use_up_files(&directory),
        ("spool", Some(directory)) => spool_much(&directory),
        other => panic!("{other:?}"),
    }
}

/// Says that everything is ready, then waits until it is killed or its input ends.
fn wait() {
    println!("\nready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// In a process that may write files of some 64 KiB at most: everything larger fails clearly and leaves nothing.
fn fill(directory: &StateDirectory) {
    let is_full = |error: &CacheError| {
        assert!(matches!(error, CacheError::NoSpace { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    };
    let error = add(directory, &section(LARGE, 1)).unwrap_err();
    is_full(&error);
    assert!(matches!(error, CacheError::NoSpace { written, .. } if written > 0), "{error}");

    let dataset = crate::identifiers::DatasetId([5; 16]);
    let mut current = crate::cache::current::tests::current(dataset);
    directory.write_current(&current, &TypeFilter::all()).unwrap();
    let served = || directory.currents(dataset).unwrap().pop().unwrap().unwrap();
    let before = served();
    current.schema = vec![0; LARGE];
    is_full(&directory.write_current(&current, &TypeFilter::all()).unwrap_err());
    assert_eq!(served(), before);

    let mut spool = Spool::new(Some(directory.path()), LARGE as u64 / 2);
    let offset = spool.push(&[7; 1000]).unwrap();
    is_full(&spool.push(&vec![8; LARGE / 8]).unwrap_err());
    assert_eq!(spool.get(offset, 1000), [7; 1000]);
    assert_eq!(fs::read_dir(directory.temps()).unwrap().count(), 0);
}

/// In a process that was started with [`FEW_FILES`] and may have [`MANY_FILES`]: it holds more sections than the few, and fails clearly at the many.
fn use_up_files(directory: &StateDirectory) {
    let names: Vec<_> = sections().map(|bytes| SectionName::of(&bytes)).collect();
    let mut held = Vec::new();
    let error = loop {
        match directory.find(&names[held.len()]) {
            Ok(found) => held.push(found.expect("it was added")),
            Err(error) => break error,
        }
    };
    assert!(held.len() as u64 > FEW_FILES, "{} sections: {error}", held.len());
    assert!(matches!(error, CacheError::TooManyFiles { limit: MANY_FILES, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for part in ["segments/", "64 files", "ulimit -n", "LimitNOFILE="] {
        assert!(error.to_string().contains(part), "{error} names {part}");
    }
    held.clear();
    assert!(directory.find(names.last().unwrap()).unwrap().is_some());
}

/// More than [`MANY_FILES`].
fn sections() -> impl Iterator<Item = Vec<u8>> {
    (0..100).map(|fill| section(16, fill))
}

/// 96 MiB of records cost the process two chunks of memory.
fn spool_much(directory: &StateDirectory) {
    let chunk_bytes = 4 << 20;
    let mut spool = Spool::new(Some(directory.path()), chunk_bytes);
    let before = own_memory_bytes();
    let record = vec![0x5555_5555; 1 << 14];
    let offsets: Vec<_> = (0..768).map(|_| spool.push(&record).unwrap()).collect();
    let grown = own_memory_bytes() - before;
    assert!(grown <= 2 * chunk_bytes, "{grown} bytes");
    assert!(offsets.iter().all(|offset| spool.get(*offset, record.len()) == record));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4, "no file has a name");
}

/// `RssAnon` of this process.
fn own_memory_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock(Mutex::default()))
}

fn command(program: &str, arguments: &[&str], task: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command.args(["--exact", "cache::tests::processes::other_process", "--nocapture"]).env(TASK, task);
    command.env_remove(DIRECTORY).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn this_program() -> String {
    std::env::current_exe().unwrap().into_os_string().into_string().unwrap()
}

/// Starts the other process and waits until it is ready.
fn start(host: &Host, task: &str) -> Child {
    let mut command = command(&this_program(), &[], task);
    let mut child = command.env(DIRECTORY, host.directory.path()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "ready"), "the other process failed");
    child
}

/// Runs the other process to its end: what it does holds.
fn passes(mut command: Command, host: &Host) {
    let output = command.env(DIRECTORY, host.directory.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_another_process_has_mapped_is_not_evicted_until_it_is_gone() {
    let host = Host::with_budget(3_000);
    let name = host.add(&section(1000, 0));
    let child = start(&host, "hold");
    host.clock.advance(60);
    drop(host.directory.create(3_000).unwrap());
    assert!(host.has(name));
    kill(child);
    host.clock.advance(60);
    drop(host.directory.create(3_000).unwrap());
    assert!(!host.has(name));
}

#[test]
fn a_killed_writer_leaves_a_temp_that_the_next_open_removes() {
    let host = Host::new();
    let child = start(&host, "write");
    host.reopen();
    assert_eq!(host.files("tmp").len(), 1, "a living writer keeps its temp");
    kill(child);
    assert_eq!(host.files("tmp").len(), 1);
    assert_eq!(host.files("segments"), [""; 0]);
    host.reopen();
    assert_eq!(host.files("tmp"), [""; 0]);
}

#[test]
fn files_may_be_as_many_as_the_process_may_have_and_one_more_is_a_clear_error() {
    let host = Host::new();
    for bytes in sections() {
        host.add(&bytes);
    }
    let limited = format!(r#"ulimit -Sn {FEW_FILES} && ulimit -Hn {MANY_FILES} && exec "$0" "$@""#);
    let command = command("sh", &["-c", &limited, &this_program()], "use up files");
    passes(command, &host);
}

#[test]
fn no_space_is_a_clear_error_and_leaves_nothing_behind() {
    let host = Host::new();
    let limited = r#"trap "" XFSZ; ulimit -f 64; exec "$0" "$@""#;
    let command = command("sh", &["-c", limited, &this_program()], "fill");
    passes(command, &host);
    assert_eq!(host.files("tmp"), [""; 0]);
    assert_eq!(host.files("segments"), [""; 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_spool_costs_its_process_a_chunk_of_memory_whatever_it_holds() {
    let host = Host::new();
    let command = command(&this_program(), &[], "spool");
    passes(command, &host);
}

#[test]
fn the_default_path_follows_the_environment() {
    let path = |cache: &str, home: &str| {
        let mut command = command(&this_program(), &[], "default path");
        let output = command.env("XDG_CACHE_HOME", cache).env("HOME", home).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.split_once("default path ")).unwrap().1.to_owned()
    };
    assert_eq!(path("/x/cache", "/home/me"), r#"Ok("/x/cache/hollowcast")"#);
    assert_eq!(path("", "/home/me"), r#"Ok("/home/me/.cache/hollowcast")"#);
    assert_eq!(path("relative", "/home/me"), r#"Ok("/home/me/.cache/hollowcast")"#);
    assert_eq!(path("", ""), "Err(NoDefaultPath)");
}
