//! Programs that are held at a line of their log, for as long as a test wants.

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};

/// A pipe that is full: who writes to it stands still.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(&[b' '; 512]).is_ok() {}
    while writer.write(b" ").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

/// Waits until all threads of `child` sleep and use no time.
pub(crate) fn stands_still(child: &mut Child) {
    let begun = Instant::now();
    let mut before = None;
    let mut quiet = 0;
    while quiet < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it ended and was to stand still");
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to rest");
        let now = work_of(child.id());
        quiet = if now.is_some() && now == before { quiet + 1 } else { 0 };
        before = now;
        sleep(Duration::from_millis(10));
    }
}

/// Processor time of all threads, in ticks, if all of them sleep.
fn work_of(process: u32) -> Option<u64> {
    let mut ticks = 0;
    for task in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let status = fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let fields: Vec<&str> = status.rsplit_once(')')?.1.split_whitespace().collect();
        if fields[0] != "S" {
            return None;
        }
        ticks += fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
    }
    Some(ticks)
}
