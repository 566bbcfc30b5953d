//! How much memory a process has for itself alone.

/// Its `RssAnon` in bytes: mapped files are not counted. `process` is a number or `self`; `None` where there is no `/proc`.
#[must_use]
pub fn own_memory(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
