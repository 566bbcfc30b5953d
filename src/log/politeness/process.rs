//! Which process a producer is, and whether it is still there.

/// Names a process so that a later one of the same number, another boot, container or host is not mistaken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// Host name; of one beyond 85 bytes only those.
    pub host: String,
    /// Random identity of the host's current boot; empty where the system has none.
    pub boot_id: String,
    /// Identity of the numbering of processes, as containers have their own; empty where unknown.
    pub namespace: String,
    /// Process number.
    pub process: u32,
    /// When it started, in the system's units since boot; 0 where unknown.
    pub started: u64,
}

/// What can be said about a process from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It ran here and does not any more.
    Gone,
    /// It runs here.
    Running,
    /// It ran, or runs, elsewhere.
    Elsewhere,
}

impl ProcessIdentity {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let process = std::process::id();
        Self {
            host: host(),
            boot_id: system::boot_id(),
            namespace: system::namespace(),
            process,
            started: system::status(process).map_or(0, |status| status.started),
        }
    }

    /// Whether it still runs, as far as the process `own` can tell: only for one of the same host, boot and numbering.
    /// Costs a system call and the read of a small file.
    #[must_use]
    pub fn liveness(&self, own: &Self) -> Liveness {
        let here =
            |identity: &Self| (identity.host.clone(), identity.boot_id.clone(), identity.namespace.clone());
        if self.boot_id.is_empty() || self.namespace.is_empty() || here(self) != here(own) {
            return Liveness::Elsewhere;
        }
        if !system::exists(self.process) {
            return Liveness::Gone;
        }
        match system::status(self.process) {
            Some(status) if status.is_dead || (self.started != 0 && status.started != self.started) => {
                Liveness::Gone
            }
            _ => Liveness::Running,
        }
    }
}

#[cfg(unix)]
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_bytes();
    String::from_utf8_lossy(&name[..name.len().min(85)]).into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// What the system says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status {
    /// It has ended and only waits to be noticed.
    is_dead: bool,
    /// When it started, in the system's units since boot.
    started: u64,
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{Pid, test_kill_process};

    use super::Status;

    pub(super) fn boot_id() -> String {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    }

    pub(super) fn namespace() -> String {
        let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        link.to_string_lossy().into_owned()
    }

    /// False only if the system knows no such process; one of another user exists as well.
    pub(super) fn exists(process: u32) -> bool {
        match i32::try_from(process).ok().and_then(Pid::from_raw) {
            Some(process) => test_kill_process(process) != Err(rustix::io::Errno::SRCH),
            None => false,
        }
    }

    pub(super) fn status(process: u32) -> Option<Status> {
        parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// `number (name) state …`, where the name may hold anything; the start time is the 22nd field.
    pub(super) fn parse(text: &str) -> Option<Status> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some(Status { is_dead: matches!(state, "Z" | "X" | "x"), started })
    }
}

/// Other systems have no boot id, so no process there is ever judged by its number.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::Status;

    pub(super) fn boot_id() -> String {
        String::new()
    }

    pub(super) fn namespace() -> String {
        String::new()
    }

    pub(super) fn exists(_process: u32) -> bool {
        true
    }

    pub(super) fn status(_process: u32) -> Option<Status> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// A child that waits until its input ends.
    fn child() -> (std::process::Child, ProcessIdentity) {
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("starts a child");
        let started = system::status(child.id()).expect("it runs").started;
        let identity = ProcessIdentity { process: child.id(), started, ..ProcessIdentity::own() };
        (child, identity)
    }

    #[test]
    fn this_process_runs_here() {
        let own = ProcessIdentity::own();
        assert!(own.started > 0 && !own.boot_id.is_empty() && !own.host.is_empty(), "{own:?}");
        assert_eq!(own.liveness(&own), Liveness::Running);
    }

    #[test]
    fn a_killed_process_is_gone_even_before_its_parent_notices() {
        let own = ProcessIdentity::own();
        let (mut child, identity) = child();
        assert_eq!(identity.liveness(&own), Liveness::Running);
        child.kill().expect("kills");
        while system::status(child.id()).is_some_and(|status| !status.is_dead) {
            std::thread::yield_now();
        }
        assert_eq!(identity.liveness(&own), Liveness::Gone);
        child.wait().expect("ends");
        assert_eq!(identity.liveness(&own), Liveness::Gone);
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let own = ProcessIdentity::own();
        let before = ProcessIdentity { started: own.started - 1, ..own.clone() };
        assert_eq!(before.liveness(&own), Liveness::Gone);
        assert_eq!(ProcessIdentity { started: 0, ..own.clone() }.liveness(&own), Liveness::Running);
    }

    #[test]
    fn nothing_is_said_of_other_hosts_boots_and_containers() {
        let own = ProcessIdentity::own();
        let absent = ProcessIdentity { process: u32::MAX, ..own.clone() };
        assert_eq!(absent.liveness(&own), Liveness::Gone);
        for elsewhere in [
            ProcessIdentity { host: "other".to_owned(), ..absent.clone() },
            ProcessIdentity { boot_id: "other".to_owned(), ..absent.clone() },
            ProcessIdentity { boot_id: String::new(), ..absent.clone() },
            ProcessIdentity { namespace: "other".to_owned(), ..absent.clone() },
        ] {
            assert_eq!(elsewhere.liveness(&own), Liveness::Elsewhere);
        }
        let without_boot_id = ProcessIdentity { boot_id: String::new(), ..absent };
        assert_eq!(without_boot_id.liveness(&without_boot_id), Liveness::Elsewhere);
    }

    #[test]
    fn a_name_may_hold_anything() {
        let fields = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        let status = system::parse(&format!("7 (a) Z 9 (b) S {fields}"));
        assert_eq!(status, Some(Status { is_dead: false, started: 4242 }));
        assert_eq!(system::parse(&format!("7 (a) Z {fields}")).map(|status| status.is_dead), Some(true));
        for broken in ["", "7", "7 (a)", "7 (a) S 1 2 3"] {
            assert_eq!(system::parse(broken), None);
        }
    }
}
